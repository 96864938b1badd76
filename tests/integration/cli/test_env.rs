//! A home, a project and a clean environment for one test.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The secret of every test. It must stand in no message.
pub(crate) const CANARY: &str = "canary-hunter2-5d1f";

/// Folders that only one test uses.
pub(crate) struct TestEnv {
    root: TempDir,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestEnv {
    /// An empty project folder, and a home with nothing in it.
    pub(crate) fn empty() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["home", "project"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        Self { root }
    }

    /// A project whose secrets are for the identity in its home, with the definitions `app` and `production`.
    pub(crate) fn project() -> Self {
        let env = Self::empty();
        let recipient = env.keygen("home/.config/escrun/identities/default.txt");
        env.write(
            "project/escrun.yaml",
            format!("encryption:\n  - recipients: [{recipient}]\n"),
        );
        env.define(
            "app",
            &format!(
                "values:\n  app:\n    host: localhost\n    port: 8080\n  \
                 secrets:\n    apiKey:\n      fn::secret: {CANARY}\n"
            ),
        );
        env.define(
            "production",
            "values:\n  app:\n    host: example.org\n  tags: [a, b]\n",
        );
        env.escrun(["seal", "app"]).succeeds();
        env
    }

    /// Makes an identity at a path below the root, and returns its public key.
    pub(crate) fn keygen(&self, file: &str) -> String {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let made = self.escrun([OsStr::new("keygen"), OsStr::new("-o"), path.as_os_str()]);
        let told = made.succeeds().stderr;
        told.trim().strip_prefix("Public key: ").unwrap().to_owned()
    }

    /// A path below the root.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Reads a file.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Writes the definition of an environment.
    pub(crate) fn define(&self, name: &str, text: &str) {
        self.write(&format!("project/environments/{name}.yaml"), text);
    }

    /// The text of a definition.
    pub(crate) fn definition(&self, name: &str) -> String {
        self.read(&format!("project/environments/{name}.yaml"))
    }

    /// A program in the project's folder that inherits PATH and HOME, and nothing on its standard input.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            // execvp(3): a folder that this user may not search would make 126 of 127.
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .current_dir(self.path("project"))
            .stdin(Stdio::null());
        command
    }

    /// escrun with arguments, ready to be changed and started.
    pub(crate) fn prepare<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_escrun"));
        command.args(arguments);
        command
    }

    /// Runs escrun with arguments.
    pub(crate) fn escrun<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ended {
        end(&mut self.prepare(arguments))
    }

    /// A copy of escrun at a path below the root, where users may reach it who cannot reach the original.
    ///
    /// Another program copies: a descriptor of ours that is open for writing would be inherited by whatever other tests
    /// start at that moment, and nobody can execute a file that is open for writing.
    pub(crate) fn copy_program(&self, path: &str) -> PathBuf {
        let copy = self.path(path);
        if !copy.exists() {
            let original = env!("CARGO_BIN_EXE_escrun");
            let copied = Command::new("cp").arg(original).arg(&copy).status();
            assert!(copied.unwrap().success());
        }
        copy
    }

    /// Runs a line of shell in which `escrun` is the program.
    pub(crate) fn shell(&self, line: &str) -> Ended {
        let mut command = self.command("/bin/sh");
        let program = Path::new(env!("CARGO_BIN_EXE_escrun"));
        let script = format!("escrun() {{ {} \"$@\"; }}\n{line}", program.display());
        end(command.arg("-c").arg(script))
    }
}

/// Runs a program to its end. No message may hold the secret.
pub(crate) fn end(command: &mut Command) -> Ended {
    Ended::of(&command.output().unwrap())
}

/// Runs a program to its end with something on its standard input.
pub(crate) fn end_with_input(command: &mut Command, input: &[u8]) -> Ended {
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Both pipes would fill up if all of the input were written before any output is read.
    let output = std::thread::scope(|scope| {
        // Who does not read it all has its reasons.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    });
    Ended::of(&output)
}

impl Ended {
    fn of(output: &Output) -> Self {
        use std::os::unix::process::ExitStatusExt as _;

        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let stderr = text(&output.stderr);
        for piece in CANARY.as_bytes().windows(8) {
            let piece = str::from_utf8(piece).unwrap();
            assert!(!stderr.contains(piece), "{piece} in {stderr}");
        }
        let status = output.status;
        Self {
            // As a shell tells it.
            status: status
                .code()
                .unwrap_or_else(|| 128 + status.signal().unwrap()),
            stdout: text(&output.stdout),
            stderr,
        }
    }

    /// Goes on if all went well.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.status, 0, "{self:?}");
        self
    }

    /// Goes on if it ended with `status` and these lines on standard error, and nothing on standard output.
    #[track_caller]
    pub(crate) fn fails(self, status: i32, lines: &[&str]) {
        assert_eq!(self.stderr.lines().collect::<Vec<_>>(), lines, "{self:?}");
        assert_eq!((self.status, &*self.stdout), (status, ""), "{self:?}");
    }
}
