//! Asking a balancer a question over its unix stream socket: one line, and the answer until the balancer closes.

use std::io;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// The longest answer that is read, in bytes: a table of a thousand members is below one megabyte.
const LONGEST_ANSWER: u64 = 16 << 20;

/// Sends the question and reads the answer. It waits as long as the balancer lets it, so the caller sets the deadline.
pub(crate) async fn ask(socket: &Path, question: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(format!("{question}\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
    String::from_utf8(answer).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
