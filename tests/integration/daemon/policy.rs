//! What policies do to peers of a real daemon, and what is told of them on the command line.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::time::Instant;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::unistd::geteuid;

use super::served::Served;
use crate::cli::test_env::{TestEnv, end};
use crate::outside::{have, skip};

const POLICY: &str = "home/.config/escrun/policy.yaml";

/// A project with environments that are there, and a daemon that follows `policy`.
fn serve(policy: &str) -> Served {
    let env = TestEnv::project();
    env.define("secret", "values: {password: hunter1}\n");
    env.define("borrower", "imports: [secret]\nvalues: {a: 1}\n");
    env.define("reference", "values: {a: '${environments.team.other.b}'}\n");
    env.define("team/other", "values: {b: 1}\n");
    env.write(POLICY, policy);
    mode(&env, POLICY, 0o600);
    Served::start(env, "")
}

fn mode(env: &TestEnv, path: &str, mode: u32) {
    fs::set_permissions(env.path(path), PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn who_opens_one_environment_cannot_have_functions_called() {
    let served = serve(SOME);
    for path in [
        r#"x["fn::secret"].ciphertext"#,
        r#"x["fn::open::env"].name"#,
        r#"x["fn::open::command"].command["fn::fromJSON"]"#,
    ] {
        let mut call = serde_json::json!({ "environments": ["production"], "view": "values" });
        call["set"][path] = "PATH".into();
        assert_eq!(served.open(&call.to_string()).status, 400, "{path}");
        let checked = served.request("POST /v1/check", &call.to_string());
        assert_eq!(checked.status, 400, "{path}");
    }
}

#[test]
fn denials_do_not_fill_the_audit() {
    let served = serve(SOME);
    let begun = Instant::now();
    let told: Vec<u16> = (0..300)
        .map(|_| served.open(&open("secret")).status)
        .collect();
    assert!(told[..100].iter().all(|status| *status == 403));
    // Two in a second are forgiven.
    let most = 120 + 2 * (begun.elapsed().as_secs() as usize + 1);
    let audit = served.audit();
    let denied = audit.iter().filter(|line| line["decision"] == "denied");
    let denied = denied.count();
    assert!(denied <= most, "{denied}");
    let silent = told.iter().filter(|status| **status == 429).count();
    assert_eq!(denied + silent, told.len());
    // What is allowed is answered all the same.
    assert_eq!(served.open(&open("production")).status, 200);
}

#[test]
fn what_a_rate_holds_back_does_not_fill_the_audit() {
    let served = serve("rules: [{peer: any, environments: production, allow: open, rate: 1/h}]");
    let begun = Instant::now();
    assert_eq!(served.open(&open("production")).status, 200);
    for _ in 0..300 {
        let answer = served.open(&open("production"));
        assert_eq!(answer.status, 429);
        let wait: u32 = answer.field("retry-after").unwrap().parse().unwrap();
        assert!(wait > 3000, "it is still told when to ask again: {wait}");
    }
    // Two in a second are forgiven.
    let most = 120 + 2 * (begun.elapsed().as_secs() as usize + 1);
    let audit = served.audit();
    let held_back = audit.iter().filter(|line| line["reason"] == "too often");
    let held_back = held_back.count();
    assert!((1..=most).contains(&held_back), "{held_back}");
}

#[test]
fn a_link_gives_nobody_what_it_leads_to() {
    let served = serve("rules: [{peer: any, environments: ['team/*'], allow: open}]");
    for (target, link) in [("../secret.yaml", "team/file"), ("..", "team/folder")] {
        let link = format!("project/environments/{link}");
        let name = match target {
            ".." => link,
            _ => format!("{link}.yaml"),
        };
        symlink(target, served.env.path(&name)).unwrap();
    }
    for name in ["team/file", "team/folder/secret"] {
        let denied = served.open(&open(name));
        assert_eq!(denied.status, 403, "{name}: {}", denied.text());
    }
    symlink(
        "other.yaml",
        served.env.path("project/environments/team/alias.yaml"),
    )
    .unwrap();
    assert_eq!(served.open(&open("team/alias")).status, 200);
}

#[test]
fn what_is_not_there_is_not_watched() {
    let served = serve("rules: [{peer: any, environments: '**', allow: [open, watch]}]");
    assert_eq!(served.request("GET /v1/watch?env=nothing", "").status, 404);
    // Each name is of a folder of its own; no two have anything in common that could be kept.
    for number in 0..2000 {
        let name = format!("made-up/{number}/{}", "x".repeat(150));
        assert_eq!(served.open(&open(&name)).status, 404);
    }
}

#[test]
fn who_may_have_one_value_is_not_told_what_is_wrong_elsewhere() {
    let served = serve(SOME);
    served.env.define(
        "app",
        "values: {app: {host: '${gone}'}, hidden: '${nowhere}'}\n",
    );
    let call = |path: &str| {
        serde_json::json!({ "environments": ["app"], "view": "values", "path": path }).to_string()
    };
    let told = served.open(&call("app.host"));
    assert_eq!(told.status, 422);
    assert!(!told.text().contains("nowhere") && !told.text().contains("diagnostics"));
    // A key that means nothing is a warning.
    served
        .env
        .define("app", "values: {app: {host: here}}\nnowhere: {}\n");
    let told = served.open(&call("app.host"));
    assert_eq!(told.status, 200, "{}", told.text());
    assert_eq!(told.json()["value"], "here");
    assert!(!told.text().contains("nowhere"));
    // Who may open an environment is told of all of it.
    served
        .env
        .define("production", "values: {hidden: '${nowhere}'}\n");
    let told = served.open(&open("production"));
    assert_eq!(told.status, 422);
    assert!(told.text().contains("nowhere"));
}

const SOME: &str = "
rules:
  - {name: all, peer: any, environments: [production, borrower, reference, ghost-reader], allow: [open, watch]}
  - {name: one, peer: any, environments: app, allow: value, paths: app.host}
  - {name: manage, peer: any, allow: manage}
";

fn open(environment: &str) -> String {
    serde_json::json!({ "environments": [environment] }).to_string()
}

#[test]
fn a_denied_peer_learns_nothing() {
    let served = serve(SOME);
    served.env.define("ghost-reader", "imports: [ghost]\n");
    let there = served.open(&open("secret"));
    assert_eq!(there.status, 403);
    let value = |environment: &str, path: &str| {
        serde_json::json!({ "environments": [environment], "view": "values", "path": path })
            .to_string()
    };
    for (what, line, body) in [
        ("nothing there", "POST /v1/open", open("nothing")),
        ("no name", "POST /v1/open", open("../../etc/passwd")),
        ("an import", "POST /v1/open", open("borrower")),
        (
            "an import that is not there",
            "POST /v1/open",
            open("ghost-reader"),
        ),
        ("a reference", "POST /v1/open", open("reference")),
        (
            "one of two",
            "POST /v1/open",
            serde_json::json!({ "environments": ["production", "secret"] }).to_string(),
        ),
        ("check", "POST /v1/check", open("secret")),
        ("check of nothing", "POST /v1/check", open("nothing")),
        (
            "another value",
            "POST /v1/open",
            value("app", "secrets.apiKey"),
        ),
        (
            "no such value",
            "POST /v1/open",
            value("app", "no.such.value"),
        ),
        ("more than the value", "POST /v1/open", value("app", "app")),
        ("all values", "POST /v1/open", open("app")),
        ("watching", "GET /v1/watch?env=secret", String::new()),
        (
            "watching nothing",
            "GET /v1/watch?env=nothing",
            String::new(),
        ),
        (
            "watching an import",
            "GET /v1/watch?env=borrower",
            String::new(),
        ),
        (
            "unwrapping",
            "POST /v1/unwrap",
            r#"{"stanzas":[]}"#.to_owned(),
        ),
    ] {
        let answer = served.request(line, &body);
        assert_eq!(answer, there, "{what}: {}", answer.text());
    }
    // What is allowed is given.
    assert_eq!(served.open(&open("production")).status, 200);
    assert_eq!(served.open(&value("app", "app.host")).status, 200);
    // The audit knows it all.
    let denied = served
        .audit()
        .iter()
        .filter(|line| line["decision"] == "denied")
        .count();
    assert_eq!(denied, 17);
}

/// Whoever is denied by name finds out nothing by how long that takes: no file is looked at.
#[test]
fn nothing_is_read_for_whom_nothing_is_allowed() {
    let served = serve(SOME);
    let opened = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).unwrap();
    let folder = served.env.path("project/environments");
    opened
        .add_watch(&folder, AddWatchFlags::IN_OPEN | AddWatchFlags::IN_ACCESS)
        .unwrap();
    for name in ["secret", "nothing", "team/other"] {
        assert_eq!(served.open(&open(name)).status, 403);
    }
    assert!(opened.read_events().is_err(), "files were opened");
    assert_eq!(served.open(&open("production")).status, 200);
    assert!(!opened.read_events().unwrap().is_empty());
}

#[test]
fn a_broken_policy_changes_nothing_and_is_told() {
    let served = serve(SOME);
    let warnings =
        |served: &Served| served.request("GET /v1/status", "").json()["warnings"].to_string();
    assert!(
        !warnings(&served).contains("policy"),
        "{}",
        warnings(&served)
    );
    served
        .env
        .write(POLICY, "rules: [{peer: any, allow: everything}]");
    served.await_that("the fault is told", |served| {
        warnings(served).contains("must be open, value, watch, decrypt or manage")
    });
    assert!(served.log().contains("policy"), "{}", served.log());
    assert_eq!(served.open(&open("production")).status, 200);
    assert_eq!(served.open(&open("secret")).status, 403);
    // So does one that is gone, or that others may write.
    fs::remove_file(served.env.path(POLICY)).unwrap();
    served.await_that("the absence is told", |served| {
        warnings(served).contains("no such file")
    });
    assert_eq!(served.open(&open("secret")).status, 403);
    served.env.write("home/.config/escrun/new.yaml", SOME);
    mode(&served.env, "home/.config/escrun/new.yaml", 0o666);
    fs::rename(
        served.env.path("home/.config/escrun/new.yaml"),
        served.env.path(POLICY),
    )
    .unwrap();
    served.await_that("the mode is told", |served| {
        warnings(served).contains("everybody can write")
    });
    // A good one is in force at once.
    let other =
        "rules: [{peer: any, environments: secret, allow: open}, {peer: any, allow: manage}]";
    served.env.write("home/.config/escrun/new.yaml", other);
    mode(&served.env, "home/.config/escrun/new.yaml", 0o600);
    fs::rename(
        served.env.path("home/.config/escrun/new.yaml"),
        served.env.path(POLICY),
    )
    .unwrap();
    served.await_that("the new one holds", |served| {
        served.open(&open("secret")).status == 200
    });
    assert_eq!(served.open(&open("production")).status, 403);
    assert!(
        !warnings(&served).contains("policy"),
        "{}",
        warnings(&served)
    );
}

#[test]
fn who_asks_too_often_is_told_when_to_come_back() {
    let served = serve(
        "rules: [{peer: any, environments: production, allow: open, rate: 2/h, lifetime: 1h}]",
    );
    for _ in 0..2 {
        let answer = served.open(&open("production"));
        assert_eq!(answer.json()["lifetimeSeconds"], 3600, "{answer:?}");
    }
    let answer = served.open(&open("production"));
    assert_eq!(answer.status, 429, "{answer:?}");
    let wait: u64 = answer.field("retry-after").unwrap().parse().unwrap();
    assert!((1700..=1800).contains(&wait), "{wait}");
    // What is denied counts for nothing, and neither does it matter to it.
    assert_eq!(served.open(&open("secret")).status, 403);
}

#[test]
fn users_get_what_is_theirs() {
    if !geteuid().is_root() {
        return skip("only root may become another user");
    }
    if !have(&["curl"]) {
        return;
    }
    let env = TestEnv::project();
    env.write(
        POLICY,
        "rules:\n  \
         - {name: theirs, peer: {user: 65534}, environments: production, allow: open}\n  \
         - {name: group, peer: {group: 4711}, environments: app, allow: open}\n",
    );
    mode(&env, POLICY, 0o600);
    mode(&env, "", 0o755);
    let served = Served::start(env, "socket: {mode: '0666'}\n");
    mode(&served.env, "run", 0o755);
    for (user, group, environment, expected) in [
        (65534, 1, "production", "200"),
        (65534, 1, "app", "403"),
        (1, 4711, "app", "200"),
        (1, 1, "app", "403"),
        (0, 0, "production", "403"),
    ] {
        let mut curl = served.command("curl");
        curl.args([
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "--unix-socket",
        ])
        .arg(served.socket())
        .args(["-d", &open(environment), "http://localhost/v1/open"])
        .current_dir("/")
        .uid(user)
        .gid(group);
        let ended = end(&mut curl).succeeds();
        assert_eq!(ended.stdout, expected, "{user} {group} {environment}");
    }
    let users: Vec<u64> = served
        .audit()
        .iter()
        .filter_map(|line| line["peer"]["uid"].as_u64())
        .collect();
    assert_eq!(users, [65534, 65534, 1, 1, 0]);
}

#[test]
fn a_decision_is_explained() {
    let env = TestEnv::empty();
    env.define("auth", "imports: [base, shared]\n");
    env.define("base", "");
    env.define("shared", "imports: [gone]\n");
    env.write(
        "project/policy.yaml",
        "rules:\n  \
         - {name: operators, peer: {user: 0}, allow: manage}\n  \
         - {name: auth, peer: {unit: 'auth@*.service'}, environments: [auth, shared], allow: open, lend: [base, gone]}\n",
    );
    mode(&env, "project/policy.yaml", 0o644);
    let test = |options: &str| {
        let words =
            "daemon policy test --policy policy.yaml --dir environments --uid 1000 --gid 1000";
        env.escrun(words.split(' ').chain(options.split(' ')))
    };
    let ended = test("--unit auth@1.service --env auth").succeeds();
    let gone = env.path("project/environments/gone.yaml");
    let gone = format!(
        "  there is no such environment: open {}: no such file or directory\n",
        gone.display()
    );
    assert_eq!(
        ended.stdout.replace(&gone, "  GONE\n"),
        "peer: user 1000, group 1000, unit auth@1.service\n\
         auth: allowed by \"auth\"\n  \"operators\" does not fit: it is for other actions\n  \"auth\" fits\n\
         base, which auth reaches: lent by \"auth\"\n  \"operators\" does not fit: it is for other actions\n  \
         \"auth\" does not fit: it is for other environments\n\
         gone, which auth reaches: lent by \"auth\"\n  GONE\n  \"operators\" does not fit: it is for other actions\n  \
         \"auth\" does not fit: it is for other environments\n\
         shared, which auth reaches: allowed by \"auth\"\n  \"operators\" does not fit: it is for other actions\n  \
         \"auth\" fits\n\
         allowed\n"
    );
    for (options, status, last) in [
        ("--unit auth@1.service --env base", 1, "denied"),
        ("--unit web.service --env auth", 1, "denied"),
        (
            "--cgroup /system.slice/auth@1.service/sub --env auth",
            0,
            "allowed",
        ),
        ("--cgroup /../auth@1.service --env auth", 1, "denied"),
        ("--user-unit auth@1.service --env auth", 1, "denied"),
        ("--action manage", 1, "denied"),
        ("--uid 0 --action manage", 2, ""),
    ] {
        let ended = test(options);
        assert_eq!(ended.status, status, "{options}: {ended:?}");
        assert_eq!(
            ended.stdout.lines().last().unwrap_or_default(),
            last,
            "{options}"
        );
    }
    for options in [
        "--action open",
        "--action manage --env auth",
        "--path a --env auth",
        "--action value --path a..b --env auth",
        "--unit auth --env auth",
        "--cgroup relative --env auth",
        "--action everything --env auth",
        "--group no-such-group --env auth",
        "--env ../auth",
    ] {
        let ended = test(options);
        assert_eq!(
            (ended.status, &*ended.stdout),
            (2, ""),
            "{options}: {ended:?}"
        );
    }
}

#[test]
fn what_is_not_there_is_told_by_who_tests_the_policy() {
    let env = TestEnv::empty();
    env.define("auth", "imports: [gone]\n");
    env.write(
        "project/policy.yaml",
        "rules: [{name: all, peer: any, environments: '**', allow: open, rate: 5/s, lifetime: 1h}]",
    );
    mode(&env, "project/policy.yaml", 0o644);
    let test = |folder: &str, environment: &str| {
        let words = "daemon policy test --policy policy.yaml --uid 1000 --gid 1000";
        let words = words.split(' ');
        env.escrun(words.chain(["--dir", folder, "--env", environment]))
            .succeeds()
            .stdout
    };
    let typo = env.path("project/environments/typo.yaml");
    assert_eq!(
        test("environments", "typo"),
        format!(
            "peer: user 1000, group 1000\ntypo: allowed by \"all\"\n  \
             there is no such environment: open {}: no such file or directory\n  \"all\" fits\n\
             allowed, to be used for 1h, at most 5/s by \"all\"\n",
            typo.display()
        )
    );
    // A file where a folder is looked for, which root cannot read either.
    let told = test("policy.yaml", "auth");
    assert!(
        told.contains("not checked whether there are such environments, nor what they reach: "),
        "{told}"
    );
    assert!(
        told.lines().last().unwrap().starts_with("allowed"),
        "{told}"
    );

    let json = |folder: &str, more: &str| {
        let words = "daemon policy test --policy policy.yaml --message-format json";
        let words = words.split(' ').chain(more.split(' '));
        let ended = env.escrun(words.chain(["--dir", folder]));
        let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(ended.status == 0, json["allowed"] == true, "{json}");
        json
    };
    let all = [serde_json::json!({ "rule": "all" })];
    assert_eq!(
        json(
            "environments",
            "--uid 1000 --gid 1000 --unit a.service --env auth"
        ),
        serde_json::json!({
            "peer": {
                "uid": 1000,
                "gid": 1000,
                "groups": [],
                "unit": "a.service",
                "cgroup": "/system.slice/a.service",
            },
            "parts": [
                {
                    "environment": "auth",
                    "definition": "found",
                    "verdict": "allowed",
                    "rule": "all",
                    "rules": all,
                },
                {
                    "environment": "gone",
                    "reachedFrom": "auth",
                    "definition": "missing",
                    "verdict": "allowed",
                    "rule": "all",
                    "rules": all,
                },
            ],
            "allowed": true,
            "lifetimeSeconds": 3600,
            "rates": [{ "rule": "all", "rate": "5/s" }],
            "confirm": false,
        })
    );
    let unread = json("policy.yaml", "--env auth");
    assert_eq!(unread["parts"][0]["definition"], "unchecked");
    assert!(unread["unchecked"].is_string());
    let denied = json("environments", "--env auth --action watch");
    let misfit = serde_json::json!([{ "rule": "all", "misfit": "it is for other actions" }]);
    assert_eq!(denied["parts"][0]["verdict"], "unmatched");
    assert_eq!(denied["parts"][0]["rules"], misfit);
}

#[test]
fn a_policy_is_checked() {
    let env = TestEnv::empty();
    let check = |text: &str, bits: u32| {
        env.write("project/policy.yaml", text);
        mode(&env, "project/policy.yaml", bits);
        env.escrun(["daemon", "policy", "check", "policy.yaml"])
    };
    let ended = check("rules: [{peer: any, allow: manage}]", 0o600).succeeds();
    assert!(ended.stderr.ends_with("policy.yaml: 1 rule\n"), "{ended:?}");
    let ended = check("", 0o644).succeeds();
    assert!(ended.stderr.contains("it allows nothing"), "{ended:?}");
    for (text, bits, told) in [
        (
            "rules: [{peer: {}, allow: manage}]",
            0o600,
            "rules[0].peer: says nothing of the peer",
        ),
        ("rules: []", 0o666, "everybody can write"),
        ("rules: []", 0o660, "the group of"),
    ] {
        let ended = check(text, bits);
        assert_eq!(ended.status, 1);
        assert!(ended.stderr.contains(told), "{ended:?}");
    }
    let json = |file: &str| {
        let words = [
            "daemon",
            "policy",
            "check",
            "--message-format",
            "json",
            file,
        ];
        env.escrun(words)
    };
    check("rules: [{peer: any, allow: manage}]", 0o600).succeeds();
    let told: serde_json::Value =
        serde_json::from_str(&json("policy.yaml").succeeds().stdout).unwrap();
    let file = env.path("project/policy.yaml");
    assert_eq!(told, serde_json::json!({ "file": file, "rules": 1 }));
    let ended = json("none.yaml");
    let told: serde_json::Value = serde_json::from_str(&ended.stderr).unwrap();
    assert_eq!(
        (ended.status, &told["severity"], &*ended.stdout),
        (1, &"error".into(), "")
    );
    let ended = env.escrun(["daemon", "--policy", "x", "policy", "check", "y"]);
    ended.fails(
        2,
        &[
            "error: --policy and FILE both name the policy",
            "  hint: leave out one of them",
        ],
    );
    let ended = env.escrun(["daemon", "policy", "check", "none.yaml"]);
    assert_eq!(ended.status, 1);
    assert!(ended.stderr.contains("no such file"), "{ended:?}");
}
