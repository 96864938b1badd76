//! Small definitions that mean something huge: each ends soon, with an error that names the limit and the place.

use std::fmt::Write;
use std::sync::Arc;

use escrun::diagnostic::{Diagnostic, Place};
use escrun::eval::{self, Evaluated, Host, LoadError, Loaded, Loader, Mode, Selection};
use escrun::source::Source;
use escrun::sys::stack;
use escrun::value::Object;

use crate::host::{RecordedProviders, ToyCipher};

/// Makes up definitions by name.
struct Invented<F>(F);

impl<F: Fn(&str) -> String> Loader for Invented<F> {
    fn load(&self, name: &str) -> Result<Loaded, LoadError> {
        Ok(Loaded {
            definition: Source::new(name, None, (self.0)(name)),
            local: None,
        })
    }
}

fn evaluate(definitions: impl Fn(&str) -> String) -> Evaluated {
    let host = Host {
        mode: Mode::Eval,
        loader: &Invented(definitions),
        decrypter: &ToyCipher,
        providers: &RecordedProviders::default(),
        context: Object::default(),
    };
    eval::evaluate(&host, &Selection::Named(vec![Arc::from("env")]), None)
}

/// Evaluates as the program does, on a stack of its own, and returns the errors.
fn errors(definitions: impl Fn(&str) -> String + Send) -> Vec<String> {
    let told = |diagnostic: &Diagnostic| match &diagnostic.place {
        Place::At(origin) => format!(
            "{}:{}: {}",
            origin.source.name(),
            origin.span.line,
            diagnostic.message
        ),
        Place::In(source) => format!("{}: {}", source.name(), diagnostic.message),
        Place::Nowhere => diagnostic.message.clone(),
    };
    let errors = stack::on_private_stack(|| {
        let evaluated = evaluate(definitions);
        evaluated.diagnostics.iter().map(told).collect()
    });
    errors.unwrap()
}

#[track_caller]
fn check(definition: String, expected: &str) {
    let errors = errors(move |_| definition.clone());
    assert!(
        errors
            .first()
            .is_some_and(|error| error.starts_with(expected)),
        "{expected}: {errors:?}"
    );
    assert!(errors.len() < 20, "{} errors: {errors:?}", errors.len());
}

/// A definition whose values `a00`, `a01`, ... each mean the one before them several times.
fn doubling(first: &str, next: &str) -> String {
    let mut text = format!("values:\n  a00: {first}\n");
    for number in 1..60 {
        let before = format!("${{a{:02}}}", number - 1);
        writeln!(text, "  a{number:02}: {}", next.replace('@', &before)).unwrap();
    }
    text
}

#[test]
fn values_that_multiply() {
    let expands = "the value expands to more than 64 MiB";
    for (first, next, expected) in [
        ("[lol, lol]", r#"["@", "@", "@"]"#, expands),
        ("{k: v}", r#"{x: "@", y: "@"}"#, expands),
        ("lol", r#"{fn::join: ["", ["@", "@"]]}"#, expands),
        ("lol", r#""@@@""#, expands),
        ("lol", r#"{fn::toBase64: "@@"}"#, expands),
        (
            "lol",
            r#"{fn::toJSON: ["@", "@"]}"#,
            "the text is longer than 16 MiB",
        ),
        (
            "lol",
            r#"{fn::toString: ["@", "@"]}"#,
            "the text is longer than 16 MiB",
        ),
        (
            "[l]",
            r#"{fn::concat: ["@", "@"]}"#,
            "the list has more than 1000000 elements",
        ),
    ] {
        let definition = doubling(first, next);
        let errors = errors(move |_| definition.clone());
        let found = errors
            .iter()
            .any(|error| error.starts_with("env:") && error.ends_with(expected));
        assert!(found, "{next}: {errors:?}");
    }
}

#[test]
fn chains_of_references() {
    let mut text = "values:\n".to_owned();
    for number in 0..100_000 {
        writeln!(text, "  a{number:06}: ${{a{:06}}}", number + 1).unwrap();
    }
    text += "  a100000: end\n";
    check(
        text,
        "env:20001: more than 20000 references, imports and nested values hang on one another",
    );
}

#[test]
fn nesting() {
    let brackets = format!(
        "values:\n  a: {}{}\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    check(
        brackets,
        "env:2: brackets are nested more than 255 levels deep",
    );
    let mut keys = "values:\n".to_owned();
    for depth in 1..3_000 {
        writeln!(keys, "{}a:", "  ".repeat(depth)).unwrap();
    }
    check(keys, "env:1001: nested more than 1000 levels deep");
}

#[test]
fn size() {
    let text = format!("values: {{a: \"{}\"}}\n", "x".repeat(100 << 20));
    check(text, "env: definition is larger than 16 MiB");
}

#[test]
fn imports_without_end() {
    let errors_of_deep = errors(|name| match name.strip_prefix("e") {
        Some("nv") => "imports: [e0]\n".to_owned(),
        Some(number) => format!("imports: [e{}]\n", number.parse::<u32>().unwrap() + 1),
        None => String::new(),
    });
    assert_eq!(errors_of_deep, ["e9999:1: more than 10000 imports in all"]);

    let mut wide = "imports:\n".to_owned();
    (0..100_000).for_each(|number| writeln!(wide, "  - e{number}").unwrap());
    let errors_of_wide = errors(move |name| match name {
        "env" => wide.clone(),
        _ => "values: {a: 1}\n".to_owned(),
    });
    assert_eq!(
        errors_of_wide,
        ["env:10002: more than 10000 imports in all"]
    );
}

#[test]
fn large_imports_again_and_again() {
    let members: String = (0..2_000)
        .map(|number| format!("  k{number}: {:0>500}\n", "x"))
        .collect();
    let large = format!("values:\n{members}");
    let imports = "  - large\n".repeat(2_000);
    let errors = errors(move |name| match name {
        "large" => large.clone(),
        _ => format!("imports:\n{imports}"),
    });
    assert_eq!(
        errors,
        ["env:534: imports of more than 1024 MiB in all are merged"]
    );
}

#[test]
fn environments_upon_environments() {
    let members: String = (0..5_000)
        .map(|number| format!("  k{number}: 1\n"))
        .collect();
    let large = format!("values:\n{members}");
    let errors = errors(move |name| match name.strip_prefix("e") {
        Some("nv") => "imports: [e0]\n".to_owned(),
        Some("2000") => large.clone(),
        Some(number) => {
            let next = number.parse::<u32>().unwrap() + 1;
            format!("imports: [e{next}]\nvalues: {{a: {number}}}\n")
        }
        None => String::new(),
    });
    assert_eq!(
        errors,
        ["e1199:0: environments have more than 4000000 values of their imports in all"]
    );
}

#[test]
fn references_upon_references() {
    let members: String = (0..45_000)
        .map(|number| format!("    k{number}: 1\n"))
        .collect();
    let each = |target: &str| -> String {
        (0..100)
            .map(|number| format!("  o{number}: ${{{target}}}\n"))
            .collect()
    };
    let base = format!("values:\n{}  all:\n{members}", each("all"));
    let over = format!("imports: [base]\nvalues:\n{}  own: {{a: 1}}\n", each("own"));
    let errors = errors(move |name| match name {
        "base" => base.clone(),
        _ => over.clone(),
    });
    // 45,001 members each, so the 89th by the order of the keys is one too many: told once, and then there are no more.
    assert_eq!(
        errors,
        ["env:92: environments have more than 4000000 values of their imports in all"]
    );
}

#[test]
fn diamonds_on_diamonds() {
    let errors = errors(|name| match name.strip_prefix("e") {
        Some("nv") => "imports: [e0]\n".to_owned(),
        Some("60") => "values: {k: {last: 1}}\n".to_owned(),
        Some(number) => {
            let next = number.parse::<u32>().unwrap() + 1;
            format!("imports: [e{next}, e{next}]\nvalues: {{k: {{k{number}: 1}}}}\n")
        }
        None => String::new(),
    });
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn paths_and_faults_by_the_million() {
    let path = format!(
        "values:\n  a: {{a: 1}}\n  b: ${{a{}}}\n",
        ".a".repeat(500_000)
    );
    check(path, "env:3: receiver must be an array or an object");
    let faults = format!("values:\n  b: {}\n", "${a[".repeat(50_000));
    let errors = errors(move |_| faults.clone());
    assert!(errors.len() > 50_000);
}
