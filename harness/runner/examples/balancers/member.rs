//! A member as a process of its own, so that it shares no thread with the clients.

use std::net::SocketAddrV4;
use std::time::Duration;

use lblab_history::Clock;
use lblab_members::{Kind, Log, MemberServer, MemberSpec};
use lblab_model::Name;
use tokio::net::TcpSocket;

use crate::{Result, sandboxed};

/// Makes this program a member; its address follows.
pub const COMMAND: &str = "member";
/// What it prints when it listens.
pub const LISTENING: &str = "listening";

/// Serves at the address, in the namespace that the process was started in, for as long as it lives.
pub fn serve(address: &str) -> Result<()> {
    let spec = MemberSpec {
        name: Name::try_from("member")?,
        address: address.parse()?,
        kind: Kind::Http,
        tls: false,
        prover: None,
        session_cookie: None,
        session_length: 0,
    };
    sandboxed::on_one_thread(async {
        let listen = |address: SocketAddrV4, backlog| {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind(address.into())?;
            socket.listen(backlog)?.into_std()
        };
        let log = Log::new();
        let _server = MemberServer::start(spec, listen, Clock::start(), log.clone())?;
        println!("{LISTENING}");
        loop {
            // The log is not part of what is measured, and is not to fill the memory.
            tokio::time::sleep(Duration::from_secs(1)).await;
            log.take();
        }
    })
}
