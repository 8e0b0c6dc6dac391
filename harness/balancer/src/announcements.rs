//! What a balancer announces: datagrams that it logs to a unix socket of ours, read as members' changes of state and as
//! the ends of reloads.

use std::cell::RefCell;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use lblab_history::MemberState;
use lblab_model::Name;
use regex_lite::{Captures, Regex};
use tokio::net::UnixDatagram;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_local};

use crate::manifest::{Events, Reload};

/// The longest announcement, in bytes; HAProxy's log lines have at most 1024 by default.
const LONGEST: usize = 8192;

/// A member's change of state, as the balancer announced it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateEvent {
    /// The member.
    pub member: Name,
    /// The state that it is in now.
    pub state: MemberState,
    /// When the announcement was received.
    pub at: Instant,
}

/// How a reload ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReloadEnd {
    /// The change was in force at this instant.
    Done(Instant),
    /// The balancer refused it, in these words.
    Refused(String),
}

/// The socket to which the balancer announces, read until this is dropped.
pub(crate) struct Announcements {
    reader: JoinHandle<()>,
    awaited: Rc<RefCell<Option<Awaited>>>,
}

impl Drop for Announcements {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Announcements {
    /// Binds the socket, open to every user since the balancer may have dropped to another, and reads it in a local
    /// task.
    pub fn bind(path: &Path, events: Events) -> io::Result<(Announcements, mpsc::UnboundedReceiver<StateEvent>)> {
        let socket = bind(path)?;
        let (states, receiver) = mpsc::unbounded_channel();
        let awaited: Rc<RefCell<Option<Awaited>>> = Rc::default();
        let reader = spawn_local({
            let awaited = Rc::clone(&awaited);
            async move {
                let mut buffer = vec![0; LONGEST];
                loop {
                    let length = match socket.recv(&mut buffer).await {
                        Ok(length) => length,
                        Err(error) => {
                            tracing::error!(%error, "reading the balancer's announcements");
                            return;
                        }
                    };
                    let at = Instant::now();
                    let line = String::from_utf8_lossy(&buffer[..length]);
                    let line = line.trim_end();
                    tracing::debug!(line, "announced");
                    if let Some((member, state)) = change(&events, line) {
                        // Nobody listens once the run is over; the balancer may go on talking.
                        let _ = states.send(StateEvent { member, state, at });
                    }
                    let end = awaited.borrow().as_ref().and_then(|awaited| awaited.end(line, at));
                    if let Some((end, awaited)) = end.zip(awaited.take()) {
                        // The reload may have been given up for its deadline in the meantime.
                        let _ = awaited.told.send(end);
                    }
                }
            }
        });
        Ok((Announcements { reader, awaited }, receiver))
    }

    /// Begins to listen for the end of a reload of the process; called before the reload is asked for.
    pub fn reload_end(&self, reload: &Reload, pid: u32) -> oneshot::Receiver<ReloadEnd> {
        let (told, receiver) = oneshot::channel();
        *self.awaited.borrow_mut() =
            Some(Awaited { done: reload.done.clone(), refused: reload.refused.clone(), pid: pid.to_string(), told });
        receiver
    }
}

/// Binds a datagram socket that every user may write to, in the place of one that an earlier run left.
pub(crate) fn bind(path: &Path) -> io::Result<UnixDatagram> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = UnixDatagram::bind(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o666))?;
    Ok(socket)
}

/// A reload whose end is awaited.
struct Awaited {
    done: Regex,
    refused: Option<Regex>,
    pid: String,
    told: oneshot::Sender<ReloadEnd>,
}

impl Awaited {
    fn end(&self, line: &str, at: Instant) -> Option<ReloadEnd> {
        let about_it = |found: &Captures| found.name("pid").is_none_or(|pid| pid.as_str() == self.pid);
        if self.done.captures(line).is_some_and(|found| about_it(&found)) {
            return Some(ReloadEnd::Done(at));
        }
        let refused = self.refused.as_ref()?.captures(line).filter(about_it)?;
        Some(ReloadEnd::Refused(refused.name("reason").or(refused.get(0))?.as_str().to_owned()))
    }
}

fn change(events: &Events, line: &str) -> Option<(Name, MemberState)> {
    let found = |pattern: &Regex, state| Some((pattern.captures(line)?.name("member")?.as_str().to_owned(), state));
    let (member, state) = found(&events.down, MemberState::Down).or_else(|| found(&events.up, MemberState::Up))?;
    match Name::try_from(member) {
        Ok(member) => Some((member, state)),
        Err(error) => {
            tracing::warn!(line, %error, "the balancer announced the state of something that is no member");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::change;
    use crate::Manifest;

    fn check(balancer: &str, line: &str, expected: &Expect) {
        let manifest = Manifest::load(balancer).expect("it is shipped");
        expected.assert_eq(&format!("{:?}", change(&manifest.events, line)));
    }

    #[test]
    fn haproxy_announces_members_that_leave_and_return() {
        let down = "<137>Nov 23 08:43:17 haproxy[11320]: Server 8d333495-8228-46d5-bd62-f0845d16fe9b/vm02 is DOWN, reason: \
                    Layer4 connection problem, info: \"Connection refused\", check duration: 0ms. 1 active and 0 backup \
                    servers left. 0 sessions active, 0 requeued, 0 remaining in queue.";
        check("haproxy", down, &expect![[r#"Some((Name("vm02"), Down))"#]]);
        let up = "<141>Nov 23 08:43:21 haproxy[11320]: Server 8d333495-8228-46d5-bd62-f0845d16fe9b/vm02 is UP, reason: \
                  Layer7 check passed, code: 200, check duration: 1ms. 2 active and 0 backup servers online.";
        check("haproxy", up, &expect![[r#"Some((Name("vm02"), Up))"#]]);
        check("haproxy", "<140>x haproxy[1]: Proxy fe stopped (cumulated conns: FE: 1, BE: 0).", &expect!["None"]);
        check("haproxy", "<137>x haproxy[1]: Server be/a-name-of-17-char is DOWN, reason: x", &expect!["None"]);
        check("haproxy", "", &expect!["None"]);
    }

    #[test]
    fn the_reference_balancer_announces_in_the_same_words() {
        check(
            "reference",
            "Server be/vm01 is DOWN, reason: connection refused, ",
            &expect![[r#"Some((Name("vm01"), Down))"#]],
        );
        check("reference", "Server be/vm01 is UP, reason: answered 200, ", &expect![[r#"Some((Name("vm01"), Up))"#]]);
        check("reference", "Configuration loaded, generation 2", &expect!["None"]);
    }
}
