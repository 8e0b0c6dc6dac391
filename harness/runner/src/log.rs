//! The log of a run: JSON lines beside the history, and lines for people on standard error if asked.

use std::fs::File;
use std::io::IsTerminal;
use std::sync::Mutex;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Sends every event of this process to the file, and to standard error if asked.
pub(crate) fn begin(file: File, verbose: bool) {
    let lines = fmt::layer().json().flatten_event(true).with_writer(Mutex::new(file)).with_filter(LevelFilter::DEBUG);
    let people = verbose.then(|| {
        let level = tracing_subscriber::EnvFilter::try_from_env("LBLAB_LOG")
            .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
        let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        fmt::layer().with_ansi(ansi).with_writer(std::io::stderr).with_target(false).with_filter(level)
    });
    // A subscriber that is there already belongs to a test that looks at the events itself.
    drop(tracing_subscriber::registry().with(lines).with(people).try_init());
}
