//! The help texts, as files to read.

use std::fs;
use std::path::Path;

use super::TestEnv;

const VERBS: [&str; 19] = [
    "", "run", "get", "export", "explain", "ls", "check", "init", "set", "seal", "keygen",
    "daemon", "audit", "status", "lock", "unlock", "reload", "agent", "trust",
];

/// Those that are below another.
const NESTED: [&str; 5] = [
    "daemon policy",
    "daemon policy test",
    "daemon policy check",
    "audit verify",
    "agent identity",
];

/// `tests/cmd/help/VERB.txt` holds each text; `BLESS=1` writes them anew.
#[test]
fn help_is_as_it_was_read() {
    let env = TestEnv::empty();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/help");
    for verb in VERBS.into_iter().chain(NESTED) {
        let words = || verb.split_whitespace();
        let help = env.escrun(words().chain(["--help"])).succeeds();
        let short = env.escrun(words().chain(["-h"])).succeeds();
        assert_eq!(help.stdout, short.stdout, "{verb}");
        let name = match verb {
            "" => "escrun".to_owned(),
            _ => verb.replace(' ', "-"),
        };
        let file = folder.join(format!("{name}.txt"));
        if std::env::var_os("BLESS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, &help.stdout).unwrap();
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(help.stdout, expected, "{}", file.display());
        assert!(help.stdout.lines().all(|line| line.chars().count() <= 100));
    }
}

#[test]
fn every_verb_is_read() {
    let env = TestEnv::empty();
    let help = env.escrun(["--help"]).stdout;
    let verbs = help.lines().skip_while(|line| *line != "Verbs:").skip(1);
    let verbs = verbs.take_while(|line| !line.is_empty());
    let verbs: Vec<_> = verbs
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(verbs, VERBS[1..]);
}

#[test]
fn the_version_is_that_of_the_package() {
    let version = TestEnv::empty().escrun(["-V"]).succeeds().stdout;
    assert_eq!(version, concat!("escrun ", env!("CARGO_PKG_VERSION"), "\n"));
}
