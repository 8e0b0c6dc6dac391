//! A single request that stays open while other things are done.

use std::net::IpAddr;

use lblab_history::Request;
use tokio::task::{JoinHandle, spawn_local};

use crate::client::{Client, Sending};
use crate::{Origin, RequestSpec, TrafficError};

/// A request under way. Dropping it closes its connection.
#[derive(Debug)]
pub struct OpenRequest {
    id: u64,
    ended: JoinHandle<Result<Request, TrafficError>>,
}

/// Sends one request from `source`, as a client of its own, on the current [`tokio::task::LocalSet`].
pub fn open(spec: &RequestSpec, origin: &Origin, source: IpAddr, client: u32) -> Result<OpenRequest, TrafficError> {
    let sending = Sending::new(origin, spec)?;
    let planned = sending.now();
    let id = origin.ids.next_request();
    let ended = spawn_local(async move { Client::new(client, source, &sending).send(&sending, id, planned).await });
    Ok(OpenRequest { id, ended })
}

impl OpenRequest {
    /// The request's id.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Waits until the request has ended. The wait may be given up and taken up again, until it has been fulfilled once.
    pub async fn ended(&mut self) -> Result<Request, TrafficError> {
        match (&mut self.ended).await {
            Ok(result) => result,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.ended.abort();
    }
}
