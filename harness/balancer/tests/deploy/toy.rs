//! A balancer that this test program is itself, with every way of being ready, told, asked and heard that a manifest can name.
//!
//! Its configuration is a list of words, one a line: `vip ADDRESS`, `sock PATH`, `busy N` (N requests are answered with 503), `members
//! NAME=ADDRESS ...`, and `generation N`. It answers requests on the VIP and on the socket; `/states` lists the members, of which
//! the one that USR1 took down is down until USR2.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{LocalSet, spawn_local};

/// The argument that makes this program the balancer.
pub const TOY: &str = "--toy";

#[derive(Default)]
struct Toy {
    conf: RefCell<BTreeMap<String, String>>,
    busy: Cell<u32>,
    down: Cell<bool>,
}

/// Runs the balancer until it is told to end.
pub fn run(conf: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, serve(conf));
}

fn read(conf: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(conf).expect("a configuration");
    let words = text.lines().filter_map(|line| line.split_once(' '));
    words.map(|(word, value)| (word.to_owned(), value.trim().to_owned())).collect()
}

async fn serve(conf: &str) {
    let toy = Rc::new(Toy::default());
    toy.conf.replace(read(conf));
    let word = |word: &str| toy.conf.borrow().get(word).cloned();
    toy.busy.set(word("busy").map_or(0, |number| number.parse().expect("a number")));
    let on = |kind| signal(kind).expect("a signal's handler");
    let (mut hup, mut down, mut up) =
        (on(SignalKind::hangup()), on(SignalKind::user_defined1()), on(SignalKind::user_defined2()));
    if let Some(vip) = word("vip") {
        let listener = TcpListener::bind(vip).await.expect("the VIP");
        let toy = Rc::clone(&toy);
        spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                spawn_local(answer(Rc::clone(&toy), stream));
            }
        });
    }
    if let Some(sock) = word("sock") {
        let listener = UnixListener::bind(sock).expect("the socket");
        let toy = Rc::clone(&toy);
        spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                spawn_local(answer(Rc::clone(&toy), stream));
            }
        });
    }
    println!("ready with {}", std::env::var("TOY_COLOUR").unwrap_or_default());
    loop {
        tokio::select! {
            _ = hup.recv() => {
                let fresh = read(conf);
                if fresh.contains_key("wrong") {
                    println!("refused: I do not like it");
                } else {
                    let generation = fresh.get("generation").cloned().unwrap_or_default();
                    toy.conf.replace(fresh);
                    println!("loaded {generation}");
                }
            }
            _ = down.recv() => {
                toy.down.set(true);
                println!("member 192.168.1.11:80 went down");
            }
            _ = up.recv() => {
                toy.down.set(false);
                println!("member 192.168.1.11 came up");
            }
        }
    }
}

async fn answer(toy: Rc<Toy>, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut request = [0; 1024];
    let length = stream.read(&mut request).await.unwrap_or(0);
    let request = String::from_utf8_lossy(&request[..length]).into_owned();
    let (status, text) = if toy.busy.get() > 0 {
        toy.busy.set(toy.busy.get() - 1);
        ("503 Service Unavailable", String::from("not yet"))
    } else if request.contains("states") {
        let conf = toy.conf.borrow();
        let state = |index| if index == 0 && toy.down.get() { "DOWN" } else { "UP" };
        let members = conf.get("members").map_or("", String::as_str).split_whitespace().enumerate();
        let lines = members.filter_map(|(index, member)| Some((state(index), member.split_once('=')?)));
        let lines: Vec<_> = lines.map(|(state, (name, address))| format!("{name} {address} {state}\n")).collect();
        ("200 OK", lines.concat())
    } else {
        ("200 OK", format!("generation {}\nWelcome", toy.conf.borrow().get("generation").map_or("", String::as_str)))
    };
    let answer = if request.starts_with("GET") {
        // In chunks, as many a server's administration does.
        format!("HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{text}\r\n0\r\n\r\n", text.len())
    } else {
        text
    };
    // Whoever asked may have gone away.
    let _ = stream.write_all(answer.as_bytes()).await;
}
