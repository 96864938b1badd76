//! A client that does nothing but ask: it connects, writes, reads the answer to its end, and goes.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The bytes of a request.
pub(super) struct Request {
    bytes: Vec<u8>,
}

impl Request {
    /// For the variables of environments.
    pub(super) fn open(environments: &str) -> Self {
        let names: Vec<String> = environments
            .split(',')
            .map(|name| format!("\"{name}\""))
            .collect();
        let body = format!("{{\"environments\":[{}]}}", names.join(","));
        let bytes = format!(
            "POST /v1/open HTTP/1.1\r\nHost: escrun\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        Self {
            bytes: bytes.into_bytes(),
        }
    }

    /// For nothing.
    pub(super) fn health() -> Self {
        Self {
            bytes: b"GET /v1/health HTTP/1.1\r\nHost: escrun\r\nConnection: close\r\n\r\n".to_vec(),
        }
    }
}

/// Asks, and gives how long the answer was.
pub(super) fn ask(socket: &Path, request: &Request) -> usize {
    let (length, is_good) = exchange(socket, request);
    assert!(is_good, "the daemon refuses");
    length
}

/// Sends the request and reads what comes until the other end closes; says whether it begins as a good answer does.
pub(super) fn exchange(socket: &Path, request: &Request) -> (usize, bool) {
    let mut stream = UnixStream::connect(socket).expect("somebody listens");
    stream.write_all(&request.bytes).expect("it is taken");
    let mut buffer = [0; 64 << 10];
    let mut length = 0;
    let mut is_good = false;
    loop {
        let count = stream.read(&mut buffer).expect("an answer");
        if count == 0 {
            return (length, is_good);
        }
        if length == 0 {
            is_good = buffer.starts_with(b"HTTP/1.1 200");
        }
        length += count;
    }
}
