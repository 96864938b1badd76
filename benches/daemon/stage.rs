//! A home with definitions, and a daemon that serves them.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

const ESCRUN: &str = env!("CARGO_BIN_EXE_escrun");

/// How long anything may take to be ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything in a folder that goes when this does.
pub(super) struct Stage {
    root: TempDir,
    daemon: Option<Child>,
}

impl Stage {
    /// Makes the definitions `base`, `service` (with `base`) and `production`, with 20 secrets among them, and starts the
    /// daemon.
    pub(super) fn set() -> Self {
        let mut stage = Self {
            root: tempfile::tempdir().expect("a folder"),
            daemon: None,
        };
        let environments = stage.path("config/escrun/environments");
        for folder in [
            "config/escrun/identities",
            "config/escrun/environments",
            "run",
            "state",
            "elsewhere",
        ] {
            fs::create_dir_all(stage.path(folder)).expect("a folder");
        }
        fs::set_permissions(stage.path("run"), PermissionsExt::from_mode(0o700)).expect("a mode");
        let recipient = stage.keygen();
        let project = format!("encryption:\n  - recipients: [{recipient}]\n");
        fs::write(stage.path("escrun.yaml"), project).expect("a project");
        for (name, imports, secrets) in [
            ("base", "", 0..8),
            ("service", "imports: [base]\n", 8..14),
            ("production", "", 14..20),
        ] {
            let mut text = format!("{imports}values:\n");
            text.push_str("  environmentVariables:\n");
            for number in secrets {
                let secret = format!("{{fn::secret: value-of-secret-number-{number:04}}}");
                text.push_str(&format!("    SECRET_{number}: {secret}\n"));
            }
            fs::write(environments.join(format!("{name}.yaml")), text).expect("a definition");
            stage.escrun(&["seal", name]);
        }
        stage.start();
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(super) fn folder(&self) -> &Path {
        self.root.path()
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.path("run/escrun/escrun.sock")
    }

    fn identity(&self) -> PathBuf {
        self.path("config/escrun/identities/default.txt")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(ESCRUN);
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.root.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("XDG_STATE_HOME", self.path("state"))
            .current_dir(self.root.path())
            .stdin(Stdio::null());
        command
    }

    fn keygen(&self) -> String {
        let mut command = self.command();
        let output = command.arg("keygen").arg("--output").arg(self.identity());
        let output = output.output().expect("escrun starts");
        assert!(output.status.success(), "{output:?}");
        let told = String::from_utf8(output.stderr).expect("text");
        let mut words = told.split_whitespace();
        let recipient = words.find(|word| word.starts_with("age1"));
        recipient.expect("a public key").to_owned()
    }

    fn escrun(&self, words: &[&str]) {
        let mut command = self.command();
        command
            .arg("--dir")
            .arg(self.path("config/escrun/environments"));
        let status = command.args(words).stdout(Stdio::null()).status();
        assert!(status.expect("escrun starts").success(), "{words:?}");
    }

    /// A run of a command that does nothing.
    pub(super) fn run(&self, environments: &str, via: &str) -> Command {
        let mut command = self.command();
        command.args(["--env", environments, "--via", via]);
        if via == "direct" {
            command
                .arg("--dir")
                .arg(self.path("config/escrun/environments"));
        }
        command.args(["--", "true"]);
        // Nothing there says where definitions are.
        command.current_dir(self.path("elsewhere"));
        command
    }

    fn start(&mut self) {
        let log = fs::File::create(self.path("daemon.log")).expect("a file");
        let child = self
            .command()
            .args(["daemon", "--identity"])
            .arg(self.identity())
            .stderr(log)
            .spawn()
            .expect("the daemon starts");
        self.daemon = Some(child);
        wait_for(&self.socket());
    }

    /// How much memory the daemon has, with that of all processes that it has started, in MiB.
    pub(super) fn resident_mib(&self) -> f64 {
        let daemon = self.daemon.as_ref().expect("it runs").id();
        let mut kib = resident_kib(daemon);
        let children = fs::read_to_string(format!("/proc/{daemon}/task/{daemon}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            kib += child.parse().map_or(0, resident_kib);
        }
        kib as f64 / 1024.0
    }
}

/// proc_pid_status(5): `VmRSS`.
fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        let log = fs::read(self.path("daemon.log")).unwrap_or_default();
        if std::thread::panicking() {
            let _ = std::io::stderr().write_all(&log);
        }
    }
}

/// Waits until somebody listens.
pub(super) fn wait_for(socket: &Path) {
    let since = Instant::now();
    while std::os::unix::net::UnixStream::connect(socket).is_err() {
        assert!(
            since.elapsed() < PATIENCE,
            "nobody listens at {}",
            socket.display()
        );
        sleep(Duration::from_millis(5));
    }
}
