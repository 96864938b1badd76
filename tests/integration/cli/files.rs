//! Files and documents that are handed to the command, and what is left of them.

use std::fs;
use std::io::BufRead;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use super::test_env::{Ended, end};
use super::{CANARY, TestEnv};
use crate::outside::{have, skip};

/// A user without rights.
const NOBODY: u32 = 65534;

/// Prints where the files are and what they hold.
const SHOW: &str = "echo $TLS_KEY; cat $TLS_KEY $TOKEN";

/// A project with two files and a variable, which every user can read and run escrun in.
fn project() -> TestEnv {
    let env = TestEnv::empty();
    env.define(
        "app",
        &format!(
            "values:\n  environmentVariables:\n    GREETING: hello\n  files:\n    TLS_KEY: key\n    TOKEN:\n      \
             fn::secret: {CANARY}\n"
        ),
    );
    for folder in ["", "project", "home"] {
        fs::set_permissions(env.path(folder), PermissionsExt::from_mode(0o755)).unwrap();
    }
    env
}

fn run(env: &TestEnv, options: &[&str], script: &str) -> Command {
    let mut arguments = vec!["--env", "app"];
    arguments.extend(options);
    arguments.extend(["--", "sh", "-c", script]);
    env.prepare(arguments)
}

/// The same as another user, who may not search the folder that escrun was built in.
fn run_as(env: &TestEnv, user: u32, options: &[&str], script: &str) -> Command {
    let mut command = env.command(env.copy_program("escrun"));
    command.args(["--env", "app"]).args(options);
    command.args(["--", "sh", "-c", script]);
    command.uid(user).gid(user);
    command
}

/// Says so if this user cannot become others and mount.
fn is_root() -> bool {
    let is_root = geteuid().is_root();
    if !is_root {
        skip("it takes the superuser");
    }
    is_root
}

/// The folder of the run that a file is in.
fn run_folder(file: &str) -> PathBuf {
    let file = Path::new(file.trim());
    assert!(file.is_absolute(), "{}", file.display());
    file.parent().unwrap().parent().unwrap().to_owned()
}

fn gone(folder: &Path) -> bool {
    !folder.exists()
}

/// Waits for what comes sooner or later.
#[track_caller]
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A run that has printed a line and then waits for its input to end.
struct Waiting {
    escrun: Child,
    line: String,
}

impl Waiting {
    fn start(mut command: Command) -> Self {
        let mut escrun = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = escrun.stdout.as_mut().unwrap();
        std::io::BufReader::new(output)
            .read_line(&mut line)
            .unwrap();
        Self {
            escrun,
            line: line.trim().to_owned(),
        }
    }

    fn kill(&mut self) {
        self.escrun.kill().unwrap();
        self.escrun.wait().unwrap();
    }

    fn end(mut self) {
        drop(self.escrun.stdin.take());
        assert!(self.escrun.wait().unwrap().success());
    }
}

#[test]
fn files_are_for_the_command_and_end_with_it() {
    let env = project();
    let script = format!("{SHOW}; stat -c ' %a %u' $TOKEN $(dirname $TOKEN); exit 7");
    let check = |mut command: Command, user: u32| {
        let ended = end(&mut command);
        assert_eq!(ended.status, 7, "{ended:?}");
        let (path, rest) = ended.stdout.split_once('\n').unwrap();
        assert_eq!(
            rest,
            format!("key{CANARY} 400 {user}\n 700 {user}\n"),
            "{ended:?}"
        );
        assert!(gone(&run_folder(path)), "{path}");
    };
    check(run(&env, &[], &script), geteuid().as_raw());
    if is_root() {
        check(run_as(&env, NOBODY, &[], &script), NOBODY);
    }
}

#[test]
fn whoever_may_mount_has_files_that_nobody_else_sees() {
    let env = project();
    let script = "echo $TOKEN; cat; grep escrun /proc/self/mountinfo";
    let waiting = Waiting::start(run(&env, &[], script));
    let path = waiting.line.clone();
    let id = waiting.escrun.id();
    let mounts = fs::read_to_string(format!("/proc/{id}/mountinfo")).unwrap();
    let files = Path::new(&path).parent().unwrap();
    let Some(mount) = mounts
        .lines()
        .find(|line| line.contains(files.to_str().unwrap()))
    else {
        waiting.end();
        skip("this process may not mount");
        return;
    };
    assert!(mount.contains("nosuid,nodev,noexec"), "{mount}");
    assert!(
        mount.contains("noswap") || mount.contains("ramfs"),
        "{mount}"
    );
    assert!(files.is_dir() && !Path::new(&path).exists());
    waiting.end();
    assert!(gone(&run_folder(&path)));
}

#[test]
fn files_outlive_escrun_as_long_as_the_command_does() {
    let env = project();
    let check = |command: &dyn Fn(&str) -> Command| {
        let mut waiting = Waiting::start(command("echo $$ $TOKEN; exec sleep 1000"));
        let (pid, path) = waiting.line.split_once(' ').unwrap();
        let pid = Pid::from_raw(pid.parse().unwrap());
        let folder = run_folder(path);
        // SIGKILL: nothing of escrun can clean up.
        waiting.kill();
        end(&mut command("true")).succeeds();
        assert!(folder.join("files").is_dir(), "the command lives");
        kill(pid, Signal::SIGKILL).unwrap();
        eventually("the next run clears up", || {
            end(&mut command("true")).succeeds();
            gone(&folder)
        });
    };
    check(&|script| run(&env, &[], script));
    if is_root() {
        check(&|script| run_as(&env, NOBODY, &[], script));
    }
}

#[test]
fn many_runs_at_once_leave_each_other_alone() {
    let env = project();
    let children: Vec<_> = (0..12)
        .map(|_| {
            let mut command = run(&env, &[], SHOW);
            command.stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (path, rest) = text.split_once('\n').unwrap();
        assert_eq!(rest, format!("key{CANARY}"));
        assert!(gone(&run_folder(path)));
    }
}

/// `/dev/shm` is everybody's, so its names may be taken.
#[test]
fn folders_of_others_are_not_used() {
    if !is_root() {
        return;
    }
    let env = project();
    let trap = env.path("trap");
    fs::create_dir(&trap).unwrap();
    fs::set_permissions(&trap, PermissionsExt::from_mode(0o777)).unwrap();
    // The users are this test's own.
    for (user, is_link) in [(64_201, false), (64_202, true)] {
        let taken = PathBuf::from(format!("/dev/shm/escrun-{user}"));
        if is_link {
            let _ = fs::remove_file(&taken);
            symlink(&trap, &taken).unwrap();
        } else {
            let _ = fs::create_dir(&taken);
            fs::set_permissions(&taken, PermissionsExt::from_mode(0o777)).unwrap();
        }
        let ended = end(&mut run_as(&env, user, &[], SHOW));
        // Where /tmp is in memory, that is used instead.
        if ended.status == 0 {
            assert!(ended.stdout.starts_with("/tmp/"), "{ended:?}");
        } else {
            assert_eq!(ended.status, 125, "{ended:?}");
            assert!(ended.stderr.contains(taken.to_str().unwrap()), "{ended:?}");
        }
        for folder in [&trap, &taken] {
            assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
        }
        if is_link {
            fs::remove_file(&taken).unwrap();
        } else {
            fs::remove_dir(&taken).unwrap();
        }
    }
}

/// Runs escrun as a user for whom all of memory's usual places are on a disk. Nothing where that cannot be had.
fn on_disks_only(env: &TestEnv, options: &str) -> Option<Ended> {
    if !is_root() || !have(&["unshare", "mount", "setpriv"]) {
        return None;
    }
    let disk = env.path("disk");
    let _ = fs::create_dir(&disk);
    fs::set_permissions(&disk, PermissionsExt::from_mode(0o1777)).unwrap();
    // As root's, or the program is not there to be run.
    drop(run_as(env, NOBODY, &[], ""));
    let kind = Command::new("stat")
        .args(["-f", "-c", "%T"])
        .arg(&disk)
        .output()
        .unwrap();
    if matches!(kind.stdout.trim_ascii(), b"tmpfs" | b"ramfs") {
        skip("there is no disk");
        return None;
    }
    // The program lies where the mounts do not hide it.
    let script = format!(
        "for place in /dev/shm /run; do mount --bind {disk} $place || exit 99; done; \
         exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups --bounding-set -all --inh-caps -all \
         env XDG_RUNTIME_DIR={disk} {program} --env app {options} -- sh -c '{SHOW}'",
        disk = disk.display(),
        program = env.path("escrun").display(),
    );
    let ended = end(env.command("unshare").args(["-m", "sh", "-c", &script]));
    let made = fs::read_dir(&disk).unwrap().count();
    assert!(made == 0 || options.contains("fifo"), "{made}");
    Some(ended)
}

#[test]
fn secrets_are_not_written_to_a_disk() {
    let env = project();
    let Some(ended) = on_disks_only(&env, "") else {
        return;
    };
    assert_eq!((ended.status, &*ended.stdout), (125, ""), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("there is no place in memory for files: ")
    );
    assert!(ended.stderr.contains("escrun is on a disk"), "{ended:?}");
    assert!(ended.stderr.contains("--files memfd"), "{ended:?}");
    for options in ["--files memfd", "--files fifo"] {
        let ended = on_disks_only(&env, options).unwrap().succeeds();
        assert!(ended.stdout.ends_with(&format!("\nkey{CANARY}")));
    }
}

#[test]
fn descriptors_need_no_supervisor_and_cannot_be_changed() {
    let env = project();
    let script = format!("echo $$; {SHOW}; echo; echo more > $TOKEN || echo sealed; ls -l $TOKEN");
    let child = run(&env, &["--files", "memfd", "--exec"], &script)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let id = child.id();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], id.to_string(), "the command is the same process");
    assert!(lines[1].starts_with("/proc/self/fd/"));
    assert_eq!(lines[2..4], [&*format!("key{CANARY}"), "sealed"]);
    assert!(lines[4].contains("/memfd:escrun"), "{text}");
    end(&mut run(&env, &["--exec"], "true")).fails(
        125,
        &[
            "error: files are removed when the command ends, and with --exec nobody would do that",
            "  hint: leave out --exec, or hand them over as descriptors: --files memfd, --deliver fd",
        ],
    );
}

#[test]
fn node_reads_what_it_is_handed() {
    if !have(&["node"]) {
        return;
    }
    let env = project();
    for options in [&["--files", "memfd"][..], &[], &["--files", "fifo"]] {
        let script = "exec node -e \"process.stdout.write(fs.readFileSync(process.env.TOKEN))\"";
        let ended = end(&mut run(&env, options, script)).succeeds();
        assert_eq!(ended.stdout, CANARY, "{options:?}");
    }
    let script = "exec node -p \"JSON.parse(fs.readFileSync('/dev/stdin')).GREETING\"";
    let ended = end(&mut run(&env, &["--deliver", "stdin"], script)).succeeds();
    assert_eq!(ended.stdout, "hello\n");
    let script =
        "exec node -p \"JSON.parse(fs.readFileSync(+process.env.ESCRUN_ENVIRONMENT_FD)).GREETING\"";
    let ended = end(&mut run(&env, &["--deliver", "fd"], script)).succeeds();
    assert_eq!(ended.stdout, "hello\n");
}

#[test]
fn pipes_are_read_once() {
    let env = project();
    let script = "echo $TOKEN; cat $TOKEN; cat $TOKEN 2>/dev/null || echo none; exit 3";
    let check = |mut command: Command| {
        let ended = end(&mut command);
        // TLS_KEY was never read: whoever serves it is not waited for.
        assert_eq!(ended.status, 3, "{ended:?}");
        let (path, rest) = ended.stdout.split_once('\n').unwrap();
        assert_eq!(rest, format!("{CANARY}none\n"));
        assert!(gone(&run_folder(path)));
    };
    check(run(&env, &["--files", "fifo"], script));
    if is_root() {
        check(run_as(&env, NOBODY, &["--files", "fifo"], script));
    }
}

#[test]
fn who_serves_a_pipe_dies_with_escrun() {
    let env = project();
    let script = "echo $TOKEN; cat";
    let mut command = run(&env, &["--files", "fifo"], script);
    command.env("OTHER_SECRET", CANARY);
    let mut waiting = Waiting::start(command);
    let id = waiting.escrun.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
    let Ok(children) = children else {
        waiting.end();
        skip("the kernel does not list children");
        return;
    };
    let servers: Vec<_> = children
        .split_whitespace()
        .map(|pid| PathBuf::from(format!("/proc/{pid}")))
        .filter(|process| {
            let name = fs::read_to_string(process.join("comm"));
            name.is_ok_and(|name| name.trim() == "escrun")
        })
        .collect();
    assert_eq!(servers.len(), 2);
    for server in &servers {
        let descriptors = fs::read_dir(server.join("fd"));
        assert!(descriptors.is_err() || descriptors.unwrap().count() == 0);
        // Only the superuser may ask.
        eventually("they forget the variables", || {
            let variables = fs::read(server.join("environ"));
            variables.is_err() || variables.unwrap().iter().all(|byte| *byte == 0)
        });
    }
    waiting.kill();
    eventually("they are killed", || {
        servers.iter().all(|server| {
            let status = fs::read_to_string(server.join("stat"));
            status.is_err() || status.unwrap().contains(") Z ")
        })
    });
}

#[test]
fn files_may_be_long_and_many() {
    let env = project();
    let long = "0123456789abcdef".repeat(200_000);
    let mut text = format!("values:\n  environmentVariables: {{}}\n  files:\n    LONG: {long}\n");
    for number in 0..300 {
        text += &format!("    F{number}: n{number}\n");
    }
    env.define("app", &text);
    let script =
        "wc -c < $LONG; for n in 0 1 299; do eval cat \\$F$n; done; ls $(dirname $F1) | wc -l";
    for (options, count) in [(&[][..], Some("301")), (&["--files", "memfd"], None)] {
        let ended = end(&mut run(&env, options, script)).succeeds();
        assert!(ended.stdout.starts_with("3200000\nn0n1n299"), "{ended:?}");
        if let Some(count) = count {
            assert!(
                ended.stdout.ends_with(&format!("299{count}\n")),
                "{ended:?}"
            );
        }
    }
    let ended = end(&mut run(&env, &["--files", "fifo"], "wc -c < $LONG")).succeeds();
    assert_eq!(ended.stdout, "3200000\n");
}

#[test]
fn a_document_takes_the_place_of_variables() {
    let env = project();
    let read = |place: &str| match place {
        "stdin" => "cat",
        "fd" => "eval cat \"<&$ESCRUN_ENVIRONMENT_FD\"",
        _ => "cat $ESCRUN_ENVIRONMENT_FILE",
    };
    for place in ["file", "fd", "stdin"] {
        for (format, expected) in [
            ("json", "{\n  \"GREETING\": \"hello\"\n}\n"),
            ("dotenv", "GREETING=hello\n"),
            ("nul", "GREETING=hello\0"),
        ] {
            let options = ["--deliver", place, "--deliver-format", format];
            let script = format!(
                "{}; cat $TOKEN; tr '\\0' '\\n' < /proc/$$/environ | grep GREETING",
                read(place)
            );
            let mut command = run(&env, &options, &script);
            let ended = end(command.env("GREETING", "inherited"));
            let expected = format!("{expected}{CANARY}GREETING=inherited\n");
            assert_eq!(ended.stdout, expected, "{options:?} {ended:?}");
        }
    }
    let keep = ["--deliver", "stdin", "--on-conflict", "keep"];
    let mut command = run(&env, &keep, "cat");
    let ended = end(command.env("GREETING", "inherited")).succeeds();
    assert_eq!(ended.stdout, "{}\n");
}

#[test]
fn a_long_document_fits_into_a_descriptor() {
    let env = TestEnv::empty();
    let line = "x".repeat(100_000);
    let variables = (0..40).map(|number| format!("    V{number}: {line}\n"));
    let variables: String = variables.collect();
    env.define(
        "app",
        &format!("values:\n  environmentVariables:\n{variables}"),
    );
    for (place, source) in [
        ("fd", "/proc/self/fd/$ESCRUN_ENVIRONMENT_FD"),
        ("stdin", "/dev/stdin"),
    ] {
        let options = ["--deliver", place, "--deliver-format", "dotenv", "--exec"];
        let script = format!("wc -c < {source}");
        let ended = end(&mut run(&env, &options, &script)).succeeds();
        let expected = (0..40).map(|number| format!("V{number}={line}\n").len());
        assert_eq!(ended.stdout.trim(), expected.sum::<usize>().to_string());
    }
}

#[test]
fn files_are_shown_by_their_names() {
    let env = project();
    let plan = env.escrun(["--env", "app", "--dry-run"]).succeeds();
    assert_eq!(
        plan.stdout,
        "GREETING  \"hello\"  environments/app.yaml:3  values.environmentVariables.GREETING\n\
         TLS_KEY   [file]   environments/app.yaml:5  values.files.TLS_KEY\n\
         TOKEN     [file]   environments/app.yaml:7  values.files.TOKEN\n"
    );
    let told = "warning: files are left out, because only a command that escrun runs has them: TLS_KEY, TOKEN\n";
    for words in [["export", "--format"], ["get", "--format"]] {
        let mut words = words.to_vec();
        words.extend(["dotenv", "--env", "app"]);
        let ended = env.escrun(&words).succeeds();
        assert_eq!(ended.stdout, "GREETING=hello\n");
        assert!(ended.stderr.contains(told), "{ended:?}");
    }
    let explained = env.escrun(["explain", "TOKEN", "--env", "app"]).succeeds();
    assert!(explained.stdout.starts_with("TOKEN  values.files.TOKEN\n"));
}

#[test]
fn inherited_variables_meet_files_as_they_meet_variables() {
    let env = project();
    let conflict = |what: &str| {
        let mut command = run(&env, &["--on-conflict", what], "echo $TOKEN");
        command.env("TOKEN", "inherited");
        end(&mut command)
    };
    assert!(conflict("override").succeeds().stdout.starts_with('/'));
    assert_eq!(conflict("keep").succeeds().stdout, "inherited\n");
    let failed = conflict("error");
    assert_eq!(failed.status, 125);
    assert!(
        failed
            .stderr
            .contains("the variable TOKEN is set already, to another value")
    );
}

#[test]
fn a_notation_needs_a_document() {
    let env = project();
    end(&mut run(&env, &["--deliver-format", "nul"], "true")).fails(
        125,
        &[
            "error: --deliver-format needs a document to be written",
            "  hint: say where it goes: --deliver file, fd or stdin",
        ],
    );
}

/// Nothing that a command does to its files keeps them from being removed, or reaches beyond them.
#[test]
fn a_command_cannot_lead_the_clearing_astray() {
    let env = project();
    let kept = env.write("kept/file", "kept");
    let script = format!(
        "echo $TOKEN; cd $(dirname $TOKEN) && rm -f TLS_KEY && ln -s {kept} TLS_KEY && ln -s {folder} up && \
         mkdir -p deep/er && echo x > deep/er/file",
        kept = kept.display(),
        folder = kept.parent().unwrap().display(),
    );
    let ended = end(&mut run(&env, &[], &script)).succeeds();
    assert!(gone(&run_folder(&ended.stdout)));
    assert_eq!(fs::read_to_string(&kept).unwrap(), "kept");
    assert_eq!(fs::metadata(&kept).unwrap().uid(), geteuid().as_raw());
}

#[test]
fn another_user_gets_what_is_handed_to_the_command() {
    if !is_root() || !have(&["setpriv"]) {
        return;
    }
    let env = project();
    let user = NOBODY.to_string();
    let script = "cat $TOKEN; cat /dev/stdin; stat -L -c ' %a %u %g' $TOKEN";
    for kind in ["auto", "memfd", "fifo"] {
        // With mounts of its own, and without the right to them, as in most containers.
        for rights in ["all", "-sys_admin"] {
            let mut command = env.command("setpriv");
            if rights == "-sys_admin" {
                command.args(["--bounding-set", rights, "--inh-caps", rights]);
            }
            command.args([env!("CARGO_BIN_EXE_escrun"), "--env", "app"]);
            command.args(["--user", &user, "--group", &user, "--files", kind]);
            command.args(["--deliver", "stdin", "--deliver-format", "dotenv"]);
            let ended = end(command.args(["--", "sh", "-c", script]));
            let mut expected = format!("{CANARY}GREETING=hello\n");
            // A pipe that was read is gone.
            if kind != "fifo" {
                expected += &format!(" 400 {NOBODY} {NOBODY}\n");
            }
            assert_eq!(ended.stdout, expected, "{kind} {rights} {ended:?}");
        }
    }
}
