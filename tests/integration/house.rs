//! The rules of the house: what each part of the source may name. Reads the source as text, so it sees what is there
//! rather than what is built for one platform.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Layers that know each other: an unknown value carries its schema, and a schema holds the constants that it allows.
const MUTUAL: [(&str, &str); 1] = [("schema", "value")];

/// Words that may stand only in some places: crates by their layer, and what is to be done at one place alone.
const FENCES: &[Fence] = &[
    // The built-in provider has a module of that name.
    Fence::new("age::", &["src/crypt/", "src/provider/builtin/mod.rs"]),
    Fence::new("age_core::", &["src/crypt/"]),
    Fence::new("saphyr_parser", &["src/syntax/"]),
    Fence::new("clap", &["src/cli/"]),
    Fence::new("unsafe", &["src/sys/"]),
    Fence::new("env::var", &["src/cli/ambient.rs"]),
    Fence::new("env::var_os", &["src/cli/ambient.rs"]),
    Fence::new("env::vars", &["src/cli/ambient.rs"]),
    Fence::new("env::vars_os", &["src/cli/ambient.rs"]),
    Fence::new("env::args_os", &[]),
    Fence::new("env::current_dir", &["src/cli/ambient.rs"]),
    Fence::new("set_var", &[]),
    Fence::new("BufReader", &[]),
    Fence::new("print!", &[]),
    Fence::new("println!", &[]),
    Fence::new("eprint!", &[]),
    Fence::new("eprintln!", &[]),
    Fence::new("dbg!", &[]),
    // The standard library keeps copies of what it passes on. These two pass on what escrun itself inherited, without
    // escrun's own secrets.
    Fence::new(".envs(", &["src/launcher.rs", "src/cli/identities.rs"]),
    Fence::new(".env(", &[]),
];

/// Where a word may stand.
struct Fence {
    word: &'static str,
    within: &'static [&'static str],
}

impl Fence {
    const fn new(word: &'static str, within: &'static [&'static str]) -> Self {
        Self { word, within }
    }
}

#[test]
fn layers_use_only_what_stands_above_them() {
    let order: BTreeMap<String, usize> = layers().into_iter().zip(0..).collect();
    let mut wrong = Vec::new();
    for file in product_code() {
        let Some(layer) = layer(&file.path) else {
            continue;
        };
        let own = order[layer.as_str()];
        for (line, code) in file.code() {
            for used in words_after(code, "crate::") {
                let Some(&place) = order.get(used) else {
                    continue;
                };
                let known = MUTUAL.contains(&(layer.as_str(), used));
                if place > own && !known {
                    wrong.push(format!("{}:{line}: {layer} uses {used}", file.path));
                }
            }
        }
    }
    report(&wrong);
}

#[test]
fn words_stay_behind_their_fences() {
    let mut wrong = Vec::new();
    for file in product_code() {
        for (line, code) in file.code() {
            for fence in FENCES {
                let inside = fence
                    .within
                    .iter()
                    .any(|place| file.path.starts_with(place));
                if !inside && has_word(code, fence.word) {
                    wrong.push(format!("{}:{line}: {}", file.path, fence.word));
                }
            }
        }
    }
    report(&wrong);
}

#[test]
fn unsafe_code_says_why_it_is_safe() {
    let mut wrong = Vec::new();
    for file in product_code() {
        let lines: Vec<&str> = file.text.lines().collect();
        for (line, code) in file.code() {
            if !(code.contains("unsafe {") || code.contains("unsafe impl")) {
                continue;
            }
            // Comments and attributes above the statement that the block is part of.
            let above = lines[..line].iter().rev().take(9);
            if !above.into_iter().any(|line| line.contains("// SAFETY:")) {
                wrong.push(format!("{}:{line}: {}", file.path, code.trim()));
            }
        }
    }
    report(&wrong);
}

#[test]
fn ignored_tests_say_why() {
    check_lines(|line| line.trim() == concat!("#[", "ignore]"));
}

#[test]
fn nothing_is_left_to_be_done() {
    const LEFT: [&str; 5] = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("HA", "CK"),
        concat!("XX", "X"),
        concat!("todo", "!("),
    ];
    check_lines(|line| LEFT.iter().any(|word| has_word(line, word)));
}

#[test]
fn modules_say_what_they_are_for() {
    let mut files = product_code();
    files.extend(sources(&["tests", "fuzz", "benches"]));
    files.retain(|file| !file.text.starts_with("//! "));
    let undocumented: Vec<_> = files.into_iter().map(|file| file.path).collect();
    report(&undocumented);
}

/// Everyone who reads a file should be able to hold it in the head.
#[test]
fn files_stay_small() {
    const LONGEST: usize = 420;
    let long = product_code()
        .into_iter()
        .map(|file| (file.code().count(), file.path))
        .filter(|(lines, _)| *lines > LONGEST)
        .map(|(lines, path)| format!("{path}: {lines} lines"));
    report(&long.collect::<Vec<_>>());
}

/// A text of the repository.
struct SourceFile {
    /// From the root, with `/`.
    path: String,
    text: String,
}

impl SourceFile {
    /// The lines before the tests, with their numbers, without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .take_while(|line| !line.starts_with("#[cfg(test)]"))
            .zip(1..)
            .map(|(line, number)| (number, line.split("//").next().unwrap_or_default()))
    }
}

/// The files of the library and the program, without those that are all tests.
fn product_code() -> Vec<SourceFile> {
    let mut files = sources(&["src"]);
    files.retain(|file| {
        let is_test = |part: &str| part == "tests" || part == "tests.rs" || part == "samples.rs";
        !file.path.split('/').any(is_test)
    });
    files
}

fn sources(folders: &[&str]) -> Vec<SourceFile> {
    let mut files = Vec::new();
    for folder in folders {
        collect(&root().join(folder), &mut files);
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

fn collect(folder: &Path, files: &mut Vec<SourceFile>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        // What was built is not ours.
        let built = path.file_name().is_some_and(|name| name == "target");
        if path.is_dir() && !built {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root()).unwrap().display().to_string();
            files.push(SourceFile { path, text });
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The modules of the crate in the order in which lib.rs has them.
fn layers() -> Vec<String> {
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let layers = library.lines().filter_map(|line| {
        let name = line
            .strip_prefix("pub mod ")
            .or(line.strip_prefix("mod "))?;
        Some(name.trim_end_matches(';').to_owned())
    });
    layers.collect()
}

/// The layer that a file belongs to: none for lib.rs and main.rs, which stand above them all.
fn layer(path: &str) -> Option<String> {
    let path = path.strip_prefix("src/")?.trim_end_matches(".rs");
    let layer = path.split('/').next()?;
    (layer != "lib" && layer != "main").then(|| layer.to_owned())
}

/// The names that follow `start` in a line of code.
fn words_after<'a>(code: &'a str, start: &str) -> Vec<&'a str> {
    let rests = code.split(start).skip(1);
    let names = rests.map(|rest| {
        let end = rest.find(|char: char| !is_part_of_name(char));
        &rest[..end.unwrap_or(rest.len())]
    });
    names.collect()
}

/// Whether `word` stands in a line, not as a part of a longer name.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, _)| {
        let begins =
            !word.starts_with(is_part_of_name) || !line[..start].ends_with(is_part_of_name);
        let rest = &line[start + word.len()..];
        let ends = !word.ends_with(is_part_of_name) || !rest.starts_with(is_part_of_name);
        begins && ends && !line[..start].ends_with("self::")
    })
}

fn is_part_of_name(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

/// Fails with every line of the repository's Rust code that is `wrong`.
#[track_caller]
fn check_lines(wrong: impl Fn(&str) -> bool) {
    let mut found = Vec::new();
    for file in sources(&["src", "tests", "fuzz", "benches"]) {
        for (line, number) in file.text.lines().zip(1..) {
            if wrong(line) {
                found.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    report(&found);
}

#[track_caller]
fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}
