//! What a local socket costs by itself: a server that takes a request of a known length and writes as many bytes as the
//! daemon does, in a process of its own.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use super::client::{Request, exchange};
use super::stage::wait_for;

/// The first argument of the process that serves.
pub(super) const VERB: &str = "__echo";

/// A running server.
pub(super) struct Echo {
    child: Child,
    socket: PathBuf,
}

/// Starts a server whose answers are so long.
pub(super) fn start(folder: &Path, length: usize) -> Echo {
    let socket = folder.join("echo.sock");
    let program = std::env::current_exe().expect("this program");
    let child = Command::new(program)
        .arg(VERB)
        .arg(&socket)
        .arg(length.to_string())
        .spawn()
        .expect("it starts");
    wait_for(&socket);
    Echo { child, socket }
}

impl Echo {
    pub(super) fn ask(&self, request: &Request) {
        exchange(&self.socket, request);
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves for ever, one after the other.
pub(super) fn serve(socket: &str, length: usize) -> ! {
    let listener = UnixListener::bind(socket).expect("a socket");
    let answer = vec![b'x'; length];
    let mut buffer = vec![0; 64 << 10];
    loop {
        let (mut stream, _) = listener.accept().expect("a client");
        // One read: what a client writes at once comes at once.
        let _ = stream.read(&mut buffer);
        let _ = stream.write_all(&answer);
    }
}
