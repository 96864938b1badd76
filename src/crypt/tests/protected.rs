//! Identity files under a passphrase: what is asked, and when.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::{encryption, keyring, pair, sealer, text_source};
use crate::crypt::{
    Error, IdentityError, IdentitySource, Interaction, Keyring, Plugins, Prompt, Unanswered,
};
use crate::secret::Secret;

/// Gives one answer to every question and counts them.
struct Scripted {
    answer: Result<&'static str, Unanswered>,
    asked: AtomicUsize,
    questions: Mutex<Vec<String>>,
}

impl Scripted {
    fn new(answer: Result<&'static str, Unanswered>) -> Arc<Self> {
        Arc::new(Self {
            answer,
            asked: AtomicUsize::new(0),
            questions: Mutex::default(),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Prompt for Scripted {
    fn message(&self, _: &str) {}

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Result<bool, Unanswered> {
        self.answer.map(|_| true)
    }

    fn text(&self, question: &str) -> Result<String, Unanswered> {
        self.passphrase(question)?;
        self.answer.map(str::to_owned)
    }

    fn passphrase(&self, question: &str) -> Result<Secret, Unanswered> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.questions.lock().unwrap().push(question.to_owned());
        self.answer
            .map(|text| Secret::from_parts(&[text.as_bytes()]))
    }
}

fn with_prompt(sources: Vec<IdentitySource>, prompt: &Arc<Scripted>) -> Keyring {
    let prompt = Arc::clone(prompt) as Arc<dyn Prompt>;
    Keyring::new(sources, Interaction::new(Some(prompt), Plugins::Allowed))
}

/// An identity file under a passphrase, cheap to open.
fn protected(identities: &str, passphrase: &str) -> Vec<u8> {
    let mut recipient = age::scrypt::Recipient::new(passphrase.to_owned().into());
    recipient.set_work_factor(2);
    age::encrypt(&recipient, identities.as_bytes()).unwrap()
}

#[test]
fn passphrase_is_asked_once_even_if_wrong() {
    let mine = pair();
    let file = protected(&mine.private, "right");
    let headers: Vec<_> = (0..3)
        .map(|_| sealer(std::slice::from_ref(&mine.recipient)))
        .collect();
    let wrong = Error::Identity {
        name: "TEXT".into(),
        problem: IdentityError::WrongPassphrase,
    };
    for (answer, expected) in [("right", None), ("wrong", Some(wrong))] {
        let prompt = Scripted::new(Ok(answer));
        let keyring = with_prompt(vec![text_source(&file)], &prompt);
        for sealer in &headers {
            let ciphertext = sealer.seal(b"value").unwrap();
            let opened = keyring.open(Some(&encryption(sealer.header_text())), &ciphertext);
            assert_eq!(opened.err(), expected);
        }
        assert_eq!(prompt.asked(), 1);
        assert_eq!(prompt.questions.lock().unwrap()[0], "passphrase for TEXT");
    }
}

#[test]
fn nobody_is_asked_when_an_open_identity_fits() {
    let (mine, other) = (pair(), pair());
    let sealer = sealer(&[mine.recipient, other.recipient]);
    let ciphertext = sealer.seal(b"value").unwrap();
    let prompt = Scripted::new(Ok("right"));
    let file = protected(&other.private, "right");
    let sources = vec![text_source(file), text_source(&mine.private)];
    let keyring = with_prompt(sources, &prompt);
    keyring
        .open(Some(&encryption(sealer.header_text())), &ciphertext)
        .unwrap();
    assert_eq!(prompt.asked(), 0);
}

#[test]
fn without_a_terminal_a_protected_identity_says_so() {
    let mine = pair();
    let file = protected(&mine.private, "right");
    let sealer = sealer(std::slice::from_ref(&mine.recipient));
    let ciphertext = sealer.seal(b"value").unwrap();
    let keyring = keyring(vec![text_source(file)]);
    let error = keyring
        .open(Some(&encryption(sealer.header_text())), &ciphertext)
        .err();
    let message = error.unwrap().to_string();
    assert!(
        message.contains("there is no terminal to ask on"),
        "{message}"
    );
}

#[test]
fn damaged_protected_files_never_open() {
    let mine = pair();
    let sealer = sealer(std::slice::from_ref(&mine.recipient));
    let ciphertext = sealer.seal(b"value").unwrap();
    let file = protected(&mine.private, "right");
    let end_of_header = file.windows(5).position(|w| w == b"\n--- ").unwrap();
    // The work factor is kept, or the test would do what a flipped digit demands.
    for at in (end_of_header..file.len()).chain(0..20) {
        let mut changed = file.clone();
        changed[at] ^= 1;
        let prompt = Scripted::new(Ok("right"));
        let keyring = with_prompt(vec![text_source(changed)], &prompt);
        let opened = keyring.open(Some(&encryption(sealer.header_text())), &ciphertext);
        assert!(opened.is_err(), "{at}");
    }
}

#[test]
fn too_much_work_is_refused() {
    let file = protected("", "right");
    let text = String::from_utf8_lossy(&file);
    let line = text.lines().nth(1).unwrap();
    let at = "age-encryption.org/v1\n".len() + line.len() - 1;
    let mut changed = file.clone();
    changed.splice(at..=at, *b"23");
    let keyring = with_prompt(vec![text_source(changed)], &Scripted::new(Ok("right")));
    let sealer = sealer(&[pair().recipient]);
    let ciphertext = sealer.seal(b"value").unwrap();
    let error = keyring
        .open(Some(&encryption(sealer.header_text())), &ciphertext)
        .err();
    let message = error.unwrap().to_string();
    assert!(message.contains("takes too much work (2^23)"), "{message}");
}
