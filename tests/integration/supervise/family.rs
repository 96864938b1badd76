//! What the command starts and leaves.

use std::fs;

use nix::sys::signal::Signal;

use super::{Supervised, is_gone, project, supervise, wait_until};

/// The children of a process, by /proc.
fn children(pid: i32) -> Vec<(i32, char)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let Some((start, rest)) = stat.rsplit_once(") ") else {
            continue;
        };
        let mut fields = rest.split(' ');
        let state = fields.next().and_then(|state| state.chars().next());
        if fields.next() == Some(&pid.to_string()) {
            let number = start.split(' ').next().unwrap().parse().unwrap();
            found.push((number, state.unwrap()));
        }
    }
    found
}

#[test]
fn orphans_are_adopted_and_reaped() {
    let env = project();
    let script =
        "i=0; while [ $i -lt 200 ]; do (sleep 0.05 &); i=$((i+1)); done; echo ready; read -r line";
    let supervised = Supervised::start(&mut supervise(&env, &[], &["sh", "-c", script]));
    let escrun = supervised.pid().as_raw();
    wait_until("only the command is left", || children(escrun).len() == 1);
}

#[test]
fn what_a_command_leaves_on_purpose_stays() {
    let env = project();
    let script = "setsid sh -c 'echo $$; exec sleep 100' & read -r line; exit 0";
    let mut command = supervise(&env, &[], &["sh", "-c", script]);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut lines, &mut line).unwrap();
    let daemon: i32 = line.trim().parse().unwrap();
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert!(!is_gone(daemon));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(daemon), Signal::SIGKILL).unwrap();
}

#[test]
fn numbers_that_name_the_process_name_the_command() {
    let env = project();
    let script = "echo $$ $LISTEN_PID $WATCHDOG_PID $LISTEN_FDS";
    // The shell that sets them becomes escrun, as systemd's child does.
    let line = format!(
        "LISTEN_PID=$$ WATCHDOG_PID=$$ LISTEN_FDS=1 exec {} --env app --supervise -- sh -c '{script}'",
        env!("CARGO_BIN_EXE_escrun")
    );
    let output = env.command("sh").args(["-c", &line]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<_> = text.split_whitespace().collect();
    assert_eq!(words.len(), 4, "{output:?}");
    assert_eq!(words[0], words[1]);
    assert_eq!(words[0], words[2]);
}

#[test]
fn inherited_descriptors_are_passed_on_and_others_are_not() {
    let env = project();
    env.write("project/passed", "from descriptor 3\n");
    let line = format!(
        "exec {} --env app --supervise -- sh -c 'cat <&3; ls /proc/$$/fd' 3<passed",
        env!("CARGO_BIN_EXE_escrun")
    );
    let output = env.command("sh").args(["-c", &line]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "from descriptor 3");
    // The shell has a descriptor of its own for the script in some versions: 10 and above.
    let numbers = lines[1..].iter().map(|line| line.parse::<i32>().unwrap());
    let numbers: Vec<_> = numbers.filter(|number| *number < 10).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
}
