//! One user who asks for much, and another who asks for little.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nix::unistd::geteuid;

use super::served::{Served, read_answer, request};
use crate::cli::test_env::TestEnv;
use crate::outside::{have, skip};

/// How many connections the one has who asks for much.
const MANY: usize = 200;

/// Everybody may open everything.
const POLICY: &str = "rules: [{peer: any, environments: '*', allow: [open]}]\n";

/// A call that costs the thread of the daemon much, and is answered by it alone: what is wrong with it stands at its end.
fn laborious() -> Vec<u8> {
    let context: Vec<String> = (0..3000).map(|at| format!("\"k{at}\":\"v\"")).collect();
    let body = format!(
        "{{\"environments\":[\"app\"],\"context\":{{{}}},\"wrong\":0}}",
        context.join(",")
    );
    request("POST /v1/open", &body)
}

/// Says that it is over when the test is, also when that has failed.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Another user's request, which is sent when its input has ended.
fn other_user(served: &Served) -> Child {
    let mut curl = served
        .command("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .args(["curl", "--silent", "--config", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let config = format!(
        "unix-socket = \"{}\"\nurl = \"http://localhost/v1/open\"\ndata = \"{}\"\n",
        served.socket().display(),
        r#"{\"environments\":[\"app\"]}"#,
    );
    let input = curl.stdin.as_mut().unwrap();
    input.write_all(config.as_bytes()).unwrap();
    curl
}

#[test]
fn who_has_many_connections_has_no_more_turns() {
    if !geteuid().is_root() {
        return skip("only root may become another user");
    }
    if !have(&["curl", "setpriv"]) {
        return;
    }
    let env = TestEnv::project();
    fs::set_permissions(env.path(""), Permissions::from_mode(0o755)).unwrap();
    let policy = env.write("policy.yaml", POLICY);
    let served = Served::start_with(
        env,
        "socket: {mode: 0666}\n",
        &["--policy", policy.to_str().unwrap()],
    );
    fs::set_permissions(served.env.path("run"), Permissions::from_mode(0o755)).unwrap();
    let (answered, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let greedy = scope.spawn(|| {
            let laborious = laborious();
            let mut all: Vec<UnixStream> = (0..MANY).map(|_| served.connect()).collect();
            all.iter_mut()
                .for_each(|stream| stream.write_all(&laborious).unwrap());
            // As soon as one is answered, it asks again.
            while !is_over.load(Ordering::Relaxed) {
                for stream in &mut all {
                    assert_eq!(read_answer(stream).unwrap().status, 400);
                    answered.fetch_add(1, Ordering::Relaxed);
                    stream.write_all(&laborious).unwrap();
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                }
            }
        });
        let over = Over(&is_over);
        let mut fewest = usize::MAX;
        for _ in 0..3 {
            let other = other_user(&served);
            // By then it has begun to read, and many wait.
            let enough = answered.load(Ordering::Relaxed) + MANY / 4;
            served.await_that("many ask", |_| {
                answered.load(Ordering::Relaxed) > enough || greedy.is_finished()
            });
            let before = answered.load(Ordering::Relaxed);
            let given = other.wait_with_output().unwrap();
            let meanwhile = answered.load(Ordering::Relaxed) - before;
            let given = String::from_utf8_lossy(&given.stdout);
            assert!(given.contains("\"revision\""), "{given}: {}", served.log());
            fewest = fewest.min(meanwhile);
        }
        drop(over);
        // As many as there are, and more, if each connection had its turn. A machine that is busy with something else may
        // have let one of the three wait for long, and so only the best counts.
        assert!(fewest < MANY / 2, "{fewest} of {MANY}");
    });
}
