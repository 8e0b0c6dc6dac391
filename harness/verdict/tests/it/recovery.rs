//! Members that are healed, and the probes that bring them back.

use expect_test::expect;
use lblab_model::{Fault, ProbeSchedule};
use lblab_scenario::Expectation;

use crate::monitor::Play;
use crate::story::{Story, name, seconds};

fn heals(fault: Fault, schedule: ProbeSchedule, play: impl FnOnce(Play) -> Play) -> Story {
    let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).declares(|traits| traits.probe_schedule = schedule);
    let right = story.right(0.2);
    let story = story.wait(5.3).fault("vm01", fault).wait(11.4).heal("vm01").wait(8.0);
    story.watched("vm01", play(right)).expect(Expectation::Returns { member: name("vm01") })
}

#[test]
fn a_healed_member_is_back_after_the_second_good_probe() {
    heals(Fault::Refuse, ProbeSchedule::StartToStart, |right| right).check(&expect![[r#"
        HM-8 holds: vm01 was back in rotation 1.501 s after the heal; 1.000 s to 2.000 s allowed, give or take 0.120 s and 0.140 s
            window: (r-1)d .. (r-1)d + max(d, c) = 1*1s .. 1*1s + 1s = 1s .. 2s
            d = 1s (the monitor's delay), r = 2 (consecutive good probes, declared by the balancer), c = 0s (a probe that fails at once)
            healed at 16.700 s, back at 18.201 s
        HM-3 holds: vm01 was back after 2 good probes, rise is 2
            good probes ended at 17.201, 18.201 s; back at 18.201 s
    "#]]);
    for fault in [Fault::Hang, Fault::Blackhole, Fault::Status { code: 503 }] {
        for schedule in [ProbeSchedule::StartToStart, ProbeSchedule::EndToStart] {
            assert_eq!(
                heals(fault, schedule, |right| right).outcomes(),
                "HM-8 holds, HM-3 holds",
                "{fault} {schedule:?}"
            );
        }
    }
}

#[test]
fn another_number_of_good_probes_is_counted() {
    heals(Fault::Refuse, ProbeSchedule::StartToStart, |right| Play { rise: 3, ..right }).check(&expect![[r#"
        HM-8 fails: vm01 was back in rotation 2.501 s after the heal; 1.000 s to 2.000 s allowed, give or take 0.120 s and 0.140 s
            window: (r-1)d .. (r-1)d + max(d, c) = 1*1s .. 1*1s + 1s = 1s .. 2s
            d = 1s (the monitor's delay), r = 2 (consecutive good probes, declared by the balancer), c = 0s (a probe that fails at once)
            healed at 16.700 s, back at 19.201 s
        HM-3 fails: vm01 was back after 3 good probes, rise is 2
            good probes ended at 17.201, 18.201, 19.201 s; back at 19.201 s
    "#]]);
    let hasty = heals(Fault::Refuse, ProbeSchedule::StartToStart, |right| Play { rise: 1, ..right });
    assert_eq!(hasty.outcomes(), "HM-8 fails, HM-3 fails");
}

#[test]
fn a_syn_that_was_repeated_into_the_heal_may_count_or_not() {
    let with_repeated_syn = |fault| {
        let mut story = heals(fault, ProbeSchedule::StartToStart, |right| right);
        let healed = story.history.heals[0].at;
        let next = story.history.served.iter().find(|served| served.started > healed).expect("it was probed").clone();
        let (started, ended) = (next.started - seconds(0.003), next.ended.map(|ended| ended - seconds(0.003)));
        story.history.served.push(lblab_history::Served { started, ended, ..next });
        story
    };
    assert_eq!(with_repeated_syn(Fault::Blackhole).outcomes(), "HM-8 holds, HM-3 holds");
    assert_eq!(with_repeated_syn(Fault::Refuse).outcomes(), "HM-8 holds, HM-3 fails");
}

#[test]
fn a_member_that_never_returns_fails() {
    heals(Fault::Refuse, ProbeSchedule::StartToStart, |right| Play { rise: 99, ..right }).check(&expect![[r#"
        HM-8 fails: vm01 was still out of rotation 8.000 s after the heal; 1.000 s to 2.000 s allowed, give or take 0.120 s and 0.140 s
            window: (r-1)d .. (r-1)d + max(d, c) = 1*1s .. 1*1s + 1s = 1s .. 2s
            vm01 saw 8 good probes in a row, rise is 2
    "#]]);
    let stayed = heals(Fault::Refuse, ProbeSchedule::StartToStart, |right| Play { fall: 99, ..right });
    assert_eq!(stayed.outcomes(), "HM-8 undecided");
}
