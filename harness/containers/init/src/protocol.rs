//! What is said over the socket: a line of JSON for each request and each reply.

use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};

/// What the program is asked to do. A process is known by a number that the asker chooses and never uses again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Start a command, as the leader of a process group of its own.
    Spawn {
        /// The number that it is to be known by.
        process: u64,
        /// The program and its arguments.
        words: Vec<String>,
        /// Variables on top of the image's own.
        environment: Vec<(String, String)>,
    },
    /// Send a signal to a process, or to all of its group. One that has ended is not sent anything.
    Signal {
        /// The process.
        process: u64,
        /// The signal's number.
        signal: i32,
        /// Whether the others of its group get it too.
        group: bool,
    },
    /// Stop a process, and then the others of its group.
    Pause {
        /// The process.
        process: u64,
    },
    /// Let a process and its group go on.
    Resume {
        /// The process.
        process: u64,
    },
    /// Kill a process and its group.
    Kill {
        /// The process.
        process: u64,
    },
    /// Tell how long each thread in the container has waited for a processor.
    Waits,
}

/// What the program tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// The command was started.
    Spawned {
        /// Its number.
        process: u64,
        /// Its process id, as the container has it.
        pid: u32,
    },
    /// The command was not started.
    NotSpawned {
        /// Its number.
        process: u64,
        /// The error's number, as the kernel has it.
        errno: i32,
    },
    /// A process has written a line.
    Line {
        /// The process.
        process: u64,
        /// Where to.
        stream: Stream,
        /// The line, without its end.
        text: String,
    },
    /// A process has closed a stream, and so have those that it started.
    Closed {
        /// The process.
        process: u64,
        /// The stream.
        stream: Stream,
    },
    /// The kernel has shown the process as stopped, and the others of its group have got the signal.
    Paused {
        /// The process.
        process: u64,
    },
    /// The process and its group have been told to go on.
    Resumed {
        /// The process.
        process: u64,
    },
    /// The process has ended, and the kernel knows of no other in its group.
    Killed {
        /// The process.
        process: u64,
    },
    /// Threads, by the numbers that the container has for them, and the nanoseconds for which each has waited for a processor.
    Waits {
        /// The threads.
        threads: Vec<(u32, u64)>,
    },
    /// A process has ended, or it had ended before it could be paused.
    Ended {
        /// The process.
        process: u64,
        /// How, in the form of wait(2).
        status: i32,
    },
}

/// Where a line was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Reads the next message; none is the end.
pub fn read_line<T: for<'de> Deserialize<'de>>(from: &mut impl BufRead) -> io::Result<Option<T>> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&line)?))
}
