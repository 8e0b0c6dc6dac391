//! What an error of a socket means for the request that met it.

use std::io;

use lblab_history::Outcome;
use nix::errno::Errno;

/// What a failed connection attempt means; none if it was the client's side that failed.
pub(crate) fn of_connecting(error: &io::Error) -> Option<Outcome> {
    match errno(error) {
        Errno::EADDRNOTAVAIL => None,
        Errno::ECONNREFUSED => Some(Outcome::Refused),
        Errno::ETIMEDOUT => Some(Outcome::ConnectTimeout),
        Errno::ECONNRESET | Errno::ECONNABORTED | Errno::EPIPE => Some(Outcome::ResetBeforeBytes),
        // ENETUNREACH and EHOSTUNREACH by their names; what remains are firewalls (EPERM, EACCES) and rarer ICMP answers.
        _ => Some(Outcome::Unreachable),
    }
}

/// What an error of an established connection means, before or after the first byte of the answer. What is no TLS where there is to
/// be is invalid data.
pub(crate) fn of_reading(error: &io::Error, begun: bool) -> Outcome {
    if error.kind() == io::ErrorKind::InvalidData {
        return Outcome::Malformed;
    }
    match errno(error) {
        Errno::ETIMEDOUT => Outcome::ReadTimeout,
        Errno::ENETUNREACH | Errno::EHOSTUNREACH | Errno::ENETDOWN | Errno::EHOSTDOWN => Outcome::Unreachable,
        _ if begun => Outcome::ResetInsideBody,
        _ => Outcome::ResetBeforeBytes,
    }
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use lblab_history::Outcome::{
        ConnectTimeout, ReadTimeout, Refused, ResetBeforeBytes, ResetInsideBody, Unreachable,
    };

    use super::*;

    #[test]
    fn what_is_no_tls_is_malformed() {
        assert_eq!(of_reading(&io::ErrorKind::InvalidData.into(), false), Outcome::Malformed);
        assert_eq!(of_reading(&io::ErrorKind::UnexpectedEof.into(), false), ResetBeforeBytes);
    }

    #[test]
    fn the_kernels_words_have_one_meaning_each() {
        let check = |errno: Errno, connecting, waiting, inside| {
            let error = io::Error::from(errno);
            let seen = (of_connecting(&error), of_reading(&error, false), of_reading(&error, true));
            assert_eq!(seen, (connecting, waiting, inside), "{errno}");
        };
        check(Errno::ECONNREFUSED, Some(Refused), ResetBeforeBytes, ResetInsideBody);
        check(Errno::ECONNRESET, Some(ResetBeforeBytes), ResetBeforeBytes, ResetInsideBody);
        check(Errno::EPIPE, Some(ResetBeforeBytes), ResetBeforeBytes, ResetInsideBody);
        check(Errno::ETIMEDOUT, Some(ConnectTimeout), ReadTimeout, ReadTimeout);
        check(Errno::EHOSTUNREACH, Some(Unreachable), Unreachable, Unreachable);
        check(Errno::ENETUNREACH, Some(Unreachable), Unreachable, Unreachable);
        check(Errno::EACCES, Some(Unreachable), ResetBeforeBytes, ResetInsideBody);
        check(Errno::EADDRNOTAVAIL, None, ResetBeforeBytes, ResetInsideBody);
    }
}
