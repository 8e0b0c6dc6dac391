//! Whether what a lab hands out is reachable at once.

use std::net::{SocketAddrV4, TcpListener};
use std::time::{Duration, Instant};

use lblab_lab::{Lab, Namespace};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::spawn_local;

use crate::row::{Row, ms};
use crate::{Result, sandboxed, topology};

/// What takes longer has waited for something: the kernel's own stalls take half a second and more.
const STALL: Duration = Duration::from_millis(50);
const MEMBERS: u32 = 10;
const REQUEST: &[u8] = b"GET / HTTP/1.0\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\n\r\nWelcome";

/// Builds labs back to back and counts the first requests to a member that stalled.
pub fn count(labs: &str) -> Result<()> {
    let labs: u32 = labs.parse()?;
    let mut requests = Vec::new();
    for _ in 0..labs {
        requests.extend(sandboxed::times(|| sandboxed::on_one_thread(first_requests(MEMBERS)))?);
    }
    let stalled = requests.iter().filter(|&&time| time > STALL).count();
    let slowest = requests.iter().max().copied().unwrap_or_default();
    let row = Row {
        what: format!(
            "first requests that took over {} ms, of {} in {labs} labs back to back",
            STALL.as_millis(),
            requests.len()
        ),
        lblab: format!("{stalled}, the slowest took {:.1} ms", ms(slowest)),
        other: "-".to_owned(),
        ratio: "-".to_owned(),
        goal: "0".to_owned(),
        met: stalled == 0 && requests.len() == (labs * MEMBERS * 2) as usize,
    };
    println!("{row}");
    Ok(())
}

/// Builds one large lab and has every member answer.
pub fn reachable(members: &str) -> Result<()> {
    let members: u32 = members.parse()?;
    let requests = sandboxed::times(|| sandboxed::on_one_thread(first_requests(members)))?;
    let slowest = requests.iter().max().copied().unwrap_or_default();
    let row = Row {
        what: format!("members of one lab with {members} that answer a client and the balancer's namespace"),
        lblab: format!("all, the slowest first request took {:.1} ms", ms(slowest)),
        other: "-".to_owned(),
        ratio: "-".to_owned(),
        goal: "all".to_owned(),
        met: requests.len() == (members * 2) as usize,
    };
    println!("{row}");
    Ok(())
}

/// The time of the first request to each member, from a client and from the balancer's namespace.
async fn first_requests(members: u32) -> Result<Vec<Duration>> {
    let topology = topology::topology(topology::Members::Guarded, members, 1)?;
    let lab = Lab::build(&topology).await?;
    let balancer = topology::plug(&lab)?;
    for listener in topology::listeners(&lab, &topology)? {
        serve(listener)?;
    }
    let mut times = Vec::new();
    for from in [lab.namespace("client0")?, balancer] {
        for member in &topology.members {
            let begin = Instant::now();
            ask(&from, SocketAddrV4::new(member.address, 80)).await?;
            times.push(begin.elapsed());
        }
    }
    Ok(times)
}

fn serve(listener: TcpListener) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    spawn_local(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            spawn_local(async move {
                stream.read_exact(&mut [0; REQUEST.len()]).await?;
                stream.write_all(ANSWER).await
            });
        }
    });
    Ok(())
}

async fn ask(from: &Namespace, member: SocketAddrV4) -> Result<()> {
    let mut stream = from.tcp_socket()?.connect(member.into()).await?;
    stream.write_all(REQUEST).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    if answer == ANSWER { Ok(()) } else { Err(format!("{member} answered {answer:?}").into()) }
}
