//! Peers that mean harm, or do it: after each, the daemon still answers, and nothing of them is left.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::served::{PATIENCE, Served, read_answer, read_head, request};
use crate::cli::test_env::{CANARY, TestEnv};

/// Limits that end within a test what they would end within a minute.
const IMPATIENT: &str =
    "limits: {headTime: 200ms, bodyTime: 200ms, writeTime: 200ms, idleTime: 300ms}\n";

/// What `attack` does leaves a daemon that answers, with no more descriptors than before.
#[track_caller]
fn survives(served: &Served, attack: impl FnOnce(&Served)) {
    let before = served.descriptors();
    attack(served);
    let answer = served.request("GET /v1/health", "");
    assert_eq!(answer.status, 200);
    served.await_that("all descriptors are closed", |served| {
        served.descriptors() <= before
    });
    served.await_that("no other connection is left", |served| {
        served.metric("escrun_connections") == 1.0
    });
}

/// Sends bytes and reads whatever comes back, to the end.
fn exchange(served: &Served, bytes: &[u8]) -> String {
    let mut stream = served.connect();
    // It may have been refused before all was sent.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn garbage_is_refused() {
    let served = Served::project();
    survives(&served, |served| {
        let endless = [b"GET / HTTP/1.1\r\nX: ".as_slice(), &[b'a'; 100_000]].concat();
        let many = [
            b"GET / HTTP/1.1\r\n".as_slice(),
            &b"a: b\r\n".repeat(1000),
            b"\r\n",
        ]
        .concat();
        for (bytes, status) in [
            (b"\r\n\r\n\r\n\r\n".as_slice(), "400"),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", "400"),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"),
            (b"GET /v1/health HTTP/1.1\r\n\r\n", "400"),
            (b"POST /v1/open HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "501"),
            (b"POST /v1/open HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"),
            (b"POST /v1/open HTTP/1.1\r\nHost: x\r\nContent-Length: 262145\r\n\r\n", "413"),
            (b"POST /v1/open HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"),
            (b"POST /v1/lock HTTP/1.1\r\nHost: x\r\nOrigin: http://example.org\r\nContent-Length: 0\r\n\r\n", "400"),
            (b"GET /v1/status HTTP/1.1\r\nHost: x\r\norigin: null\r\n\r\n", "400"),
            (&endless, "431"),
            (&many, "431"),
        ] {
            let answer = exchange(served, bytes);
            let expected = format!("HTTP/1.1 {status} ");
            let asked = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]);
            assert!(answer.starts_with(&expected), "{asked}: {answer}");
            assert!(answer.contains("Connection: close\r\n"), "{answer}");
        }
        // What never ends a head is never answered, and lasts no longer than its sender.
        assert_eq!(exchange(served, &[0; 1000]), "");
    });
}

#[test]
fn half_requests_are_waited_for_no_longer_than_the_limits_say() {
    let served = Served::start(TestEnv::project(), IMPATIENT);
    survives(&served, |served| {
        let body = "POST /v1/open HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{";
        for (bytes, status) in [
            ("", None),
            ("G", Some("408")),
            ("GET /v1/health HTTP/1.1\r\nHost: x\r\n", Some("408")),
            (body, Some("408")),
        ] {
            let mut stream = served.connect();
            stream.write_all(bytes.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            match status {
                Some(status) => assert!(
                    answer.starts_with(&format!("HTTP/1.1 {status} ")),
                    "{answer}"
                ),
                None => assert_eq!(answer, ""),
            }
        }
        // Byte by byte is no way to hold a connection for ever.
        let mut stream = served.connect();
        let head = [b"GET / HTTP/1.1\r\nX: ".as_slice(), &[b'a'; 8000]].concat();
        let refused = head.iter().any(|byte| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            stream.write_all(&[*byte]).is_err()
        });
        assert!(refused);
    });
}

#[test]
fn whoever_reads_nothing_is_not_written_to_for_ever() {
    let env = TestEnv::project();
    let large = "x".repeat(1 << 20);
    env.define("large", &format!("values: {{text: {large}}}\n"));
    let served = Served::start(env, "limits: {writeTime: 3s}\n");
    survives(&served, |served| {
        let open = request(
            "POST /v1/open",
            r#"{"environments":["large"],"view":"values"}"#,
        );
        let slow: Vec<UnixStream> = (0..20)
            .map(|_| {
                let mut stream = served.connect();
                stream.write_all(&open).unwrap();
                stream
            })
            .collect();
        served.await_that("they are given up", |served| {
            served.metric("escrun_connections") == 1.0
        });
        // One that reads gets all of it, also while others do not.
        assert!(
            served
                .open(r#"{"environments":["large"],"view":"values"}"#)
                .body
                .len()
                > 1 << 20
        );
        drop(slow);
    });
}

#[test]
fn whoever_is_slow_to_take_an_answer_gets_no_more_of_it_after_a_lock() {
    let env = TestEnv::project();
    let large = "x".repeat(1 << 20);
    env.define("large", &format!("values: {{text: {large}}}\n"));
    let served = Served::start(env, "limits: {writeTime: 1h}\n");
    survives(&served, |served| {
        let mut stream = served.connect();
        let open = r#"{"environments":["large"],"view":"values"}"#;
        stream.write_all(&request("POST /v1/open", open)).unwrap();
        // It has begun, and the rest does not fit into the socket.
        stream.read_exact(&mut [0; 100]).unwrap();
        assert_eq!(served.request("POST /v1/lock", "").status, 200);
        // Nothing is read: it is the daemon that ends it.
        served.await_that("it is given up", |served| {
            served.metric("escrun_connections") == 1.0
        });
        let mut rest = Vec::new();
        // What it had in the socket before may come, or a reset.
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.len() < large.len());
    });
}

#[test]
fn requests_that_nobody_waits_for_do_no_harm() {
    let served = Served::project();
    survives(&served, |served| {
        for round in 0..200 {
            let mut stream = served.connect();
            let open = request("POST /v1/open", r#"{"environments":["app","production"]}"#);
            let cut = open.len() - round % 3;
            stream.write_all(&open[..cut]).unwrap();
        }
    });
}

#[test]
fn a_reset_in_the_middle_of_an_answer_does_no_harm() {
    let env = TestEnv::project();
    env.define(
        "large",
        &format!("values: {{text: {}}}\n", "x".repeat(1 << 20)),
    );
    let served = Served::start(env, "");
    survives(&served, |served| {
        for _ in 0..50 {
            let mut stream = served.connect();
            let open = r#"{"environments":["large"],"view":"values"}"#;
            stream.write_all(&request("POST /v1/open", open)).unwrap();
            stream.read_exact(&mut [0; 100]).unwrap();
        }
    });
}

#[test]
fn bodies_that_are_held_up_are_bounded_together() {
    let served = Served::start(TestEnv::project(), "");
    let before = served.resident();
    survives(&served, |served| {
        let head = b"POST /v1/open HTTP/1.1\r\nHost: x\r\nContent-Length: 262144\r\n\r\n";
        let held: Vec<UnixStream> = (0..200)
            .map(|_| {
                let mut stream = served.connect();
                // Refused ones may have been closed by now.
                let _ = stream
                    .write_all(head)
                    .and_then(|()| stream.write_all(&[b' '; 200_000]));
                stream
            })
            .collect();
        // 40 MB were sent; the allowance is 4 MiB at most.
        assert!(
            served.resident() < before + 16_000,
            "{} KiB",
            served.resident()
        );
        assert_eq!(
            served.open(r#"{"environments":["app"]}"#).status,
            200,
            "small ones are served"
        );
        drop(held);
    });
}

#[test]
fn ten_thousand_connections_leave_room_for_one_more() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let possible = usize::try_from(hard).unwrap_or(usize::MAX) - 200;
    let wanted = possible.min(10_000);
    let served = Served::start(TestEnv::project(), "");
    survives(&served, |served| {
        let before = served.resident();
        let held: Vec<UnixStream> = (0..wanted)
            .map(|_| {
                let mut stream = served.connect();
                stream.write_all(b"GET /v1").unwrap();
                stream
            })
            .collect();
        served.await_that("all are let in or turned away", |served| {
            let text = served.request("GET /v1/metrics", "").text();
            let number = |name: &str| -> usize {
                let line = text.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap().trim().parse().unwrap()
            };
            number("escrun_connections ") + number("escrun_connections_turned_away_total ") > wanted
        });
        let grown = served.resident().saturating_sub(before);
        assert!(grown < wanted * 10, "{grown} KiB for {wanted} connections");
        drop(held);
    });
}

#[test]
fn connections_that_were_answered_and_stay_take_one_descriptor_each() {
    const MANY: usize = 200;

    let served = Served::project();
    let open = request("POST /v1/open", r#"{"environments":["app"]}"#);
    survives(&served, |served| {
        let ask = || {
            let mut stream = served.connect();
            stream.write_all(&open).unwrap();
            assert_eq!(read_answer(&mut stream).unwrap().status, 200);
            stream
        };
        let first = ask();
        let before = served.descriptors();
        let held: Vec<UnixStream> = (0..MANY).map(|_| ask()).collect();
        let more = served.descriptors() - before;
        assert!(more < MANY + MANY / 2, "{more} for {MANY}");
        drop((first, held));
    });
}

#[test]
fn whoever_is_one_too_many_is_told_so() {
    let served = Served::start(
        TestEnv::project(),
        "limits: {connections: 8, connectionsPerUser: 4}\n",
    );
    let held: Vec<UnixStream> = (0..4).map(|_| served.connect()).collect();
    let deadline = Instant::now() + PATIENCE;
    let refused = loop {
        assert!(Instant::now() < deadline);
        let mut stream = served.connect();
        // Told before it asks, and perhaps gone before it has.
        let _ = stream.write_all(&request("GET /v1/health", ""));
        match read_answer(&mut stream) {
            Ok(answer) if answer.status == 503 => break answer,
            _ => {}
        }
    };
    assert_eq!(refused.json()["error"]["code"], "unavailable");
    assert_eq!(refused.field("retry-after"), Some("1"));
    drop(held);
    served.await_that("there is room again", |served| {
        let mut stream = served.connect();
        let _ = stream.write_all(&request("GET /v1/health", ""));
        read_answer(&mut stream).is_ok_and(|answer| answer.status == 200)
    });
}

#[test]
fn a_watcher_that_talks_is_not_listened_to() {
    let served = Served::project();
    survives(&served, |served| {
        let mut stream = served.connect();
        stream
            .write_all(&request("GET /v1/watch?env=app", ""))
            .unwrap();
        read_head(&mut stream).unwrap();
        for _ in 0..100 {
            stream.write_all(&[b'x'; 10_000]).unwrap();
        }
        assert_eq!(served.request("GET /v1/health", "").status, 200);
    });
}

#[test]
fn nothing_of_a_secret_is_told_to_whoever_asks_wrongly() {
    let served = Served::project();
    assert_eq!(served.open(r#"{"environments":["app"]}"#).status, 200);
    for body in [
        r#"{"environments":["app"],"view":"values","path":"app.nowhere"}"#,
        r#"{"environments":["app"],"redact":true,"details":true}"#,
        r#"{"environments":["app"],"only":["["]}"#,
    ] {
        let answer = served.open(body).text();
        assert!(!answer.contains(CANARY), "{body}: {answer}");
    }
    assert!(!served.log().contains(CANARY));
}

/// A socket whose other end is another one of ours: nobody is there.
#[test]
fn a_peer_that_has_gone_is_no_peer() {
    let served = Served::project();
    survives(&served, |served| {
        for _ in 0..100 {
            let stream = served.connect();
            stream.shutdown(Shutdown::Both).unwrap();
        }
        let mut stream = served.connect();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(count) => assert_eq!(count, 0),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    });
}
