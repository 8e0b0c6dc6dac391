//! What a process writes, line by line.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc::UnboundedSender;

/// How many lines are kept; those before are dropped.
pub(crate) const KEPT: usize = 1_000;

/// A longer line is split: a process may write without end and without a line's end.
const LONGEST: usize = 8_192;

/// Where a line was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A line that a process has written.
#[derive(Clone, Debug)]
pub struct OutputLine {
    /// Where to.
    pub stream: OutputStream,
    /// The line without its end; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// When it was read.
    pub at: Instant,
}

/// The last lines of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept(Arc<Mutex<VecDeque<String>>>);

impl Kept {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

/// Reads a stream to its end.
pub(crate) async fn capture(
    mut stream: impl AsyncRead + Unpin,
    from: OutputStream,
    kept: Kept,
    listener: Option<UnboundedSender<OutputLine>>,
) {
    let mut splitter = Splitter::default();
    let mut buffer = [0; 4096];
    let deliver = |line: Vec<u8>| {
        let text = String::from_utf8_lossy(&line).into_owned();
        kept.push(text.clone());
        if let Some(listener) = &listener {
            // Nobody listens any more, which is their choice.
            let _ = listener.send(OutputLine { stream: from, text, at: Instant::now() });
        }
    };
    // A stream that cannot be read has nothing more to say.
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        splitter.feed(&buffer[..length]).into_iter().for_each(&deliver);
    }
    splitter.rest().into_iter().for_each(&deliver);
}

/// Cuts bytes into lines.
#[derive(Default)]
struct Splitter(Vec<u8>);

impl Splitter {
    fn feed(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for &byte in bytes {
            if byte == b'\n' {
                if self.0.last() == Some(&b'\r') {
                    self.0.pop();
                }
                lines.push(std::mem::take(&mut self.0));
                continue;
            }
            self.0.push(byte);
            if self.0.len() == LONGEST {
                lines.push(std::mem::take(&mut self.0));
            }
        }
        lines
    }

    fn rest(self) -> Option<Vec<u8>> {
        Some(self.0).filter(|rest| !rest.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Splitter};

    #[test]
    fn bytes_become_lines_wherever_they_were_cut() {
        let mut splitter = Splitter::default();
        assert_eq!(splitter.feed(b"one\r\ntw"), [b"one".to_vec()]);
        assert_eq!(splitter.feed(b"o\n\nthr"), [b"two".to_vec(), b"".to_vec()]);
        assert_eq!(splitter.rest(), Some(b"thr".to_vec()));
    }

    #[test]
    fn a_line_without_end_is_split() {
        let mut splitter = Splitter::default();
        let lines = splitter.feed(&vec![b'x'; 2 * LONGEST + 1]);
        assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [LONGEST, LONGEST]);
        assert_eq!(splitter.rest(), Some(b"x".to_vec()));
    }
}
