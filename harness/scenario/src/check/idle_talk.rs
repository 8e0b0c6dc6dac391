//! What can only be told from all the steps together: allowances that nothing exceeds, and traffic that never gets going.

use std::time::Duration;

use super::scene::{Allowance, BackgroundLoad, Scene};
use crate::diagnostic::Findings;

/// By how much a run may take longer than it should, before background traffic sends more than was reckoned with.
const SLOWER: u32 = 4;
const LATER: Duration = Duration::from_secs(10);

pub(super) fn check(scene: &Scene, found: &mut Findings) {
    if let (Some(at), Some(BackgroundLoad { lasts: false, .. })) = (scene.background, scene.background_load) {
        found
            .add("nothing-sent", at, "no step after this takes any time, so the background traffic ends as it begins")
            .help("do something meanwhile, such as `- wait: 5s`, or send so many: `- traffic: {requests: 60}`");
    }
    for allowance in &scene.allowances {
        cannot_be_exceeded(allowance, scene, found);
    }
}

fn cannot_be_exceeded(allowance: &Allowance, scene: &Scene, found: &mut Findings) {
    let Allowance { at, most, foreground, background } = *allowance;
    let in_background = scene.background_load.filter(|_| background).map_or(0.0, |load| {
        let lasts = scene.passed.saturating_sub(load.since).saturating_mul(SLOWER);
        load.rate * lasts.saturating_add(scene.patience).saturating_add(LATER).as_secs_f64()
    });
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a checked rate is at most 10,000 a second, for a few hours"
    )]
    let sent = foreground.saturating_add(in_background as u64);
    if sent > 0 && u64::from(most) >= sent {
        let sent = if background { format!("fewer than {sent} are sent") } else { format!("{sent} are sent in all") };
        found
            .add("cannot-fail", at, format!("{most} requests may be lost, and {sent}"))
            .help("allow fewer: `lost: 0`, or `lost: predicted`");
    }
}
