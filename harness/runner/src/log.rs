//! The log of a run, or of a lab that stays up: JSON lines in a file, and lines for people on standard error if asked.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Sends every event of this process to the file, and to standard error if asked.
pub fn begin(file: File, verbose: bool) {
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(Mutex::new(Bounded::new(file, LONGEST)))
        .with_filter(LevelFilter::DEBUG);
    let people = verbose.then(|| {
        let level = tracing_subscriber::EnvFilter::try_from_env("LBLAB_LOG")
            .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
        let ansi = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        fmt::layer().with_ansi(ansi).with_writer(io::stderr).with_target(false).with_filter(level)
    });
    // A subscriber that is there already belongs to a test that looks at the events itself.
    drop(tracing_subscriber::registry().with(lines).with(people).try_init());
}

/// How long a log may become, in bytes. What a balancer prints is part of it, and one that prints without end must not fill the disk.
const LONGEST: u64 = 32 << 20;

/// A writer that takes so many bytes, then one line that says so, and no more.
struct Bounded<W> {
    inner: W,
    left: u64,
    is_full: bool,
}

impl<W> Bounded<W> {
    fn new(inner: W, left: u64) -> Bounded<W> {
        Bounded { inner, left, is_full: false }
    }
}

impl<W: Write> Write for Bounded<W> {
    /// Takes a line whole or not at all, as the subscriber writes it in one piece.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if !self.is_full && self.left >= length {
            self.left -= length;
            self.inner.write_all(line)?;
        } else if !self.is_full {
            self.is_full = true;
            self.inner.write_all(
                b"{\"level\":\"WARN\",\"message\":\"this log is full, and what came after this is not in it\"}\n",
            )?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::Bounded;

    #[test]
    fn a_log_that_is_full_says_so_once_and_takes_no_more() {
        let mut log = Bounded::new(Vec::new(), 10);
        for line in [&b"12345\n"[..], b"123\n", b"x\n", b"y\n", b""] {
            assert_eq!(log.write(line).expect("memory takes it"), line.len());
        }
        let text = String::from_utf8(log.inner).expect("it is text");
        let notice = r#"{"level":"WARN","message":"this log is full, and what came after this is not in it"}"#;
        assert_eq!(text, format!("12345\n123\n{notice}\n"));
    }
}
