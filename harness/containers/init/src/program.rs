//! The program: its life-line, the socket at which it takes requests, and its end.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;
use std::thread;

use nix::sys::prctl::set_child_subreaper;

use crate::children::{Children, without_sigchld};

/// Runs the program: `lblab-init LIFELINE [REQUESTS]`.
///
/// It connects to the socket LIFELINE and ends when that connection does. With REQUESTS it makes a socket there before it
/// connects, takes one connection, carries out what comes over it, and ends with that one too.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let ended = match &arguments[..] {
        [lifeline] => hold(lifeline),
        [lifeline, requests] => serve(lifeline, requests),
        _ => Err(io::Error::other("usage: lblab-init LIFELINE [REQUESTS]")),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lblab-init: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Does nothing until the life-line is cut.
fn hold(lifeline: &OsString) -> io::Result<()> {
    until_cut(&mut UnixStream::connect(lifeline)?);
    Ok(())
}

fn serve(lifeline: &OsString, requests: &OsString) -> io::Result<()> {
    // Before any thread, so that all of them leave the children's changes to the one that waits for them.
    without_sigchld()?;
    // Even if it is not the first of its pid namespace, what its children leave behind comes to it.
    set_child_subreaper(true)?;
    let listener = UnixListener::bind(requests)?;
    // The connection also tells that the socket is there.
    let mut lifeline = UnixStream::connect(lifeline)?;
    let children = Children::default();
    let held = children.clone();
    thread::spawn(move || {
        until_cut(&mut lifeline);
        held.end();
    });
    let (connection, _) = listener.accept()?;
    // The end of the connection and a line that is none of ours end the program alike.
    let _ = children.serve(connection);
    children.end()
}

fn until_cut(lifeline: &mut UnixStream) {
    let mut nothing = [0];
    while !matches!(lifeline.read(&mut nothing), Ok(0) | Err(_)) {}
}
