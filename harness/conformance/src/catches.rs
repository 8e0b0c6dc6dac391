//! Which check catches which mutant in which scenario: `fixtures/mutants.yaml`, checked.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use lblab_reference::Mutant;
use lblab_verdict::CheckId;
use serde::Deserialize;

/// The table of what catches the mutants of the reference balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catches {
    rows: Vec<Catch>,
    open: Vec<Open>,
}

/// A scenario that a mutant is run in, and the checks that fail there.
///
/// A scenario in which a mutant behaves well is no part of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catch {
    /// Who is run.
    pub mutant: Mutant,
    /// The shipped scenario, as in `failover/refuse`.
    pub scenario: String,
    /// The checks that fail in every run.
    pub caught_by: BTreeSet<CheckId>,
    /// Checks that fail as well if chance will have it.
    pub maybe: BTreeSet<CheckId>,
}

/// A mutant that nothing catches yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Who it is.
    pub mutant: Mutant,
    /// The id of the check that is to catch it, which need not exist yet.
    pub by: String,
    /// What that check or its scenario lacks.
    pub why: String,
}

/// Why the table cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {message}")]
pub struct CatchesError {
    /// The table.
    pub file: String,
    /// What is wrong with it, and where.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCatches {
    caught: Vec<RawCatch>,
    not_yet_caught: Vec<RawOpen>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCatch {
    mutant: Mutant,
    scenario: String,
    caught_by: Vec<CheckId>,
    #[serde(default)]
    maybe: Vec<CheckId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOpen {
    mutant: Mutant,
    by: String,
    why: String,
}

impl Catches {
    /// The table of the shipped scenarios and checks.
    pub fn shipped() -> &'static Catches {
        static SHIPPED: LazyLock<Catches> = LazyLock::new(|| {
            let text = include_str!("../../../fixtures/mutants.yaml");
            Catches::parse("fixtures/mutants.yaml", text).expect("the shipped table is checked by a test")
        });
        &SHIPPED
    }

    /// Reads and checks a table. `file` is its name in what is told of it.
    pub fn parse(file: &str, text: &str) -> Result<Catches, CatchesError> {
        let wrong = |message: String| CatchesError { file: file.to_owned(), message };
        let options = serde_saphyr::options! { with_snippet: false };
        let raw: RawCatches =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| wrong(error.to_string()))?;
        let rows: Vec<Catch> = raw.caught.into_iter().map(Catch::check).collect::<Result<_, _>>().map_err(wrong)?;
        let open: Vec<Open> =
            raw.not_yet_caught.into_iter().map(Open::check).collect::<Result<_, _>>().map_err(wrong)?;
        let catches = Catches { rows, open };
        catches.refuse_repetitions().map_err(wrong)?;
        let unknown = Mutant::ALL.into_iter().filter(|&mutant| {
            catches.rows_of(mutant).next().is_none() && catches.open.iter().all(|open| open.mutant != mutant)
        });
        let unknown: Vec<&str> = unknown.map(Mutant::name).collect();
        if !unknown.is_empty() {
            let unknown = unknown.join(", ");
            return Err(wrong(format!(
                "nothing is said of {unknown}: give it a row, or list it under `not_yet_caught`"
            )));
        }
        Ok(catches)
    }

    /// Refuses what is said twice, and what contradicts itself.
    fn refuse_repetitions(&self) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for Catch { mutant, scenario, .. } in &self.rows {
            if !seen.insert((mutant.name(), scenario.as_str())) {
                return Err(format!("{mutant} has two rows for {scenario}; make them one"));
            }
        }
        let mut seen = BTreeSet::new();
        for Open { mutant, .. } in &self.open {
            if !seen.insert(mutant.name()) {
                return Err(format!("{mutant} is listed twice under `not_yet_caught`"));
            }
            if self.rows_of(*mutant).next().is_some() {
                return Err(format!("{mutant} has a row, so it is caught; take it off `not_yet_caught`"));
            }
        }
        Ok(())
    }

    /// Every row, in the order of the file.
    pub fn rows(&self) -> impl Iterator<Item = &Catch> {
        self.rows.iter()
    }

    /// The rows of a mutant.
    pub fn rows_of(&self, mutant: Mutant) -> impl Iterator<Item = &Catch> {
        self.rows.iter().filter(move |row| row.mutant == mutant)
    }

    /// What is said of a mutant that nothing catches yet.
    pub fn open(&self, mutant: Mutant) -> Option<&Open> {
        self.open.iter().find(|open| open.mutant == mutant)
    }
}

impl Catch {
    fn check(raw: RawCatch) -> Result<Catch, String> {
        let RawCatch { mutant, scenario, caught_by, maybe } = raw;
        if !lblab_scenario::builtin().any(|(name, _)| name == scenario) {
            return Err(format!("{mutant}: no shipped scenario is called {scenario:?}; `lblab scenarios` lists them"));
        }
        let row = Catch {
            mutant,
            scenario,
            caught_by: caught_by.iter().copied().collect(),
            maybe: maybe.iter().copied().collect(),
        };
        let Catch { scenario, .. } = &row;
        if row.caught_by.is_empty() {
            return Err(format!(
                "{mutant}: `caught_by` is empty for {scenario}; a scenario in which nothing fails in every run is no part of the table"
            ));
        }
        if row.caught_by.len() + row.maybe.len() < caught_by.len() + maybe.len() {
            return Err(format!("{mutant}: a check is named twice for {scenario}"));
        }
        if let Some(both) = row.caught_by.intersection(&row.maybe).next() {
            return Err(format!("{mutant}: {both} fails in every run of {scenario}, or maybe; say one of the two"));
        }
        Ok(row)
    }
}

impl Open {
    fn check(raw: RawOpen) -> Result<Open, String> {
        let RawOpen { mutant, by, why } = raw;
        let is_id = by.split_once('-').is_some_and(|(group, number)| {
            group.len() == 2 && group.chars().all(|c| c.is_ascii_uppercase()) && number.parse::<u8>().is_ok()
        });
        if !is_id {
            return Err(format!("{mutant}: `by` is the id of one check, as in `HM-4`, and not {by:?}"));
        }
        if why.trim().is_empty() {
            return Err(format!("{mutant}: `why` says what {by} lacks"));
        }
        Ok(Open { mutant, by, why })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect, expect_file};
    use lblab_reference::Mutant;

    use super::{Catch, Catches, Open};

    #[test]
    fn the_shipped_table_is_right() {
        Catches::shipped();
    }

    /// `docs/mutants.md`, so that people can read what each mutant does and what catches it.
    #[test]
    fn the_documentation_is_the_table() {
        let head = "# Mutants of the reference balancer\n\n\
            The built-in balancer can be told to be wrong in one way: `lblab run SCENARIO --mutant NAME`. Each mutant has to be caught by\n\
            the checks that are about its mistake, and by no others. This file is written by a test from the balancer's own table and\n\
            from [fixtures/mutants.yaml](../fixtures/mutants.yaml), which is verified by running each row.\n\n\
            | mutant | what it does wrong | caught by |\n|---|---|---|";
        let catches = Catches::shipped();
        let row = |mutant: Mutant| {
            let caught = |row: &Catch| {
                let checks: Vec<String> = row.caught_by.iter().map(ToString::to_string).collect();
                format!("{} in `{}`", checks.join(", "), row.scenario)
            };
            let mut caught: Vec<String> = catches.rows_of(mutant).map(caught).collect();
            let open = |Open { by, why, .. }: &Open| format!("not yet; to be caught by {by}: {why}");
            caught.extend(catches.open(mutant).map(open));
            format!("| `{mutant}` | {} | {} |", mutant.description(), caught.join("; "))
        };
        let lines: Vec<String> = std::iter::once(head.to_owned()).chain(Mutant::ALL.map(row)).collect();
        expect_file!["../../../docs/mutants.md"].assert_eq(&(lines.join("\n") + "\n"));
    }

    /// The table with these rows and these open mutants, and all the others open as well.
    fn table(rows: &str, open: &str) -> String {
        let others = Mutant::ALL.into_iter().filter(|mutant| !format!("{rows}{open}").contains(mutant.name()));
        let others: Vec<String> =
            others.map(|mutant| format!("  - {{mutant: {mutant}, by: RR-1, why: later}}\n")).collect();
        format!("caught:\n{rows}\nnot_yet_caught:\n{open}\n{}", others.concat())
    }

    const ROW: &str = "  - {mutant: rise-one, scenario: failover/refuse, caught_by: [HM-3], maybe: [HM-8]}\n";

    fn refused(rows: &str, open: &str, expected: &Expect) {
        let error = Catches::parse("mutants.yaml", &table(rows, open)).expect_err("it is wrong");
        expected.assert_eq(&error.to_string().replace(&Mutant::ALL.map(Mutant::name).join(", "), "NAMES"));
    }

    #[test]
    fn a_row_says_what_fails_always_and_what_maybe() {
        let catches = Catches::parse("mutants.yaml", &table(ROW, "")).expect("it is right");
        let row = catches.rows_of(Mutant::RiseOne).next().expect("a row");
        assert_eq!(format!("{:?} {:?}", row.caught_by, row.maybe), "{Hm3} {Hm8}");
        assert!(catches.open(Mutant::RiseOne).is_none() && catches.open(Mutant::RandomPick).is_some());
    }

    #[test]
    fn what_is_wrong_is_told_by_name() {
        refused(
            &ROW.replace("rise-one", "rise-once"),
            "",
            &expect![[r#"mutants.yaml: no mutant is called "rise-once"; there are NAMES at line 2, column 14"#]],
        );
        refused(
            &ROW.replace("HM-8", "HM-800"),
            "",
            &expect![[
                r#"mutants.yaml: there is no check "HM-800"; ids are written as in `HM-4` at line 2, column 78"#
            ]],
        );
        refused(
            &ROW.replace("failover/refuse", "failover/refused"),
            "",
            &expect![[
                r#"mutants.yaml: rise-one: no shipped scenario is called "failover/refused"; `lblab scenarios` lists them"#
            ]],
        );
        refused(
            &ROW.replace("[HM-3]", "[]"),
            "",
            &expect![
                "mutants.yaml: rise-one: `caught_by` is empty for failover/refuse; a scenario in which nothing fails in every run is no part of the table"
            ],
        );
        refused(
            &ROW.replace("[HM-3]", "[HM-3, HM-3]"),
            "",
            &expect!["mutants.yaml: rise-one: a check is named twice for failover/refuse"],
        );
        refused(
            &ROW.replace("[HM-3]", "[HM-3, HM-8]"),
            "",
            &expect![
                "mutants.yaml: rise-one: HM-8 fails in every run of failover/refuse, or maybe; say one of the two"
            ],
        );
        refused(
            &format!("{ROW}{ROW}"),
            "",
            &expect!["mutants.yaml: rise-one has two rows for failover/refuse; make them one"],
        );
        refused(
            ROW,
            "  - {mutant: rise-one, by: HM-3, why: later}",
            &expect!["mutants.yaml: rise-one has a row, so it is caught; take it off `not_yet_caught`"],
        );
        refused(
            ROW,
            "  - {mutant: rise-plus-one, by: soon, why: later}",
            &expect![[r#"mutants.yaml: rise-plus-one: `by` is the id of one check, as in `HM-4`, and not "soon""#]],
        );
        refused(
            ROW,
            "  - {mutant: rise-plus-one, by: HM-3, why: ''}",
            &expect!["mutants.yaml: rise-plus-one: `why` says what HM-3 lacks"],
        );
        let all_but_one = table(ROW, "").replace("  - {mutant: random-pick, by: RR-1, why: later}\n", "");
        let error = Catches::parse("mutants.yaml", &all_but_one).expect_err("it is wrong").to_string();
        expect!["mutants.yaml: nothing is said of random-pick: give it a row, or list it under `not_yet_caught`"]
            .assert_eq(&error);
    }
}
