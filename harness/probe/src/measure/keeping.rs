//! `protocols`, `persistence` by cookies, `forwarded_for`, and `ipv6`.

use std::collections::BTreeMap;

use lblab_history::Request;
use lblab_model::{CookieRule, ForwardedFor};

use crate::finding::{Has, Measured};
use crate::labs::Nothing;
use crate::seen::{Reading, Seen, unknown};

/// Whether HTTP is served.
pub(crate) fn http(seen: Reading<Seen<'_>>) -> Reading<Has> {
    let seen = seen?;
    let (requests, _) = seen.traffic(0)?;
    let served = requests.iter().filter(|request| request.outcome.is_ok()).count();
    Ok(Has::if_so(served == requests.len(), format!("{served} of {} requests served", requests.len())))
}

/// Whether members see the client's address as the last one in `X-Forwarded-For`.
pub(crate) fn forwarded_for(seen: Reading<Seen<'_>>) -> Reading<Measured<ForwardedFor>> {
    let seen = match seen {
        Err(Nothing::Refused(why)) => return Ok(Measured::is(ForwardedFor::None, why)),
        seen => seen?,
    };
    let (requests, _) = seen.traffic(0)?;
    let arrivals = seen.first_arrivals();
    let headers: Vec<(&Request, Option<&str>)> = requests
        .iter()
        .filter_map(|request| Some((*request, arrivals.get(&request.id)?.forwarded_for.as_deref())))
        .collect();
    let told = headers.iter().filter(|(request, header)| {
        let last = header.and_then(|header| header.rsplit(',').next()).map(str::trim);
        last.is_some_and(|last| last == request.source.ip().to_string())
    });
    let (told, empty) = (told.count(), headers.iter().filter(|(_, header)| header.is_none()).count());
    let evidence = format!("{told} of {} requests came with the client's address", headers.len());
    if headers.is_empty() {
        return unknown("no request came to a member");
    }
    if told == headers.len() {
        return Ok(Measured::is(ForwardedFor::Added, evidence));
    }
    if empty == headers.len() {
        return Ok(Measured::is(ForwardedFor::None, evidence));
    }
    Ok(Measured::no_value(evidence))
}

/// Whether clients are served at an IPv6 address. One that is not taken is none.
pub(crate) fn ipv6(seen: Reading<Seen<'_>>) -> Reading<Measured<bool>> {
    let seen = match seen {
        Err(Nothing::Refused(why)) => return Ok(Measured::is(false, why)),
        seen => seen?,
    };
    let (requests, _) = seen.traffic(0)?;
    let served = requests.iter().filter(|request| request.outcome.is_ok()).count();
    Ok(Measured::is(
        served == requests.len(),
        format!("{served} of {} requests of IPv6 clients served", requests.len()),
    ))
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

/// Whether members see the cookie that the balancer has given.
pub(crate) fn shown(seen: Reading<Seen<'_>>) -> Reading<Measured<CookieRule>> {
    let seen = seen?;
    let (requests, _) = seen.traffic(0)?;
    let arrivals = seen.first_arrivals();
    let (mut carried, mut shown) = (0, 0);
    for request in &requests {
        let (Some(cookie), Some(served)) = (request.cookie.as_deref(), arrivals.get(&request.id)) else { continue };
        carried += 1;
        let arrived = served.cookie.as_deref().unwrap_or_default();
        shown += usize::from(cookie.split("; ").any(|pair| arrived.split("; ").any(|one| one == pair)));
    }
    if carried == 0 {
        return unknown("no request that carried a cookie came to a member");
    }
    let told = format!("members saw the balancer's cookie in {shown} of {carried} requests that carried it");
    Ok(match shown {
        0 => Measured::is(CookieRule::Hidden, told),
        _ if shown == carried => Measured::is(CookieRule::Shown, told),
        _ => Measured::no_value(told),
    })
}
