//! One attribute of a resource: what values it takes, when it may be given, and how it is kept.

mod protocol;
mod records;

pub use records::Field;

use std::net::IpAddr;

use serde_json::{Map, Value};
use uuid::Uuid;

/// The largest number of characters that a name, a description or another free text may have.
const LONGEST: usize = 255;

/// An attribute, as the API reference lists it. Made by [`uuid`], [`text`] and their like, then told when it may be given.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// Its name in bodies, in queries and in the table.
    pub name: &'static str,
    /// The values that it takes.
    pub kind: Kind,
    /// Whether it may be given when the object is created, and what it is otherwise.
    pub create: Create,
    /// Whether it may be changed afterwards.
    pub changeable: bool,
    /// Whether answers show it.
    pub shown: bool,
    /// Whether the table has a column for it. What has none is worked out from other rows.
    pub kept: bool,
}

/// What happens with an attribute when an object is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Create {
    /// It has to be given.
    Required,
    /// It may be given, and is this otherwise.
    Optional(Preset),
    /// It may not be given.
    ReadOnly,
}

/// What an attribute is that was not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Null.
    Null,
    /// A text.
    Text(&'static str),
    /// A number.
    Number(i64),
    /// True or false.
    Flag(bool),
    /// An empty list.
    Nothing,
    /// Nothing at all: the rules of the resource choose, which null in a body keeps them from.
    Chosen,
    /// An empty object.
    Empty,
}

/// The values of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The id of an object.
    Id,
    /// The id of an object, or null.
    IdOrNull,
    /// A text without control characters, of 255 characters at most.
    Text,
    /// A text without control characters, of 255 characters at most, or null.
    TextOrNull,
    /// A list of texts.
    Texts,
    /// An absolute URL of HTTP or HTTPS, of visible characters of ASCII (RFC 3986), or null.
    UrlOrNull,
    /// An IPv4 or IPv6 address.
    Address,
    /// An IPv4 or IPv6 address, or null.
    AddressOrNull,
    /// A network in the notation of CIDR.
    Network,
    /// A network in the notation of CIDR, or null.
    NetworkOrNull,
    /// A whole number in a range, both ends included.
    Number {
        /// The smallest.
        least: i64,
        /// The largest.
        most: i64,
    },
    /// A whole number in a range, or null.
    NumberOrNull {
        /// The smallest.
        least: i64,
        /// The largest.
        most: i64,
    },
    /// True or false.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of these words, or null.
    WordOrNull(&'static [&'static str]),
    /// Status codes of HTTP: `200`, `200,202` or `200-204`.
    Codes,
    /// Status codes of HTTP, or null.
    CodesOrNull,
    /// The path of a URL, beginning with a slash (RFC 3986, section 3.3, and a query).
    Path,
    /// The path of a URL, or null.
    PathOrNull,
    /// A method of HTTP: a token of RFC 9110, section 5.6.2.
    Token,
    /// A protocol above IP, by its name or its number, or null.
    Protocol,
    /// Session persistence: null or `{type, cookie_name}`.
    Persistence,
    /// A list of ids.
    Ids,
    /// A list of records with these fields.
    Records(&'static [Field]),
    /// Any list, not looked into. Only of what is worked out.
    List,
    /// Any object, not looked into. Only of what is read only.
    Object,
}

const fn of(name: &'static str, kind: Kind) -> Attribute {
    Attribute { name, kind, create: Create::ReadOnly, changeable: false, shown: true, kept: true }
}

/// An attribute that is the id of an object.
pub const fn id(name: &'static str) -> Attribute {
    of(name, Kind::Id)
}

/// An attribute that is the id of an object, or null.
pub const fn id_or_null(name: &'static str) -> Attribute {
    of(name, Kind::IdOrNull)
}

/// An attribute that is a text.
pub const fn text(name: &'static str) -> Attribute {
    of(name, Kind::Text)
}

/// An attribute that is a whole number from `least` to `most`.
pub const fn number(name: &'static str, least: i64, most: i64) -> Attribute {
    of(name, Kind::Number { least, most })
}

/// An attribute that is true or false.
pub const fn flag(name: &'static str) -> Attribute {
    of(name, Kind::Flag)
}

/// An attribute that is one of some words.
pub const fn word(name: &'static str, words: &'static [&'static str]) -> Attribute {
    of(name, Kind::Word(words))
}

/// An attribute of another kind.
pub const fn attribute(name: &'static str, kind: Kind) -> Attribute {
    of(name, kind)
}

/// An attribute that is worked out from other rows.
pub const fn derived(name: &'static str) -> Attribute {
    let mut attribute = of(name, Kind::List);
    attribute.kept = false;
    attribute
}

impl Attribute {
    /// Has to be given when the object is created.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.create = Create::Required;
        self
    }

    /// May be given when the object is created.
    #[must_use]
    pub const fn or(mut self, preset: Preset) -> Self {
        self.create = Create::Optional(preset);
        self
    }

    /// May be changed afterwards.
    #[must_use]
    pub const fn changeable(mut self) -> Self {
        self.changeable = true;
        self
    }

    /// Is not shown in answers.
    #[must_use]
    pub const fn hidden(mut self) -> Self {
        self.shown = false;
        self
    }

    /// Is worked out from other rows, or only told on the way in.
    #[must_use]
    pub const fn unkept(mut self) -> Self {
        self.kept = false;
        self
    }
}

impl Preset {
    /// The value itself.
    pub fn value(self) -> Value {
        match self {
            Self::Null | Self::Chosen => Value::Null,
            Self::Text(text) => text.into(),
            Self::Number(number) => number.into(),
            Self::Flag(flag) => flag.into(),
            Self::Nothing => Value::Array(Vec::new()),
            Self::Empty => Value::Object(Map::new()),
        }
    }
}

impl Kind {
    /// The checked form of a value as it was sent, or why it is none, in Neutron's words (neutron-lib 2.3.0, `api/validators`).
    /// Numbers and flags may be texts, as the command-line client sends them.
    pub fn check(self, value: &Value) -> Result<Value, String> {
        match (self, value) {
            (
                Self::IdOrNull
                | Self::TextOrNull
                | Self::UrlOrNull
                | Self::CodesOrNull
                | Self::PathOrNull
                | Self::AddressOrNull
                | Self::NetworkOrNull
                | Self::NumberOrNull { .. }
                | Self::WordOrNull(_)
                | Self::Protocol
                | Self::Persistence,
                Value::Null,
            ) => Ok(Value::Null),
            (Self::Id | Self::IdOrNull, _) => identity(value),
            (Self::Text | Self::TextOrNull, _) => free_text(value),
            (Self::Texts, _) => texts(value),
            (Self::UrlOrNull, _) => url(value),
            (Self::Address | Self::AddressOrNull, _) => address(value),
            (Self::Network | Self::NetworkOrNull, _) => network(value),
            (Self::Number { least, most } | Self::NumberOrNull { least, most }, _) => whole(value, least, most),
            (Self::Flag, _) => truth(value),
            (Self::Word(words) | Self::WordOrNull(words), _) => one_of(value, words),
            (Self::Codes | Self::CodesOrNull, _) => codes(value),
            (Self::Path | Self::PathOrNull, _) => path(value),
            (Self::Token, _) => token(value),
            (Self::Protocol, _) => protocol::protocol(value),
            (Self::Persistence, _) => persistence(value),
            (Self::Ids, _) => ids(value),
            (Self::Records(fields), _) => records::records(value, fields),
            (Self::List, Value::Array(_)) | (Self::Object, Value::Object(_)) => Ok(value.clone()),
            (Self::List, _) => Err(format!("'{}' is not a list.", shown(value))),
            (Self::Object, _) => Err(format!("'{}' is not a dictionary.", shown(value))),
        }
    }

    /// Whether a table keeps it as JSON, since SQL has no such type.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Persistence | Self::Ids | Self::Texts | Self::Records(_) | Self::List | Self::Object)
    }
}

/// The value as Python would print it in an error.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.escape_default().to_string(),
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => other.to_string(),
    }
}

fn identity(value: &Value) -> Result<Value, String> {
    let parsed = value.as_str().and_then(|text| Uuid::try_parse(text).ok());
    let id = parsed.ok_or_else(|| format!("'{}' is not a valid UUID.", shown(value)))?;
    Ok(id.hyphenated().to_string().into())
}

fn free_text(value: &Value) -> Result<Value, String> {
    let Some(text) = value.as_str() else { return Err(format!("'{}' is not a valid string.", shown(value))) };
    if text.chars().count() > LONGEST {
        return Err(format!("'{}' exceeds maximum length of {LONGEST}.", shown(value)));
    }
    // Upstream lets them through, and some have found their way into a configuration.
    if text.chars().any(char::is_control) {
        return Err(format!("'{}' contains control characters.", shown(value)));
    }
    Ok(text.into())
}

fn address(value: &Value) -> Result<Value, String> {
    let parsed = value.as_str().and_then(|text| text.parse::<IpAddr>().ok());
    let address = parsed.ok_or_else(|| format!("'{}' is not a valid IP address.", shown(value)))?;
    Ok(address.to_string().into())
}

fn network(value: &Value) -> Result<Value, String> {
    let parsed = value.as_str().and_then(|text| text.parse::<ipnet::IpNet>().ok());
    let network = parsed.ok_or_else(|| format!("'{}' is not a valid IP subnet.", shown(value)))?;
    Ok(network.trunc().to_string().into())
}

fn whole(value: &Value, least: i64, most: i64) -> Result<Value, String> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number.ok_or_else(|| format!("'{}' is not an integer.", shown(value)))?;
    if number < least {
        return Err(format!("'{number}' is too small - must be at least '{least}'."));
    }
    if number > most {
        return Err(format!("'{number}' is too large - must be no larger than '{most}'."));
    }
    Ok(number.into())
}

fn truth(value: &Value) -> Result<Value, String> {
    let word = match value {
        Value::Bool(flag) => return Ok((*flag).into()),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.to_lowercase(),
        _ => String::new(),
    };
    match word.as_str() {
        "true" | "1" => Ok(true.into()),
        "false" | "0" => Ok(false.into()),
        _ => Err(format!("'{}' cannot be converted to boolean.", shown(value))),
    }
}

fn one_of(value: &Value, words: &[&str]) -> Result<Value, String> {
    // A version of HTTP is a number to those who write JSON.
    let text = if value.is_number() { value.to_string() } else { value.as_str().unwrap_or_default().to_owned() };
    let found = words.iter().find(|&&word| word == text);
    let list = || words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ");
    found.map(|&word| word.into()).ok_or_else(|| format!("'{}' is not in [{}].", shown(value), list()))
}

fn codes(value: &Value) -> Result<Value, String> {
    let code = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let valid = |text: &str| match text.split_once('-') {
        Some((from, to)) => code(from) && code(to),
        None => text.split(',').all(|part| code(part.trim())),
    };
    let found = value.as_str().filter(|text| valid(text));
    let found = found.ok_or_else(|| format!("'{}' is not a valid list or range of status codes.", shown(value)))?;
    Ok(found.split(',').map(str::trim).collect::<Vec<_>>().join(",").into())
}

fn path(value: &Value) -> Result<Value, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%?".contains(&byte);
    let valid = |text: &&str| text.starts_with('/') && text.len() <= LONGEST && text.bytes().all(allowed);
    value.as_str().filter(valid).map(Into::into).ok_or_else(|| format!("'{}' is not a valid URL path.", shown(value)))
}

fn texts(value: &Value) -> Result<Value, String> {
    let Value::Array(given) = value else { return Err(format!("'{}' is not a list.", shown(value))) };
    given.iter().map(free_text).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn url(value: &Value) -> Result<Value, String> {
    let valid = |text: &&str| {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let visible = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        text.len() <= LONGEST
            && rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(visible))
    };
    value.as_str().filter(valid).map(Into::into).ok_or_else(|| format!("'{}' is not a valid URL.", shown(value)))
}

/// Whether this is a token of HTTP (RFC 9110, section 5.6.2), as methods and the names of cookies are.
pub(crate) fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.len() <= LONGEST && text.bytes().all(allowed)
}

fn token(value: &Value) -> Result<Value, String> {
    let found = value.as_str().filter(|text| is_token(text));
    found.map(Into::into).ok_or_else(|| format!("'{}' is not a valid HTTP token.", shown(value)))
}

fn persistence(value: &Value) -> Result<Value, String> {
    let Value::Object(given) = value else { return Err(format!("'{}' is not a dictionary.", shown(value))) };
    // An empty one is none.
    let Some(kind) = given.get("type") else {
        return if given.is_empty() { Ok(Value::Null) } else { Err("'type' is missing.".to_owned()) };
    };
    if let Some(unknown) = given.keys().find(|key| !["type", "cookie_name"].contains(&key.as_str())) {
        return Err(format!("'{}' is neither 'type' nor 'cookie_name'.", unknown.escape_default()));
    }
    let mut checked = Map::new();
    checked.insert("type".to_owned(), one_of(kind, &["APP_COOKIE", "HTTP_COOKIE", "SOURCE_IP"])?);
    if let Some(name) = given.get("cookie_name").filter(|name| !name.is_null()) {
        let valid = name.as_str().filter(|text| is_token(text));
        let valid = valid.ok_or_else(|| format!("'{}' is not a valid cookie name.", shown(name)))?;
        checked.insert("cookie_name".to_owned(), valid.into());
    }
    Ok(Value::Object(checked))
}

fn ids(value: &Value) -> Result<Value, String> {
    let Value::Array(given) = value else { return Err(format!("'{}' is not a list.", shown(value))) };
    given.iter().map(identity).collect::<Result<Vec<_>, _>>().map(Value::Array)
}
