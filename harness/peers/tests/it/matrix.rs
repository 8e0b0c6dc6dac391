//! The matrix: who caught what, as text and as a page.

use std::collections::{BTreeMap, BTreeSet};

use expect_test::expect;
use lblab_peers::{CorrectRow, Matrix, MutantRow, OurRow, Peer, Verdicts};

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn ours(scenario: &str, wanted: &[&str], failed: &[&str]) -> OurRow {
    OurRow { scenario: scenario.to_owned(), wanted: set(wanted), failed: set(failed), ..OurRow::default() }
}

fn mutant(name: &str, ours: Vec<OurRow>, failed: &[(Peer, &str)]) -> MutantRow {
    let mut peers: BTreeMap<Peer, Verdicts> = Peer::ALL.map(|peer| (peer, Verdicts::default())).into();
    for (peer, assertion) in failed {
        peers.entry(*peer).or_default().failed.insert((*assertion).to_owned(), "so".to_owned());
    }
    MutantRow { mutant: name.to_owned(), wrong: "It is wrong | bad.".to_owned(), ours, not_yet: None, peers }
}

fn sample() -> Matrix {
    let mut lost = ours("failover/refuse", &["HM-3"], &[]);
    lost.problem = Some("the machine was too busy".to_owned());
    let correct = CorrectRow {
        balancer: "haproxy 2.6.12".to_owned(),
        runs: 3,
        ours: Vec::new(),
        our_runs: 12,
        peers: [(Peer::OctaviaTempest, vec!["balanced in tcp: 20 answers were shared as [11, 9]".to_owned()])].into(),
        asked: Peer::ALL.map(|peer| (peer, 30)).into(),
        undecided: Vec::new(),
    };
    Matrix {
        mutants: vec![
            mutant(
                "caught-by-all",
                vec![ours("balancing/round-robin", &["RR-1", "RR-2"], &["RR-1", "RR-2"])],
                &[(Peer::OctaviaTempest, "balanced"), (Peer::NeutronLbaas, "balanced"), (Peer::GatewayApi, "weighted")],
            ),
            mutant("caught-by-us", vec![ours("failover/refuse", &["HM-1"], &["HM-1", "HM-4"])], &[]),
            mutant("half-caught", vec![ours("failover/hang", &["HM-1", "HM-6"], &["HM-6"])], &[]),
            mutant("not-decided", vec![lost], &[]),
            mutant("forgotten", Vec::new(), &[(Peer::OctaviaTempest, "status")]),
            MutantRow { not_yet: Some("HM-14".to_owned()), ..mutant("open", Vec::new(), &[]) },
        ],
        correct: vec![correct],
        ours_ran: true,
    }
}

#[test]
fn who_caught_what() {
    expect![[r#"
        mutant         lblab          octavia-tempest  neutron-lbaas  gateway-api
        caught-by-all  RR-1 RR-2      balanced         balanced       weighted
        caught-by-us   HM-1           -                -              -
        half-caught    HM-6           -                -              -
        not-decided    ?              -                -              -
        forgotten      -              status           -              -
        open           -              -                -              -
        caught         3 of 6 (50 %)  2 of 6 (33 %)    1 of 6 (17 %)  1 of 6 (17 %)

        failed haproxy 2.6.12, which is correct: lblab 0 of 12, octavia-tempest 1 of 30, neutron-lbaas 0 of 30, gateway-api 0 of 30
          octavia-tempest: balanced in tcp: 20 answers were shared as [11, 9]
    "#]].assert_eq(&sample().as_text());
}

#[test]
fn a_row_is_caught_when_every_check_fails_that_has_to() {
    expect![[r#"
        half-caught in failover/hang: HM-1 HM-6 should fail, and HM-6 did
        forgotten: no scenario is to catch it"#]]
    .assert_eq(&sample().wrong().join("\n"));
    expect!["not-decided in failover/refuse: the machine was too busy"].assert_eq(&sample().undecided().join("\n"));
}

#[test]
fn a_correct_balancer_that_a_check_fails_is_wrong() {
    let mut matrix = Matrix { ours_ran: true, ..Matrix::default() };
    matrix.correct.push(CorrectRow {
        balancer: "reference 0.1.0".to_owned(),
        ours: vec!["balancing/weights: RR-3".to_owned()],
        ..CorrectRow::default()
    });
    expect!["reference 0.1.0 is correct, and failed in balancing/weights: RR-3"].assert_eq(&matrix.wrong().join("\n"));
}

#[test]
fn without_a_table_nothing_is_said_of_our_checks() {
    let matrix = Matrix { ours_ran: false, correct: Vec::new(), ..sample() };
    assert_eq!(matrix.wrong(), Vec::<String>::new());
    expect![[r#"
        mutant         lblab     octavia-tempest  neutron-lbaas  gateway-api
        caught-by-all            balanced         balanced       weighted
        caught-by-us             -                -              -
        half-caught              -                -              -
        not-decided              -                -              -
        forgotten                status           -              -
        open                     -                -              -
        caught         no table  2 of 6 (33 %)    1 of 6 (17 %)  1 of 6 (17 %)

    "#]]
    .assert_eq(&matrix.as_text());
}

#[test]
fn the_page_has_a_line_for_each_mutant() {
    let page = sample().as_markdown();
    let lines: Vec<&str> =
        page.lines().filter(|line| line.contains("mutants caught") || line.contains("is wrong")).collect();
    expect![[r#"
        | mutants caught | 3 of 6 (50 %) | 2 of 6 (33 %) | 1 of 6 (17 %) | 1 of 6 (17 %) |
        | `caught-by-all`: It is wrong \| bad. | RR-1 RR-2 | balanced | balanced | weighted |
        | `caught-by-us`: It is wrong \| bad. | HM-1 | - | - | - |
        | `half-caught`: It is wrong \| bad. | HM-6 | - | - | - |
        | `not-decided`: It is wrong \| bad. | ? | - | - | - |
        | `forgotten`: It is wrong \| bad. | - | status | - | - |
        | `open`: It is wrong \| bad. | - | - | - | - |"#]]
    .assert_eq(&lines.join("\n"));
}
