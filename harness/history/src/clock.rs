//! The clock that every record of a run is stamped with.

use std::time::Instant;

use lblab_model::Moment;

/// The monotonic clock, read in [`Moment`]s since the run's epoch.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: Instant,
}

impl Clock {
    /// A clock whose epoch is now.
    pub fn start() -> Clock {
        Clock { epoch: Instant::now() }
    }

    /// The current moment.
    pub fn now(self) -> Moment {
        self.at(Instant::now())
    }

    /// The moment of an instant; one before the epoch counts as the epoch.
    pub fn at(self, instant: Instant) -> Moment {
        Moment::EPOCH + instant.saturating_duration_since(self.epoch)
    }
}
