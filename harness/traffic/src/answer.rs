//! Reading an HTTP/1.x answer out of the bytes of a connection, as they come.

use std::net::Ipv4Addr;

/// The most header lines of an answer; one with more is malformed.
const MAX_HEADERS: usize = 100;
/// The most bytes of an answer's head; a longer one is malformed.
const MAX_HEAD: usize = 64 * 1024;
/// The most bytes that are read of an answer; what names a member is far shorter.
const MAX_ANSWER: usize = 1024 * 1024;

/// Reads one answer after the other; its buffers are used again.
#[derive(Debug, Default)]
pub(crate) struct AnswerReader {
    /// What has arrived. The client reads into it.
    pub(crate) bytes: Vec<u8>,
    /// What a chunked body has come to.
    unchunked: Vec<u8>,
    bodyless: bool,
    head: Option<Head>,
}

/// The head of an answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) set_cookies: Vec<String>,
    framing: Framing,
    keep_alive: bool,
    /// Where the body, or the next chunk of it, begins.
    at: usize,
}

#[derive(Clone, Copy, Debug)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

/// How far the bytes that have arrived make an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More bytes are needed.
    Partial,
    /// The answer is whole.
    Whole {
        /// Whether the connection may carry another request.
        reusable: bool,
    },
    /// This is not HTTP.
    Malformed,
}

impl AnswerReader {
    /// Makes ready for the answer to the next request; one to a `bodyless` request ends with its head.
    pub(crate) fn begin(&mut self, bodyless: bool) {
        self.bytes.clear();
        self.unchunked.clear();
        self.bodyless = bodyless;
        self.head = None;
    }

    /// The head, once it has arrived.
    pub(crate) fn head(&mut self) -> Option<&mut Head> {
        self.head.as_mut()
    }

    /// Takes note of the bytes that were added to [`AnswerReader::bytes`].
    pub(crate) fn advance(&mut self) -> Progress {
        while self.head.is_none() {
            match self.parse_head() {
                Ok(true) => {}
                Ok(false) if self.bytes.len() <= MAX_HEAD => return Progress::Partial,
                Ok(false) | Err(()) => return Progress::Malformed,
            }
        }
        let Some(head) = &mut self.head else { return Progress::Partial };
        let end = match head.framing {
            Framing::Length(length) => (self.bytes.len() - head.at >= length).then(|| head.at + length),
            Framing::UntilClose => None,
            Framing::Chunked => match unchunk(&self.bytes, &mut head.at, &mut self.unchunked) {
                Ok(true) => Some(head.at),
                Ok(false) => None,
                Err(()) => return Progress::Malformed,
            },
        };
        match end {
            Some(end) => Progress::Whole { reusable: head.keep_alive && end == self.bytes.len() },
            None if self.bytes.len() > MAX_ANSWER => Progress::Whole { reusable: false },
            None => Progress::Partial,
        }
    }

    /// Whether the answer is whole if nothing more comes.
    pub(crate) fn ends_with_connection(&self) -> bool {
        matches!(self.head, Some(Head { framing: Framing::UntilClose, .. }))
    }

    /// The member that a whole body names: `Welcome to <ip>`.
    pub(crate) fn member(&self) -> Option<Ipv4Addr> {
        let head = self.head.as_ref()?;
        let body = match head.framing {
            Framing::Length(length) => self.bytes.get(head.at..head.at + length)?,
            Framing::UntilClose => &self.bytes[head.at..],
            Framing::Chunked => &self.unchunked,
        };
        let text = std::str::from_utf8(body).ok()?;
        text.strip_prefix("Welcome to ")?.trim_end_matches(['\r', '\n']).parse().ok()
    }

    /// Reads a head if it is whole, and passes over interim ones (1xx).
    fn parse_head(&mut self) -> Result<bool, ()> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut answer = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = answer.parse(&self.bytes).map_err(drop)? else { return Ok(false) };
        let (Some(status), Some(version)) = (answer.code, answer.version) else { return Err(()) };
        if (100..200).contains(&status) && status != 101 {
            self.bytes.drain(..length);
            return Ok(!self.bytes.is_empty());
        }
        let mut head = Head {
            status,
            set_cookies: Vec::new(),
            framing: Framing::UntilClose,
            keep_alive: version == 1,
            at: length,
        };
        let mut content_length = None;
        let mut transfer_encoding = None;
        for header in answer.headers.iter() {
            if header.name.eq_ignore_ascii_case("content-length") {
                let announced = number(header.value).ok_or(())?;
                if content_length.replace(announced).is_some_and(|before| before != announced) {
                    return Err(());
                }
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                transfer_encoding = Some(header.value);
            } else if header.name.eq_ignore_ascii_case("connection") {
                if has_token(header.value, "close") {
                    head.keep_alive = false;
                } else if has_token(header.value, "keep-alive") {
                    head.keep_alive = true;
                }
            } else if header.name.eq_ignore_ascii_case("set-cookie") {
                head.set_cookies.push(String::from_utf8_lossy(header.value).into_owned());
            }
        }
        head.framing = match (transfer_encoding, content_length) {
            _ if self.bodyless || matches!(status, 101 | 204 | 304) => Framing::Length(0),
            (Some(encoding), _) if has_token(encoding, "chunked") => Framing::Chunked,
            (None, Some(length)) => Framing::Length(length),
            (Some(_), _) | (None, None) => Framing::UntilClose,
        };
        self.head = Some(head);
        Ok(true)
    }
}

/// Moves all whole chunks out of `bytes`, from `at` on; whether the last one was among them.
fn unchunk(bytes: &[u8], at: &mut usize, body: &mut Vec<u8>) -> Result<bool, ()> {
    loop {
        let rest = &bytes[*at..];
        let httparse::Status::Complete((begin, size)) = httparse::parse_chunk_size(rest).map_err(drop)? else {
            return Ok(false);
        };
        let size = usize::try_from(size).map_err(drop)?;
        if size == 0 {
            let mut trailers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let trailers = httparse::parse_headers(&rest[begin..], &mut trailers).map_err(drop)?;
            let httparse::Status::Complete((length, _)) = trailers else { return Ok(false) };
            *at += begin + length;
            return Ok(true);
        }
        let end = begin.checked_add(size).ok_or(())?;
        let Some(terminator) = rest.get(end..).and_then(|after| after.get(..2)) else { return Ok(false) };
        if terminator != b"\r\n" {
            return Err(());
        }
        body.extend_from_slice(&rest[begin..end]);
        *at += end + 2;
    }
}

fn number(value: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(value).ok()?.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn has_token(value: &[u8], token: &str) -> bool {
    value.split(|&byte| byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    /// Feeds the answer byte by byte and all at once; both are to come to the same.
    fn check(answer: &str, expected: &Expect) {
        let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let mut reader = AnswerReader::default();
            reader.begin(false);
            let mut progress = Progress::Partial;
            for piece in pieces {
                reader.bytes.extend_from_slice(piece);
                progress = reader.advance();
                if progress != Progress::Partial {
                    break;
                }
            }
            let (member, ends) = (reader.member(), reader.ends_with_connection());
            let head = reader.head().map(|head| (head.status, std::mem::take(&mut head.set_cookies)));
            format!("{progress:?} {head:?} {member:?}{}", if ends { " until closed" } else { "" })
        };
        let bytewise = read(&mut answer.as_bytes().chunks(1));
        assert_eq!(bytewise, read(&mut std::iter::once(answer.as_bytes())), "{answer:?}");
        expected.assert_eq(&bytewise);
    }

    #[test]
    fn an_answer_ends_where_its_length_says() {
        check(
            "HTTP/1.1 200 OK\r\ncontent-length: 21\r\n\r\nWelcome to 127.0.0.1\n",
            &expect!["Whole { reusable: true } Some((200, [])) Some(127.0.0.1)"],
        );
        check("HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\nWelcome to 127", &expect!["Partial Some((200, [])) None"]);
        check(
            "HTTP/1.1 503 No\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nno",
            &expect!["Whole { reusable: false } Some((503, [])) None"],
        );
        check(
            "HTTP/1.1 204 No Content\r\nset-cookie: a=b\r\nSet-Cookie: c=d; path=/\r\n\r\n",
            &expect![[r#"Whole { reusable: true } Some((204, ["a=b", "c=d; path=/"])) None"#]],
        );
        check(
            "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
            &expect!["Whole { reusable: true } Some((200, [])) None"],
        );
    }

    #[test]
    fn an_answer_without_a_length_ends_with_its_connection() {
        check(
            "HTTP/1.0 200 OK\r\n\r\nWelcome to 127.0.0.1\n",
            &expect!["Partial Some((200, [])) Some(127.0.0.1) until closed"],
        );
        check(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\nWelcome to 127.0.0.1",
            &expect!["Partial Some((200, [])) Some(127.0.0.1) until closed"],
        );
    }

    #[test]
    fn a_chunked_answer_ends_with_its_last_chunk() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        check(
            &format!("{head}b\r\nWelcome to \r\nA;x=y\r\n127.0.0.1\n\r\n0\r\n\r\n"),
            &expect!["Whole { reusable: true } Some((200, [])) Some(127.0.0.1)"],
        );
        check(
            &format!("{head}2\r\nhi\r\n0\r\ntrailer: x\r\n\r\n"),
            &expect!["Whole { reusable: true } Some((200, [])) None"],
        );
        check(&format!("{head}b\r\nWelcome to \r\n"), &expect!["Partial Some((200, [])) None"]);
        check(&format!("{head}2\r\nhi!!"), &expect!["Malformed Some((200, [])) None"]);
        check(&format!("{head}zz\r\n"), &expect!["Malformed Some((200, [])) None"]);
    }

    #[test]
    fn interim_answers_are_passed_over() {
        check(
            "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
            &expect!["Whole { reusable: true } Some((200, [])) None"],
        );
        check("HTTP/1.1 100 Continue\r\n\r\n", &expect!["Partial None None"]);
    }

    #[test]
    fn what_is_not_http_is_malformed() {
        check("Welcome to 127.0.0.1\n", &expect!["Malformed None None"]);
        check("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", &expect!["Malformed None None"]);
        check("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", &expect!["Malformed None None"]);
    }

    #[test]
    fn bytes_after_the_answer_end_the_connection() {
        let mut reader = AnswerReader::default();
        reader.bytes.extend_from_slice(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi!");
        assert_eq!(reader.advance(), Progress::Whole { reusable: false });
    }

    #[test]
    fn an_answer_to_a_bodyless_request_ends_with_its_head() {
        let mut reader = AnswerReader::default();
        reader.begin(true);
        reader.bytes.extend_from_slice(b"HTTP/1.1 200 OK\r\ncontent-length: 21\r\n\r\n");
        assert_eq!(reader.advance(), Progress::Whole { reusable: true });
        assert_eq!(reader.member(), None);
    }

    #[test]
    fn an_endless_answer_is_not_read_to_its_end() {
        let mut reader = AnswerReader::default();
        reader.bytes.extend_from_slice(b"HTTP/1.1 200 OK\r\n\r\n");
        reader.bytes.resize(MAX_ANSWER + 1, b'x');
        assert_eq!(reader.advance(), Progress::Whole { reusable: false });
        reader.begin(false);
        reader.bytes.extend_from_slice(b"HTTP/1.1 200 OK\r\nx: ");
        reader.bytes.resize(MAX_HEAD + 1, b'x');
        assert_eq!(reader.advance(), Progress::Malformed);
    }
}
