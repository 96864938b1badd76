//! The parts together, without other programs: what opens, what is asked, and how failures are told apart.

mod protected;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use age_core::secrecy::ExposeSecret;
use proptest::prelude::*;

use super::*;
use crate::ast::Encryption;
use crate::eval::Decrypter;
use crate::secret::Secret;
use crate::source::Span;

/// An identity and its recipient.
struct Pair {
    private: String,
    recipient: Recipient,
}

fn pair() -> Pair {
    let identity = age::x25519::Identity::generate();
    Pair {
        private: identity.to_string().expose_secret().to_owned(),
        recipient: Recipient::parse(&identity.to_public().to_string()).unwrap(),
    }
}

fn text_source(text: impl AsRef<[u8]>) -> IdentitySource {
    IdentitySource::text("TEXT", Secret::from_parts(&[text.as_ref()]))
}

fn keyring(sources: Vec<IdentitySource>) -> Keyring {
    Keyring::new(sources, Interaction::default())
}

fn encryption(header: &str) -> Encryption {
    Encryption {
        header: Some((header.to_owned(), Span::default())),
        ..Encryption::default()
    }
}

fn sealer(recipients: &[Recipient]) -> Sealer {
    Sealer::fresh(recipients, &Interaction::default()).unwrap()
}

/// Made by age 1.1.1 for the identity below.
const FILE_OF_AGE: &str = "\
-----BEGIN AGE ENCRYPTED FILE-----\n\
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBERG5HWUNyWFZ0RVNFRE9j\n\
RERaajE0Wkw0QVZRcVA2NlVNU0JBZStvaFEwCkVDcXYrRFcrN0VXSEt2ZzNleTlT\n\
alpXYjRLaFMxYVBxTllZNlozby9qeG8KLS0tIHJMOGdPZ3pBN3hBZGZoZ2p2M3Ny\n\
SXBNSlZwSk5pZndZYTkwVnp0SHJmMlUKPucj9IXYPkCX4agLnpHUAftvPt4qWfvt\n\
SAhXsQTh4TtnYPYFRiX3VQ==\n\
-----END AGE ENCRYPTED FILE-----\n";
const IDENTITY_OF_AGE: &str =
    "AGE-SECRET-KEY-184JMZMVQH3E6U0PSL869004Y3U2NYV7R30EU99CSEDNPH02YUVFSZW44VU";

#[test]
fn a_file_of_age_opens() {
    let keyring = keyring(vec![text_source(IDENTITY_OF_AGE)]);
    let opened = keyring.open_file(FILE_OF_AGE.as_bytes()).unwrap();
    assert!(opened.expose() == b"a value\n");
}

#[test]
fn secrets_of_a_definition_open_with_one_unlock() {
    let mine = pair();
    let sealer = sealer(&[pair().recipient, mine.recipient]);
    let encryption = encryption(sealer.header_text());
    let keyring = keyring(vec![text_source(&mine.private)]);
    for length in [0, 1, 64 * 1024, 64 * 1024 + 1, 200 * 1024] {
        let plaintext = vec![7; length];
        let ciphertext = sealer.seal(&plaintext).unwrap();
        keyring.validate(Some(&encryption), &ciphertext).unwrap();
        let opened = keyring.open(Some(&encryption), &ciphertext).unwrap();
        assert!(opened.expose() == plaintext);
    }
}

#[test]
fn sealing_keeps_an_existing_header() {
    let mine = pair();
    let first = sealer(std::slice::from_ref(&mine.recipient));
    let keyring = keyring(vec![text_source(&mine.private)]);
    let encryption = Encryption {
        recipients_digest: first.digest().map(|d| (d.to_owned(), Span::default())),
        ..encryption(first.header_text())
    };
    let second = Sealer::open(&encryption, &keyring).unwrap();
    assert_eq!(second.header_text(), first.header_text());
    assert!(second.is_current(&[mine.recipient]));
    let ciphertext = second.seal(b"value").unwrap();
    let opened = keyring.open(Some(&encryption), &ciphertext).unwrap();
    assert!(opened.expose() == b"value");
}

#[test]
fn adding_keeps_the_file_key_and_removing_does_not() {
    let (alice, bob) = (pair(), pair());
    let (only_alice, both) = (
        [alice.recipient.clone()],
        [alice.recipient.clone(), bob.recipient.clone()],
    );
    let mut sealer = sealer(&only_alice);
    let ciphertext = sealer.seal(b"value").unwrap();
    let nobody = Interaction::default();

    assert_eq!(
        sealer.rekey(&only_alice, &both, &nobody),
        Ok(Rekey::HeaderOnly)
    );
    assert!(sealer.is_current(&both));
    let added = encryption(sealer.header_text());
    let of_bob = keyring(vec![text_source(&bob.private)]);
    assert!(of_bob.open(Some(&added), &ciphertext).unwrap().expose() == b"value");

    assert_eq!(
        sealer.rekey(&both, &only_alice, &nobody),
        Ok(Rekey::EveryValue)
    );
    let removed = encryption(sealer.header_text());
    let of_alice = keyring(vec![text_source(&alice.private)]);
    let old_under_new = of_alice.open(Some(&removed), &ciphertext).err();
    assert_eq!(old_under_new, Some(Error::Payload(PayloadError::Altered)));
    let ciphertext = sealer.seal(b"value").unwrap();
    let refused = of_bob.open(Some(&removed), &ciphertext).err();
    assert!(matches!(refused, Some(Error::NoneFits { .. })));

    // Who the header was made for is not known for sure: as if somebody had been removed.
    assert_eq!(sealer.rekey(&both, &both, &nobody), Ok(Rekey::EveryValue));
}

#[test]
fn complete_files_open_in_every_form() {
    let mine = pair();
    let recipients = [mine.recipient.clone()];
    let nobody = Interaction::default();
    let keyring = keyring(vec![text_source(&mine.private)]);

    let ciphertext = seal_complete(b"value", &recipients, &nobody).unwrap();
    assert!(is_complete_file(&ciphertext));
    assert!(!is_complete_file(
        &sealer(&recipients).seal(b"value").unwrap()
    ));
    keyring.validate(None, &ciphertext).unwrap();
    assert!(keyring.open(None, &ciphertext).unwrap().expose() == b"value");

    let file = seal_file(b"value", &recipients, &nobody).unwrap();
    assert!(keyring.open_file(&file).unwrap().expose() == b"value");

    let native: age::x25519::Recipient = mine.recipient.to_string().parse().unwrap();
    let armored = age::encrypt_and_armor(&native, b"value").unwrap();
    assert!(keyring.open_file(armored.as_bytes()).unwrap().expose() == b"value");
    assert!(keyring.open(None, &armored).unwrap().expose() == b"value");
}

#[test]
fn failures_are_told_apart() {
    let mine = pair();
    let theirs = sealer(&[pair().recipient, pair().recipient]);
    let ours = sealer(std::slice::from_ref(&mine.recipient));
    let ciphertext = ours.seal(b"value").unwrap();
    let of_mine = || keyring(vec![text_source(&mine.private)]);
    let message = |keyring: &Keyring, encryption: Option<&Encryption>| {
        let error = keyring.decrypt(encryption, &ciphertext).err().unwrap();
        assert!(!error.message.contains("AGE-SECRET-KEY"));
        (error.message, error.hint)
    };

    let (text, hint) = message(
        &keyring(vec![IdentitySource::optional_file("/nowhere/key")]),
        Some(&encryption(ours.header_text())),
    );
    assert_eq!(text, "there is no identity to decrypt with");
    assert_eq!(
        hint.as_deref(),
        Some("name one with `--identity FILE`; looked in /nowhere/key")
    );

    let (text, _) = message(&of_mine(), Some(&encryption(theirs.header_text())));
    assert_eq!(
        text,
        "no identity fits (tried TEXT; the header is for 2 X25519)"
    );

    let (text, _) = message(&of_mine(), None);
    assert_eq!(text, "no header in `encryption.header`");

    let (text, _) = message(
        &of_mine(),
        Some(&encryption("age-encryption.org/v1\n--- x\n")),
    );
    assert_eq!(
        text,
        "the age header is malformed: line 2 is not as it should be"
    );

    let mut header = ours.header_text().to_owned();
    header.insert_str("age-encryption.org/v1\n".len(), "-> another\n\n");
    let (text, _) = message(&of_mine(), Some(&encryption(&header)));
    assert_eq!(text, "the age header was changed after it was made");

    let other = sealer(std::slice::from_ref(&mine.recipient));
    let (text, _) = message(&of_mine(), Some(&encryption(other.header_text())));
    assert_eq!(
        text,
        "the ciphertext was cut or changed, or belongs under another header"
    );

    let missing = vec![
        IdentitySource::file("/nowhere/key"),
        text_source(&mine.private),
    ];
    let (text, _) = message(&keyring(missing), Some(&encryption(ours.header_text())));
    assert_eq!(text, "identity /nowhere/key: there is no such file");
}

#[test]
fn every_flipped_bit_of_a_header_is_noticed() {
    let mine = pair();
    let sealer = sealer(&[pair().recipient, mine.recipient]);
    let ciphertext = sealer.seal(b"value").unwrap();
    let text = sealer.header_text();
    for index in 0..text.len() * 8 {
        let mut bytes = text.as_bytes().to_vec();
        bytes[index / 8] ^= 1 << (index % 8);
        // A definition is UTF-8: what is not cannot reach a header.
        let Ok(flipped) = String::from_utf8(bytes) else {
            continue;
        };
        let keyring = keyring(vec![text_source(&mine.private)]);
        let opened = keyring.open(Some(&encryption(&flipped)), &ciphertext);
        assert!(opened.is_err(), "bit {index}");
    }
    for length in 0..text.len() - 1 {
        let keyring = keyring(vec![text_source(&mine.private)]);
        let opened = keyring.open(Some(&encryption(&text[..length])), &ciphertext);
        assert!(opened.is_err(), "length {length}");
    }
}

#[test]
fn every_changed_character_of_a_ciphertext_is_noticed() {
    let mine = pair();
    let sealer = sealer(std::slice::from_ref(&mine.recipient));
    let encryption = encryption(sealer.header_text());
    let keyring = keyring(vec![text_source(&mine.private)]);
    let ciphertext = sealer.seal(b"value").unwrap();
    for at in 0..ciphertext.len() {
        for replacement in ["A", "z", "=", "-", " ", "\n", ""] {
            if &ciphertext[at..=at] == replacement {
                continue;
            }
            let mut changed = ciphertext.clone();
            changed.replace_range(at..=at, replacement);
            assert!(keyring.open(Some(&encryption), &changed).is_err(), "{at}");
        }
    }
}

#[test]
fn identities_are_read_when_needed_and_once() {
    let mine = pair();
    let sealer = sealer(std::slice::from_ref(&mine.recipient));
    let header = encryption(sealer.header_text());
    let ciphertext = sealer.seal(b"value").unwrap();
    let given = Arc::new(AtomicUsize::new(0));
    let deferred = |text: &str| {
        let (given, text) = (Arc::clone(&given), text.to_owned());
        IdentitySource::deferred("COMMAND", move || {
            given.fetch_add(1, Ordering::Relaxed);
            Ok(Secret::from_parts(&[text.as_bytes()]))
        })
    };

    let ring = keyring(vec![deferred(&mine.private)]);
    ring.validate(Some(&header), &ciphertext).unwrap();
    assert_eq!(given.load(Ordering::Relaxed), 0);
    for _ in 0..3 {
        ring.open(Some(&header), &ciphertext).unwrap();
    }
    assert_eq!(given.load(Ordering::Relaxed), 1);

    let ring = keyring(vec![deferred("unused"), text_source(&mine.private)]);
    ring.open(Some(&header), &ciphertext).unwrap();
    assert_eq!(
        given.load(Ordering::Relaxed),
        1,
        "another identity fits already"
    );
}

#[test]
fn generated_identity_opens_what_its_public_key_seals() {
    let (text, public) = keygen("2026-01-02T03:04:05Z");
    let start =
        format!("# created: 2026-01-02T03:04:05Z\n# public key: {public}\nAGE-SECRET-KEY-1");
    assert!(text.expose().starts_with(start.as_bytes()));
    let sealer = sealer(&[Recipient::parse(&public).unwrap()]);
    let ciphertext = sealer.seal(b"value").unwrap();
    let keyring = keyring(vec![IdentitySource::text("key", text)]);
    keyring
        .open(Some(&encryption(sealer.header_text())), &ciphertext)
        .unwrap();
}

proptest! {
    #[test]
    fn no_input_panics(
        start in "(age-encryption.org/v1\n(-> [!-~]{1,9}\n)?|-----BEGIN AGE ENCRYPTED FILE-----\n)?",
        rest: Vec<u8>,
        text in ".*",
    ) {
        let keyring = keyring(Vec::new());
        prop_assert!(keyring.open_file(&[start.as_bytes(), &rest].concat()).is_err());
        let text = start + &text;
        prop_assert!(keyring.open(Some(&encryption(&text)), &text).is_err());
    }
}

#[test]
fn a_keyring_may_move_to_another_thread() {
    fn check<T: Send>(_: &T) {}
    check(&keyring(Vec::new()));
}
