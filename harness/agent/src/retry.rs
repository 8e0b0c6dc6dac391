//! When something that has failed is tried again: at once, then after ever longer rests.

use std::time::{Duration, Instant};

/// The rest after the second failure in a row; each one after it is twice as long.
const FIRST: Duration = Duration::from_millis(200);
/// The longest rest: how often upstream's process monitor looks.
const LONGEST: Duration = Duration::from_secs(60);
/// What has held for this long has not failed in a row.
const LASTED: Duration = Duration::from_secs(10);

/// The failures so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Retry {
    in_a_row: u32,
}

impl Retry {
    /// Takes in a failure of something that had been begun then; gives how long to rest.
    pub(crate) fn after(&mut self, begun: Instant, failed: Instant) -> Duration {
        self.in_a_row = if failed.saturating_duration_since(begun) >= LASTED { 1 } else { self.in_a_row + 1 };
        match self.in_a_row {
            1 => Duration::ZERO,
            more => FIRST.saturating_mul(1_u32.checked_shl(more - 2).unwrap_or(u32::MAX)).min(LONGEST),
        }
    }

    /// What failed before is of no interest any more.
    pub(crate) fn forget(&mut self) {
        self.in_a_row = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Retry;

    #[test]
    fn what_fails_again_and_again_is_tried_ever_more_rarely() {
        let mut retry = Retry::default();
        let begun = Instant::now();
        let rests: Vec<u128> = (0..12).map(|_| retry.after(begun, begun).as_millis()).collect();
        assert_eq!(rests, [0, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 60_000, 60_000]);
    }

    #[test]
    fn what_has_lasted_is_tried_again_at_once() {
        let mut retry = Retry::default();
        let begun = Instant::now();
        assert_eq!(retry.after(begun, begun), Duration::ZERO);
        assert_eq!(retry.after(begun, begun), Duration::from_millis(200));
        assert_eq!(retry.after(begun, begun + Duration::from_secs(10)), Duration::ZERO);
    }
}
