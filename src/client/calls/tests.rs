//! Calls to servers that are as daemons should be, and to others.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::thread::{self, JoinHandle};

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::protocol::StanzaCall;

/// A server that answers one request with some bytes, and gives what it was asked.
struct Server {
    folder: TempDir,
    asked: JoinHandle<Vec<u8>>,
}

impl Server {
    fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("s")).unwrap();
        let answer = answer.into();
        let asked = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = vec![0; 64 << 10];
            let count = stream.read(&mut asked).unwrap();
            asked.truncate(count);
            // Who has heard enough may have gone.
            let _ = stream.write_all(&answer);
            asked
        });
        Self { folder, asked }
    }

    fn answering_with(status: u16, body: &str) -> Self {
        Self::answering(format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn client(&self) -> Client {
        Client::new(self.folder.path().join("s"))
    }

    fn asked(self) -> String {
        String::from_utf8(self.asked.join().unwrap()).unwrap()
    }
}

fn call() -> OpenCall {
    OpenCall {
        environments: vec!["app".to_owned()],
        ..OpenCall::default()
    }
}

#[test]
fn an_environment_is_opened() {
    let server = Server::answering_with(200, r#"{"revision": "r", "variables": {"A": "1"}}"#);
    let opened = server.client().open(&call()).unwrap();
    assert_eq!(opened.variables[0].text.bytes(), b"1");
    assert_eq!(
        server.asked(),
        "POST /v1/open HTTP/1.1\r\nHost: escrun\r\nContent-Type: application/json\r\n\
         Content-Length: 24\r\n\r\n{\"environments\":[\"app\"]}"
    );
    let server = Server::answering_with(200, r#"{"revision": "r", "value": [1]}"#);
    let value = server.client().values(&call()).unwrap();
    assert_eq!(value.type_name(), "array");
    assert!(server.asked().contains(r#""view":"values""#));
}

#[test]
fn a_refusal_says_what_the_daemon_says() {
    let body = r#"{"error": {"code": "locked", "message": "locked", "hint": "unlock"}, "diagnostics": [{"a": 1}]}"#;
    let server = Server::answering_with(423, body);
    let error = server.client().open(&call()).err().unwrap();
    assert_eq!(error.code(), Some(Code::Locked));
    assert_eq!(
        (error.to_string(), error.hint()),
        ("locked".to_owned(), Some("unlock"))
    );
    assert!(error.is_passing() && !error.is_absent());
    let server = Server::answering_with(418, "I am a teapot");
    let error = server.client().status().unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("answers with status 418 and does not say why")
    );
}

#[test]
fn who_is_not_there_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let client = Client::new(&socket);
    assert!(matches!(client.status(), Err(Error::NoSocket { .. })));
    drop(UnixListener::bind(&socket).unwrap());
    let error = client.status().unwrap_err();
    assert!(matches!(error, Error::Unserved { .. }) && error.is_absent());
    let error = Server::answering("").client().status().unwrap_err();
    assert!(
        error.to_string().ends_with("the daemon has broken off"),
        "{error}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn who_takes_no_request_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    // As that of a socket unit whose daemon cannot start.
    let listener = UnixListener::bind(&socket).unwrap();
    let client = || Client {
        patience: Duration::from_millis(1),
        ..Client::new(&socket)
    };
    let told = |error: Error| {
        assert!(matches!(error, Error::Unattended { .. }), "{error}");
        assert!(error.is_passing() && !error.is_absent());
    };
    told(client().open(&call()).err().unwrap());
    told(client().lock().unwrap_err());
    told(client().status().unwrap_err());
    drop(listener);
}

#[test]
fn unlocking_goes_on_until_nothing_is_asked() {
    let body = r#"{"error": {"code": "locked", "message": "there are questions"},
        "locked": true, "identities": [], "questions": [{"text": "passphrase", "hidden": true}]}"#;
    let server = Server::answering_with(423, body);
    match server.client().unlock(&[]).unwrap() {
        Unlocked::Asks(refused) => assert_eq!(refused.keys.questions[0].text, "passphrase"),
        Unlocked::Done(_) => panic!("it asks"),
    }
    assert!(server.asked().ends_with(r#"{"answers":{}}"#));
    let server = Server::answering_with(200, r#"{"locked": false, "identities": ["default"]}"#);
    let answers = [("passphrase".to_owned(), Secret::from_parts(&[b"a\"b"]))];
    let state = server.client().unlock(&answers).unwrap();
    assert!(matches!(state, Unlocked::Done(state) if !state.locked));
    assert!(
        server
            .asked()
            .ends_with(r#"{"answers":{"passphrase":"a\"b"}}"#)
    );
}

#[test]
fn a_file_key_is_unwrapped() {
    let server = Server::answering_with(200, r#"{"fileKey": "AAECAw=="}"#);
    let call = UnwrapCall {
        stanzas: vec![StanzaCall {
            kind: "X25519".to_owned(),
            args: vec!["x".to_owned()],
            body: "//4".to_owned(),
        }],
    };
    let key = server.client().unwrap_file_key(&call).unwrap();
    assert_eq!(key.expose(), [0, 1, 2, 3]);
    let expected = r#"{"stanzas":[{"type":"X25519","args":["x"],"body":"//4"}]}"#;
    assert!(server.asked().ends_with(expected));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever answers, a client ends and does not take it for a success.
    #[test]
    fn garbage_is_no_answer(answer in vec(any::<u8>(), 0..200)) {
        let server = Server::answering(answer);
        prop_assert!(server.client().open(&call()).is_err());
    }

    #[test]
    fn a_garbled_answer_is_no_answer(at in 0_usize..60, byte in any::<u8>()) {
        let body = r#"{"revision": "r", "variables": {"A": "1"}}"#;
        let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes();
        answer[at] = byte;
        // Some are still good, such as one with another reason phrase.
        if let Ok(opened) = Server::answering(answer).client().open(&call()) {
            prop_assert!(opened.variables.len() <= 1);
        }
    }
}
