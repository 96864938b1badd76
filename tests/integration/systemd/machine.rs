//! A machine with a systemd of its own, made by `tests/systemd/sandbox`.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::outside::must_be_there;

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// How long something is waited for that takes no time by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// A machine that runs as long as this is there.
pub(super) struct Machine {
    name: String,
    root: PathBuf,
    holder: Child,
}

impl Machine {
    /// Boots one; says why not, where that cannot be.
    pub(super) fn boot() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let check = sandbox().arg("check").output().unwrap();
        if check.status.code() == Some(77) {
            must_be_there(String::from_utf8_lossy(&check.stderr).trim());
            return None;
        }
        assert!(check.status.success(), "{}", text(&check));
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test-{}-{number}", std::process::id());
        // It is gone as soon as nobody holds the other end of its standard input: when this process ends, at the latest.
        let mut holder = sandbox()
            .args(["hold", &name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = holder.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        if line.is_empty() {
            let mut told = String::new();
            let mut stderr = holder.stderr.take().unwrap();
            stderr.read_to_string(&mut told).unwrap();
            panic!("no machine: {told}");
        }
        Some(Self {
            name,
            root: line.trim().into(),
            holder,
        })
    }

    /// Boots one with escrun and its units in place, as an administrator puts them there, and nothing enabled.
    pub(super) fn with_escrun() -> Option<Self> {
        let machine = Self::boot()?;
        let program = machine.root.join("usr/local/bin/escrun");
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_escrun"), program).unwrap();
        let sources = machine.root.join("usr/local/src/escrun");
        copy_folder(&Path::new(REPOSITORY).join("systemd"), &sources);
        machine.sh("/usr/local/src/escrun/install");
        Some(machine)
    }

    /// Writes a file into it; folders are made.
    pub(super) fn write(&self, path: &str, content: &str) {
        let path = self.root.join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Has a shell in it do something that has to succeed; gives what that says on standard output.
    #[track_caller]
    pub(super) fn sh(&self, script: &str) -> String {
        let output = self.try_sh(script);
        assert!(
            output.status.success(),
            "{script}\n{}\n{}",
            text(&output),
            self.journal()
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Has a shell in it do something.
    pub(super) fn try_sh(&self, script: &str) -> Output {
        self.command(script).output().unwrap()
    }

    /// What a shell in it is to do, as a command to be started.
    pub(super) fn command(&self, script: &str) -> Command {
        let mut command = sandbox();
        command
            .args(["run", &self.name, "sh", "-euc", script])
            .stdin(Stdio::null());
        command
    }

    /// Waits until a script prints what is expected of it.
    #[track_caller]
    pub(super) fn wait_for(&self, script: &str, expected: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let output = self.try_sh(script);
            let printed = String::from_utf8_lossy(&output.stdout).into_owned();
            if expected(&printed) {
                return printed;
            }
            assert!(
                Instant::now() < deadline,
                "{script}\n{}\n{}",
                text(&output),
                self.journal()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The last lines of its journal.
    pub(super) fn journal(&self) -> String {
        let output = self.try_sh("journalctl --no-pager --output=short-monotonic --lines=60");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ended = self.holder.wait();
    }
}

fn sandbox() -> Command {
    Command::new(Path::new(REPOSITORY).join("tests/systemd/sandbox"))
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            // Modes too: one of them is a program.
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What a program said.
fn text(output: &Output) -> String {
    let streams = [&output.stdout, &output.stderr];
    streams.map(|bytes| String::from_utf8_lossy(bytes)).concat()
}
