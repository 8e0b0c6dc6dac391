//! Texts that end up in file names, namespaces, and balancers' configurations.

use lblab_model::Name;
use serde_json::{Value as Json, json};

use crate::diagnostic::Findings;
use crate::shape::{Shape, leaf, words};
use crate::yaml::{Node, printable};

/// A name of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameText(pub(crate) Name);

impl Shape for NameText {
    fn read(node: &Node, found: &mut Findings) -> Option<NameText> {
        leaf(node, "name", "a name", found, |text| match Name::try_from(text) {
            Ok(name) => Ok(NameText(name)),
            Err(error) => {
                Err((format!("`{}` is not a name: {error}", printable(text)), "write a name such as `vm01`".to_owned()))
            }
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,14}$" })
    }
}

/// A text for people, of at most so many characters and lines.
#[derive(Clone, Debug)]
pub(crate) struct Sentence<const LONGEST: usize, const LINES: usize>(pub(crate) String);

impl<const LONGEST: usize, const LINES: usize> Shape for Sentence<LONGEST, LINES> {
    fn read(node: &Node, found: &mut Findings) -> Option<Self> {
        leaf(node, "text", "a text", found, |text| {
            let length = text.trim().chars().count();
            if length == 0 {
                Err(("the text is empty".to_owned(), "write a sentence".to_owned()))
            } else if length > LONGEST {
                Err((format!("the text has {length} characters, and at most {LONGEST} here"), "shorten it".to_owned()))
            } else if text.trim().lines().count() > LINES {
                let lines = text.trim().lines().count();
                Err((format!("the text has {lines} lines, and at most {LINES} here"), "shorten it".to_owned()))
            } else if text.trim().chars().any(|c| c.is_control() && c != '\n') {
                Err(("the text has a control character".to_owned(), "delete it".to_owned()))
            } else {
                Ok(Sentence(text.trim().to_owned()))
            }
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1, "maxLength": LONGEST })
    }
}

/// A cookie's name.
#[derive(Clone, Debug)]
pub(crate) struct Token(pub(crate) String);

impl Shape for Token {
    fn read(node: &Node, found: &mut Findings) -> Option<Token> {
        leaf(node, "cookie-name", "a cookie's name", found, |text| {
            let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if (1..=64).contains(&text.len()) && text.chars().all(good) {
                Ok(Token(text.to_owned()))
            } else {
                let message = format!("`{}` is not a cookie's name", printable(text));
                Err((message, "write 1 to 64 letters, digits, `-` and `_`, as in `JSESSIONID`".to_owned()))
            }
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" })
    }
}

/// A cookie as a client sends it, out of the characters that a `Cookie` header may have.
#[derive(Clone, Debug)]
pub(crate) struct CookieText(pub(crate) String);

impl Shape for CookieText {
    fn read(node: &Node, found: &mut Findings) -> Option<CookieText> {
        leaf(node, "cookie", "a cookie", found, |text| {
            let good = |c: char| c.is_ascii_graphic() || c == ' ';
            let bare = text.trim() == text && text.chars().all(good);
            if (1..=1000).contains(&text.len()) && bare {
                Ok(CookieText(text.to_owned()))
            } else {
                let message = format!("`{}` is not a cookie", printable(text));
                Err((message, "write 1 to 1000 printable ASCII characters, as in `SRV=nonsense`".to_owned()))
            }
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1, "maxLength": 1000, "pattern": "^[!-~]([ -~]*[!-~])?$" })
    }
}

/// The path of a URL, out of characters that every balancer's configuration takes unquoted.
#[derive(Clone, Debug)]
pub(crate) struct UrlPath(pub(crate) String);

impl Shape for UrlPath {
    fn read(node: &Node, found: &mut Findings) -> Option<UrlPath> {
        leaf(node, "path", "a path", found, |text| {
            let good = |c: char| c.is_ascii_alphanumeric() || "/._~-%?&=+,:@".contains(c);
            if text.starts_with('/') && text.len() <= 256 && text.chars().all(good) {
                Ok(UrlPath(text.to_owned()))
            } else {
                let help = "start with `/` and use letters, digits and `/ . _ ~ - % ? & = + , : @`, at most 256";
                Err((format!("`{}` is not a path", printable(text)), help.to_owned()))
            }
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^/[A-Za-z0-9/._~%?&=+,:@-]{0,255}$" })
    }
}

/// The method of a probe's request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpMethod(pub(crate) &'static str);

words! { HttpMethod:
    "GET" => HttpMethod("GET"),
    "HEAD" => HttpMethod("HEAD"),
    "OPTIONS" => HttpMethod("OPTIONS"),
    "POST" => HttpMethod("POST"),
    "PUT" => HttpMethod("PUT"),
}

/// The method of a client's request: one whose answer has a body, which says who answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrafficMethod(pub(crate) &'static str);

words! { TrafficMethod:
    "GET" => TrafficMethod("GET"),
    "POST" => TrafficMethod("POST"),
    "PUT" => TrafficMethod("PUT"),
    "DELETE" => TrafficMethod("DELETE"),
    "PATCH" => TrafficMethod("PATCH"),
    "OPTIONS" => TrafficMethod("OPTIONS"),
}
