//! A daemon that is played by the test.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

struct Daemon {
    folder: TempDir,
    listener: Option<UnixListener>,
}

impl Daemon {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut daemon = Self {
            folder,
            listener: None,
        };
        daemon.listen();
        daemon
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    fn listen(&mut self) {
        self.listener = Some(UnixListener::bind(self.socket()).expect("a socket"));
    }

    fn die(&mut self) {
        self.listener = None;
        std::fs::remove_file(self.socket()).expect("removed");
    }

    fn subscription(&self) -> Subscription {
        Subscription {
            socket: self.socket(),
            environments: vec!["app".into()],
            revision: "r1".into(),
            lifetime: None,
        }
    }

    /// Takes a connection, and agrees; gives what was asked.
    fn agree(&self) -> (UnixStream, String) {
        let (mut stream, asked) = self.accept();
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
        stream.write_all(head).expect("written");
        (stream, asked)
    }

    fn accept(&self) -> (UnixStream, String) {
        let listener = self.listener.as_ref().expect("it runs");
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut asked = [0; 4096];
        let count = stream.read(&mut asked).expect("a request");
        (
            stream,
            String::from_utf8_lossy(&asked[..count]).into_owned(),
        )
    }
}

fn tell(stream: &mut UnixStream, revision: &str) {
    let event = format!("id: {revision}\nevent: revision\ndata: {{}}\n\n");
    stream.write_all(event.as_bytes()).expect("written");
}

/// Looks at every deadline until there is a connection.
fn connect(herald: &mut Herald, now: &mut Instant) {
    while herald.feed.is_none() {
        *now = herald.deadline().max(*now);
        herald.look(*now);
    }
}

#[test]
fn only_what_is_new_is_told() {
    let daemon = Daemon::start();
    let mut now = Instant::now();
    let mut herald = Herald::new(daemon.subscription(), now);
    herald.look(now);
    let (mut stream, asked) = daemon.agree();
    assert!(asked.contains("Last-Event-ID: r1"), "{asked}");
    for (revision, is_due) in [("r1", false), ("r2", true), ("r1", false)] {
        tell(&mut stream, revision);
        herald.look(now);
        assert_eq!(herald.is_due(now), is_due, "{revision}");
        assert!(!herald.is_due(now));
    }
    // Both at once: what counts is the last.
    tell(&mut stream, "r2");
    tell(&mut stream, "r1");
    herald.look(now);
    assert!(!herald.is_due(now));
    let next = Subscription {
        revision: "r2".into(),
        ..daemon.subscription()
    };
    herald.renew(next, now);
    tell(&mut stream, "r2");
    herald.look(now);
    assert!(!herald.is_due(now));
    // Others are asked for anew.
    let other = Subscription {
        environments: vec!["other".into()],
        ..daemon.subscription()
    };
    herald.renew(other, now);
    connect(&mut herald, &mut now);
    assert!(daemon.accept().1.contains("env=other"));
}

#[test]
fn a_daemon_that_comes_back_is_found() {
    let mut daemon = Daemon::start();
    let mut now = Instant::now();
    let mut herald = Herald::new(daemon.subscription(), now);
    for round in 0..100 {
        connect(&mut herald, &mut now);
        let (mut stream, asked) = daemon.agree();
        assert!(asked.contains("Last-Event-ID: r1"), "{asked}");
        herald.look(now);
        tell(&mut stream, if round % 2 == 0 { "r1" } else { "r2" });
        herald.look(now);
        assert_eq!(herald.is_due(now), round % 2 == 1, "{round}");
        drop(stream);
        daemon.die();
        herald.look(now);
        assert!(herald.feed.is_none());
        for _ in 0..round % 5 {
            now = herald.deadline();
            herald.look(now);
            assert!(herald.deadline() > now && herald.deadline() <= now + LONGEST_WAIT);
        }
        daemon.listen();
    }
}

#[test]
fn a_silent_daemon_is_left() {
    let daemon = Daemon::start();
    let now = Instant::now();
    let mut herald = Herald::new(daemon.subscription(), now);
    herald.look(now);
    let (mut stream, _) = daemon.agree();
    herald.look(now);
    assert_eq!(herald.deadline(), now + SILENCE);
    stream.write_all(b": here\n\n").expect("written");
    let later = now + SILENCE / 2;
    herald.look(later);
    assert_eq!(herald.deadline(), later + SILENCE);
    herald.look(later + SILENCE);
    assert!(herald.feed.is_none());
}

#[test]
fn a_setback_that_may_pass_is_tried_again() {
    let daemon = Daemon::start();
    let now = Instant::now();
    let mut herald = Herald::new(daemon.subscription(), now);
    herald.look(now);
    let setback = |is_passing| Setback {
        message: "locked".into(),
        is_passing,
    };
    herald.set_back(&setback(false), now);
    assert!(herald.again.is_none());
    let mut at = now;
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        herald.set_back(&setback(true), at);
        let again = herald.again.expect("a time");
        assert!(!herald.is_due(again - Duration::from_nanos(1)));
        assert!(herald.is_due(again));
        longest = longest.max(again - at);
        at = again;
    }
    assert!(
        longest > LONGEST_WAIT / 3 && longest <= LONGEST_WAIT,
        "{longest:?}"
    );
}

#[test]
fn what_has_an_end_is_renewed_before() {
    let daemon = Daemon::start();
    let now = Instant::now();
    let subscription = Subscription {
        lifetime: Some(Duration::from_secs(100)),
        ..daemon.subscription()
    };
    let mut herald = Herald::new(subscription.clone(), now);
    herald.look(now);
    assert!(!herald.is_due(now + Duration::from_secs(89)));
    assert_eq!(herald.deadline(), now + Duration::from_secs(90));
    assert!(herald.is_due(now + Duration::from_secs(90)));
    herald.renew(subscription, now + Duration::from_secs(90));
    assert!(!herald.is_due(now + Duration::from_secs(179)));
    assert!(herald.is_due(now + Duration::from_secs(180)));
}
