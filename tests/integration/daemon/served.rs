//! A daemon of a test's own, and a client that believes nothing.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cli::test_env::TestEnv;

/// How long anything may take. Nothing is judged by it but that it never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon that serves the definitions of a project to whoever the policy lets.
pub(crate) struct Served {
    pub(crate) env: TestEnv,
    child: Child,
    /// The program, with what is in front of its arguments.
    program: Vec<String>,
    arguments: Vec<String>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and fields.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Served {
    /// Serves a project with the definitions `app`, which has a secret, and `production`.
    pub(crate) fn project() -> Self {
        Self::start(TestEnv::project(), "")
    }

    /// Serves the project of `env` by `settings`, the content of daemon.yaml.
    pub(crate) fn start(env: TestEnv, settings: &str) -> Self {
        Self::start_with(env, settings, &[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(env: TestEnv, settings: &str, arguments: &[&str]) -> Self {
        Self::start_by(&[env!("CARGO_BIN_EXE_escrun")], env, settings, arguments)
    }

    /// The same by a program of one's choice, with what is to stand in front of the arguments.
    pub(crate) fn start_by(
        program: &[&str],
        env: TestEnv,
        settings: &str,
        arguments: &[&str],
    ) -> Self {
        env.write("home/.config/escrun/daemon.yaml", settings);
        let path = |path: &str| env.path(path).display().to_string();
        let mut words = vec![
            "daemon".to_owned(),
            "--dir".to_owned(),
            path("project/environments"),
            "--socket".to_owned(),
            path("run/escrun.sock"),
            "--audit".to_owned(),
            path("audit.jsonl"),
        ];
        words.extend(arguments.iter().map(|word| (*word).to_owned()));
        let program: Vec<String> = program.iter().map(|word| (*word).to_owned()).collect();
        let child = Self::spawn(&env, &program, &words);
        let served = Self {
            env,
            child,
            program,
            arguments: words,
        };
        served.await_health();
        served
    }

    fn spawn(env: &TestEnv, program: &[String], arguments: &[String]) -> Child {
        let log = File::options()
            .create(true)
            .append(true)
            .open(env.path("daemon.log"))
            .unwrap();
        let mut command = env.command(&program[0]);
        command.args(&program[1..]).args(arguments);
        command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }

    /// Starts it again after its end.
    pub(crate) fn restart(&mut self) {
        self.child = Self::spawn(&self.env, &self.program, &self.arguments);
        self.await_health();
    }

    #[track_caller]
    fn await_health(&self) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(answer) = self.try_request("GET /v1/health", "") {
                assert_eq!(answer.status, 200);
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        panic!("the daemon does not serve: {}", self.log());
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.env.path("run/escrun.sock")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has told.
    pub(crate) fn log(&self) -> String {
        self.env.read("daemon.log")
    }

    /// The lines of its audit.
    pub(crate) fn audit(&self) -> Vec<serde_json::Value> {
        let text = self.env.read("audit.jsonl");
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(crate) fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Asks on a connection of its own.
    #[track_caller]
    pub(crate) fn request(&self, line: &str, body: &str) -> Answer {
        let answer = self.try_request(line, body);
        answer.unwrap_or_else(|error| panic!("{line}: {error}: {}", self.log()))
    }

    fn try_request(&self, line: &str, body: &str) -> io::Result<Answer> {
        let mut stream = UnixStream::connect(self.socket())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(&request(line, body))?;
        read_answer(&mut stream)
    }

    /// Whether it answers now.
    pub(crate) fn answers(&self) -> bool {
        let answer = self.try_request("GET /v1/health", "");
        answer.is_ok_and(|answer| answer.status == 200)
    }

    /// Opens environments with JSON of what is asked.
    #[track_caller]
    pub(crate) fn open(&self, body: &str) -> Answer {
        self.request("POST /v1/open", body)
    }

    /// A number of the metrics.
    #[track_caller]
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.request("GET /v1/metrics", "").text();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} in {text}"))
            .parse()
            .unwrap()
    }

    /// Waits until something is so.
    #[track_caller]
    pub(crate) fn await_that(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < deadline, "{what}: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.pid());
        let entries = fs::read_dir(folder);
        entries
            .unwrap_or_else(|error| panic!("{error}: {}", self.log()))
            .count()
    }

    /// How much memory it has, in KiB.
    pub(crate) fn resident(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.unwrap().trim().trim_end_matches(" kB");
        number.parse().unwrap()
    }

    /// A program with the daemon's socket as `S` in its environment.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = self.env.command(program.as_ref());
        command.env("S", self.socket());
        command
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended if this fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value of a field of the head, by its name in lower case.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// A request as curl would send it: `METHOD PATH`.
pub(crate) fn request(line: &str, body: &str) -> Vec<u8> {
    let length = match body {
        "" if !line.starts_with("POST") => String::new(),
        body => format!("Content-Length: {}\r\n", body.len()),
    };
    format!("{line} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n{body}").into_bytes()
}

/// Reads one answer with a Content-Length.
pub(crate) fn read_answer(stream: &mut impl Read) -> io::Result<Answer> {
    let head = read_head(stream)?;
    let mut answer = Answer {
        status: head[9..12].parse().map_err(io::Error::other)?,
        head,
        body: Vec::new(),
    };
    let length = answer.field("content-length").unwrap_or("0");
    answer.body = vec![0; length.parse().map_err(io::Error::other)?];
    stream.read_exact(&mut answer.body)?;
    Ok(answer)
}

/// Reads up to the empty line.
pub(crate) fn read_head(stream: &mut impl Read) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    String::from_utf8(head).map_err(io::Error::other)
}
