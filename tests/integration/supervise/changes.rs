//! Values change on disk while a command runs.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use super::{Supervised, wait_until};
use crate::cli::test_env::{CANARY, TestEnv};
use crate::outside::have;

/// Says what it was given, and waits.
const TELL: &str = "echo \"up $GREETING\"; exec sleep 1000";

fn greeting(text: &str) -> String {
    format!("values:\n  greeting: {text}\n")
}

fn project() -> TestEnv {
    let env = TestEnv::empty();
    env.define("app", &greeting("one"));
    env
}

/// escrun that watches, with `script` as its command.
fn watch(env: &TestEnv, options: &[&str], script: &str) -> Command {
    let words = ["--env", "app", "--watch", "--die-with-parent"].into_iter();
    let words = words.chain(options.iter().copied());
    let words = words.chain(["--", "sh", "-c", script]);
    let mut command = env.prepare(words);
    command.stderr(Stdio::piped());
    command
}

/// Ends it, and gives what it has told.
fn stop(mut supervised: Supervised) -> String {
    supervised.send(Signal::SIGTERM);
    supervised.child.wait().unwrap();
    let mut told = String::new();
    let mut errors = supervised.child.stderr.take().unwrap();
    errors.read_to_string(&mut told).unwrap();
    assert!(!told.contains(CANARY), "{told}");
    told
}

#[test]
fn every_way_of_saving_is_one_restart() {
    let env = project();
    let mut supervised = Supervised::spawn(&mut watch(&env, &[], TELL));
    assert_eq!(supervised.line(), "up one");
    let file = env.path("project/environments/app.yaml");
    env.define("app", &greeting("in-place"));
    assert_eq!(supervised.line(), "up in-place");
    let staged = env.write("project/environments/.app.yaml.swp", greeting("renamed"));
    fs::rename(staged, &file).unwrap();
    assert_eq!(supervised.line(), "up renamed");
    // As vim does it.
    fs::rename(&file, file.with_extension("yaml~")).unwrap();
    env.define("app", &greeting("anew"));
    assert_eq!(supervised.line(), "up anew");
    // Its own values, in a file that was not there.
    env.define("app.local", &greeting("local"));
    assert_eq!(supervised.line(), "up local");
    fs::remove_file(env.path("project/environments/app.local.yaml")).unwrap();
    assert_eq!(supervised.line(), "up anew");
    // No change of values is no change.
    env.define("app", &format!("# new\n{}", greeting("anew")));
    env.define("app", &greeting("last"));
    assert_eq!(supervised.line(), "up last");
    stop(supervised);
}

#[test]
fn a_checkout_is_one_change() {
    if !have(&["git"]) {
        return;
    }
    let env = project();
    let git = |line: &str| {
        let line = format!(
            "git -c user.name=t -c user.email=t@t -c init.defaultBranch=main -c core.fsync=none {line}"
        );
        let mut command = env.command("sh");
        command
            .args(["-ec", &line])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        assert!(command.status().unwrap().success(), "{line}");
    };
    let imports: Vec<String> = (0..200).map(|number| format!("part/p{number}")).collect();
    let define = |text: &str| {
        for (number, name) in imports.iter().enumerate() {
            env.define(name, &format!("values:\n  v{number}: {text}\n"));
        }
        let imports = format!("imports: [{}]\n{}", imports.join(", "), greeting(text));
        env.define("app", &imports);
    };
    git("init -q .");
    define("one");
    git("add .");
    git("commit -qm one");
    git("checkout -qb other");
    define("two");
    git("commit -qam two");
    git("checkout -q main");
    let script = "echo \"up $GREETING $V0 $V199\"; exec sleep 1000";
    let mut supervised = Supervised::spawn(&mut watch(&env, &[], script));
    assert_eq!(supervised.line(), "up one one one");
    git("checkout -q other");
    assert_eq!(supervised.line(), "up two two two");
    git("checkout -q main");
    assert_eq!(supervised.line(), "up one one one");
    stop(supervised);
}

#[test]
fn a_swapped_folder_is_one_change() {
    let env = TestEnv::empty();
    let folder = env.path("project/environments");
    let version = |name: &str, text: &str| {
        env.define(&format!("{name}/app"), &greeting(text));
        let link = folder.join("..data_tmp");
        symlink(name, &link).unwrap();
        fs::rename(link, folder.join("..data")).unwrap();
    };
    version("..2026_1", "one");
    symlink("..data/app.yaml", folder.join("app.yaml")).unwrap();
    let mut supervised = Supervised::spawn(&mut watch(&env, &[], TELL));
    assert_eq!(supervised.line(), "up one");
    version("..2026_2", "two");
    fs::remove_dir_all(folder.join("..2026_1")).unwrap();
    assert_eq!(supervised.line(), "up two");
    version("..2026_3", "three");
    assert_eq!(supervised.line(), "up three");
    stop(supervised);
}

#[test]
fn a_broken_definition_changes_nothing_until_it_is_mended() {
    let env = project();
    let mut supervised = Supervised::spawn(&mut watch(&env, &[], TELL));
    assert_eq!(supervised.line(), "up one");
    let mut errors = supervised.child.stderr.take().unwrap();
    env.define("app", "imports: [part]\nvalues:\n  greeting: ${missing}\n");
    let mut told = String::new();
    while !told.contains("the command keeps what it has") {
        let mut byte = [0];
        assert_eq!(errors.read(&mut byte).unwrap(), 1, "{told}");
        told.push(char::from(byte[0]));
    }
    assert!(told.contains("missing"), "{told}");
    // A file that the broken definition has asked for.
    env.define("part", "values:\n  missing: mended\n");
    assert_eq!(supervised.line(), "up mended");
    supervised.child.stderr = Some(errors);
    stop(supervised);
}

#[test]
fn a_command_that_fails_with_new_values_has_the_old_ones_again() {
    let env = project();
    let script = "[ $GREETING = bad ] && exit 3; echo \"up $GREETING\"; exec sleep 1000";
    let mut supervised = Supervised::spawn(&mut watch(&env, &[], script));
    assert_eq!(supervised.line(), "up one");
    env.define("app", &greeting("bad"));
    assert_eq!(supervised.line(), "up one");
    env.define("app", &greeting("two"));
    assert_eq!(supervised.line(), "up two");
    let told = stop(supervised);
    assert!(told.contains("so it has the earlier ones again"), "{told}");
}

#[test]
fn who_is_not_up_with_new_values_has_the_old_ones_again() {
    let env = project();
    let options = [
        "--ready-when",
        "exec:[ $GREETING != bad ]",
        "--ready-timeout",
        "500ms",
    ];
    let mut supervised = Supervised::spawn(&mut watch(&env, &options, TELL));
    assert_eq!(supervised.line(), "up one");
    env.define("app", &greeting("bad"));
    assert_eq!(supervised.line(), "up bad");
    assert_eq!(supervised.line(), "up one");
    let told = stop(supervised);
    assert!(told.contains("not ready in time"), "{told}");
}

#[test]
fn rules_say_who_is_told_how() {
    let env = TestEnv::empty();
    let define = |level: &str, certificate: &str, note: &str, other: &str| {
        let text = format!(
            "values:\n  log: {{level: {level}}}\n  tls: {{cert: {certificate}}}\n  note: {note}\n  other: {other}\n"
        );
        env.define("app", &text);
    };
    env.write(
        "project/escrun.yaml",
        "reload:\n\
         - {match: 'LOG_*', do: 'signal:USR1'}\n\
         - {match: TLS_CERT, do: 'exec:echo \"$MAINPID $ESCRUN_CHANGED $TLS_CERT\" > told'}\n\
         - {match: NOTE, do: none}\n",
    );
    define("1", "1", "1", "1");
    let script =
        "trap 'echo usr1' USR1; echo \"up $$ $LOG_LEVEL $OTHER\"; while :; do sleep 0.01; done";
    let mut supervised = Supervised::spawn(&mut watch(&env, &[], script));
    let line = supervised.line();
    let pid = line.split(' ').nth(1).unwrap().to_owned();
    define("1", "1", "2", "1");
    define("2", "1", "2", "1");
    assert_eq!(supervised.line(), "usr1");
    define("2", "2", "2", "1");
    let told = env.path("project/told");
    let expected = format!("{pid} TLS_CERT 2\n");
    wait_until("the line of shell has run", || {
        fs::read_to_string(&told).is_ok_and(|text| text == expected)
    });
    // One that has to be restarted for needs no other reaction.
    define("3", "3", "3", "2");
    assert!(supervised.line().ends_with(" 3 2"));
    assert_eq!(fs::read_to_string(&told).unwrap(), expected);
    stop(supervised);
}

#[test]
fn files_are_replaced_before_the_command_is_told() {
    let env = TestEnv::empty();
    let define = |certificate: &str, other: &str| {
        let text = format!(
            "values:\n  files: {{CERTIFICATE: {certificate}}}\n  environmentVariables: {{OTHER: {other}}}\n"
        );
        env.define("app", &text);
    };
    env.write(
        "project/escrun.yaml",
        "reload: [{match: CERTIFICATE, do: 'signal:USR1'}]\n",
    );
    define("one", "1");
    let script = "
        trap 'echo \"told $(cat $CERTIFICATE)\"' USR1
        echo \"up $(cat $CERTIFICATE) $OTHER\"
        while :; do sleep 0.01; done";
    let mut supervised = Supervised::spawn(&mut watch(&env, &[], script));
    assert_eq!(supervised.line(), "up one 1");
    define("two", "1");
    assert_eq!(supervised.line(), "told two");
    define("three", "2");
    assert_eq!(supervised.line(), "up three 2");
    define("four", "2");
    assert_eq!(supervised.line(), "told four");
    stop(supervised);
}

#[test]
fn new_secrets_are_hidden_as_well() {
    let env = TestEnv::empty();
    let define = |secret: &str| {
        env.define(
            "app",
            &format!("values:\n  token: {{fn::secret: {secret}}}\n"),
        );
    };
    define("first-hunter2");
    env.write(
        "project/escrun.yaml",
        "reload: [{match: TOKEN, do: none}]\n",
    );
    // Though no rule wants a restart: only a new command is listened to with the new secrets in mind.
    let script = "echo \"up $(echo $TOKEN | wc -c) $TOKEN\"; exec sleep 1000";
    let mut supervised = Supervised::spawn(&mut watch(&env, &["--mask"], script));
    assert_eq!(supervised.line(), "up 14 [secret]");
    define("second-one-hunter2");
    assert_eq!(supervised.line(), "up 19 [secret]");
    define("third-hunter2");
    assert_eq!(supervised.line(), "up 14 [secret]");
    stop(supervised);
}

#[test]
fn old_and_new_do_not_overlap() {
    let env = project();
    let script = "
        mkdir lock || echo overlap
        echo \"up $GREETING\"
        trap 'sleep 0.2; rmdir lock; exit' TERM
        while :; do sleep 0.01; done";
    let mut supervised = Supervised::spawn(&mut watch(&env, &[], script));
    for text in ["one", "two", "three"] {
        env.define("app", &greeting(text));
        assert_eq!(supervised.line(), format!("up {text}"));
    }
    stop(supervised);
}

#[test]
fn with_overlap_the_old_one_stays_until_the_new_one_is_up() {
    let env = project();
    let script = "
        [ $GREETING = bad ] && exit 1
        while [ $GREETING = two ] && ! [ -e go ]; do sleep 0.01; done
        trap 'echo \"down $GREETING\"; exit' TERM
        echo \"up $GREETING\"
        touch up.$$
        while :; do sleep 0.01; done";
    let options = ["--overlap", "--ready-when", "exec:test -e up.$MAINPID"];
    let mut supervised = Supervised::spawn(&mut watch(&env, &options, script));
    assert_eq!(supervised.line(), "up one");
    env.define("app", &greeting("bad"));
    env.define("app", &greeting("two"));
    env.write("project/go", "");
    assert_eq!(supervised.line(), "up two");
    assert_eq!(supervised.line(), "down one");
    env.define("app", &greeting("three"));
    assert_eq!(supervised.line(), "up three");
    assert_eq!(supervised.line(), "down two");
    stop(supervised);
}

#[test]
fn nobody_is_asked_again_for_an_identity() {
    let env = TestEnv::project();
    let script = "echo \"up $APP_HOST\"; exec sleep 1000";
    let key = env.read("home/.config/escrun/identities/default.txt");
    fs::remove_dir_all(env.path("home/.config")).unwrap();
    let mut ways = Vec::new();
    let mut by_input = watch(&env, &["--identity", "-"], script);
    by_input.stdin(Stdio::piped());
    ways.push(by_input);
    let mut by_variable = watch(&env, &[], script);
    by_variable.env("ESCRUN_IDENTITY", &key);
    ways.push(by_variable);
    let mut by_pipe = env.command("bash");
    let line = format!(
        "exec {} --env app --watch --die-with-parent --identity <(printf %s \"$KEY\") -- sh -c '{script}'",
        env!("CARGO_BIN_EXE_escrun")
    );
    by_pipe
        .args(["-c", &line])
        .env("KEY", &key)
        .stderr(Stdio::piped());
    if have(&["bash"]) {
        ways.push(by_pipe);
    }
    let definition = env.definition("app");
    for mut way in ways {
        env.define("app", &definition);
        let mut supervised = Supervised::spawn(&mut way);
        let mut input = supervised.child.stdin.take().unwrap();
        // Who does not read it has its reasons.
        let _ = input.write_all(key.as_bytes());
        drop(input);
        assert_eq!(supervised.line(), "up localhost");
        env.define("app", &definition.replace("localhost", "elsewhere"));
        assert_eq!(supervised.line(), "up elsewhere");
        stop(supervised);
    }
}

#[test]
fn a_stop_is_obeyed_while_values_are_composed() {
    let env = project();
    let options = ["--allow-commands"];
    let mut supervised = Supervised::spawn(&mut watch(&env, &options, TELL));
    assert_eq!(supervised.line(), "up one");
    // Composing hangs, and has said so.
    env.define(
        "app",
        "values:\n  greeting:\n    fn::open::command:\n      command: [sh, -c, 'touch composing; exec sleep 1000']\n",
    );
    wait_until("composing has begun", || {
        env.path("project/composing").exists()
            || env.path("project/environments/composing").exists()
    });
    let told = stop(supervised);
    assert_eq!(told, "");
}

#[test]
fn composing_is_for_the_supervisor_alone() {
    let env = project();
    let ended = env.escrun(["__resolve", "--env", "app", "--", "true"]);
    assert_eq!(ended.status, 125);
    assert!(
        ended
            .stderr
            .contains("composing anew is what a supervisor starts"),
        "{ended:?}"
    );
    assert_eq!(ended.stdout, "");
}
