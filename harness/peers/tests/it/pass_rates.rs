//! How often wrong balancers pass the peers' assertions, simulated. The rates are known, from another implementation of the same
//! assertions; that these come to the same holds the two together.

use std::net::Ipv4Addr;

use lblab_model::Weight;
use lblab_peers::Answer;
use lblab_peers::rules::{balanced, balanced_at_all, weighted};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng};

/// Runs of each assertion. A rate of 0.5 is known to 0.02, one standard deviation.
const TRIALS: u32 = 600;
/// Three standard deviations, and what the known rates are rounded by. The seed is fixed, so the outcome is.
const SLACK: f64 = 0.065;

/// A balancer: who answers the next request.
type Picks<'a> = Box<dyn FnMut() -> usize + 'a>;

fn member(index: usize) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 1, u8::try_from(17 + index).expect("few members"))
}

fn answers(count: usize, picks: &mut Picks<'_>) -> Vec<Answer> {
    (0..count).map(|_| Answer::Member(member(picks()))).collect()
}

fn octavia(members: usize, picks: &mut Picks<'_>) -> bool {
    balanced(&answers(20, picks), members).expect("twenty answers are enough").is_ok()
}

fn neutron(members: usize, picks: &mut Picks<'_>) -> bool {
    let members: Vec<Ipv4Addr> = (0..members).map(member).collect();
    balanced_at_all(&answers(50, picks), &members).is_ok()
}

fn gateway(weights: &[u16], picks: &mut Picks<'_>) -> bool {
    let weights: Vec<(Ipv4Addr, Weight)> = weights
        .iter()
        .enumerate()
        .map(|(index, weight)| (member(index), Weight::try_from(*weight).expect("a weight")))
        .collect();
    (0..10).any(|_| weighted(&answers(500, picks), &weights).is_ok())
}

/// How often the balancer passes; a new one is made for each trial.
fn rate(mut passes: impl FnMut(&mut ChaCha8Rng) -> bool) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    f64::from((0..TRIALS).map(|_| u32::from(passes(&mut random))).sum::<u32>()) / f64::from(TRIALS)
}

#[track_caller]
fn check(rate: f64, known: f64) {
    assert!((rate - known).abs() < SLACK, "passes in {rate:.3} of the trials, and is known to in {known}");
}

/// Any of so many members, at random.
fn at_random(members: usize, random: &mut ChaCha8Rng) -> Picks<'_> {
    Box::new(move || random.random_range(0..members))
}

/// The first of two members with this probability.
fn shares(first: f64, random: &mut ChaCha8Rng) -> Picks<'_> {
    Box::new(move || usize::from(random.random::<f64>() >= first))
}

/// Four rotations that do not know of each other, each begun somewhere; a request is of any of them.
fn per_worker(members: usize, random: &mut ChaCha8Rng) -> Picks<'_> {
    let mut next: Vec<usize> = (0..4).map(|_| random.random_range(0..members)).collect();
    Box::new(move || {
        let worker = random.random_range(0..next.len());
        next[worker] += 1;
        next[worker] % members
    })
}

/// Four members in turn, of which the second is dead: its turn is the next one's. Survivors are counted from 0.
fn skipping() -> Picks<'static> {
    let mut turns = [0, 1, 1, 2].into_iter().cycle();
    Box::new(move || turns.next().expect("turns do not end"))
}

#[test]
fn random_in_place_of_round_robin() {
    check(rate(|random| neutron(2, &mut at_random(2, random))), 1.0);
    check(rate(|random| octavia(2, &mut at_random(2, random))), 0.18);
    check(rate(|random| gateway(&[1, 1], &mut at_random(2, random))), 1.0);
}

#[test]
fn a_rotation_for_each_worker() {
    check(rate(|random| neutron(3, &mut per_worker(3, random))), 1.0);
    check(rate(|random| octavia(3, &mut per_worker(3, random))), 0.30);
}

#[test]
fn seventy_to_thirty_served_as_something_else() {
    for (first, known) in [(0.72, 1.0), (0.73, 1.0), (0.74, 0.999), (0.76, 0.97), (0.78, 0.40)] {
        check(rate(|random| gateway(&[70, 30], &mut shares(first, random))), known);
    }
}

#[test]
fn the_turn_of_a_dead_member_goes_to_the_next() {
    assert!(neutron(3, &mut skipping()));
    assert!(!octavia(3, &mut skipping()));
    assert!(!gateway(&[1, 1, 1], &mut skipping()));
}

#[test]
fn a_member_that_gets_five_percent() {
    check(rate(|random| neutron(2, &mut shares(0.95, random))), 0.93);
}

#[test]
fn a_correct_rotation_always_passes() {
    let in_turn = |members: usize| -> Picks<'static> {
        let mut turns = (0..members).cycle();
        Box::new(move || turns.next().expect("turns do not end"))
    };
    for members in 2..=5 {
        assert!(neutron(members, &mut in_turn(members)), "{members}");
        assert!(octavia(members, &mut in_turn(members)), "{members}");
        assert!(gateway(&vec![1; members], &mut in_turn(members)), "{members}");
    }
}
