//! What a balancer is heard to say: lines of its output and its log, read as members' changes of state, and as the ends of
//! whatever somebody waits for.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;
use std::time::Instant;

use lblab_history::MemberState;
use lblab_model::{LoadBalancer, Name};
use regex_lite::{Captures, Regex};
use tokio::sync::{mpsc, oneshot};

use crate::manifest::Events;

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

/// How something that was waited for ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was done at this instant.
    Done(Instant),
    /// The balancer refused it, in these words.
    Refused(String),
}

/// Where a line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The datagram socket.
    Socket,
    /// The companion command.
    Companion,
    /// The balancer's own standard output and error.
    Output,
}

impl Source {
    /// Where members' states are announced: only in the most telling place, since HAProxy says on its standard error again what
    /// it has logged.
    fn of_states(events: &Events) -> Source {
        match (&events.socket, &events.command) {
            (Some(_), _) => Source::Socket,
            (None, Some(_)) => Source::Companion,
            (None, None) => Source::Output,
        }
    }
}

/// A line that somebody waits for.
#[derive(Clone, Debug)]
pub(crate) struct Awaited {
    pub done: Option<Regex>,
    pub refused: Option<Regex>,
    /// The process that a group `pid` has to name.
    pub pid: Option<u32>,
}

/// Whoever hears the balancer; a clone hears the same.
#[derive(Clone)]
pub(crate) struct Hearing(Rc<Inner>);

struct Inner {
    events: Option<Events>,
    members: Members,
    /// The states that the balancer was last seen to show, if it is asked for them.
    seen: RefCell<BTreeMap<Name, MemberState>>,
    states: mpsc::UnboundedSender<StateEvent>,
    awaited: RefCell<Vec<(Awaited, oneshot::Sender<End>)>>,
}

impl Hearing {
    pub fn new(events: Option<Events>) -> (Hearing, mpsc::UnboundedReceiver<StateEvent>) {
        let (states, receiver) = mpsc::unbounded_channel();
        let inner = Inner {
            events,
            members: Members::default(),
            seen: RefCell::default(),
            states,
            awaited: RefCell::default(),
        };
        (Hearing(Rc::new(inner)), receiver)
    }

    /// The members that balancers may speak of by address.
    pub fn members(&self) -> &Members {
        &self.0.members
    }

    /// Takes in a line that was read at this instant.
    pub fn hear(&self, from: Source, line: &str, at: Instant) {
        if let Some(events) = self.0.events.as_ref().filter(|events| Source::of_states(events) == from) {
            for (member, state) in changes(events, &self.0.members, line) {
                // Nobody listens once the run is over; the balancer may go on talking.
                let _ = self.0.states.send(StateEvent { member, state, at });
            }
        }
        let mut awaited = self.0.awaited.borrow_mut();
        // What nobody waits for any more, say because its deadline is over, is dropped.
        awaited.retain(|(_, told)| !told.is_closed());
        let mut index = 0;
        while index < awaited.len() {
            match awaited[index].0.end(line, at) {
                Some(end) => {
                    let (_, told) = awaited.swap_remove(index);
                    let _ = told.send(end);
                }
                None => index += 1,
            }
        }
    }

    /// Takes in the states that the balancer showed at this instant.
    pub fn learn(&self, states: Vec<(Name, MemberState)>, at: Instant) {
        let mut seen = self.0.seen.borrow_mut();
        for (member, state) in states {
            if seen.insert(member.clone(), state) != Some(state) {
                let _ = self.0.states.send(StateEvent { member, state, at });
            }
        }
    }

    /// Begins to wait for a line; called before whatever brings it about.
    pub fn wait_for(&self, awaited: Awaited) -> oneshot::Receiver<End> {
        let (told, receiver) = oneshot::channel();
        self.0.awaited.borrow_mut().push((awaited, told));
        receiver
    }
}

impl Awaited {
    fn end(&self, line: &str, at: Instant) -> Option<End> {
        let about_it = |found: &Captures| match (found.name("pid"), self.pid) {
            (Some(told), Some(pid)) => told.as_str() == pid.to_string(),
            _ => true,
        };
        if self.done.as_ref().and_then(|done| done.captures(line)).is_some_and(|found| about_it(&found)) {
            return Some(End::Done(at));
        }
        let refused = self.refused.as_ref()?.captures(line).filter(about_it)?;
        Some(End::Refused(refused.name("reason").or(refused.get(0))?.as_str().to_owned()))
    }
}

/// The members that the balancer has had so far, by the addresses that it may know them by.
#[derive(Debug, Default)]
pub(crate) struct Members(RefCell<BTreeMap<SocketAddrV4, Name>>);

impl Members {
    /// Takes in the members of a configuration.
    pub fn learn(&self, lb: &LoadBalancer) {
        let members = lb.listeners.iter().flat_map(|listener| &listener.pool.members);
        let members = members.map(|member| (SocketAddrV4::new(member.address, member.port.get()), member.name.clone()));
        self.0.borrow_mut().extend(members);
    }

    /// The members that a match is about: the one that its group `member` names, or those at its group `address`, an IP with or
    /// without a port. Something that is no member gives none.
    pub fn named_by(&self, found: &Captures) -> Vec<Name> {
        if let Some(member) = found.name("member") {
            return Name::try_from(member.as_str().to_owned()).into_iter().collect();
        }
        let Some(address) = found.name("address").map(|address| address.as_str()) else { return Vec::new() };
        let members = self.0.borrow();
        if let Ok(address) = address.parse::<SocketAddrV4>() {
            return members.get(&address).cloned().into_iter().collect();
        }
        let Ok(address) = address.parse::<Ipv4Addr>() else { return Vec::new() };
        members.iter().filter(|(at, _)| *at.ip() == address).map(|(_, name)| name.clone()).collect()
    }
}

fn changes(events: &Events, members: &Members, line: &str) -> Vec<(Name, MemberState)> {
    let (found, state) = match (events.down.captures(line), events.up.captures(line)) {
        (Some(found), _) => (found, MemberState::Down),
        (None, Some(found)) => (found, MemberState::Up),
        (None, None) => return Vec::new(),
    };
    let names = members.named_by(&found);
    if names.is_empty() {
        tracing::warn!(line, "the balancer announced the state of something that is no member");
    }
    names.into_iter().map(|name| (name, state)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use expect_test::{Expect, expect};
    use regex_lite::Regex;

    use super::{Awaited, End, Hearing, Members, Source, changes};
    use crate::Manifest;
    use crate::manifest::Events;

    fn check(balancer: &str, line: &str, expected: &Expect) {
        let manifest = Manifest::load(balancer).expect("it is shipped");
        let events = manifest.events.expect("it announces");
        expected.assert_eq(&format!("{:?}", changes(&events, &Members::default(), line)));
    }

    #[test]
    fn haproxy_announces_members_that_leave_and_return() {
        let down = "<137>Nov 23 08:43:17 haproxy[11320]: Server 8d333495-8228-46d5-bd62-f0845d16fe9b/vm02 is DOWN, reason: \
                    Layer4 connection problem, info: \"Connection refused\", check duration: 0ms. 1 active and 0 backup \
                    servers left. 0 sessions active, 0 requeued, 0 remaining in queue.";
        check("haproxy", down, &expect![[r#"[(Name("vm02"), Down)]"#]]);
        let up = "<141>Nov 23 08:43:21 haproxy[11320]: Server 8d333495-8228-46d5-bd62-f0845d16fe9b/vm02 is UP, reason: \
                  Layer7 check passed, code: 200, check duration: 1ms. 2 active and 0 backup servers online.";
        check("haproxy", up, &expect![[r#"[(Name("vm02"), Up)]"#]]);
        check("haproxy", "<140>x haproxy[1]: Proxy fe stopped (cumulated conns: FE: 1, BE: 0).", &expect!["[]"]);
        check("haproxy", "<137>x haproxy[1]: Server be/a-name-of-17-char is DOWN, reason: x", &expect!["[]"]);
        check("haproxy", "", &expect!["[]"]);
    }

    #[test]
    fn the_reference_balancer_announces_in_the_same_words() {
        check(
            "reference",
            "Server be/vm01 is DOWN, reason: connection refused, ",
            &expect![[r#"[(Name("vm01"), Down)]"#]],
        );
        check("reference", "Server be/vm01 is UP, reason: answered 200, ", &expect![[r#"[(Name("vm01"), Up)]"#]]);
        check("reference", "Configuration loaded, generation 2", &expect!["[]"]);
    }

    #[test]
    fn a_member_may_be_announced_by_its_address_with_or_without_its_port() {
        let pattern = |text| Regex::new(text).expect("it compiles");
        let events = Events {
            socket: None,
            command: None,
            down: pattern("down (?<address>[0-9.:]+)"),
            up: pattern("up (?<address>[0-9.:]+)"),
        };
        let members = Members::default();
        members.learn(&crate::status::tests::two_members());
        let check = |line, expected: &Expect| expected.assert_eq(&format!("{:?}", changes(&events, &members, line)));
        check("down 192.168.1.17:80", &expect![[r#"[(Name("vm01"), Down)]"#]]);
        check("up 192.168.1.18", &expect![[r#"[(Name("vm02"), Up)]"#]]);
        check("up 192.168.1.18:81", &expect!["[]"]);
        check("up 10.0.0.1", &expect!["[]"]);
        check("up 1.2.3.4.5", &expect!["[]"]);
    }

    #[test]
    fn a_line_ends_the_wait_of_those_whom_it_concerns() {
        let (hearing, _states) = Hearing::new(None);
        let pattern = |text| Some(Regex::new(text).expect("it compiles"));
        let wait = |pid| {
            hearing.wait_for(Awaited {
                done: pattern(r"(?<pid>\d+) stopped"),
                refused: pattern("no: (?<reason>.*)"),
                pid: Some(pid),
            })
        };
        let (mut first, mut second) = (wait(7), wait(8));
        let at = Instant::now();
        hearing.hear(Source::Output, "8 stopped", at);
        assert!(first.try_recv().is_err());
        assert_eq!(second.try_recv(), Ok(End::Done(at)));
        hearing.hear(Source::Socket, "no: a typo", at);
        assert_eq!(first.try_recv(), Ok(End::Refused("a typo".to_owned())));
    }
}
