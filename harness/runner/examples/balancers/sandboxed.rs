//! An errand in a sandbox of its own, and what it brings back.

use std::io::{Read, Write};

use lblab_lab::sandbox::{self, Identity, SandboxOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::Result;

/// Runs the errand in a new sandbox and brings back what it found.
pub fn brought_back<T: Serialize + DeserializeOwned>(errand: impl FnOnce(Identity) -> Result<T>) -> Result<T> {
    let (mut reader, mut writer) = std::io::pipe()?;
    let code = sandbox::enter(&SandboxOptions::default(), move |sandbox| {
        let told = errand(sandbox.identity).map_err(|error| error.to_string());
        let written = serde_json::to_vec(&told).map_err(std::io::Error::other).and_then(|told| writer.write_all(&told));
        u8::from(written.is_err())
    })?;
    if code != 0 {
        return Err(format!("the sandbox ended with exit code {code}").into());
    }
    let mut told = Vec::new();
    reader.read_to_end(&mut told)?;
    let told: std::result::Result<T, String> = serde_json::from_slice(&told)?;
    Ok(told?)
}

/// Runs an errand that uses a lab.
pub fn on_one_thread<T>(errand: impl Future<Output = Result<T>>) -> Result<T> {
    LocalSet::new().block_on(&Builder::new_current_thread().enable_all().build()?, errand)
}
