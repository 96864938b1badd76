//! The documentation is a test: what its pages show is run, and gives what they show.
//!
//! Each page is one session in a scratch home folder, in a copy of the repository's `examples`. On a page,
//!
//! * a fenced block whose first lines name a file in a comment (`# environments/app.yaml`) is written to that file;
//! * a ` ```console ` block holds commands, each after `$ `, going on in lines after `> `, and what they print on
//!   standard output and standard error. They run in one shell for the whole page, so that `cd` and `export` last;
//! * a shown line `...` stands for any number of lines, `...` within a line for any text;
//! * a command has to succeed, unless it prints an `error: ` or the next command is `echo $?`;
//! * ` ```console needs=node ` is skipped where there is no node.
//!
//! `cargo run` runs the escrun that is tested, and other commands of cargo do nothing. `BLESS=1` writes what is printed
//! into the pages instead of comparing it; look at the difference then.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::outside;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// What the scratch home folder is called on the pages.
const HOME: &str = "/home/you";
/// Stands between the outputs of two commands.
const MARK: &str = "==escrun-readme==";

/// Gives `cargo run` to the escrun that is tested.
const CARGO: &str = "#!/bin/sh
[ \"$1\" = run ] || exit 0
while [ \"$1\" != -- ]; do shift; done
shift
exec escrun \"$@\"
";

#[test]
fn the_readme_shows_what_happens() {
    check("README.md");
}

#[test]
fn the_example_shows_what_happens() {
    check("examples/web-app/README.md");
}

#[test]
fn the_pages_show_what_happens() {
    for page in pages(&["docs", "docs/decisions"]) {
        check(&page);
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    for page in pages(&["", "docs", "docs/decisions", "examples/web-app"]) {
        let file = Path::new(ROOT).join(&page);
        let text = fs::read_to_string(&file).unwrap();
        let targets = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains(':')) {
            let path = target.split('#').next().unwrap_or_default();
            let linked = file.parent().unwrap().join(path);
            assert!(linked.exists(), "{page}: {target} leads nowhere");
        }
    }
}

#[test]
fn the_architecture_has_the_layers_in_their_order() {
    let read = |file: &str| fs::read_to_string(Path::new(ROOT).join(file)).unwrap();
    let (library, page) = (read("src/lib.rs"), read("docs/architecture.md"));
    let layers: Vec<&str> = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let rows = page.lines().filter(|line| line.starts_with("| [`"));
    let names = |row| {
        let first: Option<&str> = str::split(row, '|').nth(1);
        first.unwrap_or_default().split('`').skip(1).step_by(2)
    };
    let listed: Vec<&str> = rows.flat_map(names).collect();
    assert_eq!(listed, layers);
}

/// The pages in some folders of the repository, as paths in it.
fn pages(folders: &[&str]) -> Vec<String> {
    let in_folder = |folder: &&str| {
        let entries = fs::read_dir(Path::new(ROOT).join(folder)).expect("a folder of pages");
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".md"))
            .collect();
        names.sort();
        let folder = PathBuf::from(folder);
        names
            .into_iter()
            .map(move |name| folder.join(name).display().to_string())
    };
    folders.iter().flat_map(in_folder).collect()
}

/// A command of a page, and what the page says that it prints.
struct Step {
    command: String,
    shown: Vec<String>,
    /// The lines of the page that `shown` are.
    lines: std::ops::Range<usize>,
}

/// A part of a page that does something.
enum Part {
    File { path: String, text: String },
    Steps(Vec<Step>),
}

fn check(page: &str) {
    let file = Path::new(ROOT).join(page);
    let text = fs::read_to_string(&file).expect("the page is there");
    let parts = parse(&text);
    let home = tempfile::tempdir().expect("a scratch folder");
    let scratch = Scratch::new(home.path());
    let steps: Vec<&Step> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Steps(steps) => Some(steps),
            Part::File { .. } => None,
        })
        .flatten()
        .collect();
    if steps.is_empty() {
        return;
    }
    let printed = scratch.run(&parts);
    assert_eq!(
        printed.len(),
        steps.len(),
        "{page}: a command ended the shell"
    );
    let bless = std::env::var_os("BLESS").is_some();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut wrong = String::new();
    for (index, (step, (output, status))) in steps.iter().zip(&printed).enumerate().rev() {
        let output: Vec<&str> = output.lines().collect();
        let shown: Vec<&str> = step.shown.iter().map(String::as_str).collect();
        let status_is_shown = steps
            .get(index + 1)
            .is_some_and(|next| next.command == "echo $?");
        let may_fail = status_is_shown || output.iter().any(|line| line.contains("error: "));
        if *status != 0 && !may_fail {
            let _ = writeln!(
                wrong,
                "$ {}\nhas status {status}:\n{}\n",
                step.command,
                output.join("\n")
            );
        }
        if matches(&shown, &output) {
            continue;
        }
        if bless {
            lines.splice(
                step.lines.clone(),
                output.iter().map(|line| (*line).to_owned()),
            );
        } else {
            let _ = writeln!(
                wrong,
                "$ {}\nshown:\n{}\nprinted:\n{}\n",
                step.command,
                shown.join("\n"),
                output.join("\n")
            );
        }
    }
    if bless {
        fs::write(&file, lines.join("\n") + "\n").expect("the page can be written");
    }
    assert!(wrong.is_empty(), "{page}:\n{wrong}");
}

/// Whether lines are as shown.
fn matches(shown: &[&str], printed: &[&str]) -> bool {
    match (shown, printed) {
        ([], []) => true,
        (["...", rest @ ..], _) => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        ([first, shown @ ..], [line, printed @ ..]) => {
            line_matches(first, line) && matches(shown, printed)
        }
        _ => false,
    }
}

/// Whether a line is as shown.
fn line_matches(shown: &str, printed: &str) -> bool {
    let mut pieces = shown.split("...");
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else {
        return rest.is_empty();
    };
    for piece in middle {
        match rest.split_once(piece) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn parse(page: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((_, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        let block: Vec<(usize, &str)> = lines
            .by_ref()
            .take_while(|(_, line)| *line != "```")
            .collect();
        let mut words = info.split(' ');
        if words.next() != Some("console") {
            parts.extend(named_file(&block));
            continue;
        }
        let mut needed = words.filter_map(|word| word.strip_prefix("needs="));
        if needed.all(|program| outside::have(&[program])) {
            parts.push(Part::Steps(steps(&block)));
        }
    }
    parts
}

/// The file that a block is, if one of its first two lines says so.
fn named_file(block: &[(usize, &str)]) -> Option<Part> {
    let path = block.iter().take(2).find_map(|(_, line)| {
        let path = line
            .strip_prefix("# ")
            .or_else(|| line.strip_prefix("// "))?;
        let is_path = path.contains(['/', '.']) && !path.contains(' ') && !path.starts_with('/');
        is_path.then(|| path.to_owned())
    })?;
    let text = block
        .iter()
        .fold(String::new(), |text, (_, line)| text + line + "\n");
    Some(Part::File { path, text })
}

fn steps(block: &[(usize, &str)]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for &(number, line) in block {
        let next = number + 1..number + 1;
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step {
                command: command.to_owned(),
                shown: Vec::new(),
                lines: next,
            });
            continue;
        }
        let step = steps.last_mut().expect("a block begins with a command");
        match line.strip_prefix("> ") {
            Some(more) if step.shown.is_empty() => {
                step.command += "\n";
                step.command += more;
                step.lines = next;
            }
            _ => {
                step.shown.push(line.to_owned());
                step.lines.end = number + 1;
            }
        }
    }
    steps
}

/// A home folder to try things in.
struct Scratch {
    home: PathBuf,
    project: PathBuf,
}

impl Scratch {
    fn new(folder: &Path) -> Self {
        let scratch = Self {
            home: folder.join("you"),
            project: folder.join("you/escrun"),
        };
        let programs = scratch.home.join(".cargo/bin");
        fs::create_dir_all(&programs).unwrap();
        symlink(env!("CARGO_BIN_EXE_escrun"), programs.join("escrun")).unwrap();
        write(&programs.join("cargo"), CARGO, 0o755);
        copy(
            &Path::new(ROOT).join("examples"),
            &scratch.project.join("examples"),
        );
        scratch
    }

    /// Does what the page does; for each command, what it printed and its status.
    fn run(&self, parts: &[Part]) -> Vec<(String, i32)> {
        let mut script = String::new();
        for (index, part) in parts.iter().enumerate() {
            match part {
                // Through the shell, which knows the folder that the page has gone to by now.
                Part::File { path, text } => {
                    let content = self.home.join(format!(".part-{index}"));
                    let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
                    write(&content, text, mode);
                    let content = content.display();
                    let _ = writeln!(
                        script,
                        "mkdir -p \"$(dirname '{path}')\"; cp -p '{content}' '{path}'"
                    );
                }
                Part::Steps(steps) => {
                    for Step { command, .. } in steps {
                        let _ = writeln!(
                            script,
                            "{command}\nstatus=$?; printf '\\n{MARK}%s\\n' $status; (exit $status)"
                        );
                    }
                }
            }
        }
        let file = self.home.join(".session");
        write(&file, &script, 0o600);
        // The programs that blocks need are where the tests have found them.
        let mut path = OsString::from(self.home.join(".cargo/bin"));
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let output = Command::new("sh")
            .args(["-c", "exec sh \"$0\" 2>&1"])
            .arg(&file)
            .current_dir(&self.project)
            .env_clear()
            .env("HOME", &self.home)
            .env("PATH", path)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        let text = String::from_utf8_lossy(&output.stdout);
        let home = self.home.to_str().expect("UTF-8");
        split(&text.replace(home, HOME))
    }
}

/// The outputs and statuses in what a session printed.
fn split(mut text: &str) -> Vec<(String, i32)> {
    let mut outputs = Vec::new();
    while let Some((output, rest)) = text.split_once(&format!("\n{MARK}")) {
        let (status, rest) = rest.split_once('\n').expect("a status");
        outputs.push((output.to_owned(), status.parse().expect("a number")));
        text = rest;
    }
    outputs
}

fn write(file: &Path, text: &str, mode: u32) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, PermissionsExt::from_mode(mode)).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn shown_lines_stand_for_more() {
    for (shown, printed, expected) in [
        (&["a"][..], &["a"][..], true),
        (&["a"], &["b"], false),
        (&["a"], &["a", "b"], false),
        (&["..."], &[], true),
        (&["a", "...", "c"], &["a", "b", "b", "c"], true),
        (&["a", "..."], &["b"], false),
        (&["a...c"], &["abc"], true),
        (&["a...c...e"], &["abcde"], true),
        (&["a...c"], &["abd"], false),
    ] {
        assert_eq!(matches(shown, printed), expected, "{shown:?} {printed:?}");
    }
}
