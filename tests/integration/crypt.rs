//! Interoperation with stock age, with ssh's keys and with age plugins, in both directions.

pub(crate) mod plugin;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use escrun::ast::Encryption;
use escrun::crypt::{
    IdentitySource, Interaction, Keyring, Plugins, Prompt, Recipient, Sealer, Unanswered, keygen,
    parse_recipients, seal_file,
};
use escrun::secret::Secret;
use escrun::source::Span;
use tempfile::TempDir;

use crate::outside::have;

/// Lengths at which payloads change their form.
const LENGTHS: [usize; 5] = [0, 1, 64 * 1024, 64 * 1024 + 1, 200 * 1024];

/// Runs a program with `input` and gives its output.
fn run(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Both pipes would fill up if all of the input were written before any output is read.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            let _ = stdin.write_all(input);
        });
        child.wait_with_output().unwrap()
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    output.stdout
}

fn age(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    run(Command::new("age").args(arguments), input)
}

/// A folder with identities and the recipients that belong to them.
struct Keys {
    folder: TempDir,
}

impl Keys {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn x25519(&self, name: &str) -> (PathBuf, Recipient) {
        let (text, public) = keygen("2026-01-02T03:04:05Z");
        (
            self.write(name, text.expose()),
            Recipient::parse(&public).unwrap(),
        )
    }

    fn ssh(&self, name: &str, kind: &str, passphrase: &str) -> (PathBuf, Recipient) {
        let path = self.path(name);
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", kind, "-N", passphrase, "-C", "a comment", "-f"]);
        run(keygen.arg(&path), b"");
        let public = fs::read_to_string(path.with_extension("pub")).unwrap();
        (path, Recipient::parse(&public).unwrap())
    }
}

/// Answers every passphrase with one text, and counts.
struct Answering {
    text: &'static str,
    asked: AtomicUsize,
}

impl Answering {
    fn new(text: &'static str) -> Arc<Self> {
        let asked = AtomicUsize::new(0);
        Arc::new(Self { text, asked })
    }
}

impl Prompt for Answering {
    fn message(&self, _: &str) {}

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Result<bool, Unanswered> {
        Err(Unanswered::Declined)
    }

    fn text(&self, _: &str) -> Result<String, Unanswered> {
        Err(Unanswered::Declined)
    }

    fn passphrase(&self, _: &str) -> Result<Secret, Unanswered> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(Secret::from_parts(&[self.text.as_bytes()]))
    }
}

fn keyring(files: &[&Path]) -> Keyring {
    Keyring::new(sources(files), Interaction::default())
}

fn asking(files: &[&Path], prompt: &Arc<Answering>) -> Keyring {
    let prompt = Arc::clone(prompt) as Arc<dyn Prompt>;
    Keyring::new(
        sources(files),
        Interaction::new(Some(prompt), Plugins::Allowed),
    )
}

fn sources(files: &[&Path]) -> Vec<IdentitySource> {
    files
        .iter()
        .map(|&file| IdentitySource::file(file))
        .collect()
}

fn fresh(recipients: &[Recipient]) -> Sealer {
    Sealer::fresh(recipients, &Interaction::default()).unwrap()
}

fn encryption(sealer: &Sealer) -> Encryption {
    Encryption {
        header: Some((sealer.header_text().to_owned(), Span::default())),
        ..Encryption::default()
    }
}

/// Seals and opens one value, several times under several headers.
fn check_opens(keyring: &Keyring, recipients: &[Recipient]) {
    for _ in 0..2 {
        let sealer = fresh(recipients);
        for _ in 0..2 {
            let ciphertext = sealer.seal(b"value").unwrap();
            match keyring.open(Some(&encryption(&sealer)), &ciphertext) {
                Ok(opened) => assert!(opened.expose() == b"value"),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

#[test]
fn age_opens_header_and_payload_put_together() {
    if !have(&["age"]) {
        return;
    }
    let keys = Keys::new();
    let (identity, recipient) = keys.x25519("key");
    let (_, other) = keys.x25519("other");
    let sealer = fresh(&[other, recipient.clone()]);
    for length in LENGTHS {
        let payload = BASE64_STANDARD
            .decode(sealer.seal(&text(length)).unwrap())
            .unwrap();
        let file = [sealer.header_text().as_bytes(), &payload].concat();
        let opened = age(&["-d", "-i", identity.to_str().unwrap()], &file);
        assert!(opened == text(length), "{length}");

        let file = seal_file(
            &text(length),
            std::slice::from_ref(&recipient),
            &Interaction::default(),
        );
        let opened = age(&["-d", "-i", identity.to_str().unwrap()], &file.unwrap());
        assert!(opened == text(length), "{length}");
    }
}

#[test]
fn files_of_age_open_here() {
    if !have(&["age", "ssh-keygen"]) {
        return;
    }
    let keys = Keys::new();
    let (native_file, native) = keys.x25519("native");
    let (ssh_file, ssh) = keys.ssh("ssh", "ed25519", "");
    let (_, other) = keys.x25519("other");
    let recipients = [&other, &ssh, &native].map(ToString::to_string);
    let [other, ssh, native] = recipients.each_ref().map(String::as_str);
    let arguments = ["-r", other, "-r", ssh, "-r", native];
    for length in LENGTHS {
        let binary = age(&arguments, &text(length));
        let armored = age(&[&["-a"], &arguments[..]].concat(), &text(length));
        for identity in [&native_file, &ssh_file] {
            let keyring = keyring(&[identity]);
            for file in [&binary, &armored] {
                let opened = keyring.open_file(file).unwrap_or_else(|e| panic!("{e}"));
                assert!(opened.expose() == text(length), "{length}");
            }
            let ciphertext = BASE64_STANDARD.encode(&binary);
            assert!(keyring.open(None, &ciphertext).unwrap().expose() == text(length));
        }
    }
}

#[test]
fn ssh_keys_open_here_and_in_age() {
    if !have(&["age", "ssh-keygen"]) {
        return;
    }
    let keys = Keys::new();
    for kind in ["ed25519", "rsa"] {
        let (identity, recipient) = keys.ssh(kind, kind, "");
        check_opens(&keyring(&[&identity]), std::slice::from_ref(&recipient));
        let file = seal_file(b"value", &[recipient], &Interaction::default()).unwrap();
        assert_eq!(
            age(&["-d", "-i", identity.to_str().unwrap()], &file),
            b"value"
        );
    }
}

#[test]
fn protected_ssh_key_is_asked_for_once_and_only_if_it_fits() {
    if !have(&["ssh-keygen"]) {
        return;
    }
    let keys = Keys::new();
    for kind in ["ed25519", "rsa"] {
        let (identity, recipient) = keys.ssh(kind, kind, "correct");
        let (other, _) = keys.ssh(&format!("other-{kind}"), kind, "correct");
        let prompt = Answering::new("correct");
        check_opens(
            &asking(&[&other, &identity], &prompt),
            std::slice::from_ref(&recipient),
        );
        assert_eq!(prompt.asked.load(Ordering::Relaxed), 1, "{kind}");

        let prompt = Answering::new("wrong");
        let keyring = asking(&[&identity], &prompt);
        for _ in 0..2 {
            let sealer = fresh(std::slice::from_ref(&recipient));
            let ciphertext = sealer.seal(b"value").unwrap();
            let error = keyring
                .open(Some(&encryption(&sealer)), &ciphertext)
                .err()
                .unwrap();
            assert!(error.to_string().ends_with(": wrong passphrase"), "{error}");
        }
        assert_eq!(prompt.asked.load(Ordering::Relaxed), 1, "{kind}");
    }
}

#[test]
fn identity_file_protected_by_age_opens() {
    if !have(&["age", "script"]) {
        return;
    }
    let keys = Keys::new();
    let (identity, recipient) = keys.x25519("key");
    // age asks for passphrases on a terminal alone, so it is given one.
    let line = format!("age -p -a -o {0}.age {0}", identity.display());
    run(
        Command::new("script").args(["-qec", &line, "/dev/null"]),
        b"correct\ncorrect\n",
    );
    let protected = keys.path("key.age");
    fs::set_permissions(&protected, fs::Permissions::from_mode(0o600)).unwrap();
    let prompt = Answering::new("correct");
    check_opens(&asking(&[&protected], &prompt), &[recipient]);
    assert_eq!(prompt.asked.load(Ordering::Relaxed), 1);
}

#[test]
fn age_keygen_reads_our_identities_and_we_read_its() {
    if !have(&["age-keygen"]) {
        return;
    }
    let keys = Keys::new();
    let (identity, recipient) = keys.x25519("key");
    let public = run(Command::new("age-keygen").arg("-y").arg(identity), b"");
    assert_eq!(
        String::from_utf8(public).unwrap().trim(),
        recipient.to_string()
    );

    let theirs = keys.write("theirs", &run(&mut Command::new("age-keygen"), b""));
    let public = run(Command::new("age-keygen").arg("-y").arg(&theirs), b"");
    let recipients = parse_recipients([String::from_utf8(public).unwrap()]).unwrap();
    check_opens(&keyring(&[&theirs]), &recipients);
}

#[test]
fn identity_that_others_can_read_is_refused_with_the_remedy() {
    let keys = Keys::new();
    let (identity, recipient) = keys.x25519("key");
    let sealer = fresh(&[recipient]);
    let ciphertext = sealer.seal(b"value").unwrap();
    fs::set_permissions(&identity, fs::Permissions::from_mode(0o644)).unwrap();
    let keyring = keyring(&[&identity]);
    match keyring.open(Some(&encryption(&sealer)), &ciphertext) {
        Err(error) => {
            assert!(
                error
                    .to_string()
                    .ends_with("other users can read or change the file")
            );
            assert_eq!(
                error.hint(),
                Some(format!("chmod 600 {}", identity.display()))
            );
        }
        // Where temporary files lie in memory, the mode is not their owner's choice.
        Ok(_) => assert!(keyring.notes()[0].contains("other users can read it")),
    }
}

#[test]
fn folder_of_identities_skips_what_is_unusable() {
    let keys = Keys::new();
    let (_, recipient) = keys.x25519("b-key");
    keys.write("a-nonsense", b"nonsense\n");
    keys.write("b-key.pub", b"not looked at");
    let folder = IdentitySource::folder(keys.folder.path());
    let keyring = Keyring::new(vec![folder], Interaction::default());
    check_opens(&keyring, &[recipient]);
    let notes = keyring.notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].ends_with("a-nonsense: line 1 is not an identity"));
}
