//! When the balancer's commands were started, as the deployment itself tells the log.

use std::fmt;
use std::sync::Mutex;
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

static STARTED: Mutex<Vec<Instant>> = Mutex::new(Vec::new());

struct Spawns;

impl<S: Subscriber> Layer<S> for Spawns {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut says = Says(false);
        if event.metadata().target().starts_with("lblab_balancer") {
            event.record(&mut says);
        }
        if says.0
            && let Ok(mut started) = STARTED.lock()
        {
            started.push(Instant::now());
        }
    }
}

/// Whether an event says that a command is being started.
struct Says(bool);

impl Visit for Says {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 |= field.name() == "message" && format!("{value:?}") == "starting";
    }
}

/// Begins to listen, in this process.
pub fn listen() {
    // A second one in the same process would hear nothing that the first does not.
    drop(tracing_subscriber::registry().with(Spawns).try_init());
}

/// When commands were started so far: the check, if the balancer has one, and the balancer.
pub fn so_far() -> Vec<Instant> {
    STARTED.lock().map(|started| started.clone()).unwrap_or_default()
}
