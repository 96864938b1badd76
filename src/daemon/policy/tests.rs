//! What a policy says, by examples and against an oracle.

mod oracle;

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::sys::accounts::Account;

/// A policy of this text.
pub(super) fn policy(text: &str) -> Policy {
    match Policy::parse("policy.yaml".as_ref(), text) {
        Ok(policy) => policy,
        Err(fault) => panic!("{fault}\n{text}"),
    }
}

/// A process of the service `auth`, which runs as user 1000.
fn auth() -> Peer {
    Peer {
        user: 1000,
        group: 1000,
        groups: vec![4, 27],
        unit: Some("auth.service".into()),
        cgroup: Some("/system.slice/auth.service".into()),
        ..Peer::default()
    }
}

fn imports(names: &[&str]) -> BTreeSet<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

/// What is decided of `name`, which reaches `imported`.
fn decide(text: &str, peer: &Peer, action: Action, name: &str, imported: &[&str]) -> Decision {
    let imports = imports(imported);
    let reach = [Reach {
        environment: name,
        imports: Some(&imports),
    }];
    policy(text).decide(&Question {
        peer,
        action,
        environments: &reach,
        path: None,
    })
}

/// Which value of which environment is asked for.
fn value(text: &str, peer: &Peer, name: &str, path: Option<&str>, imported: &[&str]) -> bool {
    let imports = imports(imported);
    let reach = [Reach {
        environment: name,
        imports: Some(&imports),
    }];
    let question = Question {
        peer,
        action: Action::Value,
        environments: &reach,
        path,
    };
    policy(text).decide(&question).allowed
}

const ALLOW_ALL: &str = "rules: [{peer: any, environments: '**', allow: [open, value, watch]}]";

#[test]
fn nothing_is_allowed_by_itself() {
    for text in ["", "rules: []", "rules:"] {
        for action in Action::ALL {
            let decision = decide(text, &auth(), action, "a", &[]);
            assert_eq!(decision, Decision::default());
        }
    }
}

#[test]
fn what_names_nothing_is_denied() {
    let policy = policy(
        "rules: [{peer: any, environments: '**', allow: [open, value, watch]}, {peer: any, allow: [manage, decrypt]}]",
    );
    let peer = auth();
    let reach = [Reach {
        environment: "a",
        imports: None,
    }];
    for action in Action::ALL {
        let ask = |environments| {
            policy
                .decide(&Question {
                    peer: &peer,
                    action,
                    environments,
                    path: None,
                })
                .allowed
        };
        // An environment for what needs one, and none for what does not.
        assert_eq!(ask(&[]), !action.is_of_environments(), "{action}");
        assert_eq!(ask(&reach), action.is_of_environments(), "{action}");
    }
}

#[test]
fn the_first_rule_that_fits_decides() {
    let text = "
rules:
  - {name: not ours, peer: {user: 2000}, environments: '**', deny: open}
  - {name: no secrets, peer: any, environments: secret, deny: open}
  - {name: watching, peer: any, environments: '**', allow: watch}
  - {name: ours, peer: {unit: auth.service}, environments: [secret, auth], allow: [open]}
  - {name: late, peer: any, environments: auth, deny: open}
";
    for (name, action, expected, rule) in [
        ("secret", Action::Open, false, Some("no secrets")),
        ("secret", Action::Watch, true, Some("watching")),
        ("auth", Action::Open, true, Some("ours")),
        ("other", Action::Open, false, None),
        ("auth", Action::Value, false, None),
        ("auth", Action::Manage, false, None),
    ] {
        let decision = decide(text, &auth(), action, name, &[]);
        assert_eq!(
            (decision.allowed, decision.rule.as_deref()),
            (expected, rule),
            "{action} {name}"
        );
    }
}

#[test]
fn peers_are_told_apart() {
    let root = Account::numbered(0).expect("accounts").expect("root").name;
    let table = [
        ("any".to_owned(), true),
        ("{unit: auth.service}".into(), true),
        ("{unit: 'auth*'}".into(), true),
        ("{unit: [x.service, '*.service']}".into(), true),
        ("{unit: auth2.service}".into(), false),
        ("{unit: 'auth@*.service'}".into(), false),
        ("{user: 1000}".into(), true),
        ("{user: '1000'}".into(), true),
        ("{user: [0, 1000]}".into(), true),
        ("{user: 0}".into(), false),
        (format!("{{user: {root}}}"), false),
        ("{group: 1000}".into(), true),
        ("{group: 27}".into(), true),
        ("{group: [5, 6]}".into(), false),
        ("{cgroup: /system.slice/auth.service}".into(), true),
        ("{cgroup: '/system.slice/*'}".into(), true),
        ("{cgroup: '/*'}".into(), false),
        ("{cgroup: '/**'}".into(), true),
        ("{cgroup: ['/docker/*', '/**/auth.service']}".into(), true),
        ("{unit: auth.service, user: 1000, group: 4}".into(), true),
        ("{unit: auth.service, user: 1001}".into(), false),
        ("{user: 1000, userUnit: build.service}".into(), false),
    ];
    for (peer, expected) in table {
        let text = format!("rules: [{{peer: {peer}, environments: a, allow: open}}]");
        assert_eq!(
            decide(&text, &auth(), Action::Open, "a", &[]).allowed,
            expected,
            "{peer}"
        );
    }
    let build = Peer {
        unit: Some("user@1000.service".into()),
        user_unit: Some("build.service".into()),
        cgroup: Some(
            "/user.slice/user-1000.slice/user@1000.service/app.slice/build.service".into(),
        ),
        ..auth()
    };
    for (peer, expected) in [
        ("{user: 1000, userUnit: build.service}", true),
        ("{user: 1000, userUnit: 'other*'}", false),
        ("{unit: build.service}", false),
        ("{unit: 'user@*.service'}", true),
    ] {
        let text = format!("rules: [{{peer: {peer}, environments: a, allow: open}}]");
        assert_eq!(
            decide(&text, &build, Action::Open, "a", &[]).allowed,
            expected,
            "{peer}"
        );
    }
}

/// Of a peer whose control group is not known, whatever would be denied to some unit is denied.
#[test]
fn what_cannot_be_told_does_not_help() {
    let text = "
rules:
  - {name: not there, peer: {unit: 'web*'}, environments: a, deny: open}
  - {name: nor there, peer: {cgroup: '/docker/*'}, environments: b, deny: open}
  - {name: only there, peer: {unit: 'auth*'}, environments: c, allow: open}
  - {name: only below, peer: {cgroup: '/**'}, environments: d, allow: open}
  - {name: user, peer: {user: 1000}, environments: [a, b], allow: open}
";
    let hidden = Peer {
        unit: None,
        cgroup: None,
        ..auth()
    };
    let outside = Peer {
        cgroup: Some("/../auth.service".into()),
        ..hidden.clone()
    };
    for (name, expected) in [("a", true), ("b", true), ("c", true), ("d", true)] {
        assert_eq!(
            decide(text, &auth(), Action::Open, name, &[]).allowed,
            expected,
            "{name}"
        );
        for peer in [&hidden, &outside] {
            assert!(
                !decide(text, peer, Action::Open, name, &[]).allowed,
                "{name}"
            );
        }
    }
}

#[test]
fn all_that_is_reached_is_decided() {
    let text = "
rules:
  - {name: own, peer: any, environments: [auth, shared], allow: [open, watch]}
  - {name: lending, peer: any, environments: lender, allow: open, lend: ['base-*', secret]}
  - {name: base, peer: any, environments: base-1, deny: open}
";
    let open = |name, imported: &[&str]| decide(text, &auth(), Action::Open, name, imported);
    assert!(open("auth", &[]).allowed);
    assert!(open("auth", &["shared"]).allowed);
    // An environment may not lend what its reader may not open, whether or not that exists.
    assert!(!open("auth", &["shared", "secret"]).allowed);
    assert_eq!(open("auth", &["base-1"]).rule.as_deref(), Some("base"));
    // The audit is told which it was; what was named is no secret to who named it.
    for (imported, refused) in [("base-1", "base-1"), ("secret", "secret")] {
        assert_eq!(
            open("auth", &["shared", imported]).refused.as_deref(),
            Some(refused)
        );
    }
    assert_eq!(open("secret", &["shared"]).refused, None);
    // Unless a rule says so; who lends has no need for the borrower to be allowed more.
    assert!(open("lender", &["base-1", "secret", "shared"]).allowed);
    assert_eq!(open("lender", &["base-1"]).rule.as_deref(), Some("lending"));
    assert!(!open("lender", &["other"]).allowed);
    // A rule lends to what it allows itself, not to what others do.
    assert!(!open("auth", &["base-2"]).allowed);
    // Being lent is not being allowed.
    assert!(!open("base-2", &[]).allowed);
    // For the same action alone.
    assert!(decide(text, &auth(), Action::Watch, "auth", &["shared"]).allowed);
    assert!(!decide(text, &auth(), Action::Watch, "auth", &["lender"]).allowed);
}

#[test]
fn every_environment_has_to_be_allowed_with_what_it_reaches_itself() {
    let policy = policy(
        "
rules:
  - {name: a, peer: any, environments: a, allow: open, lend: x, lifetime: 1h}
  - {name: b, peer: any, environments: b, allow: open, rate: 5/s, lifetime: 10m}
  - {name: shared, peer: any, environments: shared, allow: open, rate: 7/h, lifetime: 5m}
",
    );
    let peer = auth();
    let decide = |reaches: &[(&str, &[&str])]| {
        let sets: Vec<_> = reaches.iter().map(|(_, names)| imports(names)).collect();
        let environments: Vec<_> = reaches
            .iter()
            .zip(&sets)
            .map(|((environment, _), imports)| Reach {
                environment,
                imports: Some(imports),
            })
            .collect();
        policy.decide(&Question {
            peer: &peer,
            action: Action::Open,
            environments: &environments,
            path: None,
        })
    };
    let both = decide(&[("a", &["x"]), ("b", &["a"])]);
    assert!(both.allowed);
    assert_eq!(both.rule.as_deref(), Some("a, b"));
    assert_eq!(both.lifetime, Some(Duration::from_secs(600)));
    assert_eq!(both.charges.len(), 1);
    // What is lent to one is not lent to the other.
    assert!(!decide(&[("a", &["x"]), ("b", &["x"])]).allowed);
    assert!(!decide(&[("a", &[]), ("c", &[])]).allowed);
    // The terms of what is reached hold too.
    let shared = decide(&[("a", &["shared"])]);
    assert_eq!(shared.lifetime, Some(Duration::from_secs(300)));
    assert_eq!(shared.charges[0].rate.to_string(), "7/h");
    assert_eq!(shared.rule.as_deref(), Some("a"));
}

#[test]
fn values_are_allowed_by_path() {
    let text = "
rules:
  - {peer: any, environments: a, deny: value, paths: database.root.*}
  - {peer: any, environments: [a, b], allow: value, paths: ['database.*', 'hosts[0]']}
  - {peer: any, environments: c, allow: value, lend: a}
  - {peer: any, environments: d, allow: value, paths: x, lend: e}
";
    let value = |name, path, imported: &[&str]| value(text, &auth(), name, path, imported);
    for (name, path, expected) in [
        ("a", Some("database.password"), true),
        ("a", Some("hosts[0]"), true),
        ("a", Some("hosts[1]"), false),
        ("a", Some("database.root.password"), false),
        // It would bring what is denied with it.
        ("a", Some("database.root"), false),
        ("b", Some("database.root"), true),
        ("a", Some("database"), false),
        // The whole, and what is no path.
        ("a", None, false),
        ("b", None, false),
        ("a", Some(""), false),
        ("b", Some("database..x"), false),
        ("c", Some("anything"), true),
        ("c", None, true),
    ] {
        assert_eq!(value(name, path, &[]), expected, "{name} {path:?}");
    }
    // A value may come from anywhere in what is reached, so that has to be allowed as a whole.
    assert!(!value("b", Some("database.x"), &["b"]));
    assert!(value("b", Some("database.x"), &["c"]));
    assert!(!value("b", Some("database.x"), &["a"]));
    assert!(value("c", Some("x"), &["a"]));
    assert!(value("d", Some("x"), &["e"]));
    // To open is not to have a value, nor the other way round.
    assert!(!decide(text, &auth(), Action::Open, "c", &[]).allowed);
}

#[test]
fn rules_end() {
    let policy = policy(
        "
rules:
  - {name: short, peer: any, environments: a, allow: open, until: 2030-01-01}
  - {name: later, peer: any, environments: a, allow: open, lifetime: 1d, until: 2030-01-02T00:00:00Z}
",
    );
    let peer = auth();
    let reach = [Reach {
        environment: "a",
        imports: None,
    }];
    let at = |time: &str| {
        let question = Question {
            peer: &peer,
            action: Action::Open,
            environments: &reach,
            path: None,
        };
        let time = humantime::parse_rfc3339(time).expect("a time");
        let decision = policy.decide_at(&question, time);
        (
            decision.rule,
            decision.lifetime.map(|lifetime| lifetime.as_secs()),
        )
    };
    let rule = |name: &str| Some(Arc::from(name));
    assert_eq!(at("2029-12-31T23:59:00Z"), (rule("short"), Some(60)));
    assert_eq!(at("2030-01-01T00:00:00Z"), (rule("later"), Some(86400)));
    assert_eq!(at("2030-01-01T18:00:00Z"), (rule("later"), Some(6 * 3600)));
    assert_eq!(at("2030-01-02T00:00:00Z"), (None, None));
}

#[test]
fn without_a_file_the_owner_may_do_all_and_root_may_manage() {
    let reach = [Reach {
        environment: "team/a",
        imports: None,
    }];
    for action in Action::ALL {
        let environments: &[Reach<'_>] = if action.is_of_environments() {
            &reach
        } else {
            &[]
        };
        let allows = |policy: Policy, user| {
            let peer = Peer { user, ..auth() };
            let question = Question {
                peer: &peer,
                action,
                environments,
                path: None,
            };
            policy.decide(&question).allowed
        };
        assert!(allows(Policy::of_owner(1000), 1000), "{action}");
        assert!(!allows(Policy::of_owner(1000), 0), "{action}");
        assert!(!allows(Policy::of_owner(1000), 1001), "{action}");
        assert_eq!(allows(Policy::of_system(), 0), action == Action::Manage);
        assert!(!allows(Policy::of_system(), 1000), "{action}");
    }
}

#[test]
fn confirmation_is_part_of_the_decision() {
    let text = "rules: [{peer: {user: 1000}, allow: decrypt, confirm: true, rate: 3/min}]";
    let peer = auth();
    let decision = policy(text).decide(&Question {
        peer: &peer,
        action: Action::Decrypt,
        environments: &[],
        path: None,
    });
    assert!(decision.allowed && decision.confirm);
    assert_eq!(decision.charges.len(), 1);
}

#[test]
fn names_match_as_everywhere() {
    for (pattern, name, expected) in [
        ("a", "a", true),
        ("a", "A", false),
        ("a", "a/b", false),
        ("*", "a", true),
        ("*", "a/b", false),
        ("**", "a", true),
        ("**", "a/b/c", true),
        ("team/*", "team/a", true),
        ("team/*", "team/a/b", false),
        ("team/*", "team", false),
        ("team/**", "team/a/b", true),
        ("**/prod", "prod", true),
        ("**/prod", "a/b/prod", true),
        ("base-?", "base-1", true),
        ("base-[12]", "base-3", false),
    ] {
        let text = format!("rules: [{{peer: any, environments: '{pattern}', allow: open}}]");
        assert_eq!(
            decide(&text, &auth(), Action::Open, name, &[]).allowed,
            expected,
            "{pattern} {name}"
        );
    }
    for name in ["a", "a/b", "", "..", "größe"] {
        assert!(
            decide(ALLOW_ALL, &auth(), Action::Open, name, &[]).allowed,
            "{name}"
        );
    }
}

#[test]
fn an_explanation_tells_every_step() {
    let policy = policy(
        "
rules:
  - {name: watching, peer: any, environments: '**', allow: watch}
  - {name: other unit, peer: {unit: web.service}, environments: '**', allow: open}
  - {name: over, peer: any, environments: '**', allow: open, until: 2020-01-01}
  - {name: own, peer: any, environments: auth, allow: open, lend: base}
  - {name: never, peer: any, environments: '**', deny: open}
",
    );
    let (peer, reached) = (auth(), imports(&["base", "secret"]));
    let reach = [Reach {
        environment: "auth",
        imports: Some(&reached),
    }];
    let question = Question {
        peer: &peer,
        action: Action::Open,
        environments: &reach,
        path: None,
    };
    let explanation = policy.explain(&question, SystemTime::now());
    assert!(!explanation.decision.allowed);
    let told: Vec<_> = explanation
        .parts
        .iter()
        .map(|part| {
            (
                part.environment.as_deref(),
                part.reached_from.as_deref(),
                part.verdict.clone(),
            )
        })
        .collect();
    let (own, never) = (Arc::from("own"), Arc::from("never"));
    assert_eq!(
        told,
        [
            (Some("auth"), None, Verdict::Allowed(Arc::clone(&own))),
            (Some("base"), Some("auth"), Verdict::Lent(own)),
            (Some("secret"), Some("auth"), Verdict::Denied(never)),
        ]
    );
    let why: Vec<_> = explanation.parts[0]
        .rules
        .iter()
        .map(|(_, misfit)| *misfit)
        .collect();
    assert_eq!(
        why,
        [
            Some(Misfit::Action),
            Some(Misfit::Peer(PeerFact::Unit)),
            Some(Misfit::Ended),
            None
        ]
    );
}
