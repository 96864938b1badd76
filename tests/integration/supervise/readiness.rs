//! A command counts as up when it says so, or when something else shows it.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::{PATIENCE, SUBJECT, Supervised, project, supervise};
use crate::cli::test_env::{TestEnv, end};
use crate::outside::have;

/// A service manager: a socket that takes what services say.
struct Manager {
    socket: UnixDatagram,
    path: String,
}

impl Manager {
    fn listen(env: &TestEnv) -> Self {
        let path = env.path("manager").display().to_string();
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, path }
    }

    fn hears(&self) -> String {
        let mut text = [0; 4096];
        let length = self.socket.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    }
}

#[test]
fn who_is_not_ready_in_time_is_stopped() {
    let env = project();
    for condition in ["notify", "exec:false", "port:1"] {
        let options = ["--ready-when", condition, "--ready-timeout", "200ms"];
        let command = [
            "sh",
            "-c",
            "trap 'echo stopped; exit' TERM; while :; do sleep 0.01; done",
        ];
        let ended = end(&mut supervise(&env, &options, &command));
        assert_eq!(
            (ended.status, &*ended.stdout),
            (125, "stopped\n"),
            "{condition}"
        );
        let told = "error: the command is not ready in time";
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
}

#[test]
fn who_is_ready_goes_on() {
    let env = project();
    // Had it not been ready by the first change, the first values would not be good ones.
    let options = [
        "--ready-when",
        "exec:test \"$GREETING\" = hello -a -e up",
        "--ready-timeout",
        "1h",
    ];
    let command = [
        "sh",
        "-c",
        "echo ready; touch up; read line; echo $line; exit 7",
    ];
    let mut supervised = Supervised::start(&mut supervise(&env, &options, &command));
    use std::io::Write as _;
    supervised
        .child
        .stdin
        .take()
        .unwrap()
        .write_all(b"on\n")
        .unwrap();
    assert_eq!(supervised.line(), "on");
    assert_eq!(supervised.child.wait().unwrap().code(), Some(7));
}

#[test]
fn what_the_command_says_reaches_the_service_manager() {
    let env = project();
    let manager = Manager::listen(&env);
    let texts = ["STATUS=starting\nMAINPID=1", "STOPPING=1", "READY=1"];
    let words: Vec<&str> = [SUBJECT, "notify"].into_iter().chain(texts).collect();
    let mut command = supervise(&env, &["--ready-when", "notify"], &words);
    let mut supervised = Supervised::spawn(command.env("NOTIFY_SOCKET", &manager.path));
    assert_eq!(supervised.line(), "told");
    assert_eq!(manager.hears(), "STATUS=starting");
    assert_eq!(manager.hears(), "READY=1");
    supervised.send(Signal::SIGTERM);
    assert_eq!(manager.hears(), "STOPPING=1");
    supervised.child.wait().unwrap();
}

#[test]
fn strangers_are_not_heard() {
    let env = project();
    let options = ["--ready-when", "notify", "--ready-timeout", "1h"];
    let command = [
        "sh",
        "-c",
        "echo ready; echo \"$NOTIFY_SOCKET\"; exec sleep 1000",
    ];
    let manager = Manager::listen(&env);
    let mut command = supervise(&env, &options, &command);
    let mut supervised = Supervised::start(command.env("NOTIFY_SOCKET", &manager.path));
    let name = supervised.line();
    assert!(name.starts_with('@'), "{name}");
    use std::os::linux::net::SocketAddrExt as _;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name[1..]).unwrap();
    let stranger = UnixDatagram::unbound().unwrap();
    stranger.send_to_addr(b"READY=1", &address).unwrap();
    supervised.send(Signal::SIGTERM);
    assert_eq!(manager.hears(), "STOPPING=1");
    supervised.child.wait().unwrap();
}

#[test]
fn a_port_that_takes_connections_is_announced() {
    if !have(&["python3"]) {
        return;
    }
    let env = project();
    let manager = Manager::listen(&env);
    // Below those that the kernel gives away by itself.
    let port = 20_000 + std::process::id() % 10_000;
    let script = format!(
        "import socket, time\n\
         time.sleep(0.2)\n\
         listener = socket.create_server(('127.0.0.1', {port}))\n\
         print('ready', flush=True)\n\
         time.sleep(1000)\n"
    );
    let condition = format!("port:{port}");
    let mut command = supervise(
        &env,
        &["--ready-when", &condition],
        &["python3", "-c", &script],
    );
    let mut supervised = Supervised::start(command.env("NOTIFY_SOCKET", &manager.path));
    assert_eq!(manager.hears(), "READY=1");
    supervised.send(Signal::SIGTERM);
    supervised.child.wait().unwrap();
}

#[test]
fn a_supervisor_at_rest_does_nothing() {
    let env = project();
    let command = ["sh", "-c", "echo ready; exec sleep 1000"];
    let options = ["--watch", "--restart", "always"];
    let mut supervised = Supervised::start(&mut supervise(&env, &options, &command));
    let switches = || {
        let status = fs::read_to_string(format!("/proc/{}/status", supervised.pid())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("voluntary_ctxt_switches"));
        line.unwrap().to_owned()
    };
    // Whether it settles is waited for; that it then rests is what is tested.
    let mut before = switches();
    super::wait_until("the supervisor rests", || {
        std::thread::sleep(Duration::from_millis(300));
        let now = switches();
        std::mem::replace(&mut before, now.clone()) == now
    });
    supervised.send(Signal::SIGTERM);
    supervised.child.wait().unwrap();
}
