//! What a server is told of its peers, by peers that are not what they were, or not where they seem to be.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nix::unistd::geteuid;
use tempfile::TempDir;

use crate::outside::{have, skip};

const PEER: &str = env!("CARGO_BIN_EXE_fixture-peer");

/// A server that tells of a peer when it is told to.
struct Server {
    folder: TempDir,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Server {
    fn start() -> Self {
        Self::start_by(&[])
    }

    /// Starts it by way of another program.
    fn start_by(way: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let socket = folder.path().join("socket");
        let words = way
            .iter()
            .copied()
            .chain([PEER, "serve", socket.to_str().unwrap()]);
        let words: Vec<&str> = words.collect();
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = Self {
            folder,
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        };
        assert_eq!(server.line(), "ready");
        server
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Takes the next connection and tells of its peer.
    fn tell(&mut self) -> String {
        self.input.write_all(b"\n").unwrap();
        self.line()
    }

    /// A peer, where every user may execute it.
    fn peer(&self, words: &[&str]) -> Command {
        let copy = self.folder.path().join("peer");
        if !copy.exists() {
            // Another program copies: nobody can execute a file that is open for writing anywhere.
            let copied = Command::new("cp").arg(PEER).arg(&copy).status();
            assert!(copied.unwrap().success());
        }
        let mut command = Command::new(copy);
        command.args(words).arg(self.socket());
        // Shells print what they are told.
        command.stdout(Stdio::null());
        command
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// What is told of a peer that lives until it is.
    fn told_of(&mut self, words: &[&str]) -> (String, u32) {
        let mut child = self.peer(words).spawn().unwrap();
        let (told, pid) = (self.tell(), child.id());
        child.wait().unwrap();
        (told, pid)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_root() -> bool {
    let is_root = geteuid().is_root();
    if !is_root {
        skip("only root may become another user");
    }
    is_root
}

#[test]
fn a_peer_is_told_by_the_kernel() {
    let mut server = Server::start();
    let (told, pid) = server.told_of(&["plain"]);
    let user = geteuid();
    assert!(told.contains(&format!("user: {user}, ")), "{told}");
    assert!(told.contains(&format!("pid: Some({pid})")), "{told}");
    assert!(told.contains("cgroup: Some(\"/"), "{told}");
    assert!(told.contains("name: Some(\"peer\")"), "{told}");
}

#[test]
fn another_user_is_told_with_all_its_groups() {
    if !is_root() {
        return;
    }
    let mut server = Server::start();
    let (told, _) = server.told_of(&["as", "65534", "4711", "7,4712,9"]);
    assert!(
        told.contains("user: 65534, group: 4711, groups: [7, 9, 4712]"),
        "{told}"
    );
}

#[test]
fn more_groups_than_usual_are_told() {
    if !is_root() {
        return;
    }
    let mut server = Server::start();
    let groups: Vec<String> = (1000..1500).map(|group| group.to_string()).collect();
    let (told, _) = server.told_of(&["as", "1", "1", &groups.join(",")]);
    assert!(
        told.contains(&format!("groups: [{}]", groups.join(", "))),
        "{told}"
    );
}

#[test]
fn who_acts_as_another_user_than_it_connected_is_refused() {
    if !is_root() {
        return;
    }
    let mut server = Server::start();
    let (told, _) = server.told_of(&["setuid", "65534"]);
    assert_eq!(
        told,
        "refused: the process that has connected acts as another user or group by now"
    );
}

/// Programs come and go; the process stays, and so does what it is part of.
#[test]
fn another_program_in_the_same_process_is_the_same_peer() {
    let mut server = Server::start();
    let (told, pid) = server.told_of(&["exec"]);
    assert!(told.contains(&format!("pid: Some({pid})")), "{told}");
    assert!(told.contains("name: Some(\"sh\")"), "{told}");
}

#[test]
fn a_connection_that_is_handed_on_is_its_makers() {
    let mut server = Server::start();
    let (told, pid) = server.told_of(&["hand-on"]);
    assert!(told.contains(&format!("pid: Some({pid})")), "{told}");
}

#[test]
fn a_connection_outlives_nobody() {
    const GONE: &str = "refused: the process that has connected has ended";

    let mut server = Server::start();
    // It has ended and nobody has waited for it, and later not even that is left of it.
    for waits in [false, true] {
        let mut child = server.peer(&["end"]).spawn().unwrap();
        let options = nix::sys::wait::WaitPidFlag::WEXITED | nix::sys::wait::WaitPidFlag::WNOWAIT;
        let id =
            nix::sys::wait::Id::Pid(nix::unistd::Pid::from_raw(child.id().try_into().unwrap()));
        nix::sys::wait::waitid(id, options).unwrap();
        if waits {
            child.wait().unwrap();
        }
        assert_eq!(server.tell(), GONE);
        child.wait().unwrap();
    }
    // Somebody else asks on its connection.
    let status = server.peer(&["hand-on-and-end"]).status().unwrap();
    assert!(status.success());
    assert_eq!(server.tell(), GONE);
}

/// A control group of a test's own, in a real tree.
struct Group(PathBuf);

impl Group {
    /// Nothing if there is no tree, or none that may be changed.
    fn new(path: &str) -> Option<Self> {
        let mounts = std::fs::read_to_string("/proc/mounts").unwrap();
        let mut mounts = mounts
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>());
        let root = mounts.find(|fields| fields[2] == "cgroup2")?[1].to_owned();
        let slice = format!("escrun{}.slice", std::process::id());
        let folder = PathBuf::from(root).join(slice).join(path);
        std::fs::create_dir_all(&folder).ok().map(|()| Self(folder))
    }

    /// Puts a process in it, if that is possible here.
    fn take(&self, pid: u32) -> bool {
        std::fs::write(self.0.join("cgroup.procs"), pid.to_string()).is_ok()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // As far up as nobody else is in it.
        for folder in self.0.ancestors() {
            if std::fs::remove_dir(folder).is_err() {
                return;
            }
        }
    }
}

#[test]
fn the_unit_is_the_one_that_a_peer_is_in_when_it_asks() {
    let groups = ["auth@1.service/web.service", "web.service"].map(Group::new);
    let [Some(auth), Some(web)] = &groups else {
        return skip("there is no tree of control groups that may be changed");
    };
    let mut server = Server::start();
    // The second time, the daemon knows the group already.
    for (first, then, unit) in [
        (auth, auth, "auth@1.service"),
        (auth, auth, "auth@1.service"),
        (auth, web, "web.service"),
    ] {
        // It waits for a line before it connects, and for another before it asks.
        let mut child = server
            .peer(&["slow"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        if !first.take(child.id()) {
            child.kill().unwrap();
            child.wait().unwrap();
            return skip("no process may be put in a control group");
        }
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"\n").unwrap();
        let mut connected = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut connected)
            .unwrap();
        assert!(then.take(child.id()));
        input.write_all(b"\n").unwrap();
        let told = server.tell();
        child.wait().unwrap();
        assert!(
            told.contains(&format!("unit: Some(\"{unit}\"), user_unit: None")),
            "{told}"
        );
    }
}

#[test]
fn of_a_peer_outside_of_the_process_namespace_only_the_user_is_known() {
    if !is_root() || !have(&["unshare"]) {
        return;
    }
    let mut server =
        Server::start_by(&["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    let (told, _) = server.told_of(&["plain"]);
    assert!(told.contains("user: 0, "), "{told}");
    assert!(
        told.contains(
            "pid: None, unit: None, user_unit: None, cgroup: None, executable: None, name: None"
        ),
        "{told}"
    );
    // Whether it has ended is known all the same.
    assert!(server.peer(&["end"]).status().unwrap().success());
    assert!(server.tell().starts_with("refused: "));
    // And who lives in a namespace below is to be seen.
    let mut server = Server::start();
    let mut below = Command::new("unshare");
    below
        .args(["--pid", "--fork", PEER, "plain"])
        .arg(server.socket());
    let mut below = below.spawn().unwrap();
    let told = server.tell();
    below.wait().unwrap();
    assert!(
        told.contains("pid: Some(") && told.contains("cgroup: Some(\"/"),
        "{told}"
    );
}

#[test]
fn a_user_without_a_number_here_is_nobody() {
    if !is_root() || !have(&["unshare"]) {
        return;
    }
    let mut server = Server::start_by(&["unshare", "--user", "--map-root-user"]);
    let (told, _) = server.told_of(&["as", "0", "1234", "1235"]);
    // Groups that have no number here are left out.
    assert!(
        told.contains("user: 0, group: 4294967295, groups: []"),
        "{told}"
    );
    for user in ["1000", "65534"] {
        let (told, _) = server.told_of(&["as", user, "0", "0"]);
        assert_eq!(
            told,
            "refused: the peer's user is none of this user namespace"
        );
    }
}
