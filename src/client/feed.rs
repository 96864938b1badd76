//! The revisions of environments, as a daemon tells them; for who waits for other things as well.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::calls::refusal;
use super::connection::connect_now;
use super::error::Error;
use super::events::{Event, Events};
use super::http::{Fault, Head, request};

/// How much is read at a time, in bytes. No secret passes here.
const PART: usize = 1 << 10;

/// The longest refusal that is read, in bytes.
const LONGEST_REFUSAL: usize = 64 << 10;

/// What events are called that tell of a revision.
const REVISION: &str = "revision";

/// A connection on which revisions are told. Nothing here waits.
#[derive(Debug)]
pub struct Feed {
    stream: UnixStream,
    socket: PathBuf,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The answer has not begun, or it is a refusal that is not complete.
    Beginning(Vec<u8>),
    /// Events come.
    Going(Events),
}

impl Feed {
    /// Asks the daemon at `socket` to tell of `environments`. If their revision is `last`, it need not be told.
    ///
    /// # Errors
    /// Those of [`Client`](super::Client); and [`Error::Unattended`] if the daemon has no time now.
    pub fn begin(
        socket: &Path,
        environments: &[String],
        last: Option<&str>,
    ) -> Result<Self, Error> {
        let mut stream = connect_now(socket)?;
        let names: Vec<String> = environments.iter().map(|name| escaped(name)).collect();
        let target = format!("/v1/watch?env={}", names.join(","));
        let mut fields = "Accept: text/event-stream\r\n".to_owned();
        // What would end the line cannot be a revision.
        if let Some(last) = last.filter(|last| last.bytes().all(|byte| byte.is_ascii_graphic())) {
            fields += &format!("Last-Event-ID: {last}\r\n");
        }
        let request = request("GET", &target, &fields, None);
        // Exposed: it holds names only. A new connection has room for all of it.
        stream
            .write_all(request.expose())
            .map_err(Error::io("cannot ask the daemon at", socket))?;
        Ok(Self {
            stream,
            socket: socket.to_owned(),
            state: State::Beginning(Vec::new()),
        })
    }

    /// Whether the daemon has agreed to tell.
    pub fn is_going(&self) -> bool {
        matches!(self.state, State::Going(_))
    }

    /// Takes what there is: the revision that was told last, if any was, and whether anything was said at all.
    ///
    /// # Errors
    /// When the daemon refuses, has ended, or says what it should not. Then there is nothing more to come.
    pub fn read(&mut self) -> Result<Heard, Error> {
        let mut heard = Heard::default();
        let mut part = [0; PART];
        loop {
            let count = match self.stream.read(&mut part) {
                Ok(0) => return Err(self.failed(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(heard),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.failed(error)),
            };
            heard.anything = true;
            let told = self.take(&part[..count])?.into_iter();
            let revisions = told.filter(|event| event.kind == REVISION);
            if let Some(revision) = revisions.filter_map(|event| event.id).next_back() {
                heard.revision = Some(revision);
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Error> {
        let unintelligible = |socket: &Path, reason| Error::Unintelligible {
            socket: socket.to_owned(),
            reason,
        };
        match &mut self.state {
            State::Going(events) => events
                .take(bytes)
                .map_err(|reason| unintelligible(&self.socket, reason)),
            State::Beginning(held) => {
                held.extend_from_slice(bytes);
                let head = match Head::read_endless(held) {
                    Ok(Some(head)) => head,
                    Ok(None) => return Ok(Vec::new()),
                    Err(Fault::Unintelligible(reason)) => {
                        return Err(unintelligible(&self.socket, reason));
                    }
                    Err(Fault::Io(error)) => return Err(self.failed(error)),
                };
                if head.status != 200 {
                    if head.whole() > LONGEST_REFUSAL {
                        return Err(unintelligible(&self.socket, "its answer is too long"));
                    }
                    return match held.get(head.length..head.whole()) {
                        Some(body) => Err(refusal(&self.socket, head.status, body)),
                        None => Ok(Vec::new()),
                    };
                }
                let rest = held.split_off(head.length);
                self.state = State::Going(Events::default());
                self.take(&rest)
            }
        }
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::io("cannot hear the daemon at", &self.socket)(error)
    }
}

impl AsFd for Feed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// What a daemon has said.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The latest revision.
    pub revision: Option<String>,
    /// Whether it was anything, if only that it is there.
    pub anything: bool,
}

/// A name as a part of a query (RFC 3986, section 2).
fn escaped(name: &str) -> String {
    let mut escaped = String::new();
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                escaped.push(char::from(byte));
            }
            byte => escaped += &format!("%{byte:02X}"),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::protocol::Code;

    /// A feed from a server that answers with `pieces`, one after the other, and then ends; what came of each.
    fn feed(last: Option<&str>, pieces: &[&str]) -> (String, Vec<Result<Heard, Error>>) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        let names = ["app".to_owned(), "a b/ä".to_owned()];
        let mut feed = Feed::begin(&socket, &names, last).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let mut asked = [0; 4096];
        let count = server.read(&mut asked).unwrap();
        let asked = String::from_utf8(asked[..count].to_vec()).unwrap();
        let mut heard = vec![feed.read()];
        for piece in pieces {
            server.write_all(piece.as_bytes()).unwrap();
            heard.push(feed.read());
        }
        drop(server);
        heard.push(feed.read());
        (asked, heard)
    }

    fn heard(revision: Option<&str>) -> Heard {
        Heard {
            revision: revision.map(str::to_owned),
            anything: true,
        }
    }

    #[test]
    fn revisions_are_heard() {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n";
        let pieces = [
            &head[..20],
            &head[20..],
            "id: r1\nevent: revision\ndata: {}\n\nid: r2\nevent: rev",
            "ision\ndata: {}\n\n: still here\n\n",
            "id: r9\nevent: other\n\n",
        ];
        let (asked, found) = feed(Some("r0"), &pieces);
        assert_eq!(
            asked,
            "GET /v1/watch?env=app,a%20b/%C3%A4 HTTP/1.1\r\nHost: escrun\r\n\
             Accept: text/event-stream\r\nLast-Event-ID: r0\r\n\r\n"
        );
        let mut found = found.into_iter();
        let mut next = || found.next().unwrap();
        assert_eq!(next().unwrap(), Heard::default());
        for revision in [None, None, Some("r1"), Some("r2"), None] {
            assert_eq!(next().unwrap(), heard(revision));
        }
        assert!(next().unwrap_err().is_passing());
    }

    #[test]
    fn a_refusal_is_told_when_it_is_complete() {
        let body = r#"{"error": {"code": "denied", "message": "not allowed"}}"#;
        let head = format!(
            "HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let (asked, mut found) = feed(None, &[&head, &body[..9], &body[9..]]);
        assert!(!asked.contains("Last-Event-ID"));
        let _end = found.pop();
        let refused = found.pop().unwrap().unwrap_err();
        assert_eq!(refused.code(), Some(Code::Denied));
        assert_eq!(refused.to_string(), "not allowed");
        assert!(found.into_iter().all(|heard| heard.is_ok()));
    }

    #[test]
    fn what_sends_no_events_is_refused() {
        for (answer, reason) in [
            ("nonsense\r\n\r\n", "it does not speak HTTP"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                "it does not send events",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
                "its answer is encoded",
            ),
            (
                "HTTP/1.1 500 No\r\nContent-Length: 1000000\r\n\r\n",
                "its answer is too long",
            ),
        ] {
            let (_, mut found) = feed(None, &[answer]);
            match found.remove(1) {
                Err(Error::Unintelligible { reason: found, .. }) => assert_eq!(found, reason),
                other => panic!("{other:?}"),
            }
        }
    }
}
