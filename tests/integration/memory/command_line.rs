//! The same of the program that users run: while it waits for another one, and when it has become its command.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::{Running, random_text};
use crate::cli::test_env::{TestEnv, end_with_input};
use crate::outside::skip;
use crate::scan::Scanner;

/// Two pipes by which a program that escrun starts says that it is there, and is told to go on.
struct Gate {
    ready: File,
    go: PathBuf,
}

impl Gate {
    fn new(env: &TestEnv) -> Self {
        let [ready, go] = ["ready", "go"].map(|name| {
            let path = env.path(&format!("project/environments/{name}"));
            mkfifo(&path, Mode::S_IRWXU).unwrap();
            path
        });
        // Open for writing too, so that it is open before anyone writes.
        let ready = File::options()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(ready);
        Self {
            ready: ready.unwrap(),
            go,
        }
    }

    /// Waits until somebody says that he is there; not if the process ends before.
    fn wait(&mut self, running: &mut Running) {
        let mut byte = [0];
        loop {
            match self.ready.read(&mut byte) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let ended = running.0.try_wait().unwrap();
                    assert!(ended.is_none(), "{ended:?}");
                    std::thread::sleep(Duration::from_millis(5));
                }
                read => {
                    read.unwrap();
                    break;
                }
            }
        }
    }

    fn open(&self) {
        let mut go = File::options().write(true).open(&self.go).unwrap();
        go.write_all(b"x").unwrap();
    }
}

/// A project with the secret `a`, which is sealed, and a command that is given it and waits. Returns the secrets: its text
/// and the identity's.
fn project() -> (TestEnv, [String; 2]) {
    let env = TestEnv::project();
    let secret = random_text(48);
    env.define(
        "waits",
        "values:\n  b:\n    fn::open::command:\n      \
         command: [sh, -c, 'cat >/dev/null; env >seen; echo >ready; read x <go; echo b']\n      input: ${a}\n      \
         # However long the scan takes.\n      timeout: 3600\n",
    );
    let mut set = env.prepare(["set", "--secret", "waits", "a"]);
    end_with_input(&mut set, secret.as_bytes()).succeeds();
    let identity = env.read("home/.config/escrun/identities/default.txt");
    let key = identity.lines().last().unwrap().to_owned();
    (env, [secret, key])
}

fn environment_of(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/environ")).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// Whether the memory of an escrun that waits can be looked at: to anyone but root the kernel refuses it, which is checked.
fn may_look(pid: u32) -> bool {
    if nix::unistd::geteuid().is_root() {
        return true;
    }
    for place in ["maps", "environ"] {
        let refused = fs::read(format!("/proc/{pid}/{place}")).map_err(|error| error.kind());
        assert_eq!(refused, Err(ErrorKind::PermissionDenied), "{place}");
    }
    skip("only root may look into the memory of escrun");
    false
}

#[test]
fn a_waiting_escrun_has_its_secrets_in_locked_memory_alone_and_its_command_gets_them() {
    let (env, secrets) = project();
    let mut gate = Gate::new(&env);
    let arguments = [
        "-e",
        "waits",
        "--allow-commands",
        "--clean",
        "--",
        "sleep",
        "1000",
    ];
    let mut command = env.prepare(arguments);
    // The key comes by a way that leaves it nowhere but with escrun.
    fs::remove_dir_all(env.path("home/.config")).unwrap();
    command
        .args(Vec::<String>::new())
        .env("SHELL", "/bin/sh")
        .stdout(Stdio::null());
    let key_file = env.write("key.txt", &secrets[1]);
    command.env(
        "ESCRUN_IDENTITY_COMMAND",
        format!("cat {}", key_file.display()),
    );
    let mut running = Running(command.spawn().unwrap());
    let pid = running.0.id();

    // `a` is decrypted, and was handed to the command that waits.
    gate.wait(&mut running);
    if !may_look(pid) {
        return;
    }
    let scanner = Scanner::new(&secrets);
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    if maps.contains("secretmem") {
        assert_eq!(scanner.scan(pid), [""; 0]);
    }
    for place in ["environ", "cmdline"] {
        let bytes = fs::read(format!("/proc/{pid}/{place}")).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(
            secrets.iter().all(|secret| !text.contains(secret)),
            "{place}"
        );
    }
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    assert_eq!(
        core.and_then(|line| line.split_whitespace().nth(4)),
        Some("0")
    );
    let seen = env.read("project/environments/seen");
    assert!(
        !seen.contains("ESCRUN_IDENTITY") && !seen.contains(&secrets[0]),
        "{seen}"
    );

    // escrun has become its command: what it was given is there, and nothing of the key.
    gate.open();
    while fs::read_to_string(format!("/proc/{pid}/comm")).unwrap() != "sleep\n" {
        let ended = running.0.try_wait().unwrap();
        assert!(ended.is_none(), "{ended:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut expected = vec![
        format!("A={}", secrets[0]),
        "B=b".to_owned(),
        format!("HOME={}", env.path("home").display()),
        "PATH=/usr/local/bin:/usr/bin:/bin".to_owned(),
        "SHELL=/bin/sh".to_owned(),
    ];
    expected.sort();
    let mut environment = environment_of(pid);
    environment.sort();
    assert_eq!(environment, expected);
    assert!(!Scanner::new(&secrets[..1]).scan(pid).is_empty());
    assert_eq!(Scanner::new(&secrets[1..]).scan(pid), [""; 0]);
}

#[test]
fn an_escrun_that_waits_for_its_identity_holds_no_secret() {
    let (env, secrets) = project();
    let mut gate = Gate::new(&env);
    fs::remove_dir_all(env.path("home/.config")).unwrap();
    env.write("key.txt", &secrets[1]);
    let mut command = env.prepare(["get", "-e", "waits", "a"]);
    let script = "cat ../key.txt; echo >environments/ready; read x <environments/go";
    command
        .env("ESCRUN_IDENTITY_COMMAND", script)
        .stdout(Stdio::null());
    command.stderr(Stdio::null());
    let mut running = Running(command.spawn().unwrap());
    gate.wait(&mut running);
    let pid = running.0.id();
    if !may_look(pid) {
        return;
    }
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    // The value is still sealed; the key may have been read, into locked memory.
    assert_eq!(Scanner::new(&secrets[..1]).scan(pid), [""; 0]);
    if maps.contains("secretmem") {
        assert_eq!(Scanner::new(&secrets[1..]).scan(pid), [""; 0]);
    }
    gate.open();
}
