//! The table of our own checks, read, and refused where it cannot be meant.

use expect_test::{Expect, expect};
use lblab_peers::OurTable;

fn check(text: &str, expected: &Expect) {
    let told = match OurTable::parse("mutants.yaml", text) {
        Ok(table) => format!("{table:#?}"),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&told);
}

#[test]
fn a_row_names_a_mutant_a_scenario_and_checks() {
    check(
        "caught:\n  - {mutant: rise-one, scenario: failover/refuse, caught_by: [HM-3], maybe: [HM-8]}\n\
         not_yet_caught:\n  - {mutant: random-pick, by: RR-1, why: nobody looks}\n",
        &expect![[r#"
            OurTable {
                rows: [
                    TableRow {
                        mutant: RiseOne,
                        scenario: "failover/refuse",
                        caught_by: [
                            "HM-3",
                        ],
                        maybe: [
                            "HM-8",
                        ],
                    },
                ],
                open: [
                    Open {
                        mutant: RandomPick,
                        by: "RR-1",
                    },
                ],
            }"#]],
    );
}

#[test]
fn names_that_nothing_has_are_errors() {
    check(
        "caught:\n  - {mutant: rise-one, scenario: failover/refused, caught_by: [HM-3]}",
        &expect!["mutants.yaml: failover/refused is no shipped scenario"],
    );
    check(
        "caught:\n  - {mutant: rise-one, scenario: failover/refuse, caught_by: []}",
        &expect!["mutants.yaml: no check is to catch rise-one in failover/refuse"],
    );
    let unknown =
        OurTable::parse("mutants.yaml", "caught:\n  - {mutant: none, scenario: failover/refuse, caught_by: [HM-3]}");
    let error = unknown.expect_err("there is no such mutant").to_string();
    assert!(error.contains("no mutant is called \"none\""), "{error}");
}
