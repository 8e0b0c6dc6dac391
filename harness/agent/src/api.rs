//! The API on its own thread: a client that waits for the disk does not keep the lab waiting.

use std::net::TcpListener;
use std::thread::JoinHandle;
use std::{io, thread};

use lblab_lbaas::{Plane, router};
use tokio::sync::oneshot;

/// An API that is served.
pub(crate) struct Api {
    end: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Api {
    /// Serves the control plane on a listener, whatever network that is in.
    pub(crate) fn serve(plane: Plane, listener: TcpListener) -> io::Result<Api> {
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (end, ended) = oneshot::channel();
        let serve = move || {
            runtime.block_on(async {
                let listener = match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => listener,
                    Err(error) => return tracing::error!(%error, "the API cannot be served"),
                };
                tokio::select! {
                    served = axum::serve(listener, router(plane)) => {
                        if let Err(error) = served {
                            tracing::error!(%error, "the API is not served any more");
                        }
                    }
                    // Whoever dropped the sender has ended it as well.
                    _ = ended => {}
                }
            });
        };
        let thread = thread::Builder::new().name("api".to_owned()).spawn(serve)?;
        Ok(Api { end, thread })
    }

    /// Serves no more. What was answered is on the disk.
    pub(crate) fn end(self) {
        let _ = self.end.send(());
        if self.thread.join().is_err() {
            tracing::error!("the API's thread has panicked");
        }
    }
}
