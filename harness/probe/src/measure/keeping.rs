//! `protocols`, and `persistence` by cookies.

use std::collections::BTreeMap;

use crate::finding::Has;
use crate::seen::{Reading, Seen, unknown};

/// Whether HTTP is served.
pub(crate) fn http(seen: Reading<Seen<'_>>) -> Reading<Has> {
    let seen = seen?;
    let (requests, _) = seen.traffic(0)?;
    let served = requests.iter().filter(|request| request.outcome.is_ok()).count();
    Ok(Has::if_so(served == requests.len(), format!("{served} of {} requests served", requests.len())))
}

/// Whether TCP is served: all requests of a connection come to the same member.
pub(crate) fn tcp(seen: Reading<Seen<'_>>) -> Reading<Has> {
    let seen = seen?;
    let (requests, _) = seen.traffic(0)?;
    let served = requests.iter().filter(|request| request.outcome.is_ok()).count();
    if served < requests.len() {
        return Ok(Has::if_so(false, format!("{served} of {} requests served", requests.len())));
    }
    let mut connections: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (request, place) in requests.iter().zip(seen.sequence(&requests)?) {
        connections.entry(request.connection).or_default().push(place);
    }
    connections.retain(|_, places| places.len() > 1);
    if connections.is_empty() {
        return unknown("it closed every connection after one answer");
    }
    let whole = connections.values().filter(|places| places.windows(2).all(|pair| pair[0] == pair[1])).count();
    let told = format!("{whole} of {} connections with several requests kept their member", connections.len());
    Ok(Has::if_so(whole == connections.len(), told))
}

/// Whether a cookie keeps clients on their members.
pub(crate) fn cookie(seen: Reading<Seen<'_>>) -> Reading<Has> {
    let seen = seen?;
    let (requests, _) = seen.traffic(0)?;
    let given = requests.iter().filter(|request| !request.set_cookies.is_empty()).count();
    if given == 0 {
        return Ok(Has::if_so(false, "no client was given a cookie"));
    }
    let mut clients: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (request, place) in requests.iter().zip(seen.sequence(&requests)?) {
        clients.entry(request.client).or_default().push(place);
    }
    clients.retain(|_, places| places.len() > 1);
    let stuck = clients.values().filter(|places| places.windows(2).all(|pair| pair[0] == pair[1])).count();
    let homes: Vec<usize> = clients.values().map(|places| places[0]).collect();
    let members = seen.counts(&homes).iter().filter(|count| **count > 0).count();
    let (others, _) = seen.traffic(1)?;
    let without = seen.counts(&seen.sequence(&others)?).iter().filter(|count| **count > 0).count();
    if stuck == clients.len() && without < 2 {
        return Ok(Has::if_so(false, format!("{} requests without a cookie kept to one member as well", others.len())));
    }
    let told = format!("{stuck} of {} clients with a cookie kept to one of {members} members", clients.len());
    Ok(Has::if_so(stuck == clients.len(), told))
}
