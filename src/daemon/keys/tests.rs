//! Vaults with real identities: what opens them, what locks them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::ast::Encryption;
use crate::crypt::{Interaction, Recipient, Sealer, keygen};
use crate::eval::Decrypter;
use crate::protocol::Code;
use crate::source::Span;
use crate::sys::stack::on_private_stack;

/// A folder with identities, and a ciphertext that each opens.
struct Scene {
    folder: TempDir,
    private: Vec<u8>,
    encryption: Encryption,
    ciphertext: String,
}

impl Scene {
    fn new() -> Self {
        let (private, public) = keygen("2026-01-02T03:04:05Z");
        let recipient = Recipient::parse(&public).unwrap();
        let sealer = Sealer::fresh(&[recipient], &Interaction::default()).unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            private: private.expose().to_vec(),
            encryption: Encryption {
                header: Some((sealer.header_text().to_owned(), Span::default())),
                ..Encryption::default()
            },
            ciphertext: sealer.seal(b"value").unwrap(),
        }
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// An identity that lies open.
    fn open(&self) -> PathBuf {
        self.write("open", &self.private)
    }

    /// The same under a passphrase that is cheap to try.
    fn protected(&self, passphrase: &str) -> PathBuf {
        let mut recipient = age::scrypt::Recipient::new(passphrase.to_owned().into());
        recipient.set_work_factor(2);
        let file = age::encrypt(&recipient, &self.private).unwrap();
        self.write("protected", &file)
    }

    fn vault(&self, files: &[&PathBuf]) -> Arc<Vault> {
        self.idle_vault(files, None)
    }

    fn idle_vault(&self, files: &[&PathBuf], idle: Option<Duration>) -> Arc<Vault> {
        let places = files.iter().map(|&file| IdentityPlace::File(file.clone()));
        Vault::open(VaultSettings {
            places: places.collect(),
            idle,
            ..VaultSettings::default()
        })
        .unwrap()
    }

    /// Whether the ciphertext opens; an error says whether that was for want of unlocking.
    fn opens(&self, vault: &Arc<Vault>) -> Result<(), bool> {
        let decrypter = vault.decrypter();
        match decrypter.decrypt(Some(&self.encryption), &self.ciphertext) {
            Ok(value) => {
                assert!(value.expose() == b"value");
                Ok(())
            }
            Err(_) => Err(decrypter.was_locked()),
        }
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap().block_on(future)
}

fn answers(question: &str, answer: &str) -> Answers {
    let body = serde_json::json!({"answers": {question: answer}}).to_string();
    Answers::read(body.as_bytes()).unwrap()
}

fn questions(state: &crate::protocol::LockState) -> Vec<&str> {
    state.questions.iter().map(|q| &*q.text).collect()
}

#[test]
fn what_lies_open_is_open_and_what_is_locked_is_gone() {
    let scene = Scene::new();
    let vault = scene.vault(&[&scene.open()]);
    assert!(!vault.state().locked);
    assert_eq!(vault.state().recipients.len(), 1);
    assert_eq!(scene.opens(&vault), Ok(()));

    let before = vault.generation();
    let under_way = vault.decrypter();
    vault.lock();
    assert_ne!(vault.generation(), before);
    assert!(vault.state().locked);
    assert_eq!(scene.opens(&vault), Err(true));

    let state = run(vault.unlock(Answers::default())).unwrap();
    assert!(!state.locked && state.questions.is_empty());
    assert_eq!(scene.opens(&vault), Ok(()));
    // What began before the lock is not served by what was unlocked after it.
    let late = under_way.decrypt(Some(&scene.encryption), &scene.ciphertext);
    assert!(late.is_err() && under_way.was_locked());
}

#[test]
fn a_passphrase_unlocks_what_it_is_for() {
    let scene = Scene::new();
    let file = scene.protected("right");
    let vault = scene.vault(&[&file]);
    let question = format!("passphrase for {}", file.display());
    for _ in 0..2 {
        assert!(vault.state().locked);
        assert_eq!(scene.opens(&vault), Err(true));
        let before = vault.generation();
        let Err(UnlockError::Unanswered(state)) = run(vault.unlock(Answers::default())) else {
            panic!("nobody has answered");
        };
        assert_eq!(questions(&state), [&question]);

        let state = run(vault.unlock(answers(&question, "right"))).unwrap();
        assert!(!state.locked && state.questions.is_empty());
        assert_ne!(vault.generation(), before);
        assert_eq!(scene.opens(&vault), Ok(()));
        vault.lock();
        assert_eq!(questions(&vault.state()), [&question]);
    }
}

#[test]
fn a_wrong_passphrase_is_told_and_costs_time() {
    let scene = Scene::new();
    let file = scene.protected("right");
    let vault = scene.vault(&[&file]);
    let question = format!("passphrase for {}", file.display());
    run(async {
        let error = vault.unlock(answers(&question, "wrong")).await.unwrap_err();
        let refusal = refusal(&error);
        assert_eq!(refusal.error.code, Code::Locked);
        assert!(refusal.error.message.starts_with("wrong passphrase for"));
        assert_eq!(questions(&refusal.keys), [&question]);
        // The next passphrase waits, and nothing else does.
        let begin = std::time::Instant::now();
        assert!(vault.unlock(Answers::default()).await.is_err());
        assert!(vault.unlock(answers(&question, "right")).await.is_ok());
        assert!(begin.elapsed() >= Duration::from_millis(900));
    });
    assert_eq!(scene.opens(&vault), Ok(()));
}

#[test]
fn one_identity_that_waits_does_not_stop_the_others() {
    let scene = Scene::new();
    let other = Scene::new();
    let protected = other.protected("right");
    let vault = scene.vault(&[&scene.open(), &protected]);
    assert!(!vault.state().locked);
    assert_eq!(scene.opens(&vault), Ok(()));
    assert_eq!(other.opens(&vault), Err(true));
    let question = format!("passphrase for {}", protected.display());
    run(vault.unlock(answers(&question, "right"))).unwrap();
    assert_eq!(other.opens(&vault), Ok(()));
    assert_eq!(Scene::new().opens(&vault), Err(false));
}

#[test]
fn files_are_read_anew_and_what_has_not_changed_stays_unlocked() {
    let scene = Scene::new();
    let other = Scene::new();
    let protected = scene.protected("right");
    let file = other.write("other", &Scene::new().private);
    let vault = scene.vault(&[&protected, &file]);
    let question = format!("passphrase for {}", protected.display());
    run(vault.unlock(answers(&question, "right"))).unwrap();
    let before = vault.generation();
    run(vault.reread()).unwrap();
    assert_eq!(vault.generation(), before);
    assert_eq!(other.opens(&vault), Err(false));

    other.write("other", &other.private);
    run(vault.reread()).unwrap();
    assert_ne!(vault.generation(), before);
    assert_eq!(other.opens(&vault), Ok(()));
    assert_eq!(scene.opens(&vault), Ok(()));

    fs::remove_file(&file).unwrap();
    run(vault.reread()).unwrap();
    assert_eq!(other.opens(&vault), Err(false));
    assert_eq!(vault.problems().len(), 1);
}

#[test]
fn what_nobody_uses_is_locked() {
    let scene = Scene::new();
    let vault = scene.idle_vault(&[&scene.open()], Some(Duration::from_millis(20)));
    run(async {
        for _ in 0..2 {
            vault.idle().await;
            assert!(vault.state().locked);
            vault.unlock(Answers::default()).await.unwrap();
        }
    });
}

#[test]
fn the_time_without_use_can_be_another() {
    let scene = Scene::new();
    let vault = scene.vault(&[&scene.open()]);
    run(async {
        for before in [None, Some(Duration::from_secs(3600))] {
            vault.set_idle(before);
            let waiting = tokio::spawn({
                let vault = Arc::clone(&vault);
                async move { vault.idle().await }
            });
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished() && !vault.state().locked);
            vault.set_idle(Some(Duration::from_millis(1)));
            waiting.await.unwrap();
            assert!(vault.state().locked);
            vault.unlock(Answers::default()).await.unwrap();
        }
    });
}

#[test]
fn sleep_locks_though_nobody_asks() {
    let scene = Scene::new();
    let vault = scene.vault(&[&scene.open()]);
    run(async {
        let slept = tokio::spawn({
            let vault = Arc::clone(&vault);
            async move { vault.slept(Duration::from_millis(1)).await }
        });
        tokio::task::yield_now().await;
        assert!(!slept.is_finished());
        vault.pretend_sleep();
        slept.await.unwrap();
    });
    assert!(vault.state().locked && !vault.has_slept());
}

#[test]
fn who_waits_to_unlock_is_locked_out_too() {
    let scene = Scene::new();
    let file = scene.protected("right");
    let vault = scene.vault(&[&file]);
    let question = format!("passphrase for {}", file.display());
    run(async {
        let turn = vault.patience.lock().await;
        let waiting = tokio::spawn({
            let (vault, answers) = (Arc::clone(&vault), answers(&question, "right"));
            async move { vault.unlock(answers).await }
        });
        // It runs until it waits for its turn.
        tokio::task::yield_now().await;
        vault.lock();
        drop(turn);
        let ended = waiting.await.unwrap();
        assert!(matches!(ended, Err(UnlockError::LockedMeanwhile(_))));
    });
    assert!(vault.state().locked);
    run(vault.unlock(answers(&question, "right"))).unwrap();
}

#[test]
fn what_is_answered_during_a_lock_is_forgotten() {
    let scene = Scene::new();
    let vault = scene.vault(&[&scene.open()]);
    let asked = "PIN of the token";
    let prompt: &dyn crate::crypt::Prompt = &*vault.interview;
    assert!(prompt.passphrase(asked).is_err());
    // The lock comes while passphrases are tried, before answers for plugins are taken.
    let generation = vault.generation();
    vault.lock();
    let trial = on_private_stack(|| vault.try_answers(answers(asked, "1234"), generation)).unwrap();
    assert!(trial.locked_meanwhile);
    assert!(prompt.passphrase(asked).is_err());
    assert_eq!(vault.interview.open().len(), 1);
}

#[test]
fn file_keys_are_unwrapped_for_others() {
    let scene = Scene::new();
    let vault = scene.vault(&[&scene.open()]);
    let header = scene.encryption.header.as_ref().unwrap().0.clone();
    let mut lines = header.lines().skip(1);
    let stanza = lines.next().unwrap().trim_start_matches("-> ");
    let (kind, argument) = stanza.split_once(' ').unwrap();
    let body = lines.next().unwrap();
    let call = serde_json::json!({"stanzas": [
        {"type": "unknown", "args": ["x"], "body": ""},
        {"type": kind, "args": [argument], "body": body},
    ]});
    let stanzas = || read_stanzas(call.to_string().as_bytes()).unwrap();
    let key = run(vault.unwrap(0, stanzas())).unwrap();
    assert_eq!(key.expose().len(), 16);
    let answer: serde_json::Value = serde_json::from_slice(unwrapped(&key).expose()).unwrap();
    assert_eq!(answer["fileKey"].as_str().unwrap().len(), 24);

    let others = Scene::new();
    let stranger = others.vault(&[&others.open()]);
    let error = run(stranger.unwrap(0, stanzas())).err().unwrap();
    assert_eq!(fault_of_unwrapping(&error).code, Code::NotFound);
    vault.lock();
    let error = run(vault.unwrap(0, stanzas())).err().unwrap();
    assert_eq!(fault_of_unwrapping(&error).code, Code::Locked);
}

#[test]
fn calls_that_are_not_understood_are_refused() {
    for body in [
        "x",
        "[]",
        r#"{"answers": []}"#,
        r#"{"answers": {"a": 1}}"#,
        r#"{"answer": {}}"#,
    ] {
        assert!(Answers::read(body.as_bytes()).is_err(), "{body}");
    }
    for body in ["", " ", "{}", r#"{"answers": {}}"#] {
        assert!(Answers::read(body.as_bytes()).unwrap().is_empty(), "{body}");
    }
    let one = |stanza: &str| format!(r#"{{"stanzas": [{stanza}]}}"#);
    let many = vec![r#"{"type": "a", "body": ""}"#; 65].join(",");
    for body in [
        "".to_owned(),
        one(""),
        one(r#"{"type": "a b", "body": ""}"#),
        one(r#"{"type": "a", "args": [""], "body": ""}"#),
        one(r#"{"type": "a", "body": "!"}"#),
        one(r#"{"type": "a", "body": "", "more": 1}"#),
        one(&many),
    ] {
        assert!(read_stanzas(body.as_bytes()).is_err(), "{body}");
    }
    assert!(read_stanzas(one(r#"{"type": "a", "body": "QQ=="}"#).as_bytes()).is_ok());
    assert!(read_stanzas(one(r#"{"type": "a", "body": "QQ"}"#).as_bytes()).is_ok());
}

#[test]
fn reading_anew_is_no_lock_for_who_waits_for_a_key() {
    let scene = Scene::new();
    let vault = scene.vault(&[&scene.open()]);
    let body = br#"{"stanzas":[{"type":"other","args":[],"body":""}]}"#;
    // Once the thread is at it, and is not done.
    let meanwhile = |change: &dyn Fn()| loop {
        let begun_and_ended = run(async {
            let mut unwrapping = std::pin::pin!(vault.unwrap(0, read_stanzas(body).unwrap()));
            let first = std::future::poll_fn(|context| {
                std::task::Poll::Ready(unwrapping.as_mut().poll(context).is_pending())
            });
            if !first.await {
                return None;
            }
            change();
            Some(unwrapping.await)
        });
        if let Some(ended) = begun_and_ended {
            break ended;
        }
    };
    let ended = meanwhile(&|| vault.has_more());
    assert!(matches!(ended, Err(UnwrapError::NothingFits(_))));
    let ended = meanwhile(&|| vault.lock());
    assert!(matches!(ended, Err(UnwrapError::Locked(_))));
}
