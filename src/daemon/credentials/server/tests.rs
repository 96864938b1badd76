//! systemd is played by this process; only what the kernel says of it is made up.

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::path::Path;
use std::sync::Mutex;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, bind, connect, socket};

use super::*;
use crate::daemon::peer::PeerError;
use crate::daemon::server::Stop;
use crate::daemon::settings::CredentialValue;
use crate::protocol::{Code, Fault};
use crate::secret::Secret;

/// A daemon that has one environment, and lets one unit have it.
#[derive(Default)]
struct Fake {
    user: u32,
    refused: Mutex<Vec<String>>,
    ends: Stop,
}

const UNIT: &str = "web.service";

impl Source for Fake {
    type Place = ();

    fn place(&self, _: u32) -> Option<()> {
        Some(())
    }

    async fn ending(&self) {
        self.ends.requested().await;
    }

    fn wanted(&self, asked: &Asked) -> Option<Wanted> {
        let path = match &*asked.credential {
            "token" => "api.token",
            "large" | "larger" | "denied" | "slow" => &*asked.credential,
            _ => return None,
        };
        Some(Wanted {
            environments: vec!["app".into()],
            value: CredentialValue::Path(path.to_owned()),
        })
    }

    fn times(&self) -> Times {
        Times {
            write: Duration::from_secs(60),
            end: Duration::from_millis(1),
        }
    }

    async fn open(
        &self,
        peer: &Peer,
        asked: &Asked,
        wanted: &Wanted,
    ) -> Result<Arc<Answer>, ErrorAnswer> {
        assert_eq!(peer.unit.as_deref(), Some(&*asked.unit));
        let value = match &*wanted.call().path.unwrap_or_default() {
            "large" => "x".repeat(delivery::MOST - "large".len()),
            "larger" => "x".repeat(delivery::MOST),
            "slow" => {
                self.ends.request();
                std::future::pending().await
            }
            "denied" => {
                return Err(ErrorAnswer {
                    error: Fault {
                        code: Code::Denied,
                        message: "denied".to_owned(),
                        hint: None,
                    },
                    diagnostics: Vec::new(),
                });
            }
            path => format!("the value of {path}"),
        };
        let body = format!("{{\"revision\":\"r\",\"value\":\"{value}\"}}");
        Ok(Arc::new(Answer {
            body: Secret::from_parts(&[body.as_bytes()]),
            names: Vec::new(),
            revision: "r".into(),
        }))
    }

    fn refused(&self, _: Option<&Peer>, _: Option<&Asked>, reason: &'static str) {
        self.refused
            .lock()
            .expect("no panic")
            .push(reason.to_owned());
    }

    fn peer(&self, _: &UnixStream) -> Result<Peer, PeerError> {
        Ok(Peer {
            user: self.user,
            unit: Some(UNIT.into()),
            ..Peer::default()
        })
    }
}

/// Connects as systemd does, and reads to the end.
fn ask(server: &Path, name: &str) -> Vec<u8> {
    let descriptor: OwnedFd = socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
    .expect("a socket");
    if !name.is_empty() {
        let name = UnixAddr::new_abstract(name.as_bytes()).expect("a name");
        bind(descriptor.as_raw_fd(), &name).expect("bound");
    }
    let server = UnixAddr::new(server).expect("a path");
    connect(descriptor.as_raw_fd(), &server).expect("connected");
    let mut stream = StdStream::from(descriptor);
    let mut content = Vec::new();
    stream.read_to_end(&mut content).expect("read");
    content
}

/// What is read by who connects with each of these names, and what is written down of refusals.
fn served(user: u32, names: &[&str]) -> (Vec<Vec<u8>>, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("credentials");
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let source = Arc::new(Fake {
        user,
        ..Fake::default()
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let read = std::thread::scope(|scope| {
        let (done, is_done) = tokio::sync::oneshot::channel();
        let asking = scope.spawn(move || {
            let read = names.iter().map(|name| ask(&path, name)).collect();
            let _unheard = done.send(());
            read
        });
        runtime.block_on(async {
            let source = Arc::clone(&source);
            let ends = Arc::clone(&source);
            let serving = serve(listener, source, Manager::System);
            let serving = tokio::spawn(serving);
            is_done.await.expect("asked");
            ends.ends.request();
            serving.await.expect("no panic").expect("served");
        });
        asking.join().expect("no panic")
    });
    let refused = source.refused.lock().expect("no panic").clone();
    (read, refused)
}

#[test]
fn a_unit_is_given_what_is_mapped_to_it() {
    let (read, refused) = served(
        0,
        &["a1/unit/web.service/token", "a2/unit/web.service/large"],
    );
    assert_eq!(read[0], b"the value of api.token");
    assert_eq!(read[1].len(), delivery::MOST - "large".len());
    assert_eq!(refused, [""; 0]);
}

#[test]
fn a_unit_that_is_refused_is_given_what_systemd_does_not_take() {
    let names = [
        "b1/unit/web.service/denied",
        "b2/unit/web.service/unmapped",
        "b3/unit/web.service/larger",
    ];
    let (read, refused) = served(0, &names);
    for content in read {
        assert_eq!(content.len(), delivery::MOST + 1);
        assert!(content.iter().all(|byte| *byte == 0));
    }
    // What the daemon has decided, it writes down itself.
    assert_eq!(refused, ["unmapped"]);
}

#[test]
fn others_learn_nothing() {
    let names = ["c1/unit/web.service/token", ""];
    let (read, refused) = served(1000, &names);
    assert_eq!(read, [b"", b""]);
    assert_eq!(refused, ["unconfirmed", "no-name"]);
    let (read, refused) = served(0, &["c2/unit/other.service/token", "c3/token"]);
    assert_eq!(read, [b"", b""]);
    assert_eq!(refused, ["unconfirmed", "no-name"]);
}

#[test]
fn a_daemon_that_ends_leaves_no_empty_credential() {
    let (read, _) = served(0, &["d1/unit/web.service/slow"]);
    assert_eq!(read[0].len(), delivery::MOST + 1);
}
