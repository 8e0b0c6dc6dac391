//! Members' states out of what a balancer tells: by a pattern, or out of HAProxy's `show stat`, a CSV table whose columns are known
//! by the names in its first line.

use lblab_history::MemberState;
use lblab_model::{Carried, InvalidName, Name};
use regex_lite::Regex;

use crate::hearing::Members;

/// Why an answer is not a table of members' states.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    /// The first line does not name the columns.
    #[error("line 1 has no column {column:?}, it begins {begins:?}")]
    NoColumn {
        /// The column that is missing.
        column: &'static str,
        /// The line's first characters.
        begins: String,
    },
    /// A line has fewer fields than the column needs.
    #[error("line {line} has no field {column:?}")]
    ShortLine {
        /// The line, from 1.
        line: usize,
        /// The column.
        column: &'static str,
    },
    /// A quoted field does not end.
    #[error("a quoted field that begins on line {line} does not end")]
    OpenQuote {
        /// The line, from 1.
        line: usize,
    },
    /// A server's name is not a member's name.
    #[error("line {line}: {source}")]
    Name {
        /// The line, from 1.
        line: usize,
        /// What is wrong with the name.
        source: InvalidName,
    },
    /// A server's status is none of HAProxy's.
    #[error("line {line}: {status:?} is not a server's status")]
    Unknown {
        /// The line, from 1.
        line: usize,
        /// The status.
        status: String,
    },
    /// The pattern finds no member.
    #[error("the manifest's pattern `members` finds none in it; it begins {begins:?}")]
    NoMatch {
        /// The answer's first characters.
        begins: String,
    },
    /// The table has no server.
    #[error("no line is about a server")]
    Empty,
}

/// Reads every member's state that the pattern finds. One that comes again, say because it is checked in two places, is up only if
/// it is up in all of them.
pub(crate) fn by_pattern(
    answer: &str,
    pattern: &Regex,
    members: &Members,
) -> Result<Vec<(Name, MemberState)>, StatusError> {
    let mut states: Vec<(Name, MemberState)> = Vec::new();
    for found in pattern.captures_iter(answer) {
        let state = if found.name("down").is_some() { MemberState::Down } else { MemberState::Up };
        for name in members.named_by(&found) {
            match states.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) if state == MemberState::Down => *known = state,
                Some(_) => {}
                None => states.push((name, state)),
            }
        }
    }
    if states.is_empty() {
        Err(StatusError::NoMatch { begins: answer.chars().take(200).collect() })
    } else {
        Ok(states)
    }
}

/// Reads every server's state, in the table's order; the rows of frontends and backends are left out.
///
/// A transitional status (`UP 1/3`, `DOWN 1/2`) is the state that the server is still in. A server that drains or has
/// weight 0 is up: it is alive and serves the clients that stick to it.
pub(crate) fn haproxy_csv(answer: &str) -> Result<Vec<(Name, MemberState)>, StatusError> {
    let mut rows = Rows { rest: answer, line: 1 };
    let header = rows.next().transpose()?.map(|(_, fields)| fields).unwrap_or_default();
    let column = |name: &'static str| {
        header
            .iter()
            .position(|field| field.trim_start_matches(['#', ' ']) == name)
            .ok_or_else(|| StatusError::NoColumn { column: name, begins: answer.chars().take(60).collect() })
    };
    let (name_column, status_column) = (column("svname")?, column("status")?);
    let mut states = Vec::new();
    for row in rows {
        let (line, fields) = row?;
        if fields.iter().all(String::is_empty) {
            continue;
        }
        let field = |index: usize, column| fields.get(index).ok_or(StatusError::ShortLine { line, column });
        let name = field(name_column, "svname")?;
        if name == "FRONTEND" || name == "BACKEND" {
            continue;
        }
        let name = Name::try_from(name.as_str()).map_err(|source| StatusError::Name { line, source })?;
        let text = field(status_column, "status")?;
        let state = state(text).ok_or_else(|| StatusError::Unknown { line, status: text.clone() })?;
        states.push((name, state));
    }
    if states.is_empty() { Err(StatusError::Empty) } else { Ok(states) }
}

/// Reads how much was sent to each server, in the table's order; none if the table does not say. A server that comes in two pools
/// has its sum.
pub(crate) fn haproxy_counters(answer: &str) -> Option<Vec<(Name, u64)>> {
    let mut rows = Rows { rest: answer, line: 1 };
    let (_, header) = rows.next()?.ok()?;
    let column = |name: &str| header.iter().position(|field| field.trim_start_matches(['#', ' ']) == name);
    let (name_column, count_column) = (column("svname")?, column("stot")?);
    let mut counters: Vec<(Name, u64)> = Vec::new();
    for (_, fields) in rows.filter_map(Result::ok) {
        let Some(name) = fields.get(name_column).filter(|name| *name != "FRONTEND" && *name != "BACKEND") else {
            continue;
        };
        let (Ok(name), Some(Ok(count))) =
            (Name::try_from(name.as_str()), fields.get(count_column).map(|count| count.parse::<u64>()))
        else {
            continue;
        };
        match counters.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known += count,
            None => counters.push((name, count)),
        }
    }
    (!counters.is_empty()).then_some(counters)
}

/// Reads what the pools have carried, all together; none if the table does not say.
pub(crate) fn haproxy_carried(answer: &str) -> Option<Carried> {
    let mut rows = Rows { rest: answer, line: 1 };
    let (_, header) = rows.next()?.ok()?;
    let column = |name: &str| header.iter().position(|field| field.trim_start_matches(['#', ' ']) == name);
    let (name, bytes_in, bytes_out) = (column("svname")?, column("bin")?, column("bout")?);
    let (active, total) = (column("scur")?, column("stot")?);
    let backends = rows.filter_map(Result::ok).map(|(_, fields)| fields);
    let sums = backends.filter(|fields| fields.get(name).is_some_and(|name| name == "BACKEND")).map(|fields| {
        let number = |column: usize| fields.get(column)?.parse::<u64>().ok();
        Some(Carried {
            bytes_in: number(bytes_in)?,
            bytes_out: number(bytes_out)?,
            active_connections: number(active)?,
            total_connections: number(total)?,
        })
    });
    sums.reduce(|one, other| {
        let (one, other) = (one?, other?);
        Some(Carried {
            bytes_in: one.bytes_in + other.bytes_in,
            bytes_out: one.bytes_out + other.bytes_out,
            active_connections: one.active_connections + other.active_connections,
            total_connections: one.total_connections + other.total_connections,
        })
    })?
}

fn state(status: &str) -> Option<MemberState> {
    match status.split([' ', '(']).next()? {
        "UP" | "DRAIN" => Some(MemberState::Up),
        "DOWN" | "MAINT" | "NOLB" => Some(MemberState::Down),
        "no" if status == "no check" => Some(MemberState::NotMonitored),
        _ => None,
    }
}

/// The rows of a CSV text as in RFC 4180, each with the number of the line on which it begins.
struct Rows<'a> {
    rest: &'a str,
    line: usize,
}

impl Iterator for Rows<'_> {
    type Item = Result<(usize, Vec<String>), StatusError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let began = self.line;
        let mut fields = Vec::new();
        loop {
            let (field, after) = if let Some(quoted) = self.rest.strip_prefix('"') {
                let Some((field, after)) = unquote(quoted) else {
                    self.rest = "";
                    return Some(Err(StatusError::OpenQuote { line: self.line }));
                };
                (field, after)
            } else {
                let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
                (self.rest[..end].trim_end_matches('\r').to_owned(), &self.rest[end..])
            };
            self.line += field.matches('\n').count();
            fields.push(field);
            // What follows a closing quote up to the next separator belongs to no field.
            let separator = after.find([',', '\n']).map(|at| &after[at..]);
            match separator {
                Some(next) if next.starts_with(',') => self.rest = &next[1..],
                Some(next) => {
                    self.rest = &next[1..];
                    self.line += 1;
                    break;
                }
                None => {
                    self.rest = "";
                    break;
                }
            }
        }
        Some(Ok((began, fields)))
    }
}

/// The text of a quoted field, whose opening quote is already taken, and what follows its closing quote.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let quote = rest.find('"')?;
        field.push_str(&rest[..quote]);
        rest = &rest[quote + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None => return Some((field, rest)),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use expect_test::{Expect, expect};
    use lblab_model::{Carried, Listener, LoadBalancer, Member, Method, Name, Pool, Protocol, Weight};
    use regex_lite::Regex;

    use super::{by_pattern, haproxy_carried, haproxy_counters, haproxy_csv};
    use crate::hearing::Members;

    /// vm01 at 192.168.1.17:80 and vm02 at 192.168.1.18:80.
    pub(crate) fn two_members() -> LoadBalancer {
        let port = 80.try_into().expect("it is not 0");
        let member = |number: u8| Member {
            name: Name::try_from(format!("vm0{number}")).expect("a name"),
            address: [192, 168, 1, 16 + number].into(),
            port,
            weight: Weight::ONE,
            backup: false,
        };
        let pool = Pool {
            id: "pool".to_owned(),
            method: Method::RoundRobin,
            protocol: Protocol::Http,
            persistence: None,
            members: vec![member(1), member(2)],
            monitor: None,
        };
        let address = [192, 168, 1, 250].into();
        let id = "listener".to_owned();
        let listener = Listener { id, address, port, protocol: Protocol::Http, connection_limit: None, pool };
        LoadBalancer { id: "lb".to_owned(), listeners: vec![listener] }
    }

    #[test]
    fn a_pattern_finds_members_by_name_or_address() {
        let members = Members::default();
        members.learn(&two_members());
        let check = |pattern: &str, answer: &str, expected: &Expect| {
            let pattern = Regex::new(pattern).expect("it compiles");
            let read = by_pattern(answer, &pattern, &members);
            expected.assert_eq(&read.map_or_else(|error| error.to_string(), |states| format!("{states:?}")));
        };
        let by_address = r"(?<address>[0-9.]+:[0-9]+)::health_flags::(?:healthy|(?<down>/failed\S*))";
        check(
            by_address,
            "p::192.168.1.17:80::health_flags::healthy\np::192.168.1.18:80::health_flags::/failed_active_hc\n",
            &expect![[r#"[(Name("vm01"), Up), (Name("vm02"), Down)]"#]],
        );
        check(
            by_address,
            "p::192.168.1.17:80::health_flags::/failed_active_hc\nq::192.168.1.17:80::health_flags::healthy\n",
            &expect![[r#"[(Name("vm01"), Down)]"#]],
        );
        check(
            r"(?m)^(?<member>\S+) +\S+ +(?:healthy|(?<down>sick))",
            "vm01 probe healthy\nvm02 probe   sick\n",
            &expect![[r#"[(Name("vm01"), Up), (Name("vm02"), Down)]"#]],
        );
        check(
            by_address,
            "404 page not found",
            &expect![[r#"the manifest's pattern `members` finds none in it; it begins "404 page not found""#]],
        );
    }

    fn check(answer: &str, expected: &Expect) {
        let text = match haproxy_csv(answer) {
            Ok(states) => states.iter().map(|(name, state)| format!("{name} {state:?}")).collect::<Vec<_>>().join("\n"),
            Err(wrong) => wrong.to_string(),
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn the_rows_of_servers_become_states() {
        check(
            "# pxname,svname,status,weight,\n\
             fe,FRONTEND,OPEN,,\n\
             be,vm01,UP,1,\n\
             be,vm02,DOWN,1,\n\
             be,vm03,UP 1/3,1,\n\
             be,vm04,DOWN 1/2,1,\n\
             be,vm05,no check,1,\n\
             be,vm06,MAINT (via be/vm05),1,\n\
             be,vm07,DRAIN,0,\n\
             be,BACKEND,UP,4,\n\
             \n",
            &expect![[r#"
                vm01 Up
                vm02 Down
                vm03 Up
                vm04 Down
                vm05 NotMonitored
                vm06 Down
                vm07 Up"#]],
        );
    }

    #[test]
    fn columns_are_found_by_name_and_quotes_hold_commas_quotes_and_newlines() {
        check(
            "# status,x,svname\r\n\"UP\",\"a,\"\"b\"\"\nc\",vm01\r\nDOWN,,vm02\r\n",
            &expect![[r#"
                vm01 Up
                vm02 Down"#]],
        );
    }

    #[test]
    fn an_answer_that_is_no_table_is_an_error() {
        check("", &expect![[r#"line 1 has no column "svname", it begins """#]]);
        check("\n\n", &expect![[r#"line 1 has no column "svname", it begins "\n\n""#]]);
        check(
            "Unknown command: 'show stat', but maybe one of the following ones is a better match:\n",
            &expect![[
                r#"line 1 has no column "svname", it begins "Unknown command: 'show stat', but maybe one of the following""#
            ]],
        );
        check("# pxname,svname,status\n", &expect!["no line is about a server"]);
        check("# pxname,svname,status\nbe,vm01\n", &expect![[r#"line 2 has no field "status""#]]);
        check(
            "# pxname,svname,status\nbe,vm01,SIDEWAYS\n",
            &expect![[r#"line 2: "SIDEWAYS" is not a server's status"#]],
        );
        check("# pxname,svname,status\nbe,vm01,no idea\n", &expect![[r#"line 2: "no idea" is not a server's status"#]]);
        check("# pxname,svname,status\nbe,\"vm01,UP\n", &expect!["a quoted field that begins on line 2 does not end"]);
        check(
            "# pxname,svname,status\nbe,a b,UP\n",
            &expect![
                "line 2: a name is made of letters, digits, `-` and `_` and starts with a letter or digit; ' ' is none of these"
            ],
        );
    }

    #[test]
    fn no_garbage_makes_it_panic() {
        let pieces = ["", "#", ",", "\"", "\n", "\r", "svname", "status", "é", "\0", "UP", " "];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    for d in pieces {
                        let _ = haproxy_csv(&format!("{a}{b}{c}{d}"));
                        let _ = haproxy_csv(&format!("# svname,status\n{a}{b}{c}{d}"));
                    }
                }
            }
        }
    }

    #[test]
    fn what_was_sent_to_each_server_is_read_from_the_same_table() {
        let table = "# pxname,svname,stot,status,\nfront,FRONTEND,30,OPEN,\npool,vm01,10,UP,\npool,vm02,20,DOWN,\n\
                     pool,BACKEND,30,UP,\nother,vm01,5,UP,\n";
        let named = |name: &str| Name::try_from(name).expect("a name");
        assert_eq!(haproxy_counters(table), Some(vec![(named("vm01"), 15), (named("vm02"), 20)]));
        assert_eq!(haproxy_counters("# pxname,svname,status,\npool,vm01,UP,\n"), None);
        assert_eq!(haproxy_counters(""), None);
    }

    #[test]
    fn what_pools_have_carried_is_the_sum_over_backends() {
        let table = "# pxname,svname,scur,stot,bin,bout,status,\n\
                     web,FRONTEND,9,9,9,9,OPEN,\n\
                     pool,vm01,1,2,3,4,UP,\n\
                     pool,BACKEND,1,2,30,40,UP,\n\
                     other,BACKEND,0,5,6,7,UP,\n";
        let carried = Carried { bytes_in: 36, bytes_out: 47, active_connections: 1, total_connections: 7 };
        assert_eq!(haproxy_carried(table), Some(carried));
        assert_eq!(haproxy_carried("# pxname,svname,scur,stot,bin,status,\npool,BACKEND,1,2,3,UP,\n"), None);
        assert_eq!(haproxy_carried(""), None);
    }
}
