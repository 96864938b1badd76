use super::*;
use crate::encode::samples::{answer, bytes, list, number, object, plain, secret, string, unknown};
use crate::value::Text;

fn compose<const N: usize>(named: [Value; N], merged: Value) -> Composed {
    let names = ["a", "b", "c"].map(Arc::from);
    let named = names.into_iter().zip(named).collect();
    Composed { named, merged }
}

/// One environment, which is the merge.
fn alone(value: Value) -> Composed {
    compose([value.clone()], value)
}

fn declaring<const N: usize>(members: [(&str, Value); N]) -> Composed {
    alone(object([("environmentVariables", object(members))]))
}

fn run(composed: &Composed) -> Projection {
    project(composed, &Options::default())
}

fn assignments(projection: &Projection) -> Vec<String> {
    let assignment = |variable: &Variable| {
        let value = String::from_utf8_lossy(variable.value.bytes()).into_owned();
        format!("{}={value}", variable.name)
    };
    projection.variables.iter().map(assignment).collect()
}

#[track_caller]
fn gives(composed: &Composed, expected: &[&str]) -> Projection {
    let projection = run(composed);
    assert_eq!(messages(&projection), [""; 0]);
    assert_eq!(assignments(&projection), expected);
    projection
}

#[track_caller]
fn fails(composed: &Composed, expected: &[&str]) {
    assert_eq!(messages(&run(composed)), expected);
}

fn messages(projection: &Projection) -> Vec<&str> {
    let faults = projection.diagnostics.iter();
    faults.map(|fault| fault.message.as_str()).collect()
}

#[test]
fn an_environment_without_declarations_exports_every_leaf() {
    let value = object([
        ("stage", string("production")),
        (
            "app",
            object([
                ("replicas", number("3")),
                ("logLevel", string("warn")),
                ("database", object([("ssl", plain(Data::Bool(true)))])),
                ("nothing", plain(Data::Null)),
                ("empty", string("")),
                ("ports", list([number("80"), string("<a>")])),
            ]),
        ),
        ("pulumiConfig", object([("x", string("y"))])),
        ("files", object([])),
    ]);
    gives(
        &alone(value),
        &[
            "APP_DATABASE_SSL=true",
            "APP_EMPTY=",
            "APP_LOG_LEVEL=warn",
            r#"APP_PORTS=[80,"\u003ca\u003e"]"#,
            "APP_REPLICAS=3",
            "STAGE=production",
        ],
    );
}

#[test]
fn an_environment_with_declarations_exports_those() {
    let value = object([
        ("stage", string("production")),
        (
            "environmentVariables",
            object([
                ("PATH", string("/bin")),
                ("my-name", number("1.50")),
                ("EMPTY", plain(Data::Null)),
                ("RAW", bytes(b"\xff")),
            ]),
        ),
    ]);
    gives(
        &alone(value),
        &["EMPTY=", "PATH=/bin", "RAW=\u{fffd}", "my-name=1.50"],
    );
    gives(&declaring([]), &[]);
}

#[test]
fn each_environment_decides_for_itself_and_the_merge_gives_the_values() {
    let service = object([("environmentVariables", object([("LEVEL", string("debug"))]))]);
    let stage = object([("region", string("eu"))]);
    let merged = object([
        (
            "environmentVariables",
            object([("LEVEL", string("warn")), ("OTHER", string("x"))]),
        ),
        ("region", string("us")),
        ("internal", string("x")),
    ]);
    let projection = gives(
        &compose([service, stage], merged),
        &["LEVEL=warn", "REGION=us"],
    );
    assert_eq!(
        projection.notes[0].message,
        "exported are the variables that a declares, and all values of b"
    );
}

#[test]
fn a_shape_that_the_merge_changed_is_that_of_the_merge() {
    let own = object([
        ("leaf", string("x")),
        ("tree", object([("x", string("y"))])),
        ("gone", string("x")),
    ]);
    let merged = object([
        ("leaf", object([("deep", number("1"))])),
        ("tree", number("2")),
        ("gone", plain(Data::Null)),
    ]);
    gives(&compose([own], merged), &["LEAF_DEEP=1", "TREE=2"]);
}

#[test]
fn a_declared_name_wins_over_flattened_ones() {
    let declares = object([("environmentVariables", object([("USER", string("d"))]))]);
    let leaves = object([("user", string("f")), ("User", string("g"))]);
    let merged = object([
        ("environmentVariables", object([("USER", string("d"))])),
        ("user", string("f")),
        ("User", string("g")),
    ]);
    let projection = gives(&compose([declares, leaves], merged), &["USER=d"]);
    let user = projection.variables.find("USER").unwrap();
    assert_eq!(user.kind, Kind::Declared);
    assert_eq!(user.path, "values.environmentVariables.USER");
}

#[test]
fn options_settle_it_for_all() {
    let value = object([
        ("environmentVariables", object([("A", string("1"))])),
        ("b", string("2")),
    ]);
    let with = |export| {
        let options = Options {
            export,
            ..Options::default()
        };
        let bare = object([("c", string("3"))]);
        let merged = object([
            ("environmentVariables", object([("A", string("1"))])),
            ("b", string("2")),
            ("c", string("3")),
        ]);
        assignments(&project(&compose([value.clone(), bare], merged), &options))
    };
    assert_eq!(with(Export::PerEnvironment), ["A=1", "C=3"]);
    assert_eq!(with(Export::All), ["A=1", "B=2", "C=3"]);
    assert_eq!(with(Export::Declared), ["A=1"]);
}

#[test]
fn names_are_selected_as_the_process_would_see_them() {
    let value = object([
        ("user", string("1")),
        ("db", object([("host", string("2")), ("port", number("3"))])),
        ("a-b", string("4")),
        ("a.b", string("5")),
    ]);
    let glob = |text: &str| vec![Pattern::new(text).unwrap()];
    let options = Options {
        only: glob("APP_[DU]*"),
        except: glob("*_PORT"),
        prefix: "APP_".to_owned(),
        ..Options::default()
    };
    let projection = project(&alone(value.clone()), &options);
    assert_eq!(assignments(&projection), ["APP_DB_HOST=2", "APP_USER=1"]);
    assert_eq!(messages(&projection), [""; 0]);

    let options = Options {
        unset: vec!["USER".to_owned(), "A_B".to_owned()],
        ..Options::default()
    };
    let projection = project(&alone(value), &options);
    assert_eq!(assignments(&projection), ["DB_HOST=2", "DB_PORT=3"]);
}

#[test]
fn a_prefix_that_begins_no_name_is_refused() {
    let options = Options {
        prefix: "a=".to_owned(),
        ..Options::default()
    };
    let projection = project(&alone(object([])), &options);
    assert_eq!(
        messages(&projection),
        ["prefix \"a=\" cannot begin a variable's name"]
    );
}

#[test]
fn names_without_meaning_are_errors() {
    fails(
        &alone(object([
            ("größe", string("x")),
            ("a", object([("", number("1"))])),
        ])),
        &[
            "values.a gives no name for a variable",
            "values[\"größe\"] gives no name for a variable",
        ],
    );
    fails(
        &alone(object([("db-host", number("1")), ("db_host", number("2"))])),
        &[
            "two values give the variable DB_HOST: values[\"db-host\"] (sample:0) and values.db_host (sample:0)",
        ],
    );
    fails(
        &alone(object([("ld", object([("preload", string("x"))]))])),
        &["values.ld.preload would set LD_PRELOAD, which changes how programs work"],
    );
    fails(
        &declaring([
            ("", number("1")),
            ("A=B", number("1")),
            ("A\0", number("1")),
        ]),
        &[
            "the name of a variable is empty",
            "the name of the variable \"A\\0\" contains `=` or NUL",
            "the name of the variable \"A=B\" contains `=` or NUL",
        ],
    );
}

#[test]
fn values_that_no_process_can_hold_are_errors() {
    let long = "x".repeat(128 * 1024 - 3);
    fails(
        &declaring([
            ("L", list([])),
            ("N", string("a\0b")),
            ("O", object([])),
            ("T", string(&format!("{long}x"))),
            ("U", unknown()),
        ]),
        &[
            "the variable L is an array",
            "the value of the variable N contains NUL",
            "the variable O is an object",
            "the variable T is longer than the 128 KiB that a process can be given",
            "the value of the variable U is not known",
        ],
    );
    assert!(messages(&run(&declaring([("T", string(&long))]))).is_empty());
    fails(
        &alone(object([("a", unknown()), ("l", list([unknown()]))])),
        &[
            "the value of the variable A is not known",
            "the value of the variable L is not known",
        ],
    );
}

#[test]
fn reserved_keys_of_the_wrong_shape_are_errors() {
    fails(
        &alone(object([("environmentVariables", plain(Data::Null))])),
        &["environmentVariables must be an object, got null"],
    );
    fails(
        &alone(object([("files", string("x"))])),
        &["files must be an object, got string"],
    );
    fails(
        &compose(
            [object([("environmentVariables", object([]))])],
            object([("environmentVariables", string("x"))]),
        ),
        &["environmentVariables must be an object, got string"],
    );
}

fn with_files<const N: usize, const M: usize>(
    variables: [(&str, Value); N],
    files: [(&str, Value); M],
) -> Composed {
    alone(object([
        ("environmentVariables", object(variables)),
        ("files", object(files)),
    ]))
}

fn contents(projection: &Projection) -> Vec<String> {
    let content = |file: &File| {
        let text = String::from_utf8_lossy(file.content.bytes()).into_owned();
        format!("{}={text}", file.variable)
    };
    projection.files.iter().map(content).collect()
}

#[test]
fn files_hold_any_bytes_of_any_length() {
    let long = "x".repeat(LONGEST + 1);
    let composed = with_files(
        [("A", string("a"))],
        [
            ("NUL", bytes(b"a\0\xff")),
            ("LONG", secret(string(&long))),
            ("NONE", plain(Data::Null)),
            ("PORT", number("80")),
        ],
    );
    let projection = gives(&composed, &["A=a"]);
    assert_eq!(
        contents(&projection),
        [
            &format!("LONG={long}"),
            "NONE=",
            "NUL=a\0\u{fffd}",
            "PORT=80"
        ]
    );
    let [long, none, ..] = &projection.files[..] else {
        unreachable!("there are four");
    };
    assert!(long.secret && matches!(long.content, Text::Secret(_)));
    assert!(!none.secret);
    assert_eq!(long.path, "values.files.LONG");
}

#[test]
fn files_are_chosen_and_named_as_variables_are() {
    let composed = with_files([], [("A", string("a")), ("B", string("b"))]);
    let options = Options {
        except: vec![Pattern::new("*A").unwrap()],
        prefix: "P_".to_owned(),
        ..Options::default()
    };
    assert_eq!(contents(&project(&composed, &options)), ["P_B=b"]);
    // As a declared variable, a file wins over the leaf that would have its name.
    let flattened = alone(object([
        ("tls", object([("key", string("k"))])),
        ("files", object([("TLS_KEY", string("k"))])),
    ]));
    assert_eq!(contents(&gives(&flattened, &[])), ["TLS_KEY=k"]);
}

#[test]
fn faults_of_files_name_them() {
    let long = "L".repeat(256);
    let composed = with_files(
        [("BOTH", string("a"))],
        [
            ("BOTH", string("b")),
            ("LIST", list([])),
            ("UNKNOWN", unknown()),
            ("a/b", string("x")),
            ("..", string("x")),
            (&long, string("x")),
            ("=", string("x")),
        ],
    );
    let named = format!("no file can be named \"{long}\"");
    let projection = run(&composed);
    let mut told = messages(&projection);
    told.sort_unstable();
    assert!(told[0].starts_with("BOTH is both a variable (") && told[0].ends_with(") and a file"));
    assert_eq!(
        told[1..],
        [
            "no file can be named \"..\"",
            &named,
            "no file can be named \"a/b\"",
            "the file LIST is an array",
            "the name of the variable \"=\" contains `=` or NUL",
            "the value of the file UNKNOWN is not known",
        ]
    );
    let outside = alone(object([(
        "files",
        answer([("A", string("a")), ("LD_PRELOAD", string("x"))]),
    )]));
    fails(&outside, &["an answer from outside would set LD_PRELOAD"]);
}

#[test]
fn answers_from_outside_choose_no_names() {
    let value = object([
        (
            "creds",
            answer([("ldPreload", string("x")), ("user", string("y"))]),
        ),
        ("token", secret(string("t"))),
    ]);
    let projection = gives(&alone(value), &["TOKEN=t"]);
    assert_eq!(projection.notes.len(), 1);
    assert_eq!(projection.notes[0].path, "values.creds");

    let declared = |members| alone(object([("environmentVariables", members)]));
    gives(&declared(answer([("TOKEN", string("t"))])), &["TOKEN=t"]);
    fails(
        &declared(answer([("LD_PRELOAD", string("x")), ("a b", string("x"))])),
        &[
            "an answer from outside chose the name \"a b\" for a variable",
            "an answer from outside would set LD_PRELOAD",
        ],
    );
}

#[test]
fn secrets_stay_in_locked_memory() {
    let value = object([
        ("list", list([string("x"), secret(string("s"))])),
        ("open", string("o")),
        (
            "whole",
            Value {
                secret: true,
                ..object([("part", string("p"))])
            },
        ),
    ]);
    let projection = gives(
        &alone(value),
        &[r#"LIST=["x","s"]"#, "OPEN=o", "WHOLE_PART=p"],
    );
    for variable in &projection.variables {
        assert_eq!(variable.secret, &*variable.name != "OPEN");
        assert_eq!(variable.secret, matches!(variable.value, Text::Secret(_)));
    }
}

#[test]
fn shared_values_cannot_describe_endlessly_many_variables() {
    let mut value = string("x");
    for _ in 0..60 {
        value = object([("a", value.clone()), ("b", value)]);
    }
    fails(&alone(value), &["values have more than 262144 members"]);
    let mut value = string("x");
    for _ in 0..1100 {
        value = object([("a", value)]);
    }
    fails(
        &alone(value),
        &["values are nested more than 1000 levels deep"],
    );
}

#[test]
fn required_names_must_be_set() {
    let required = ["A".to_owned(), "B".to_owned()];
    let faults = missing(&required, |name| name == "A");
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].message, "required variable B is not set");
}
