//! What probes ask for.

use lblab_verdict::CheckId;

use crate::story::Story;

fn probed() -> Story {
    let story = Story::of(&[1]).monitor(1.0, 1.0, 3).wait(3.5);
    let right = story.right(0.2);
    story.watched("vm01", right)
}

#[test]
fn probes_ask_for_what_the_monitor_says() {
    assert_eq!(probed().decided(CheckId::Hm15), ["holds: 0 of 4 probes asked for something other than `GET /`"]);
    let mut wrong = probed();
    wrong.history.served[2].target = Some("OPTIONS /".to_owned());
    assert_eq!(wrong.decided(CheckId::Hm15), ["fails: 1 of 4 probes asked for something other than `GET /`"]);
    let mut wrong = probed();
    wrong.history.served[0].target = Some("GET /index.html".to_owned());
    assert_eq!(wrong.decided(CheckId::Hm15), ["fails: 1 of 4 probes asked for something other than `GET /`"]);
}

#[test]
fn connections_that_ask_nothing_are_not_judged() {
    let mut silent = probed();
    for served in &mut silent.history.served {
        served.target = None;
    }
    assert!(silent.decided(CheckId::Hm15).is_empty());
    let unmonitored = probed().declares(|traits| traits.monitors.clear());
    assert_eq!(
        unmonitored.decided(CheckId::Hm15),
        ["unsupported: the balancer declares no monitor HTTP, so it was given no monitor"]
    );
}
