//! What the supervisor lacks may show only when the command runs already.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use nix::unistd::geteuid;

use super::{is_gone, project, wait_until};
use crate::outside::{have, skip};

const ESCRUN: &str = env!("CARGO_BIN_EXE_escrun");

#[test]
fn who_cannot_supervise_leaves_no_command() {
    let env = project();
    let file = env.path("command");
    let mut refused = 0;
    for limit in 4..24 {
        let script = format!(
            "rm -f {file}; ulimit -n {limit}; exec {ESCRUN} -e app --mask -- sh -c 'echo $$ >{file}; echo ready; read _'",
            file = file.display()
        );
        let mut escrun = env
            .command("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = escrun.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        // Kept open: the command must not end by itself.
        let input = escrun.stdin.take();
        if line == "ready\n" {
            drop(input);
            escrun.wait().unwrap();
            continue;
        }
        assert_eq!(escrun.wait().unwrap().code(), Some(125), "{limit}");
        let command = fs::read_to_string(&file).unwrap_or_default();
        if let Ok(command) = command.trim().parse() {
            wait_until("the end of the command", || is_gone(command));
            refused += 1;
        }
        drop(input);
    }
    // Otherwise these were not the limits that matter, or the commands were killed before they could say who they are.
    if refused == 0 {
        skip("no limit of descriptors is enough for the command alone");
    }
}

#[test]
fn a_system_without_devices_is_enough() {
    if !geteuid().is_root() {
        skip("it takes the superuser");
        return;
    }
    if !have(&["unshare"]) {
        return;
    }
    let env = project();
    for option in ["--supervise", "--mask"] {
        let script = format!(
            "mount -t tmpfs none /dev && exec {ESCRUN} -e app {option} -- sh -c 'echo ready; exit 7'"
        );
        let output = env
            .command("unshare")
            .args(["--mount", "sh", "-c", &script])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            (&*stdout, output.status.code()),
            ("ready\n", Some(7)),
            "{option}: {output:?}"
        );
    }
}
