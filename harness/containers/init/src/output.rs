//! What a process writes, line by line.

use std::io::Read;

/// A longer line is split: a process may write without end and without a line's end.
const LONGEST: usize = 8_192;

/// Reads a stream to its end.
pub(crate) fn lines(mut from: impl Read, mut tell: impl FnMut(String)) {
    let (mut buffer, mut line) = ([0; 4096], Vec::new());
    let text = |line: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
        line.clear();
        text
    };
    // A stream that cannot be read has nothing more to say.
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        for &byte in &buffer[..length] {
            if byte == b'\n' {
                tell(text(&mut line));
            } else {
                line.push(byte);
                if line.len() == LONGEST {
                    tell(text(&mut line));
                }
            }
        }
    }
    if !line.is_empty() {
        tell(text(&mut line));
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, lines};
    fn told(bytes: &[u8]) -> Vec<String> {
        let mut told = Vec::new();
        lines(bytes, |line| told.push(line));
        told
    }

    #[test]
    fn bytes_become_lines_and_the_last_one_needs_no_end() {
        assert_eq!(told(b"one\r\ntwo\n\nthr\xff"), ["one", "two", "", "thr\u{fffd}"]);
        assert!(told(b"").is_empty());
    }

    #[test]
    fn a_line_without_end_is_split() {
        let lengths: Vec<usize> = told(&vec![b'x'; 2 * LONGEST + 1]).iter().map(String::len).collect();
        assert_eq!(lengths, [LONGEST, LONGEST, 1]);
    }
}
