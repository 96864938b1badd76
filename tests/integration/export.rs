//! Every notation of variables, read back by its own reader.

use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use escrun::encode::Redaction;
use escrun::export::format::{Format, write};
use escrun::export::{Composed, Options, Variables, project};
use escrun::source::{Origin, Source, Span};
use escrun::value::{Data, Member, Object, Text, Value};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::outside::{have, skip};

/// What most readers get wrong.
const HARD: &[&[u8]] = &[
    b"",
    b" ",
    b" a ",
    b"\ta\t",
    b"two words",
    b"a\nb",
    b"\n",
    b"\n\na\n\n",
    b"a\r\nb",
    b"\r",
    b"'",
    b"\"",
    b"`",
    b"it's \"so\"",
    b"'\"`",
    b"\\",
    b"\\\\",
    b"a\\",
    b"\\n",
    b"\\'",
    b"\\\"",
    b"'\\'",
    b"a\\\nb",
    b"$HOME ${HOME} $(id) `id` $$ $",
    b"%HOME% %s",
    b"#",
    b"a #b",
    b"!x",
    b"~",
    b"*",
    b"a=b",
    b"=",
    b"-n",
    b"--",
    b"a;b&c|d<e>f",
    b"[secret]",
    b"{\"a\":[1,null]}",
    b"null",
    b"1.50",
    b"EOF",
    b"a\nEOF\nEOF_1\n",
    b"\x01\x07\x08\x0b\x0c\x1b\x7f",
    "é漢🦀\u{a0}\u{85}\u{2028}\u{feff}".as_bytes(),
    "\u{f6ff}\u{f601}\u{e000}\u{ffff}\u{fdd0}".as_bytes(),
    b"\xff\xc3 \xe2\x82",
];

#[test]
fn posix_shells_read_back() {
    for shell in ["sh", "bash"] {
        read_back(Format::Shell, shell, |file| {
            let mut command = Command::new(shell);
            command
                .args(["-c", ". \"$1\"; exec env -0", shell])
                .arg(file);
            environment(&mut command)
        });
    }
}

#[test]
fn fish_reads_back() {
    read_back(Format::Fish, "fish", |file| {
        let mut command = Command::new("fish");
        let script = "source $argv[1]; exec env -0";
        command.args(["--no-config", "-c", script]).arg(file);
        environment(&mut command)
    });
}

#[test]
fn node_reads_back() {
    let mut probe = Command::new("node");
    probe.args(["--env-file=/dev/null", "-e", "0"]);
    let refused = |output: std::process::Output| !output.status.success();
    if probe.output().is_ok_and(refused) {
        skip("this node is too old to know --env-file");
        return;
    }
    read_back(Format::Dotenv, "node", |file| {
        let mut option = std::ffi::OsString::from("--env-file=");
        option.push(file);
        let script = "for (const [name, value] of Object.entries(process.env)) \
                      process.stdout.write(`${name}=${value}\\0`)";
        let mut command = Command::new("node");
        command.arg(option).args(["-e", script]);
        environment(&mut command)
    });
}

#[test]
fn docker_reads_back() {
    read_back(Format::Docker, "docker", |file| {
        let engine = Engine::start(file.parent().expect("the file lies in a folder"));
        let mut command = Command::new("docker");
        command.arg("--host").arg(&engine.host);
        command
            .args(["create", "--env-file"])
            .arg(file)
            .arg("image");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.env("DOCKER_API_VERSION", "1.41");
        command.status().unwrap();
        engine.environment()
    });
}

/// Needs a running service manager that takes orders, which is a property of the machine, not a program to install.
#[test]
fn systemd_reads_back() {
    let root = nix::unistd::geteuid().is_root();
    if !Path::new("/run/systemd/system").exists() || !root {
        skip("systemd does not run here, or not for us");
        return;
    }
    read_back(Format::Systemd, "systemd-run", |file| {
        let mut property = std::ffi::OsString::from("EnvironmentFile=");
        property.push(file);
        let mut command = Command::new("systemd-run");
        command
            .args(["--quiet", "--wait", "--pipe", "-p"])
            .arg(property);
        command.args(["env", "-0"]);
        environment(&mut command)
    });
}

#[test]
fn workflows_read_back() {
    read_back(Format::Github, "", |file| workflow_file(&read(file)));
}

#[test]
fn json_reads_back() {
    read_back(Format::Json, "", |file| {
        let object: std::collections::BTreeMap<String, String> =
            serde_json::from_slice(&read(file)).unwrap();
        let bytes = |(name, value): (String, String)| (name, value.into_bytes());
        object.into_iter().map(bytes).collect()
    });
}

#[test]
fn yaml_reads_back() {
    read_back(Format::Yaml, "", |file| {
        let mapping: std::collections::BTreeMap<String, String> =
            serde_yaml::from_slice(&read(file)).unwrap();
        let bytes = |(name, value): (String, String)| (name, value.into_bytes());
        mapping.into_iter().map(bytes).collect()
    });
}

type Pairs = Vec<(String, Vec<u8>)>;

/// Writes hard and random values, as far as the notation takes them, and compares what `reader` makes of the file.
fn read_back(format: Format, program: &str, reader: impl Fn(&Path) -> Pairs) {
    if !program.is_empty() && !have(&[program]) {
        return;
    }
    let check = |values: &[Vec<u8>]| {
        let held: Vec<&Vec<u8>> = values
            .iter()
            .filter(|value| write(&variables(&[value]), format, Redaction::Reveal).is_ok())
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let file: PathBuf = folder.path().join("file");
        let variables = variables(&held);
        let text = write(&variables, format, Redaction::Reveal).ok().unwrap();
        std::fs::write(&file, text.text.bytes()).unwrap();
        let read = reader(&file);
        for variable in &variables {
            let name = &*variable.name;
            let value = read.iter().find(|(read, _)| read == name);
            let shown = |value: &[u8]| value.escape_ascii().to_string();
            assert_eq!(
                value.map(|(_, value)| shown(value)),
                Some(shown(variable.value.bytes())),
                "{name} in {}",
                file.display()
            );
        }
    };
    check(&HARD.iter().map(|value| value.to_vec()).collect::<Vec<_>>());
    // Few files with many values: starting the reader takes longer than reading.
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 8,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let value = prop_oneof![
        "[ -~\t\n\r]{0,24}".prop_map(String::into_bytes),
        "[\"'`\\\\$#n \n=]{0,12}".prop_map(String::into_bytes),
        any::<String>().prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..24),
    ];
    let values = proptest::collection::vec(value, 50);
    let test = |values: Vec<Vec<u8>>| {
        let without_nul = values.into_iter().filter(|value| !value.contains(&0));
        check(&without_nul.collect::<Vec<_>>());
        Ok(())
    };
    runner.run(&values, test).unwrap();
}

/// Variables `T_0`, `T_1`, … of these values.
fn variables(values: &[&Vec<u8>]) -> Variables {
    let source = Source::new("test", None, "");
    let origin = Origin::new(&source, Span::default());
    let object = |members: Vec<(String, Value)>| {
        let member = |(key, value): (String, Value)| {
            let member = Member {
                value,
                outside: false,
            };
            (Arc::from(key), member)
        };
        let members = members.into_iter().map(member).collect();
        Value::new(Data::Object(Arc::new(Object::new(members))), origin.clone())
    };
    let declared = values.iter().enumerate().map(|(index, value)| {
        let text = Data::String(Text::plain(value));
        (format!("T_{index}"), Value::new(text, origin.clone()))
    });
    let declared = object(declared.collect());
    let merged = object(vec![("environmentVariables".to_owned(), declared)]);
    let named = vec![(Arc::from("test"), merged.clone())];
    let projection = project(&Composed { named, merged }, &Options::default());
    assert!(projection.diagnostics.is_empty());
    projection.variables
}

/// What a command that ends in `env -0` prints.
fn environment(command: &mut Command) -> Pairs {
    let output = command
        .env("LC_ALL", "C.UTF-8")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    let entries = output.stdout.split(|&byte| byte == 0);
    entries.filter_map(pair).collect()
}

fn pair(entry: &[u8]) -> Option<(String, Vec<u8>)> {
    let equals = entry.iter().position(|&byte| byte == b'=')?;
    let name = String::from_utf8_lossy(&entry[..equals]).into_owned();
    Some((name, entry[equals + 1..].to_vec()))
}

/// Reads the file of a workflow's step as its documentation says: `NAME<<DELIMITER`, lines, `DELIMITER`.
fn workflow_file(text: &[u8]) -> Pairs {
    let text = std::str::from_utf8(text).unwrap();
    let mut lines = text.split_inclusive('\n');
    let mut pairs = Vec::new();
    while let Some(line) = lines.next() {
        let (name, delimiter) = line.trim_end_matches('\n').split_once("<<").unwrap();
        let body: String = lines
            .by_ref()
            .take_while(|line| line.trim_end_matches('\n') != delimiter)
            .collect();
        let value = body.strip_suffix('\n').unwrap_or(&body);
        pairs.push((name.to_owned(), value.as_bytes().to_vec()));
    }
    pairs
}

/// Stands in for the container engine: keeps the requests of one client.
struct Engine {
    host: String,
    thread: std::thread::JoinHandle<Vec<u8>>,
    socket: PathBuf,
}

impl Engine {
    fn start(folder: &Path) -> Self {
        let socket = folder.join("engine");
        let listener = UnixListener::bind(&socket).unwrap();
        let thread = std::thread::spawn(move || {
            loop {
                let (mut client, _) = listener.accept().unwrap();
                while let Some((head, body)) = request(&mut client) {
                    if head.starts_with("STOP") {
                        return Vec::new();
                    }
                    if head.contains("/containers/create") {
                        return body;
                    }
                    let answer =
                        "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK";
                    client.write_all(answer.as_bytes()).unwrap();
                }
            }
        });
        let mut host = String::from("unix://");
        host.push_str(&String::from_utf8_lossy(socket.as_os_str().as_bytes()));
        Self {
            host,
            thread,
            socket,
        }
    }

    /// The environment of the container that the client, which has ended, wanted to be created.
    fn environment(self) -> Pairs {
        if let Ok(mut client) = UnixStream::connect(&self.socket) {
            // Refused if the engine has what it waits for.
            let _refused = client.write_all(b"STOP\r\n\r\n");
        }
        let body = self.thread.join().unwrap();
        let request: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let entries = request["Env"].as_array().cloned().unwrap_or_default();
        let entries = entries.iter().filter_map(serde_json::Value::as_str);
        entries.filter_map(|entry| pair(entry.as_bytes())).collect()
    }
}

/// Reads one HTTP request: its head and its body.
fn request(client: &mut UnixStream) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, length)| length.trim().parse().unwrap());
    let mut body = vec![0; length];
    client.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn read(file: &Path) -> Vec<u8> {
    std::fs::read(file).unwrap()
}
