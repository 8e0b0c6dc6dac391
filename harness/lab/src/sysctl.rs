//! Network settings of the namespace that the calling thread is in.

use std::fs;
use std::io;

/// Sets `/proc/sys/net/KEY` for each of the keys to the value that goes with it.
pub(crate) fn set(settings: &[(&str, &str)]) -> io::Result<()> {
    settings.iter().try_for_each(|(key, value)| fs::write(format!("/proc/sys/net/{key}"), value))
}

/// As [`set`], for settings of which the kernel may lack the whole subject (a kernel without IPv6 or `br_netfilter`).
pub(crate) fn set_where_present(settings: &[(&str, &str)]) -> io::Result<()> {
    settings.iter().try_for_each(|setting| match set(&[*setting]) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    })
}
