//! What can be found of keys and passphrases in the memory of the agent: nothing outside locked pages, and after `lock`
//! nothing at all.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Scene, output, protected};
use crate::memory::random_text;
use crate::outside::{have, skip};
use crate::scan::{Finding, Scanner};

/// Starts the daemon where there is no memfd_secret(2): its pages are only locked then, and can be looked into.
const LOOKED_INTO: [&str; 2] = [
    env!("CARGO_BIN_EXE_fixture-subject"),
    "without-secret-memory",
];

/// The seed of an ed25519 key that has no passphrase (OpenSSH's PROTOCOL.key): the first half of its last string but one.
fn seed(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let blob = STANDARD.decode(body).unwrap();
    let kind = b"ssh-ed25519";
    let last = blob.windows(kind.len()).rposition(|found| found == kind);
    // The public key, and then the private one: 32 and 64 bytes, each behind its length.
    let private = last.unwrap() + kind.len() + 4 + 32 + 4;
    blob[private..private + 32].to_vec()
}

/// The secret scalar of an identity of age.
fn scalar(identity: &str) -> Vec<u8> {
    let line = identity.lines().last().unwrap();
    let (_, bytes) = bech32::decode(line).unwrap();
    bytes
}

fn check(starter: &[&str], is_secret_memory: bool) {
    if !nix::unistd::geteuid().is_root() {
        skip("only root may look into the memory of escrun");
        return;
    }
    if !have(&["age", "ssh-keygen"]) {
        return;
    }
    let phrase = random_text(32);
    let mut keys = Vec::new();
    let mut public = String::new();
    let scene = Scene::by(
        starter,
        |env, identity| {
            let ssh = env.path("keys/ssh").display().to_string();
            let mut keygen = env.command("ssh-keygen");
            let made = output(
                keygen.args(["-q", "-t", "ed25519", "-N", "", "-f", &ssh]),
                b"",
            );
            assert!(made.status.success(), "{made:?}");
            public = env.read("keys/ssh.pub");
            keys.push(seed(&env.read("keys/ssh")));
            let mut keygen = env.command("ssh-keygen");
            let arguments = ["-q", "-a", "1", "-p", "-P", "", "-N", &phrase, "-f", &ssh];
            let made = output(keygen.args(arguments), b"");
            assert!(made.status.success(), "{made:?}");
            keys.push(scalar(&String::from_utf8_lossy(identity)));
            protected(identity, &phrase)
        },
        &["keys/ssh"],
    );
    let identity = scene.served.env.read("keys/plain");
    let text = identity.lines().last().unwrap().to_owned();
    let scanner = Scanner::of_keys(&[text, phrase.clone()], &keys);

    let wrong = scene.unlock("not it\nnor this\n");
    assert!(!wrong.status.success());
    let unlocked = scene.unlock(&format!("{phrase}\n{phrase}\n"));
    assert!(unlocked.status.success(), "{unlocked:?}");
    for recipient in [scene.recipient.clone(), public] {
        let file = scene.encrypt(&recipient);
        scene.opens(&file);
    }
    let outside = |found: &[Finding]| found.iter().all(|finding| finding.is_protected);
    let found = scanner.settled(scene.served.pid(), outside);
    assert!(outside(&found), "{found:?}");
    // Where the pages can be looked into, the keys are seen where they should be.
    assert_eq!(found.is_empty(), is_secret_memory, "{found:?}");

    let locked = scene.escrun(&["lock"], b"");
    assert!(locked.status.success(), "{locked:?}");
    let found = scanner.settled(scene.served.pid(), <[Finding]>::is_empty);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn keys_and_passphrases_are_nowhere_to_be_found() {
    check(&[], true);
}

#[test]
fn keys_lie_in_locked_pages_alone_and_nowhere_after_a_lock() {
    check(&LOOKED_INTO, false);
}
