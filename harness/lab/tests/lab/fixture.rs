//! A small network, members that answer, and clients that ask them.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use lblab_lab::sandbox::{self, SandboxOptions};
use lblab_lab::{External, Host, Lab, Namespace, Topology};
use lblab_model::{IngressRule, Name, SecurityGroup, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::Verdict;

pub const ID: &str = "5a9e47c1-7c0e-4b7c-9a4f-0c7c2e9d1b11";
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 100);
pub const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 250);
pub const FLOATING: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 17);
pub const FLOATING_VIP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 250);
pub const OUTSIDE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 99);

/// Anything that a lab's network answers takes less; a stall of the kernel takes half a second and more.
pub const PROMPT: Duration = Duration::from_millis(50);

/// What has not answered by then is not going to: the kernel repeats a SYN after a second.
pub const SILENCE: Duration = Duration::from_millis(300);

/// The address of the member with this number, from 1.
pub fn member(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 1, 16 + number)
}

pub fn name(text: &str) -> Name {
    Name::try_from(text).expect("a name")
}

pub fn port(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("a port")
}

pub fn admitting(rules: &[(Transport, Option<u16>)]) -> SecurityGroup {
    let rule =
        |&(transport, port): &(Transport, Option<u16>)| IngressRule { transport, port: port.and_then(NonZeroU16::new) };
    SecurityGroup { ingress: rules.iter().map(rule).collect() }
}

/// Members `vm01` and on that admit port 80, the client `client` with the sources 10.99.0.0/16, and an outside.
pub fn topology(members: u8) -> Topology {
    let web = |number| Host {
        name: name(&format!("vm{number:02}")),
        address: member(number),
        security_group: Some(admitting(&[(Transport::Tcp, Some(80))])),
    };
    Topology {
        id: ID.to_owned(),
        subnet: "192.168.1.0/24".parse().expect("a prefix"),
        gateway: GATEWAY,
        dhcp: Ipv4Addr::new(192, 168, 1, 2),
        members: (1..=members).map(web).collect(),
        clients: vec![Host { name: name("client"), address: CLIENT, security_group: None }],
        sources: Some("10.99.0.0/16".parse().expect("a prefix")),
        external: Some(External {
            subnet: "203.0.113.0/24".parse().expect("a prefix"),
            router: Ipv4Addr::new(203, 0, 113, 1),
            client: OUTSIDE,
            floating: vec![(FLOATING, member(1)), (FLOATING_VIP, VIP)],
        }),
        ipv6: None,
    }
}

/// Enters a sandbox and runs the body there on one thread.
pub fn sandboxed<F: Future<Output = ()>>(body: impl FnOnce() -> F) -> Verdict {
    let worker = |_| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        tokio::task::LocalSet::new().block_on(&runtime, body());
        0
    };
    let code = sandbox::enter(&SandboxOptions::default(), worker).expect("a sandbox");
    assert_eq!(code, 0, "the worker's exit code");
    Verdict::Passed
}

/// Builds the lab in a sandbox of its own and runs the body with it.
pub fn with_lab<F: Future<Output = ()>>(topology: &Topology, body: impl FnOnce(Lab) -> F) -> Verdict {
    sandboxed(|| async { body(Lab::build(topology).await.expect("a lab")).await })
}

/// Serves `Welcome to <address>, <peer>` on the address.
pub fn serve(namespace: &Namespace, address: Ipv4Addr, port: u16) {
    let listener = namespace.tcp_listener(SocketAddrV4::new(address, port), 128).expect("a listener");
    let listener = TcpListener::from_std(listener).expect("a listener in the runtime");
    tokio::task::spawn_local(async move {
        while let Ok((mut stream, peer)) = listener.accept().await {
            let answer = format!("Welcome to {address}, {}", peer.ip());
            tokio::task::spawn_local(async move { stream.write_all(answer.as_bytes()).await });
        }
    });
}

pub fn serve_members(lab: &Lab, members: u8) {
    for number in 1..=members {
        serve(&lab.namespace(&format!("vm{number:02}")).expect("a member"), member(number), 80);
    }
}

/// What became of a question.
#[derive(Debug)]
pub enum Reply {
    Answer(String, Duration),
    Failed(io::Error, Duration),
    Silence,
}

impl Reply {
    /// The answer, which came promptly.
    #[track_caller]
    pub fn prompt(self) -> String {
        match self {
            Reply::Answer(text, time) if time < PROMPT => text,
            other => panic!("no prompt answer: {other}"),
        }
    }

    /// The question was refused or reset, promptly.
    #[track_caller]
    pub fn refused(self) {
        match self {
            Reply::Failed(error, time)
                if time < PROMPT
                    && matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset) => {}
            other => panic!("not refused: {other}"),
        }
    }

    #[track_caller]
    pub fn silence(self) {
        assert!(matches!(self, Reply::Silence), "not silence: {self}");
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Connects from the namespace and reads to the end.
pub async fn ask(from: &Namespace, to: Ipv4Addr, port: u16) -> Reply {
    ask_as(from, None, to, port).await
}

/// As [`ask`], from a source address.
pub async fn ask_as(from: &Namespace, source: Option<Ipv4Addr>, to: Ipv4Addr, port: u16) -> Reply {
    let begin = Instant::now();
    let asking = async {
        let mut text = String::new();
        connect(from, source, to, port).await?.read_to_string(&mut text).await?;
        Ok(text)
    };
    match timeout(SILENCE, asking).await {
        Ok(Ok(text)) => Reply::Answer(text, begin.elapsed()),
        Ok(Err(error)) => Reply::Failed(error, begin.elapsed()),
        Err(_) => Reply::Silence,
    }
}

pub async fn connect(from: &Namespace, source: Option<Ipv4Addr>, to: Ipv4Addr, port: u16) -> io::Result<TcpStream> {
    let socket = from.tcp_socket()?;
    if let Some(source) = source {
        socket.bind(SocketAddrV4::new(source, 0).into())?;
    }
    socket.connect(SocketAddrV4::new(to, port).into()).await
}

/// The answer of a member to a client.
pub fn welcome(member: Ipv4Addr, client: Ipv4Addr) -> String {
    format!("Welcome to {member}, {client}")
}

/// Waits for something of which the kernel sends no notice.
pub fn within(limit: Duration, mut holds: impl FnMut() -> bool) -> Option<Duration> {
    let begin = Instant::now();
    loop {
        if holds() {
            return Some(begin.elapsed());
        }
        if begin.elapsed() > limit {
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
