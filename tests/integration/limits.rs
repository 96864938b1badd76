//! Surroundings that leave a program little: each is either enough, or refused with a message and the status of a fault of
//! escrun's own. The command never starts without its secrets.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::outside::skip;

const ESCRUN: &str = env!("CARGO_BIN_EXE_escrun");

/// A project with a secret in it, and the identity that opens it.
struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        let folder = project.0.path();
        fs::create_dir(folder.join("environments")).unwrap();
        let keygen = project.run("\"$ESCRUN\" keygen -o identity");
        assert!(keygen.status.success(), "{keygen:?}");
        let identity = fs::read_to_string(folder.join("identity")).unwrap();
        let public = identity
            .lines()
            .find_map(|line| line.strip_prefix("# public key: "));
        let definition = format!(
            "values:\n  environmentVariables:\n    TOKEN: {{fn::secret: hunter2}}\nencryption:\n  recipients: [{}]\n",
            public.unwrap()
        );
        fs::write(folder.join("environments/app.yaml"), definition).unwrap();
        let seal = project.run("\"$ESCRUN\" seal app -i identity");
        assert!(seal.status.success(), "{seal:?}");
        project
    }

    /// Runs a line of shell in the project.
    fn run(&self, line: &str) -> Output {
        Command::new("sh")
            .args(["-c", line])
            .current_dir(self.0.path())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("ESCRUN", ESCRUN)
            .output()
            .unwrap()
    }

    /// Runs a command that shows the secret, behind `setup`.
    fn show(&self, setup: &str) -> Output {
        let show = "\"$ESCRUN\" -e app -i identity -- sh -c 'echo \"got $TOKEN\"'";
        self.run(&format!("{setup} {show}"))
    }
}

#[track_caller]
fn check_works(setup: &str) {
    let output = Project::new().show(setup);
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).as_ref()
        ),
        (Some(0), "got hunter2\n"),
        "{setup}: {output:?}"
    );
}

#[test]
fn little_is_enough() {
    for setup in [
        "ulimit -l 0;",
        "ulimit -f 0;",
        "ulimit -s 128;",
        "ulimit -n 16;",
        "ulimit -c unlimited;",
        // A stack of the first size would not fit.
        "ulimit -v 300000;",
        "exec <&-;",
        "trap '' CHLD PIPE;",
        "umask 777;",
    ] {
        check_works(setup);
    }
}

#[test]
fn no_descriptor_is_left() {
    let output = Project::new().show("ulimit -n 3;");
    // Either the dynamic linker or escrun says so.
    assert!(
        matches!(output.status.code(), Some(125 | 127)),
        "{output:?}"
    );
    assert!(!output.stderr.is_empty());
}

/// Whatever the limit is, the command starts with its secret, or not at all and with word of it.
#[test]
fn memory_runs_out_at_any_point() {
    let project = Project::new();
    let mut refused = 0;
    for kibibytes in (3_000..40_000).step_by(1_000) {
        let output = project.show(&format!("ulimit -v {kibibytes};"));
        let told = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => assert_eq!(output.stdout, b"got hunter2\n"),
            // 127 is the dynamic linker's, which has no memory either.
            Some(125..=127) => {
                refused += 1;
                assert!(output.stdout.is_empty() && !told.is_empty(), "{output:?}");
            }
            // The linker, or the shell of the command, before it can say anything.
            None | Some(_) => assert!(
                output.stdout.is_empty() && !told.contains("panicked"),
                "{kibibytes} KiB: {output:?}"
            ),
        }
        assert!(!told.contains("hunter2"), "{told}");
    }
    assert!(refused > 0, "no limit was too small");
}

#[test]
fn a_container_has_little() {
    let unshared = |arguments: &str| {
        let probe = Command::new("sh")
            .args(["-c", &format!("{arguments} true")])
            .output();
        probe.is_ok_and(|output| output.status.success())
    };
    for (name, setup) in [
        ("process 1", "unshare --pid --fork"),
        (
            "no /proc",
            "unshare --mount sh -c 'mount -t tmpfs none /proc && exec \"$@\"' sh",
        ),
        (
            "nobody and no /proc",
            "unshare --mount sh -c 'mount -t tmpfs none /proc && exec \"$@\"' sh \
             setpriv --reuid 65534 --regid 65534 --clear-groups",
        ),
    ] {
        if !unshared(setup) {
            skip(&format!("{name}: namespaces cannot be had here"));
            continue;
        }
        let project = Project::new();
        open_to_all(project.0.path());
        let mut setup = setup.to_owned();
        if setup.contains("setpriv") {
            if !can_be_run_by_anyone(&project, &setup) {
                skip("the build lies where nobody else may look");
                continue;
            }
            // An identity has to belong to who uses it.
            let chown = project.run("chown 65534 identity");
            assert!(chown.status.success());
        }
        setup.push(' ');
        let output = project.show(&setup);
        assert_eq!(output.stdout, b"got hunter2\n", "{name}: {output:?}");
    }
}

fn open_to_all(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let environments = folder.join("environments");
    fs::set_permissions(&environments, fs::Permissions::from_mode(0o755)).unwrap();
    for entry in fs::read_dir(environments).unwrap() {
        fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(0o644)).unwrap();
    }
}

fn can_be_run_by_anyone(project: &Project, setup: &str) -> bool {
    let version = project.run(&format!("{setup} \"$ESCRUN\" --version"));
    version.status.success()
}

/// What a small document would make of a large memory, and of a long time, is refused.
#[test]
fn bombs_do_not_go_off() {
    use std::fmt::Write as _;

    let project = Project::new();
    let megabyte = "x".repeat(1_000_000);
    let mut many = format!("values:\n  a: {megabyte}\n");
    for index in 0..100 {
        let _ = writeln!(many, "  b{index}: \"{}\"", "${a}".repeat(20));
    }
    let mut lists = format!("values:\n  a: \"[{}1]\"\n", "1,".repeat(250_000));
    for index in 0..200 {
        let _ = writeln!(lists, "  b{index}: {{fn::fromJSON: \"${{a}}\"}}");
    }
    let one = format!(
        "values:\n  a: {megabyte}\n  b: \"{}\"\n",
        "${a}".repeat(4_000)
    );
    let name = "k".repeat(900);
    let mut names = "values:\n".to_owned();
    for index in 0..500 {
        let _ = writeln!(names, "  {name}{index}: ${{{name}zzz{index}}}");
    }
    let cases = [
        (
            "many",
            many,
            "functions and interpolations make more than 1024 MiB",
        ),
        (
            "lists",
            lists,
            "functions and interpolations make more than 1024 MiB",
        ),
        ("one", one, "the value expands to more than 64 MiB"),
        ("names", names, "unknown property"),
    ];
    for (file, definition, expected) in cases {
        let path = format!("environments/{file}.yaml");
        fs::write(project.0.path().join(path), definition).unwrap();
        let run = format!("ulimit -v 4000000; ulimit -t 60; \"$ESCRUN\" -e {file} -- true");
        let output = project.run(&run);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(125), "{file}: {told:.300}");
        assert!(told.contains(expected), "{file}: {told:.300}");
    }
}
