//! Where requests come from: the sockets of a namespace, the run's clock and its counters.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::rc::Rc;

use lblab_history::Clock;
use tokio::net::TcpSocket;

use crate::Jars;

/// Where requests come from; clones share it.
#[derive(Clone)]
pub struct Origin {
    socket: Rc<dyn Fn() -> io::Result<TcpSocket>>,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) jars: Jars,
}

impl Origin {
    /// Requests that take their sockets from `socket`, which opens an unbound one in the clients' namespace. All origins of
    /// a run share its clock and its counters.
    pub fn new(socket: impl Fn() -> io::Result<TcpSocket> + 'static, clock: Clock, ids: Ids) -> Origin {
        Origin { socket: Rc::new(socket), clock, ids, jars: Jars::new() }
    }

    /// The same, for clients that may have come before and have these cookies.
    #[must_use]
    pub fn remembering(self, jars: Jars) -> Origin {
        Origin { jars, ..self }
    }

    pub(crate) fn socket(&self) -> io::Result<TcpSocket> {
        (self.socket)()
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").field("clock", &self.clock).field("ids", &self.ids).finish_non_exhaustive()
    }
}

/// The counters of a run; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    requests: Rc<Cell<u64>>,
    connections: Rc<Cell<u64>>,
}

impl Ids {
    /// Counters that begin at 0.
    pub fn new() -> Ids {
        Ids::default()
    }

    pub(crate) fn next_request(&self) -> u64 {
        self.requests.replace(self.requests.get() + 1)
    }

    pub(crate) fn next_connection(&self) -> u64 {
        self.connections.replace(self.connections.get() + 1)
    }
}
