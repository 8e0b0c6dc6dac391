//! An errand in a sandbox of its own, and what it measured there.

use std::io::{Read, Write};
use std::time::Duration;

use lblab_lab::sandbox::{self, SandboxOptions};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::Result;

/// Every sandbox has a user namespace, so that one and the same kind serves root and everyone else.
pub const OPTIONS: SandboxOptions = SandboxOptions { user_namespace: Some(true) };

/// Runs the errand in a new sandbox and brings back the times that it measured.
pub fn times(errand: impl FnOnce() -> Result<Vec<Duration>>) -> Result<Vec<Duration>> {
    let (mut reader, mut writer) = std::io::pipe()?;
    let code = sandbox::enter(&OPTIONS, move |_| {
        let written = errand().and_then(|times| {
            let bytes: Vec<u8> = times.iter().flat_map(|time| time.as_secs_f64().to_le_bytes()).collect();
            Ok(writer.write_all(&bytes)?)
        });
        exit_code(written)
    })?;
    if code != 0 {
        return Err(format!("the sandbox ended with exit code {code}").into());
    }
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    let (numbers, _) = bytes.as_chunks();
    Ok(numbers.iter().map(|&number| Duration::from_secs_f64(f64::from_le_bytes(number))).collect())
}

/// Runs an errand that uses a lab.
pub fn on_one_thread<T>(errand: impl Future<Output = Result<T>>) -> Result<T> {
    LocalSet::new().block_on(&Builder::new_current_thread().enable_all().build()?, errand)
}

/// Says what went wrong, in a process that can only say so.
pub fn exit_code(done: Result<()>) -> u8 {
    match done {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("bench: {error}");
            1
        }
    }
}
