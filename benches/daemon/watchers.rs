//! Clients that wait to be told of changes, and of which there are none.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Connects so many, or as many as this process may have descriptors, and reads what each is told first.
pub(super) fn gather(socket: &Path, environments: &str, count: usize) -> Vec<UnixStream> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("up to the hard limit");
    let count = count.min(usize::try_from(most).unwrap_or(usize::MAX) - 100);
    let request = format!("GET /v1/watch?env={environments} HTTP/1.1\r\nHost: escrun\r\n\r\n");
    (0..count)
        .map(|_| {
            let mut stream = UnixStream::connect(socket).expect("there is room");
            stream.write_all(request.as_bytes()).expect("it is taken");
            let mut answer = [0; 4096];
            let length = stream.read(&mut answer).expect("an answer");
            assert!(answer[..length].starts_with(b"HTTP/1.1 200"), "no stream");
            stream
        })
        .collect()
}
