//! What a file has to be before it can be YAML.

use std::borrow::Cow;

use crate::Place;
use crate::diagnostic::Findings;

/// The largest scenario file, in bytes. The longest scenario that makes sense is a hundredth of it.
pub const LARGEST_FILE: usize = 1 << 20;

/// The file's text, if it is one: not too large, UTF-8, and without control characters. Otherwise the text to show the
/// mistake in, which a file that is too large does not get.
pub(crate) fn readable<'a>(bytes: &'a [u8], found: &mut Findings) -> Result<&'a str, Cow<'a, str>> {
    let top = Place { line: 1, column: 1, start: 0, end: 0 };
    if bytes.len() > LARGEST_FILE {
        found
            .add("too-large", top, format!("the file has more than {LARGEST_FILE} bytes"))
            .help("split it into several scenarios");
        return Err(Cow::Borrowed(""));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let lossy = String::from_utf8_lossy(bytes);
            let at = place(&lossy, error.valid_up_to());
            found
                .add("not-utf8", at, format!("the byte {:#04x} is not UTF-8", bytes[error.valid_up_to()]))
                .help("save the file as UTF-8");
            return Err(lossy);
        }
    };
    let control = text.char_indices().find(|&(_, c)| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    if let Some((at, c)) = control {
        found
            .add(
                "control-character",
                place(text, at),
                format!("the control character U+{:04X} is in the file", u32::from(c)),
            )
            .help("delete it");
        return Err(Cow::Borrowed(text));
    }
    Ok(text)
}

/// The place of the character at a byte.
pub(super) fn place(text: &str, start: usize) -> Place {
    let before = &text[..start];
    let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = start + text[start..].chars().next().map_or(0, char::len_utf8);
    Place { line, column: before[line_start..].chars().count() + 1, start, end }
}

/// At most 40 characters of a text, so that a message stays a line.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let clean = |c: char| !c.is_control();
    match text.char_indices().nth(40) {
        None if text.chars().all(clean) => Cow::Borrowed(text),
        cut => {
            let end = cut.map_or(text.len(), |(end, _)| end);
            let mut short: String = text[..end].chars().map(|c| if clean(c) { c } else { ' ' }).collect();
            if cut.is_some() {
                short.push_str("...");
            }
            Cow::Owned(short)
        }
    }
}
