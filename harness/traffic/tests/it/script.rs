//! A server that follows a script, and the traffic that is sent to it.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::rc::Rc;
use std::time::Duration;

use lblab_history::{Clock, Request};
use lblab_traffic::{Clients, Cookies, Errand, Ids, Load, Origin, RequestSpec, TrafficError, TrafficSpec, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local};

/// What a scripted server does with a request, after it has read its head.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// It writes this and waits for the next request.
    Say(&'static str),
    /// It writes this and closes the connection.
    SayAndClose(&'static str),
    /// It writes this and resets the connection; on loopback the client has it by then.
    SayAndReset(&'static str),
    /// It writes this and stays silent.
    SayAndHang(&'static str),
}

pub(crate) const WELCOME: &str = "HTTP/1.1 200 OK\r\ncontent-length: 23\r\n\r\nWelcome to 192.168.1.9\n";
pub(crate) const LAST_WELCOME: &str =
    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 23\r\n\r\nWelcome to 192.168.1.9\n";

/// A server that does the same with every request, and keeps their heads.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) address: SocketAddrV4,
    pub(crate) heads: Rc<RefCell<Vec<String>>>,
    pub(crate) connections: Rc<Cell<u32>>,
    pub(crate) asked: Rc<Notify>,
}

impl Script {
    pub(crate) async fn start(act: Act) -> Script {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let Ok(SocketAddr::V4(address)) = listener.local_addr() else { panic!("it was bound to 127.0.0.1") };
        let script =
            Script { address, heads: Rc::default(), connections: Rc::default(), asked: Rc::new(Notify::new()) };
        let server = script.clone();
        spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                server.connections.set(server.connections.get() + 1);
                spawn_local(server.clone().serve(stream, act));
            }
        });
        script
    }

    async fn serve(self, mut stream: TcpStream, act: Act) {
        loop {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                    return;
                }
            }
            self.heads.borrow_mut().push(String::from_utf8_lossy(&head).into_owned());
            self.asked.notify_one();
            let (Act::Say(text) | Act::SayAndClose(text) | Act::SayAndReset(text) | Act::SayAndHang(text)) = act;
            if stream.write_all(text.as_bytes()).await.is_err() {
                return;
            }
            match act {
                Act::Say(_) => {}
                Act::SayAndClose(_) => return,
                Act::SayAndReset(_) => {
                    stream.set_zero_linger().expect("the socket is open");
                    return;
                }
                Act::SayAndHang(_) => {
                    stream.read_u8().await.expect_err("the client gives up");
                    return;
                }
            }
        }
    }
}

/// Runs a test on one thread.
pub(crate) fn on_one_thread(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(LocalSet::new().run_until(test));
}

pub(crate) fn origin() -> Origin {
    Origin::new(TcpSocket::new_v4, Clock::start(), Ids::new())
}

pub(crate) fn request(target: impl Into<SocketAddr>) -> RequestSpec {
    RequestSpec {
        step: 4,
        target: target.into(),
        method: "GET".to_owned(),
        path: "/".to_owned(),
        reuse: false,
        high_bytes: false,
        half_close: false,
        tls: false,
        cookies: Cookies::None,
        connect_timeout: Duration::from_secs(10),
        read_timeout: Duration::from_secs(10),
        errand: Errand::Answer,
    }
}

pub(crate) fn one_client() -> Clients {
    Clients::Together(vec![Ipv4Addr::LOCALHOST.into()])
}

/// Sends so many requests in a closed loop.
pub(crate) async fn closed(requests: u64, clients: Clients, request: RequestSpec) -> Vec<Request> {
    let spec = TrafficSpec { load: Load::Closed { requests }, clients, request };
    run(&spec, &origin(), std::future::pending()).await.expect("the loopback interface works")
}

/// What stops traffic before it begins.
pub(crate) async fn error(spec: &TrafficSpec) -> TrafficError {
    run(spec, &origin(), std::future::pending()).await.expect_err("the traffic cannot be sent")
}
