//! How many bad probes take a member out.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Consecutive bad probes that take a member out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fall {
    /// As many as the monitor's `max_retries` says.
    MaxRetries,
    /// So many, whatever the monitor says.
    Fixed(u32),
}

/// What stands for [`Fall::MaxRetries`].
const MAX_RETRIES: &str = "max-retries";

impl Fall {
    /// Bad probes with this `max_retries`: f in the formulas.
    pub fn of(self, max_retries: u32) -> u32 {
        match self {
            Fall::MaxRetries => max_retries,
            Fall::Fixed(fall) => fall,
        }
    }
}

impl Serialize for Fall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Fall::MaxRetries => serializer.serialize_str(MAX_RETRIES),
            Fall::Fixed(fall) => serializer.serialize_u32(*fall),
        }
    }
}

impl<'de> Deserialize<'de> for Fall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fall, D::Error> {
        deserializer.deserialize_any(WordOrNumber)
    }
}

struct WordOrNumber;

impl Visitor<'_> for WordOrNumber {
    type Value = Fall;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{MAX_RETRIES}` or a number of probes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Fall, E> {
        if text == MAX_RETRIES { Ok(Fall::MaxRetries) } else { Err(E::invalid_value(Unexpected::Str(text), &self)) }
    }

    fn visit_u64<E: Error>(self, fall: u64) -> Result<Fall, E> {
        let fits = u32::try_from(fall).map(Fall::Fixed);
        fits.map_err(|_| E::invalid_value(Unexpected::Unsigned(fall), &self))
    }

    fn visit_i64<E: Error>(self, fall: i64) -> Result<Fall, E> {
        let fits = u32::try_from(fall).map(Fall::Fixed);
        fits.map_err(|_| E::invalid_value(Unexpected::Signed(fall), &self))
    }
}
