//! Sending a whole load: the closed loop and the open loop.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use lblab_history::Request;
use lblab_model::Moment;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::client::{Client, Sending};
use crate::{Clients, Load, Origin, TrafficError, TrafficSpec};

/// Sends the traffic, on the current [`tokio::task::LocalSet`], until the load is done or `stop` resolves, and then waits for
/// the requests that are still open, which their timeouts bound. The records are in the order of their ids.
///
/// # Errors
/// What the clients' own side cannot do ends the traffic, and the records are lost.
pub async fn run(
    spec: &TrafficSpec,
    origin: &Origin,
    stop: impl Future<Output = ()>,
) -> Result<Vec<Request>, TrafficError> {
    let (Clients::Together(addresses) | Clients::InTurn(addresses)) = &spec.clients;
    if addresses.is_empty() {
        return Err(TrafficError::NoClients);
    }
    let shared = Rc::new(Shared { sending: Sending::new(origin, &spec.request)?, records: RefCell::default() });
    let client = |(index, &address)| Client::new(index, address, &shared.sending);
    let clients: Vec<_> = (0..).zip(addresses).map(client).collect();
    match spec.load {
        Load::Closed { requests } => {
            let rounds = match spec.clients {
                Clients::Together(_) => clients.into_iter().map(|client| vec![client]).collect(),
                Clients::InTurn(_) => vec![clients],
            };
            closed(&shared, rounds, requests, pin!(stop)).await?;
        }
        Load::Open { rate, span } => {
            if !(rate.is_finite() && rate > 0.0) {
                return Err(TrafficError::Rate(rate));
            }
            open(&shared, clients, rate, span, pin!(stop)).await?;
        }
    }
    let mut records = shared.records.take();
    records.sort_unstable_by_key(|record| record.id);
    Ok(records)
}

struct Shared {
    sending: Sending,
    records: RefCell<Vec<Request>>,
}

impl Shared {
    async fn send(&self, client: &mut Client, planned: Moment) -> Result<(), TrafficError> {
        let id = self.sending.origin.ids.next_request();
        let record = client.send(&self.sending, id, planned).await?;
        self.records.borrow_mut().push(record);
        Ok(())
    }
}

type Tasks = JoinSet<Result<(), TrafficError>>;

/// Each round of clients takes turns; the rounds go on side by side.
async fn closed(
    shared: &Rc<Shared>,
    rounds: Vec<Vec<Client>>,
    requests: u64,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<(), TrafficError> {
    let left = Rc::new(Cell::new(requests));
    let mut tasks = Tasks::new();
    for mut round in rounds {
        let (shared, left) = (Rc::clone(shared), Rc::clone(&left));
        tasks.spawn_local(async move {
            loop {
                for client in &mut round {
                    let Some(after) = left.get().checked_sub(1) else { return Ok(()) };
                    left.set(after);
                    shared.send(client, shared.sending.now()).await?;
                }
            }
        });
    }
    loop {
        tokio::select! {
            done = tasks.join_next() => match done {
                Some(done) => finished(done)?,
                None => return Ok(()),
            },
            () = &mut stop, if left.get() > 0 => left.set(0),
        }
    }
}

/// Sends each request at its planned time. Nobody waits for anybody, so a stalled server does not slow the clients down, and
/// what it keeps waiting is seen to wait.
async fn open(
    shared: &Rc<Shared>,
    clients: Vec<Client>,
    rate: f64,
    span: Option<Duration>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<(), TrafficError> {
    let crowd = Rc::new(Crowd::new(clients));
    let begin = Instant::now();
    let epoch = shared.sending.origin.clock.at(begin.into_std());
    let mut tasks = Tasks::new();
    'sending: for turn in 0_u32.. {
        let Ok(offset) = Duration::try_from_secs_f64(f64::from(turn) / rate) else { break };
        if span.is_some_and(|span| offset >= span) {
            break;
        }
        let Some(due) = begin.checked_add(offset) else { break };
        let mut until_due = pin!(sleep_until(due));
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break 'sending,
                () = &mut until_due => break,
                Some(done) = tasks.join_next() => finished(done)?,
            }
        }
        let (shared, crowd) = (Rc::clone(shared), Rc::clone(&crowd));
        let (home, mut client) = crowd.take(turn, &shared.sending);
        tasks.spawn_local(async move {
            let result = shared.send(&mut client, epoch + offset).await;
            crowd.put_back(home, client);
            result
        });
    }
    while let Some(done) = tasks.join_next().await {
        finished(done)?;
    }
    Ok(())
}

/// The clients of an open loop, as far as they are not sending.
struct Crowd {
    planned: Vec<(IpAddr, RefCell<Option<Client>>)>,
    spare: RefCell<Vec<Client>>,
    next: Cell<u32>,
}

impl Crowd {
    fn new(clients: Vec<Client>) -> Crowd {
        let planned: Vec<_> =
            clients.into_iter().map(|client| (client.address(), RefCell::new(Some(client)))).collect();
        let next = Cell::new(u32::try_from(planned.len()).unwrap_or(u32::MAX));
        Crowd { planned, spare: RefCell::default(), next }
    }

    /// The client whose turn it is and its place, or another one at the same address if that one is still sending.
    fn take(&self, turn: u32, sending: &Sending) -> (Option<usize>, Client) {
        let place = turn as usize % self.planned.len();
        let (address, client) = &self.planned[place];
        if let Some(client) = client.take() {
            return (Some(place), client);
        }
        let mut spare = self.spare.borrow_mut();
        if let Some(at) = spare.iter().position(|client| client.address() == *address) {
            return (None, spare.swap_remove(at));
        }
        let index = self.next.replace(self.next.get().saturating_add(1));
        (None, Client::new(index, *address, sending))
    }

    fn put_back(&self, place: Option<usize>, client: Client) {
        match place {
            Some(place) => drop(self.planned[place].1.replace(Some(client))),
            None => self.spare.borrow_mut().push(client),
        }
    }
}

fn finished(done: Result<Result<(), TrafficError>, JoinError>) -> Result<(), TrafficError> {
    match done {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
