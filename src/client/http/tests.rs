//! Answers, whole and broken.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Gives its bytes in pieces, as a socket does, and then ends.
struct Pieces<'a> {
    rest: &'a [u8],
    lengths: std::iter::Cycle<std::slice::Iter<'a, usize>>,
}

impl<'a> Pieces<'a> {
    fn new(bytes: &'a [u8], lengths: &'a [usize]) -> Self {
        Self {
            rest: bytes,
            lengths: lengths.iter().cycle(),
        }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.lengths.next().copied().unwrap_or(usize::MAX);
        let length = length.min(buffer.len()).min(self.rest.len());
        let (piece, rest) = self.rest.split_at(length);
        buffer[..length].copy_from_slice(piece);
        self.rest = rest;
        Ok(length)
    }
}

fn read(bytes: &[u8], lengths: &[usize]) -> Result<(u16, Vec<u8>), String> {
    match read_answer(Pieces::new(bytes, lengths)) {
        Ok(answer) => Ok((answer.status, answer.body().to_vec())),
        Err(Fault::Io(error)) => Err(error.to_string()),
        Err(Fault::Unintelligible(reason)) => Err(reason.to_owned()),
    }
}

#[test]
fn an_answer_is_read_however_it_comes() {
    for length in [0, 1, 2, FIRST_READ, 3 * FIRST_READ] {
        let body: Vec<u8> = (0..length).map(|index| index as u8).collect();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-LENGTH: {length}\r\nX: y\r\n\r\n");
        let bytes = [head.as_bytes(), &body].concat();
        for lengths in [&[1][..], &[7], &[FIRST_READ], &[usize::MAX], &[40, 100_000]] {
            assert_eq!(read(&bytes, lengths), Ok((200, body.clone())), "{length}");
            // Cut anywhere, it is none.
            for end in [0, 1, head.len() - 1, bytes.len() - 1] {
                if end < bytes.len() {
                    assert!(read(&bytes[..end], lengths).is_err(), "{length} {end}");
                }
            }
        }
    }
}

#[test]
fn what_is_not_clear_is_refused() {
    let long = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(LONGEST_HEAD));
    let endless = "HTTP/1.1 200 OK\r\n".to_owned() + &"A: b\r\n".repeat(LONGEST_HEAD);
    for (text, reason) in [
        ("", "unexpected end of file"),
        ("nonsense\r\n\r\n", "it does not speak HTTP"),
        ("\0\0\0\0", "it does not speak HTTP"),
        ("SSH-2.0-x\r\n", "it does not speak HTTP"),
        (
            "HTTP/1.1 200 OK\r\n\r\n",
            "it does not say how long its answer is",
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\n",
            "it answers before it answers",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
            "it does not say clearly how long its answer is",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
            "it does not say clearly how long its answer is",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx",
            "it does not say clearly how long its answer is",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\nx",
            "its answer is too long",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "its answer is encoded",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy",
            "more follows than it has announced",
        ),
        (&long, "its head is too long"),
        (&endless, "it does not speak HTTP"),
    ] {
        assert_eq!(read(text.as_bytes(), &[usize::MAX]), Err(reason.to_owned()));
        if reason != "more follows than it has announced" {
            assert!(read(text.as_bytes(), &[1]).is_err(), "{text}");
        }
    }
}

#[test]
fn a_request_is_one_text() {
    let text = |secret: Secret| String::from_utf8(secret.expose().to_vec()).unwrap();
    assert_eq!(
        text(request("GET", "/v1/health", "", None)),
        "GET /v1/health HTTP/1.1\r\nHost: escrun\r\n\r\n"
    );
    assert_eq!(
        text(request("POST", "/v1/open", "", Some(b"{}"))),
        "POST /v1/open HTTP/1.1\r\nHost: escrun\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    );
}

proptest! {
    /// Whatever comes, and in whatever pieces: no panic, and the pieces make no difference, unless the answer is complete
    /// before all has come.
    #[test]
    fn any_bytes_are_an_answer_or_none(
        head in prop_oneof![
            Just("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n".to_owned()),
            Just("HTTP/1.0 403 No\r\nContent-Length: 0\r\nConnection: close\r\n".to_owned()),
            "[ -~\r\n]{0,60}",
        ],
        fields in vec("[A-Za-z-]{1,12}: ?[ -~]{0,12}\r\n", 0..4),
        end in prop_oneof![Just("\r\n"), Just("\n"), Just("")],
        body in vec(any::<u8>(), 0..6),
        lengths in vec(1_usize..9, 1..5),
    ) {
        let bytes = [head.as_bytes(), fields.concat().as_bytes(), end.as_bytes(), &body].concat();
        let whole = read(&bytes, &[usize::MAX]);
        let pieces = read(&bytes, &lengths);
        if whole != Err("more follows than it has announced".to_owned()) {
            prop_assert_eq!(whole, pieces);
        }
    }
}
