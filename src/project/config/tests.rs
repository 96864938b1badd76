use super::*;
use crate::project::file::EscrunFile;

fn outcome(text: &str) -> String {
    match parse::<EscrunFile>(Path::new("escrun.yaml"), text) {
        Ok(_) => "fine".to_owned(),
        Err(fault) => match &fault.hint {
            Some(hint) => format!("{fault} ({hint})"),
            None => fault.to_string(),
        },
    }
}

#[test]
fn faults_are_told_by_place_and_key() {
    let table = [
        ("", "fine"),
        ("# nothing\n", "fine"),
        ("environments:\n", "fine"),
        ("environments: envs\n", "fine"),
        ("environments: [envs, ../shared]\n", "fine"),
        ("environment: [a, b: {merge: false}, c: {}]\n", "fine"),
        ("environment: a\n", "fine"),
        ("environment: {imports: [a], values: {x: 1}}\n", "fine"),
        (
            "encryption: [{match: ['prod/*'], recipients: [x]}, {recipients: [y]}]\n",
            "fine",
        ),
        ("export: declared\nrequired: [A]\n", "fine"),
        (
            "enviroment: a\n",
            "escrun.yaml:1:1: unknown key `enviroment` (did you mean `environment`?)",
        ),
        (
            "\ncolour: a\n",
            "escrun.yaml:2:1: unknown key `colour` (the keys are environments, environment, encryption, export, required, reload)",
        ),
        (
            "export: sometimes\n",
            "escrun.yaml:1:9: export: must be `all` or `declared`",
        ),
        (
            "export: all\nexport: all\n",
            "escrun.yaml:1:1: `export` is there twice",
        ),
        (
            "required: {A: 1}\n",
            "escrun.yaml:1:11: required: must be a list, not a mapping",
        ),
        (
            "required: [A, [B]]\n",
            "escrun.yaml:1:15: required[1]: must be a text, not a list",
        ),
        ("- a\n", "escrun.yaml:1:1: must be a mapping, not a list"),
        (
            "hunter2\n",
            "escrun.yaml:1:1: must be a mapping, not a text",
        ),
        (
            "environment: 7\n",
            "escrun.yaml:1:14: environment: must be an environment's name, a list of names or a definition, not a number",
        ),
        (
            "environment: ['../x']\n",
            "escrun.yaml:1:15: environment[0]: an environment's name must not have `..` in it",
        ),
        (
            "environment: [{a: {}, b: {}}]\n",
            "escrun.yaml:1:15: environment[0]: a mapping of an environment must have one key",
        ),
        (
            "environment: [a: {merge: hunter2}]\n",
            "escrun.yaml:1:26: environment[0].a.merge: must be true or false, not a text",
        ),
        (
            "encryption: [{match: 'a***'}]\n",
            "escrun.yaml:1:22: encryption[0].match: no valid pattern: wildcards are either regular `*` or recursive `**`",
        ),
        (
            "encryption: [{match: a}]\n",
            "escrun.yaml:1:14: encryption[0]: `recipients` is missing",
        ),
        (
            "encryption: [{match: [], recipients: [x]}]\n",
            "escrun.yaml:1:22: encryption[0].match: must not be empty",
        ),
        (
            "encryption: [{recipients: []}]\n",
            "escrun.yaml:1:27: encryption[0].recipients: must not be empty",
        ),
        (
            "encryption: [{recipients: [x]}, {recipients: [y]}]\n",
            "escrun.yaml:1:13: encryption: rules behind one without `match` are never reached: put that one last",
        ),
        ("reload:\n", "fine"),
        (
            "reload: [{match: [A, 'B_*'], do: 'signal:HUP'}, {match: C, do: 'exec:true'}, {do: none}]\n",
            "fine",
        ),
        (
            "reload: [{match: A, do: hunter2}]\n",
            "escrun.yaml:1:25: reload[0].do: must be restart, signal:NAME, exec:COMMAND or none",
        ),
        (
            "reload: [{match: '[', do: none}]\n",
            "escrun.yaml:1:18: reload[0].match: no valid pattern: invalid range pattern",
        ),
        (
            "reload: [{do: none}, {match: A, do: restart}]\n",
            "escrun.yaml:1:9: reload: rules behind one without `match` are never reached: put that one last",
        ),
        (
            "reload: [{match: A}]\n",
            "escrun.yaml:1:10: reload[0]: `do` is missing",
        ),
        (
            "reload: [{when: A, do: none}]\n",
            "escrun.yaml:1:11: reload[0]: unknown key `when` (the keys are match, do)",
        ),
        ("required: [\n", "escrun.yaml:2:1: not valid YAML"),
        (
            "export: all\n b: c\n",
            "escrun.yaml:1:9: export: must be `all` or `declared`",
        ),
        (
            "export: *b\n",
            "escrun.yaml:1:9: not valid YAML: unknown anchor",
        ),
        ("a\0b", "escrun.yaml:1:1: not valid YAML"),
    ];
    for (text, expected) in table {
        assert_eq!(outcome(text), expected, "{text:?}");
    }
}

#[test]
fn no_fault_quotes_a_value() {
    let secrets = [
        "hunter2",
        "'hunter2, expected a list'",
        "'unknown field `hunter2`, expected a'",
        "\"refused: hunter2\"",
        "\"x\\n at line hunter2\"",
        "!hunter2 hunter2",
        "!hunter2",
        "[hunter2]",
        "[[hunter2]]",
        "{hunter2x: hunter2}",
        "&hunter2 {}",
        "*hunter2",
        "|\n  hunter2\n",
        "\"hunter2",
        "hunter2: hunter2",
    ];
    for key in ["environments", "encryption", "export", "required", "reload"] {
        for secret in secrets {
            let shown = outcome(&format!("{key}: {secret}\n"));
            assert!(!shown.contains("hunter2"), "{key}: {secret}: {shown}");
        }
    }
}
