//! Names that may become namespaces, interfaces and lines of a balancer's configuration.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a member, client or namespace: 1 to 15 characters out of `[A-Za-z0-9_-]`, the first a letter or digit. Or a UUID
/// with its hyphens, in lower case, which is what members are known by that a control plane has named.
///
/// Fifteen is the kernel's limit for an interface name, and the alphabet is what every balancer's configuration takes
/// unquoted, so a checked name can be rendered anywhere. No interface is named by a UUID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Why a text is not a [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// The text is empty.
    #[error("a name needs at least one character")]
    Empty,
    /// The text has more than 15 characters, and is no UUID.
    #[error("a name has at most 15 characters, this one has {0}")]
    TooLong(usize),
    /// The character is not allowed at its place.
    #[error("a name is made of letters, digits, `-` and `_` and starts with a letter or digit; {0:?} is none of these")]
    BadCharacter(char),
}

impl Name {
    /// The longest name that is no UUID, in characters.
    pub const MAX_LENGTH: usize = 15;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Name, InvalidName> {
        let length = text.chars().count();
        if length == 0 {
            return Err(InvalidName::Empty);
        }
        if length > Name::MAX_LENGTH && !is_uuid(&text) {
            return Err(InvalidName::TooLong(length));
        }
        let wrong =
            text.char_indices().find(|&(at, c)| !(c.is_ascii_alphanumeric() || at > 0 && (c == '-' || c == '_')));
        match wrong {
            Some((_, c)) => Err(InvalidName::BadCharacter(c)),
            None => Ok(Name(text)),
        }
    }
}

/// Whether a text is a UUID as RFC 9562 writes it (section 4): in lower case, with hyphens.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

impl TryFrom<&str> for Name {
    type Error = InvalidName;

    fn try_from(text: &str) -> Result<Name, InvalidName> {
        Name::try_from(text.to_owned())
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidName, Name};

    #[test]
    fn a_name_is_what_an_interface_and_every_configuration_takes_unquoted() {
        assert_eq!(Name::try_from("vm01").map(String::from), Ok("vm01".to_owned()));
        assert_eq!(Name::try_from(""), Err(InvalidName::Empty));
        assert_eq!(Name::try_from("a234567890123456"), Err(InvalidName::TooLong(16)));
        assert_eq!(Name::try_from("-rf"), Err(InvalidName::BadCharacter('-')));
        assert_eq!(Name::try_from("vm\n"), Err(InvalidName::BadCharacter('\n')));
        assert_eq!(Name::try_from("x".repeat(65_536)), Err(InvalidName::TooLong(65_536)));
    }

    #[test]
    fn a_uuid_is_a_name_and_nothing_else_of_its_length_is() {
        let member = "d901017d-25e9-44c2-9784-2ec14eb0119d";
        assert_eq!(Name::try_from(member).map(String::from), Ok(member.to_owned()));
        for odd in ["d901017d-25e9-44c2-9784-2ec14eb0119D", "d901017d025e9044c209784-2ec14eb0119d"] {
            assert_eq!(Name::try_from(odd), Err(InvalidName::TooLong(36)));
        }
    }
}
