//! Many members that leave and return, each at its own phase.

use lblab_model::{Fault, ProbeSchedule};
use lblab_verdict::CheckId;

use crate::monitor::Play;
use crate::story::Story;

/// So many members that fail 37 ms apart and are healed 37 ms apart, each probed as `play` says from its own phase on.
fn many(count: u16, fault: Fault, schedule: ProbeSchedule, play: impl Fn(Play) -> Play) -> Story {
    let weights = vec![1; usize::from(count)];
    let story = Story::of(&weights).monitor(1.0, 0.5, 2).declares(|traits| traits.probe_schedule = schedule);
    let mut story = story.wait(4.0);
    for index in 1..=count {
        story = story.fault(&format!("vm{index:02}"), fault).wait(0.037);
    }
    story = story.wait(8.0);
    for index in 1..=count {
        story = story.heal(&format!("vm{index:02}")).wait(0.037);
    }
    story = story.wait(6.0);
    for index in 1..=count {
        // As HAProxy spreads the first probes of a pool over a delay.
        let right = story.right(0.05 + 0.9 * f64::from(index) / f64::from(count));
        story = story.watched(&format!("vm{index:02}"), play(right));
    }
    story
}

fn said(story: &Story, check: CheckId) -> Vec<String> {
    let verdicts = story.decided(check).into_iter();
    verdicts.map(|line| line.split(" came ").next().unwrap_or_default().to_owned()).collect()
}

const SCHEDULES: [ProbeSchedule; 3] = [ProbeSchedule::EndToStart, ProbeSchedule::StartToStart, ProbeSchedule::Ticks];

#[test]
fn departures_and_returns_come_in_the_middle_of_their_windows_on_average() {
    for schedule in SCHEDULES {
        let right = many(28, Fault::Refuse, schedule, |right| right);
        assert_eq!(said(&right, CheckId::Hm9), ["holds: departures", "holds: returns"], "{schedule:?}");
        // What a probe costs moves the window, and not where in it members leave.
        let silent = many(28, Fault::Hang, schedule, |right| right);
        assert_eq!(said(&silent, CheckId::Hm9), ["holds: departures"], "{schedule:?}");
    }
}

#[test]
fn a_balancer_that_counts_or_waits_wrongly_is_off_on_average() {
    let schedule = ProbeSchedule::StartToStart;
    let late = many(28, Fault::Refuse, schedule, |right| Play { fall: 3, ..right });
    assert_eq!(said(&late, CheckId::Hm9), ["fails: departures", "holds: returns"]);
    let soon = many(28, Fault::Refuse, schedule, |right| Play { rise: 1, ..right });
    assert_eq!(said(&soon, CheckId::Hm9), ["holds: departures", "fails: returns"]);
    let slow = many(28, Fault::Refuse, schedule, |right| Play { slower: 0.6, ..right });
    assert_eq!(said(&slow, CheckId::Hm9), ["fails: departures", "fails: returns"]);
}

#[test]
fn few_members_have_no_mean_and_faults_at_one_phase_say_nothing_of_it() {
    assert!(many(19, Fault::Refuse, ProbeSchedule::StartToStart, |right| right).decided(CheckId::Hm9).is_empty());
    // Every fault comes just before the next probe of its member.
    let weights = vec![1; 24];
    let mut story = Story::of(&weights).monitor(1.0, 1.0, 2).wait(4.0);
    for index in 1..=24_u32 {
        story = story.fault(&format!("vm{index:02}"), Fault::Refuse).wait(0.01);
    }
    story = story.wait(8.0);
    for index in 1..=24_u32 {
        let right = story.right(0.02 + 0.01 * f64::from(index));
        story = story.watched(&format!("vm{index:02}"), right);
    }
    let told = story.decided(CheckId::Hm9);
    assert!(told[0].starts_with("undecided: the faults fell"), "{told:?}");
}

#[test]
fn the_shape_of_a_hundred_times_is_told_from_another_one() {
    let right = many(104, Fault::Refuse, ProbeSchedule::StartToStart, |right| right);
    let told = right.decided(CheckId::Hm10);
    assert!(told.iter().all(|line| line.starts_with("holds: ")) && told.len() == 2, "{told:?}");
    // All probes of a balancer that looks at its members at two moments of a second only.
    let mut lumpy = right.clone();
    for state in &mut lumpy.history.states {
        let half = 500_000_000;
        let nanos = u64::try_from(state.at.since(lblab_model::Moment::EPOCH).as_nanos()).expect("a short story");
        state.at = lblab_model::Moment::EPOCH + std::time::Duration::from_nanos(nanos.div_ceil(half) * half);
    }
    let late = lumpy.decided(CheckId::Hm10);
    assert!(late.iter().any(|line| line.starts_with("fails: ")), "{late:?}");
    let few = many(60, Fault::Refuse, ProbeSchedule::StartToStart, |right| right);
    assert!(few.decided(CheckId::Hm10).is_empty());
}
