//! `lblab explain`: what a check asserts, within what bound, why, and where it is made.

use std::fmt::Write;

use lblab_report::Exit;
use lblab_verdict::{CHECKS, Check, CheckId, UNMADE, Unmade};

use super::{Done, Stop, print};

/// A check that can be explained.
enum Explained {
    Made(&'static Check),
    Unmade(&'static Unmade),
}

pub(super) fn explain(named: &[String], all: bool) -> Done {
    let explained = if all {
        CHECKS.iter().map(Explained::Made).chain(UNMADE.iter().map(Explained::Unmade)).collect()
    } else {
        named.iter().map(|name| find(name)).collect::<Result<Vec<_>, Stop>>()?
    };
    let texts: Vec<String> = explained.iter().map(Explained::text).collect();
    print(&texts.join("\n"))
}

fn find(name: &str) -> Result<Explained, Stop> {
    if let Some(unmade) = UNMADE.iter().find(|unmade| unmade.code.eq_ignore_ascii_case(name)) {
        return Ok(Explained::Unmade(unmade));
    }
    let id: Result<CheckId, _> = name.parse();
    id.map(|id| Explained::Made(id.check()))
        .map_err(|error| Stop::new(Exit::ScenarioInvalid, &format!("{error}; `lblab explain --all` lists them")))
}

impl Explained {
    fn text(&self) -> String {
        match self {
            Explained::Made(check) => {
                let mut text = format!("{}  {}\n", check.code, check.title);
                let made_in = if check.scenarios.is_empty() {
                    "scenarios of one's own".to_owned()
                } else {
                    check.scenarios.join(", ")
                };
                for (what, told) in [
                    ("bound", check.bound),
                    ("why", check.why),
                    ("needs", check.needs),
                    ("errors", &check.errors_in_words()),
                    ("LBaaS", check.lbaas),
                    ("made in", &made_in),
                ] {
                    text.push_str(&paragraph(what, told));
                }
                text
            }
            Explained::Unmade(unmade) => {
                let mut text = format!("{}  {}\n", unmade.code, unmade.title);
                text.push_str(&paragraph("LBaaS", unmade.lbaas));
                text.push_str(&paragraph("skipped", unmade.why));
                text
            }
        }
    }
}

/// How wide the text beside the word at its left is, in characters.
const WIDTH: usize = 100;

/// A word at the left and a text beside it, broken into lines.
fn paragraph(what: &str, told: &str) -> String {
    let mut lines = vec![String::new()];
    for word in told.split_whitespace() {
        let line = lines.last_mut().expect("there is a line from the start");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let left = if number == 0 { what } else { "" };
        let _ = writeln!(text, "  {left:<8} {line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use lblab_verdict::CHECKS;

    use super::{Explained, find};

    fn check(name: &str, expected: &Expect) {
        let told = find(name).map_or_else(|stop| stop.message, |explained| explained.text());
        expected.assert_eq(&told);
    }

    #[test]
    fn a_check_is_explained_with_its_bound_and_where_it_is_made() {
        check(
            "rr-9",
            &expect![[r#"
            RR-9  A member of weight 0 gets no new clients.
              bound    0 requests; exact
              why      LBaaS: weight 0 takes no new connections.
              needs    a member of weight 0; `weights: exact`
              errors   none: exact
              LBaaS    1, 2
              made in  balancing/weights, reconfiguration/weight
        "#]],
        );
        check(
            "HM-24",
            &expect![[r#"
                HM-24  The status that the API shows follows the balancer's.
                  LBaaS    1, 2
                  skipped  balancers are deployed without an API
            "#]],
        );
        check(
            "RR-99",
            &expect![[r#"there is no check "RR-99"; ids are written as in `HM-4`; `lblab explain --all` lists them"#]],
        );
    }

    #[test]
    fn every_check_can_be_explained() {
        for row in CHECKS {
            assert!(matches!(find(row.code), Ok(Explained::Made(found)) if found.code == row.code));
        }
    }
}
