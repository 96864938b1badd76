use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};

use super::*;

/// A socket that this process has connected to itself.
fn connected() -> (UnixStream, UnixStream) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    let client = UnixStream::connect(&path).expect("it listens");
    (client, listener.accept().expect("a connection").0)
}

fn own() -> Acting {
    Acting {
        user: nix::unistd::geteuid().as_raw(),
        group: nix::unistd::getegid().as_raw(),
    }
}

#[test]
fn who_connected_is_known() {
    let (_client, server) = connected();
    let peer = PeerProcess::of(&server).expect("it is this process");
    assert_eq!(peer.pid(), Some(Pid::own()));
    assert_eq!((peer.user(), peer.group()), (own().user, own().group));
    let mut groups: Vec<u32> = nix::unistd::getgroups()
        .expect("groups")
        .iter()
        .map(|group| group.as_raw())
        .collect();
    groups.sort_unstable();
    let mut told = peer.groups().to_vec();
    told.sort_unstable();
    assert_eq!(told, groups);
    peer.check_alive().expect("it lives");
    peer.check_unchanged().expect("it is as it was");
    let look = peer.look().expect("it lives");
    assert_eq!(
        look.control_groups.expect("/proc"),
        std::fs::read_to_string("/proc/self/cgroup").expect("/proc")
    );
    assert_eq!(look.executable, std::env::current_exe().ok());
    assert!(look.name.is_some());
}

#[test]
fn processes_are_told_apart() {
    let (_client, server) = connected();
    let own = PeerProcess::of(&server).expect("it is this process");
    let mut child = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("a process");
    let other = of_child(&child);
    let mark = |peer: &PeerProcess| peer.check_unchanged().expect("it is as it was");
    // Before Linux 6.13, there are no marks.
    if let (Some(own_mark), Some(other_mark)) = (mark(&own), mark(&other)) {
        assert_ne!(own_mark, other_mark);
        let again = PeerProcess::of(&server).expect("it is this process");
        assert_eq!(mark(&again), Some(own_mark));
    }
    drop(child.stdin.take());
    child.wait().expect("a child");
}

/// A child, as if it had connected.
fn of_child(child: &std::process::Child) -> PeerProcess {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_number);
    PeerProcess {
        acting: own(),
        groups: Vec::new(),
        pid,
        handle: Arc::new(by_number(own(), pid).expect("it lives")),
        is_by_socket: false,
    }
}

#[test]
fn what_is_no_connection_has_no_peer() {
    let listener = UnixListener::bind(tempfile::tempdir().expect("a folder").path().join("socket"))
        .expect("a socket");
    // The kernel takes who listens for the peer of a socket that listens.
    let _told = PeerProcess::of(&listener);
    let network = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
    assert!(matches!(PeerProcess::of(&network), Err(Unknown::Io(_))));
    let (reader, _writer) = io::pipe().expect("a pipe");
    assert!(matches!(PeerProcess::of(&reader), Err(Unknown::Io(_))));
}

/// The way of kernels without `SO_PEERPIDFD`.
#[test]
fn a_process_is_found_by_its_number() {
    let handle = by_number(own(), Some(Pid::own())).expect("it is this process");
    assert!(handle.is_alive().expect("poll"));
    let somebody = Acting {
        user: own().user + 1,
        ..own()
    };
    assert!(matches!(
        by_number(somebody, Some(Pid::own())),
        Err(Unknown::Changed)
    ));
    assert!(matches!(by_number(own(), None), Err(Unknown::Io(_))));
}

#[test]
fn what_has_ended_is_gone() {
    let mut child = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("a process");
    let peer = of_child(&child);
    peer.check_alive().expect("it lives");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(b"x").expect("it reads");
    drop(input);
    // waitid(2) with WNOWAIT: it has ended, and nobody has taken note of it.
    nix::sys::wait::waitid(
        nix::sys::wait::Id::Pid(nix::unistd::Pid::from_raw(child.id() as i32)),
        nix::sys::wait::WaitPidFlag::WEXITED | nix::sys::wait::WaitPidFlag::WNOWAIT,
    )
    .expect("a child");
    for _ in 0..2 {
        assert!(matches!(peer.check_alive(), Err(Unknown::Gone)));
        assert!(matches!(peer.look(), Err(Unknown::Gone)));
        // The second time, nothing is left of it but what the handle holds.
        child.wait().expect("a child");
    }
    assert!(matches!(by_number(own(), peer.pid), Err(Unknown::Gone)));
}
