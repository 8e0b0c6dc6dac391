//! How many requests the traffic client makes out of a second of processor time, beside wrk, against the same HTTP member.
//!
//! `cargo run --release -p lblab-traffic --example client_vs_wrk [ROUNDS] [SECONDS]`. Needs wrk on the path. The member, the
//! client and wrk are processes of their own; their processor time is what the kernel accounts to them when they have ended.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lblab_history::{Clock, Outcome};
use lblab_members::{Kind, Log, MemberServer, MemberSpec};
use lblab_model::Name;
use lblab_traffic::{Clients, Errand, Ids, Load, Origin, RequestSpec, TrafficSpec, run};
use nix::sys::resource::{UsageWho, getrusage};
use tokio::net::TcpSocket;
use tokio::task::LocalSet;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const CONNECTIONS: u32 = 32;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["member"] => on_one_thread(member()),
        ["client", address, reuse, seconds] => {
            on_one_thread(client(address.parse()?, reuse == "reuse", seconds.parse()?))
        }
        [] => compare(5, 3),
        [rounds] => compare(rounds.parse()?, 3),
        [rounds, seconds] => compare(rounds.parse()?, seconds.parse()?),
        _ => Err("usage: client_vs_wrk [ROUNDS] [SECONDS]".into()),
    }
}

fn on_one_thread(task: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(LocalSet::new().run_until(task))
}

async fn member() -> Result<()> {
    let spec = MemberSpec {
        name: Name::try_from("vm01")?,
        address: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0),
        kind: Kind::Http,
        tls: false,
        prover: None,
        session_cookie: None,
        session_length: 0,
    };
    let listen = |address: SocketAddrV4, backlog| {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(address.into())?;
        socket.listen(backlog)?.into_std()
    };
    let log = Log::new();
    let server = MemberServer::start(spec, listen, Clock::start(), log.clone())?;
    println!("{}", server.address());
    loop {
        // The log is not part of what is measured, and is not to fill the memory.
        tokio::time::sleep(Duration::from_secs(1)).await;
        log.take();
    }
}

async fn client(target: SocketAddrV4, reuse: bool, seconds: u64) -> Result<()> {
    let spec = TrafficSpec {
        load: Load::Closed { requests: u64::MAX },
        clients: Clients::Together(vec![Ipv4Addr::LOCALHOST.into(); CONNECTIONS as usize]),
        request: RequestSpec {
            step: 0,
            target: target.into(),
            method: "GET".to_owned(),
            path: "/".to_owned(),
            reuse,
            high_bytes: false,
            half_close: false,
            tls: false,
            cookies: lblab_traffic::Cookies::None,
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(5),
            errand: Errand::Answer,
        },
    };
    let origin = Origin::new(TcpSocket::new_v4, Clock::start(), Ids::new());
    let requests = run(&spec, &origin, tokio::time::sleep(Duration::from_secs(seconds))).await?;
    if let Some(failed) = requests.iter().find(|request| request.outcome != Outcome::Ok) {
        return Err(format!("a request failed: {failed:?}").into());
    }
    println!("{} requests in", requests.len());
    Ok(())
}

/// A child process that ends with this one's interest in it.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let ended = self.0.kill().and_then(|()| self.0.wait());
        if let Err(error) = ended {
            eprintln!("the member's process could not be ended: {error}");
        }
    }
}

fn compare(rounds: u32, seconds: u64) -> Result<()> {
    let program = std::env::current_exe()?;
    let mut served = Served(Command::new(&program).arg("member").stdout(Stdio::piped()).spawn()?);
    let mut address = String::new();
    BufReader::new(served.0.stdout.take().ok_or("the member has no output")?).read_line(&mut address)?;
    let address = address.trim();

    println!("{:<18} {:>14} {:>14} {:>7}", "requests/cpu-s", "client", "wrk", "ratio");
    for (name, reuse) in [("keep-alive", true), ("new connections", false)] {
        let mut ratios = Vec::new();
        for _ in 0..rounds {
            let mut client = Command::new(&program);
            client.args(["client", address, if reuse { "reuse" } else { "new" }, &seconds.to_string()]);
            let client = requests_per_cpu_second(&mut client)?;

            let mut wrk = Command::new("wrk");
            wrk.args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{seconds}s")]);
            if !reuse {
                wrk.args(["-H", "Connection: close"]);
            }
            let wrk = requests_per_cpu_second(wrk.arg(format!("http://{address}/")))?;

            println!("{name:<18} {client:>14.0} {wrk:>14.0} {:>7.2}", client / wrk);
            ratios.push(client / wrk);
        }
        ratios.sort_by(f64::total_cmp);
        println!("{name:<18} {:>30} {:>6.2}", "median", ratios[ratios.len() / 2]);
    }
    Ok(())
}

/// Runs the command, which says `<n> requests in`, to its end.
fn requests_per_cpu_second(command: &mut Command) -> Result<f64> {
    let before = children_cpu_seconds()?;
    let output = command.stderr(Stdio::inherit()).output()?;
    let spent = children_cpu_seconds()? - before;
    let text = String::from_utf8(output.stdout)?;
    let words: Vec<_> = text.split_whitespace().collect();
    let requests = words.windows(3).find(|words| words[1..] == ["requests", "in"]).ok_or("no number of requests")?[0];
    Ok(requests.parse::<f64>()? / spent)
}

fn children_cpu_seconds() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}
