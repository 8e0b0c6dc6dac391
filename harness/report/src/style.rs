//! What a terminal can show.

use std::env;
use std::io::IsTerminal;

/// What a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Characters outside of ASCII.
    pub unicode: bool,
    /// Colours.
    pub colour: bool,
}

impl Style {
    /// ASCII without colours, which everything can show.
    pub const PLAIN: Style = Style { unicode: false, colour: false };
    /// Characters outside of ASCII without colours, as a log takes them.
    pub const LOG: Style = Style { unicode: true, colour: false };

    /// What the stream can show, by what it is and by the environment's variables.
    ///
    /// Characters outside of ASCII need a UTF-8 locale (`LC_ALL`, else `LC_CTYPE`, else `LANG`). Colours need a terminal
    /// that is not `dumb`, and no `NO_COLOR` (<https://no-color.org>).
    pub fn detect(stream: &impl IsTerminal) -> Style {
        Style::from_environment(stream.is_terminal(), |name| env::var(name).ok())
    }

    fn from_environment(is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Style {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_ascii_lowercase();
        Style {
            unicode: locale.contains("utf-8") || locale.contains("utf8"),
            colour: is_terminal && set("NO_COLOR").is_none() && set("TERM").as_deref() != Some("dumb"),
        }
    }

    /// The text with nothing in it that this terminal cannot show, or would obey: what a member or a balancer said may hold
    /// escape sequences. Line ends and tabs stay.
    pub(crate) fn safe(self, text: &str) -> String {
        let mut safe = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '\n' | '\t' => safe.push(c),
                c if c.is_control() || reorders(c) => safe.extend(c.escape_unicode()),
                c if c.is_ascii() || self.unicode => safe.push(c),
                '✓' => safe.push_str("ok"),
                '≤' => safe.push_str("<="),
                '≥' => safe.push_str(">="),
                '±' => safe.push_str("+-"),
                '→' => safe.push_str("->"),
                '×' => safe.push('x'),
                '·' => safe.push('*'),
                '∈' => safe.push_str("in"),
                '–' | '−' => safe.push('-'),
                '…' => safe.push_str("..."),
                'α' => safe.push_str("alpha"),
                'ε' => safe.push_str("epsilon"),
                'λ' => safe.push_str("lambda"),
                'χ' => safe.push_str("chi"),
                '²' => safe.push_str("^2"),
                'µ' => safe.push('u'),
                _ => safe.push('?'),
            }
        }
        safe
    }

    /// The text in a colour, where there are colours. Only text of our own, or safe text, is painted.
    pub(crate) fn paint(self, colour: Colour, text: &str) -> String {
        if self.colour { format!("\u{1b}[{}m{text}\u{1b}[0m", colour as u8) } else { text.to_owned() }
    }
}

/// Whether the character changes the order in which others are shown.
fn reorders(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A colour, or what comes near one; the value is its SGR code.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Colour {
    /// What one's eye goes to.
    Bold = 1,
    /// What one may skip.
    Dim = 2,
    /// Good.
    Green = 32,
    /// Bad.
    Red = 31,
    /// Neither.
    Yellow = 33,
}

#[cfg(test)]
mod tests {
    use super::Style;

    fn detect(is_terminal: bool, variables: &[(&str, &str)]) -> Style {
        let find = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        Style::from_environment(is_terminal, find)
    }

    #[test]
    fn a_locale_decides_on_characters_and_a_terminal_on_colours() {
        let all = Style { unicode: true, colour: true };
        assert_eq!(detect(true, &[("LANG", "en_GB.UTF-8")]), all);
        assert_eq!(detect(true, &[("LANG", "C.utf8"), ("NO_COLOR", "")]), all, "an empty NO_COLOR asks for nothing");
        assert!(!detect(true, &[("LANG", "C.UTF-8"), ("LC_ALL", "C")]).unicode, "LC_ALL wins");
        assert_eq!(detect(true, &[("NO_COLOR", "1")]), Style::PLAIN);
        assert_eq!(detect(true, &[("TERM", "dumb")]), Style::PLAIN);
        assert_eq!(detect(false, &[("LANG", "C.UTF-8")]), Style { unicode: true, colour: false });
    }

    #[test]
    fn what_a_balancer_printed_cannot_steer_the_terminal() {
        let hostile = "a\u{1b}[2J\u{7f}\u{9b}b\u{202e}\r\nD ≤ 3 s ☃";
        let utf8 = Style { unicode: true, colour: true };
        assert_eq!(utf8.safe(hostile), "a\\u{1b}[2J\\u{7f}\\u{9b}b\\u{202e}\\u{d}\nD ≤ 3 s ☃");
        assert_eq!(Style::PLAIN.safe(hostile), "a\\u{1b}[2J\\u{7f}\\u{9b}b\\u{202e}\\u{d}\nD <= 3 s ?");
    }
}
