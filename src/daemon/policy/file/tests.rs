use super::*;

fn outcome(text: &str) -> String {
    match parse(Path::new("policy.yaml"), text) {
        Ok(rules) => format!("{} rules", rules.len()),
        Err(fault) => match &fault.hint {
            Some(hint) => format!("{fault} ({hint})"),
            None => fault.to_string(),
        },
    }
}

#[test]
fn faults_are_told_by_place_and_key() {
    let rule = |rest: &str| format!("rules: [{{peer: any, environments: a, {rest}}}]");
    let peer = |peer: &str| format!("rules: [{{peer: {peer}, environments: a, allow: open}}]");
    let table = [
        (String::new(), "0 rules"),
        ("rules:\n".into(), "0 rules"),
        (
            "rules: [{peer: any, allow: manage}, {peer: {user: 0}, deny: [decrypt, manage]}]"
                .into(),
            "2 rules",
        ),
        (rule("allow: open"), "1 rules"),
        (
            rule(
                "allow: [open, watch], lend: 'b*', rate: 1/s, lifetime: 1h 30m, until: 2030-01-01",
            ),
            "1 rules",
        ),
        (rule("allow: value, paths: [a.b, 'c.*']"), "1 rules"),
        (
            "rule: []".into(),
            "policy.yaml:1:1: unknown key `rule` (did you mean `rules`?)",
        ),
        (
            "rules: {}".into(),
            "policy.yaml:1:8: rules: must be a list of rules, not a mapping",
        ),
        (
            "rules: [a]".into(),
            "policy.yaml:1:9: rules[0]: must be a mapping with `peer` and `allow` or `deny`, not a text",
        ),
        (
            "rules: [{}]".into(),
            "policy.yaml:1:9: rules[0]: `peer` is missing",
        ),
        (
            "rules:\n  - peer: any\n    environments: a\n".into(),
            "policy.yaml:2:5: rules[0]: either `allow` or `deny` has to be there",
        ),
        (
            rule("allow: open, deny: watch"),
            "policy.yaml:1:9: rules[0]: `allow` and `deny` do not go together: write two rules",
        ),
        (
            rule("allow: everything"),
            "policy.yaml:1:45: rules[0].allow: must be open, value, watch, decrypt or manage",
        ),
        (
            rule("allow: []"),
            "policy.yaml:1:45: rules[0].allow: must not be empty",
        ),
        (
            rule("allow: manage"),
            "policy.yaml:1:9: rules[0]: decrypt and manage are of no environment: leave `environments` out",
        ),
        (
            rule("allow: [open, manage]"),
            "policy.yaml:1:9: rules[0]: decrypt and manage are of no environment: they need a rule of their own",
        ),
        (
            "rules: [{peer: any, allow: open}]".into(),
            "policy.yaml:1:9: rules[0]: `environments` is missing; \"**\" stands for all",
        ),
        (
            "rules: [{peer: any, environments: [], allow: open}]".into(),
            "policy.yaml:1:35: rules[0].environments: must not be empty",
        ),
        (
            "rules: [{peer: any, environments: ../x, allow: open}]".into(),
            "policy.yaml:1:35: rules[0].environments: an environment's name must not have `..` in it",
        ),
        (
            "rules: [{peer: any, environments: a.yaml, allow: open}]".into(),
            "policy.yaml:1:35: rules[0].environments: an environment's name must not end with `.yaml` or `.yml`",
        ),
        (
            "rules: [{peer: any, environments: '/*', allow: open}]".into(),
            "policy.yaml:1:35: rules[0].environments: an environment's name must not begin with `/`",
        ),
        (
            "rules: [{peer: any, environments: 'a**', allow: open}]".into(),
            "policy.yaml:1:35: rules[0].environments: no valid pattern: recursive wildcards must form a single path component",
        ),
        (
            "rules: [{environments: a, allow: open}]".into(),
            "policy.yaml:1:9: rules[0]: `peer` is missing",
        ),
        (
            rule("allow: [open, value], paths: a"),
            "policy.yaml:1:9: rules[0]: `paths` goes with the action value alone",
        ),
        (
            rule("allow: value, paths: 'a.*.b'"),
            "policy.yaml:1:59: rules[0].paths: `*` may stand only at the end of a path, behind a dot",
        ),
        (
            rule("allow: value, paths: 'a..b'"),
            "policy.yaml:1:59: rules[0].paths: property name must not be empty",
        ),
        (
            rule("allow: value, paths: values.a"),
            "policy.yaml:1:59: rules[0].paths: paths begin below values: leave `values` out",
        ),
        (
            rule("allow: open, confirm: true"),
            "policy.yaml:1:9: rules[0]: `confirm` goes with the action decrypt alone",
        ),
        (
            rule("allow: open, rate: often"),
            "policy.yaml:1:57: rules[0].rate: must be a rate such as 5/s, 10/min or 100/h",
        ),
        (
            rule("allow: open, rate: 5"),
            "policy.yaml:1:57: rules[0].rate: must be a rate such as 5/s, 10/min or 100/h",
        ),
        (
            rule("allow: open, lifetime: 10ms"),
            "policy.yaml:1:61: rules[0].lifetime: must be a time of at least a second, such as 30s, 15m or 1h 30m",
        ),
        (
            rule("allow: open, lifetime: hunter2"),
            "policy.yaml:1:61: rules[0].lifetime: must be a time of at least a second, such as 30s, 15m or 1h 30m",
        ),
        (
            rule("allow: open, until: 2030-02-30"),
            "policy.yaml:1:58: rules[0].until: must be a day such as 2027-01-31, or a moment such as 2027-01-31T18:00:00Z",
        ),
        (
            rule("allow: open, until: tomorrow"),
            "policy.yaml:1:58: rules[0].until: must be a day such as 2027-01-31, or a moment such as 2027-01-31T18:00:00Z",
        ),
        (
            rule("deny: open, rate: 5/s"),
            "policy.yaml:1:9: rules[0]: `lend`, `rate`, `lifetime` and `confirm` go with `allow` alone",
        ),
        (
            rule("deny: open, lend: b"),
            "policy.yaml:1:9: rules[0]: `lend`, `rate`, `lifetime` and `confirm` go with `allow` alone",
        ),
        (
            rule("allow: open, alow: watch"),
            "policy.yaml:1:51: rules[0]: unknown key `alow` (did you mean `allow`?)",
        ),
        (
            rule("allow: open, name: ''"),
            "policy.yaml:1:57: rules[0].name: a rule's name has 1 to 100 characters, none of them a control character",
        ),
        (
            "rules: [{peer: any, allow: manage, lend: a}]".into(),
            "policy.yaml:1:9: rules[0]: `lend` goes with the actions open, value and watch",
        ),
        (
            "rules: [{name: a, peer: any, allow: manage}, {name: a, peer: any, allow: decrypt}]"
                .into(),
            "policy.yaml:1:8: rules: two rules are called `a`",
        ),
        (
            "rules: [{name: rule 2, peer: any, allow: manage}, {peer: any, allow: decrypt}]".into(),
            "policy.yaml:1:8: rules: two rules are called `rule 2`",
        ),
        (
            peer("all"),
            "policy.yaml:1:16: rules[0].peer: must be a mapping with unit, userUnit, user, group or cgroup, or the word any",
        ),
        (
            peer("{}"),
            "policy.yaml:1:16: rules[0].peer: says nothing of the peer; the word any stands for everybody",
        ),
        (
            peer("[a.service]"),
            "policy.yaml:1:16: rules[0].peer: must be a mapping with unit, userUnit, user, group or cgroup, or the word any, not a list",
        ),
        (
            peer("{unit: auth}"),
            "policy.yaml:1:23: rules[0].peer.unit: a unit's name ends with one of .service, .scope, .socket, .mount, .swap",
        ),
        (
            peer("{unit: 'auth*/x'}"),
            "policy.yaml:1:23: rules[0].peer.unit: a unit's name has no `/`; `cgroup` is for paths",
        ),
        (
            peer("{unit: user.slice}"),
            "policy.yaml:1:23: rules[0].peer.unit: a unit's name ends with one of .service, .scope, .socket, .mount, .swap",
        ),
        (
            peer("{units: a.service}"),
            "policy.yaml:1:17: rules[0].peer: unknown key `units` (did you mean `unit`?)",
        ),
        (
            peer("{unit: []}"),
            "policy.yaml:1:23: rules[0].peer.unit: must not be empty",
        ),
        (
            peer("{user: no-such-user}"),
            "policy.yaml:1:23: rules[0].peer.user: there is no such user",
        ),
        (
            peer("{user: -1}"),
            "policy.yaml:1:23: rules[0].peer.user: must be a name, a number, or a list of these, not a number",
        ),
        (
            peer("{user: 4294967295}"),
            "policy.yaml:1:23: rules[0].peer.user: no user has such a number",
        ),
        (
            peer("{user: 1.5}"),
            "policy.yaml:1:23: rules[0].peer.user: must be a name, a number, or a list of these, not a number",
        ),
        (
            peer("{user: [0, true]}"),
            "policy.yaml:1:27: rules[0].peer.user[1]: there is no such user",
        ),
        (
            peer("{group: no-such-group}"),
            "policy.yaml:1:24: rules[0].peer.group: there is no such group",
        ),
        (
            peer("{cgroup: system.slice}"),
            "policy.yaml:1:25: rules[0].peer.cgroup: a control group's path begins with `/`",
        ),
        (
            peer("{cgroup: '/a[' }"),
            "policy.yaml:1:25: rules[0].peer.cgroup: no valid pattern: invalid range pattern",
        ),
        (
            peer("{userUnit: a.service}"),
            "policy.yaml:1:9: rules[0]: `userUnit` needs `user` or `group` beside it: any user may have a unit of that name",
        ),
        (
            "rules: [{peer: {userUnit: a.service, user: 0}, environments: a, deny: open}]".into(),
            "policy.yaml:1:9: rules[0]: `userUnit` does not go with `deny`: a user may start the same in another unit",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(outcome(&text), expected, "{text}");
    }
}

/// A key with nothing behind it would seem to narrow a rule.
#[test]
fn nothing_is_said_in_vain() {
    for text in [
        "rules: [{peer: any, environments: a, allow: value, paths: }]",
        "rules: [{peer: any, environments: a, allow: open, until: }]",
        "rules: [{peer: any, environments: a, allow: open, rate: ~}]",
        "rules: [{peer: any, environments: a, allow: open, lifetime: ~}]",
        "rules: [{peer: any, environments: , allow: open}]",
        "rules: [{peer: any, environments: a, allow: }]",
        "rules: [{peer: any, allow: decrypt, confirm: }]",
        "rules: [{peer: , environments: a, allow: open}]",
        "rules: [{peer: {unit: , user: 0}, environments: a, allow: open}]",
        "rules: [{peer: {user: 0, group: ~}, environments: a, allow: open}]",
        "rules: [{peer: {user: 0, cgroup: }, environments: a, allow: open}]",
    ] {
        assert!(
            !outcome(text).ends_with("rules"),
            "{text}: {}",
            outcome(text)
        );
    }
}
