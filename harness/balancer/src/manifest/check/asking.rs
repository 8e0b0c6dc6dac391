//! Questions to a balancer: that it is ready, that a reload is in force, and what its members' states are.

use std::time::Duration;

use serde_saphyr::{Location, Spanned};

use super::{Checked, Source};
use crate::manifest::raw::{RawAsks, RawEvents, RawReady, RawStatus, RawStatusFormat, Text};
use crate::manifest::{Asked, Endpoint, Events, Question, Reading, Ready, Status, StatusSource};

/// How often a balancer that announces nothing is asked for its members' states.
const ASKED_EVERY: Duration = Duration::from_millis(20);

/// How seldom it may be asked at most: a state that is seen later than this is worth nothing.
const MOST_SELDOM: Duration = Duration::from_secs(1);

/// Where a question is asked: `socket` or `address`.
type RawEndpoint = (Option<Text>, Option<Text>);

/// What is asked: `ask` or `get`.
type RawAsked = (Option<Text>, Option<Text>);

impl Source<'_> {
    pub(super) fn ready(self, raw: Spanned<Vec<Spanned<RawReady>>>) -> Checked<Vec<Ready>> {
        if raw.value.is_empty() {
            let help = "for example [{address: \"{{ vip }}\"}], when it accepts connections on the VIP";
            return Err(self.wrong(&raw, "something has to tell that the balancer is ready", Some(help)));
        }
        raw.value.into_iter().map(|condition| self.condition(condition)).collect()
    }

    fn condition(self, raw: Spanned<RawReady>) -> Checked<Ready> {
        let place = raw.referenced;
        let choose = "a condition is one of {socket, ask}, {socket, get}, {address}, {address, ask}, {address, get}, \
                      {output} and {ends: true}";
        let RawReady { socket, address, ask, get, output, ends } = raw.value;
        let asks = socket.is_some() || address.is_some() || ask.is_some() || get.is_some();
        match (output, ends) {
            (Some(pattern), false) if !asks => Ok(Ready::Says(self.pattern(&pattern, &[])?)),
            (None, true) if !asks => Ok(Ready::Ends),
            (None, false) if asks => match (&ask, &get) {
                (None, None) if address.is_some() && socket.is_none() => {
                    Ok(Ready::Accepts(self.endpoint(place, (None, address))?))
                }
                _ => Ok(Ready::Answers(self.question(place, (socket, address), (ask, get))?)),
            },
            _ => Err(self.at(place, choose, None)),
        }
    }

    pub(super) fn asks(self, raw: Spanned<RawAsks>) -> Checked<(Question, String)> {
        let place = raw.referenced;
        let RawAsks { socket, address, ask, get, matches } = raw.value;
        let question = self.question(place, (socket, address), (ask, get))?;
        Ok((question, self.template(matches)?))
    }

    pub(super) fn status(self, raw: Spanned<RawStatus>, announces: bool) -> Checked<Status> {
        let place = raw.referenced;
        let RawStatus { socket, address, ask, get, command, format, members, every } = raw.value;
        let from = match command {
            Some(command) if socket.is_none() && address.is_none() && ask.is_none() && get.is_none() => {
                StatusSource::Command(self.command(command)?)
            }
            Some(_) => return Err(self.at(place, "states are read either by a `command` or by a question", None)),
            None => StatusSource::Question(self.question(place, (socket, address), (ask, get))?),
        };
        let reading = match (format, members) {
            (Some(RawStatusFormat::HaproxyCsv), None) => Reading::HaproxyCsv,
            (None, Some(members)) => Reading::Members(self.member_pattern(&members)?),
            (None, None) | (Some(_), Some(_)) => {
                let help = "for example members: '(?<member>\\S+) +(?:up|(?<down>down))'";
                return Err(self.at(place, "states are read by a `format` or by a pattern `members`", Some(help)));
            }
        };
        if !announces && matches!(from, StatusSource::Command(_)) {
            let what = "a command cannot be run often enough to see members leave; there have to be `events` as well";
            return Err(self.at(place, what, None));
        }
        let every = match every {
            Some(text) if announces => {
                return Err(self.wrong(&text, "a balancer that has `events` is not asked again and again", None));
            }
            Some(text) => self.span(&text, MOST_SELDOM)?,
            None => ASKED_EVERY,
        };
        Ok(Status { from, reading, every })
    }

    pub(super) fn events(self, raw: RawEvents) -> Checked<Events> {
        Ok(Events {
            socket: raw.socket.map(|socket| self.template(socket)).transpose()?,
            command: raw.command.map(|command| self.command(command)).transpose()?,
            down: self.member_pattern(&raw.down)?,
            up: self.member_pattern(&raw.up)?,
        })
    }

    fn question(self, place: Location, at: RawEndpoint, asked: RawAsked) -> Checked<Question> {
        let at = self.endpoint(place, at)?;
        let asked = match asked {
            (Some(line), None) => Asked::Line(self.line(line)?),
            (None, Some(path)) => {
                if !path.value.starts_with('/') || !path.value.chars().all(|c| c.is_ascii_graphic()) {
                    return Err(self.wrong(&path, "a path begins with `/` and has no spaces", None));
                }
                Asked::Get(path.value)
            }
            _ => return Err(self.at(place, "a question is either a line to `ask` or a path to `get`", None)),
        };
        Ok(Question { at, asked })
    }

    fn endpoint(self, place: Location, at: RawEndpoint) -> Checked<Endpoint> {
        match at {
            (Some(socket), None) => Ok(Endpoint::Socket(self.template(socket)?)),
            (None, Some(address)) => Ok(Endpoint::Address(self.template(address)?)),
            _ => Err(self.at(place, "a question is asked either at a `socket` or at an `address`", None)),
        }
    }
}
