//! Templates that take nothing on trust: what is undefined is an error, and so is a value that could break out of its
//! place.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddrV6};
use std::ops::Range;

use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};

use crate::diagnostic::Diagnostic;

/// The longest value that a template may write, in bytes; a name, an address or a path is far shorter.
const LONGEST: usize = 1024;

/// Characters besides letters and digits that mean nothing special to any balancer's configuration language.
/// How many instructions a template may take.
const STEPS: u64 = 2_000_000;
const PLAIN: &str = "-._~:/?&=%+,@!*";

/// Renders configuration files out of named templates.
///
/// Every value that a template writes has to be a number, a truth value or a plain word. A template whose name ends in
/// `.json.j2` writes JSON instead, quoted and escaped, of whatever the value is.
pub(crate) fn render_file(
    name: &str,
    templates: &BTreeMap<String, String>,
    context: &Value,
) -> Result<String, NotRendered> {
    let mut environment = environment(write_plain);
    let source = templates.get(name).map_or("", String::as_str);
    for (name, source) in templates {
        environment.add_template(name, source).map_err(|error| NotRendered::Wrong(located(name, source, &error)))?;
    }
    let rendered = environment.get_template(name).and_then(|template| template.render(context.clone()));
    // The last line's end is no part of what minijinja renders, and HAProxy refuses a file without it.
    rendered.map(|text| text + "\n").map_err(|error| {
        let refusal = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<Refusal>());
        if let Some(Refusal(what)) = refusal {
            return NotRendered::Refused(what.clone());
        }
        let inner = error.name().and_then(|name| templates.get_key_value(name));
        let (file, source) = inner.map_or((name, source), |(name, source)| (name.as_str(), source.as_str()));
        NotRendered::Wrong(located(file, source, &error))
    })
}

/// Why a template did not render.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotRendered {
    /// It, or a value that it was given, is wrong.
    Wrong(Diagnostic),
    /// It says by `refuse(...)` that the balancer cannot do what it is asked.
    Refused(String),
}

/// What a template says that the balancer cannot do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(String);

fn refuse(what: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, what.clone()).with_source(Refusal(what)))
}

/// Says whether the templates are well formed.
pub(crate) fn check_files(templates: &BTreeMap<String, String>) -> Result<(), Diagnostic> {
    let mut environment = environment(write_plain);
    for (name, source) in templates {
        environment.add_template(name, source).map_err(|error| located(name, source, &error))?;
    }
    Ok(())
}

/// Renders one argument of a command or one path. It reaches no configuration language and no shell, so only what the
/// kernel cannot take is refused.
pub(crate) fn render_argument(text: &str, context: &Value) -> Result<String, String> {
    environment(write_argument).render_str(text, context.clone()).map_err(|error| sentence(&error))
}

/// Says whether a text is a well-formed template.
pub(crate) fn check_argument(text: &str) -> Result<(), String> {
    environment(write_argument).template_from_str(text).map(drop).map_err(|error| sentence(&error))
}

type Formatter = fn(&mut Output, &mut State, &Value) -> Result<(), Error>;

fn environment<'source>(formatter: Formatter) -> Environment<'source> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_debug(true);
    // A loop that would not end is an error. The shipped templates take some thousands of steps for a hundred members.
    environment.set_fuel(Some(STEPS));
    environment.set_formatter(formatter);
    environment.add_filter("duration", duration);
    environment.add_filter("host", host);
    environment.add_function("refuse", refuse);
    // Each of these marks its result as safe, which would carry it past the formatter.
    for filter in ["safe", "escape", "e", "tojson"] {
        environment.remove_filter(filter);
    }
    environment
}

fn write_plain(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    if matches!(state.auto_escape(), AutoEscape::Json) {
        return minijinja::escape_formatter(out, state, value);
    }
    write_if(out, value, |text| {
        if is_in_brackets(text) {
            return Ok(());
        }
        let odd = text.chars().find(|&c| !(c.is_ascii_alphanumeric() || PLAIN.contains(c)));
        match odd {
            _ if text.is_empty() => Err("the value is empty".to_owned()),
            _ if text.len() > LONGEST => {
                Err(format!("the value has {} bytes, more than the {LONGEST} that a word may have", text.len()))
            }
            Some(odd) => Err(format!("the value {text:?} holds {odd:?}, which is not part of a plain word")),
            None => Ok(()),
        }
    })
}

fn write_argument(out: &mut Output, _: &mut State, value: &Value) -> Result<(), Error> {
    write_if(out, value, |text| if text.contains('\0') { Err("the value holds a NUL".to_owned()) } else { Ok(()) })
}

fn write_if(out: &mut Output, value: &Value, check: impl Fn(&str) -> Result<(), String>) -> Result<(), Error> {
    let refused = |why: String| Error::new(ErrorKind::InvalidOperation, why);
    if let Some(text) = value.as_str() {
        check(text).map_err(refused)?;
        return Ok(out.write_str(text)?);
    }
    if value.is_number() || matches!(value.kind(), minijinja::value::ValueKind::Bool) {
        return Ok(out.write_str(&value.to_string())?);
    }
    Err(refused(format!("there is no value here ({}), or more than one", value.kind())))
}

/// Writes seconds as a span with its unit, `5s` or `500ms`, as HAProxy, nginx, Apache, Caddy and Varnish read it.
fn duration(seconds: f64) -> Result<String, Error> {
    let milliseconds = seconds * 1000.0;
    let whole = milliseconds.round();
    if !(1.0..=1e12).contains(&whole) || (milliseconds - whole).abs() > 1e-6 {
        let why = format!("a span of {seconds} s is not a whole number of milliseconds, at least 1");
        return Err(Error::new(ErrorKind::InvalidOperation, why));
    }
    let text = format!("{whole:.0}");
    Ok(text.strip_suffix("000").map_or_else(|| format!("{text}ms"), |seconds| format!("{seconds}s")))
}

/// Writes an address as it stands before a port: one of IPv6 in brackets.
fn host(address: &str) -> Result<String, Error> {
    match address.parse() {
        Ok(IpAddr::V4(address)) => Ok(address.to_string()),
        Ok(IpAddr::V6(address)) => Ok(format!("[{address}]")),
        Err(_) => Err(Error::new(ErrorKind::InvalidOperation, format!("{address:?} is not an IP address"))),
    }
}

/// Whether a text is an IPv6 address in brackets, with or without a port: as plain a word as any.
fn is_in_brackets(text: &str) -> bool {
    let address = match text.strip_suffix(']') {
        Some(rest) => rest.strip_prefix('[').and_then(|address| address.parse::<Ipv6Addr>().ok()),
        None => {
            text.parse::<SocketAddrV6>().ok().filter(|address| address.scope_id() == 0).map(|address| *address.ip())
        }
    };
    address.is_some()
}

/// What went wrong, in one line, without minijinja's own account of where.
fn sentence(error: &Error) -> String {
    if error.kind() == ErrorKind::OutOfFuel {
        return format!("it takes more than {STEPS} steps; is there a loop that does not end?");
    }
    let mut text = error.kind().to_string();
    if let Some(detail) = error.detail() {
        text.push_str(": ");
        text.push_str(detail);
    }
    text
}

fn located(file: &str, source: &str, error: &Error) -> Diagnostic {
    Diagnostic::new(file, source, error.range().unwrap_or_else(|| line(source, error.line())), &sentence(error), None)
}

/// The bytes of a line, counted from 1.
fn line(source: &str, number: Option<usize>) -> Range<usize> {
    let start: usize = source.split_inclusive('\n').take(number.unwrap_or(1).saturating_sub(1)).map(str::len).sum();
    start..source.len()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expect_test::{Expect, expect};
    use minijinja::context;

    use super::{NotRendered, duration, render_argument, render_file};

    fn check(source: &str, value: &str, expected: &Expect) {
        let templates = BTreeMap::from([("conf.j2".to_owned(), source.to_owned())]);
        let text = match render_file("conf.j2", &templates, &context! { value, nothing => None::<u8> }) {
            Ok(text) => text,
            Err(NotRendered::Wrong(wrong)) => wrong.to_string(),
            Err(NotRendered::Refused(what)) => format!("refused: {what}"),
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn a_plain_word_is_written_as_it_is() {
        check(
            "path {{ value }}",
            "/health?full=1&x=%20",
            &expect![[r#"
            path /health?full=1&x=%20
        "#]],
        );
    }

    #[test]
    fn what_is_undefined_misspelt_or_nothing_is_an_error_with_its_place() {
        check(
            "a\n  b {{ valu }}\n",
            "",
            &expect![[r#"
            error: undefined value: `valu` is undefined
             --> conf.j2:2:8
              |
            2 |   b {{ valu }}
              |        ^^^^"#]],
        );
        check(
            "a\n  b {{ nothing }}\n",
            "",
            &expect![[r#"
            error: invalid operation: there is no value here (none), or more than one
             --> conf.j2:2:8
              |
            2 |   b {{ nothing }}
              |        ^^^^^^^"#]],
        );
        check(
            "{% if value %}",
            "",
            &expect![[r#"
            error: syntax error: unexpected end of input, expected end of block
             --> conf.j2:1:13
              |
            1 | {% if value %}
              |             ^^"#]],
        );
    }

    #[test]
    fn a_template_can_refuse_what_the_balancer_cannot_do() {
        check(
            "{% if value %}{{ refuse('it knows no path such as ' ~ value) }}{% endif %}",
            "/x",
            &expect!["refused: it knows no path such as /x"],
        );
    }

    #[test]
    fn a_hostile_value_cannot_enter_a_configuration() {
        check(
            "path {{ value }}",
            "/\n    stats socket /tmp/x level admin",
            &expect![[r#"
            error: invalid operation: the value "/\n    stats socket /tmp/x level admin" holds '\n', which is not part of a plain word
             --> conf.j2:1:9
              |
            1 | path {{ value }}
              |         ^^^^^"#]],
        );
        for hostile in ["", "a b", "a\0b", "a\"b", "a'b", "a#b", "a\\b", "a;b", "a{b", "$HOME", "`id`", "é", "\r", "\t"]
        {
            let templates = BTreeMap::from([("conf.j2".to_owned(), "x {{ value }}".to_owned())]);
            let wrong = render_file("conf.j2", &templates, &context! { value => hostile });
            assert!(wrong.is_err(), "{hostile:?} was written as {wrong:?}");
        }
        let long = "x".repeat(65_536);
        let templates = BTreeMap::from([("conf.j2".to_owned(), "x {{ value }}".to_owned())]);
        let wrong = render_file("conf.j2", &templates, &context! { value => long }).expect_err("64 KiB is no word");
        assert!(matches!(&wrong, NotRendered::Wrong(wrong) if wrong.message.contains("65536 bytes")), "{wrong:?}");
    }

    #[test]
    fn no_filter_carries_a_hostile_value_past_the_check() {
        for filter in ["safe", "escape", "e", "tojson", "trim", "upper", "replace('a','b')", "join", "string", "list"] {
            let source = format!("x {{{{ value | {filter} }}}}");
            let templates = BTreeMap::from([("conf.j2".to_owned(), source)]);
            let wrong = render_file("conf.j2", &templates, &context! { value => "a\nb" });
            assert!(wrong.is_err(), "{filter}: {wrong:?}");
        }
    }

    #[test]
    fn an_address_stands_before_its_port() {
        check(
            "bind {{ value | host }}:80",
            "192.168.1.250",
            &expect![[r#"
            bind 192.168.1.250:80
        "#]],
        );
        check(
            "bind {{ value | host }}:80",
            "2001:db8:1::250",
            &expect![[r#"
            bind [2001:db8:1::250]:80
        "#]],
        );
        check(
            "bind {{ value }}",
            "[2001:db8:1::250]:80",
            &expect![[r#"
            bind [2001:db8:1::250]:80
        "#]],
        );
        for hostile in ["[::1", "[]", "[x]", "[::1] a", "[::1]\n", "[::1%1]:80", "[::1]:80 ssl", "[[::1]]"] {
            for source in ["x {{ value }}", "x {{ value | host }}"] {
                let templates = BTreeMap::from([("conf.j2".to_owned(), source.to_owned())]);
                let wrong = render_file("conf.j2", &templates, &context! { value => hostile });
                assert!(wrong.is_err(), "{source} of {hostile:?} was written as {wrong:?}");
            }
        }
    }

    #[test]
    fn a_json_template_quotes_whatever_it_is_given() {
        let templates = BTreeMap::from([("conf.json.j2".to_owned(), "{\"x\": {{ value }}}".to_owned())]);
        let text = render_file("conf.json.j2", &templates, &context! { value => "a\"\n\0é<" }).expect("it is quoted");
        let back: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(back["x"], "a\"\n\0é<");
    }

    #[test]
    fn an_argument_may_hold_spaces_and_no_nul() {
        assert_eq!(render_argument("-f={{ v }}", &context! { v => "/a b/conf" }), Ok("-f=/a b/conf".to_owned()));
        assert!(render_argument("{{ v }}", &context! { v => "a\0b" }).is_err());
        assert!(render_argument("{{ w }}", &context! { v => "a" }).is_err());
    }

    #[test]
    fn a_duration_is_whole_seconds_or_milliseconds() {
        let text = |seconds| duration(seconds).map_err(|error| error.to_string());
        assert_eq!(text(5.0), Ok("5s".to_owned()));
        assert_eq!(text(0.5), Ok("500ms".to_owned()));
        assert_eq!(text(1.1), Ok("1100ms".to_owned()));
        assert_eq!(text(10.0), Ok("10s".to_owned()));
        for wrong in [0.0, 0.0004, 0.0015, -1.0, f64::NAN, f64::INFINITY] {
            assert!(text(wrong).is_err(), "{wrong}");
        }
    }
}
