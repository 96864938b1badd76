use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

/// Folders `a` and `b` with these files: path and text; `-> TARGET` makes a link, `| ` a pipe, `/` a folder.
fn check_folders(files: &[(&str, &str)]) -> tempfile::TempDir {
    let scratch = tempfile::tempdir().unwrap();
    for folder in ["a", "b"] {
        fs::create_dir(scratch.path().join(folder)).unwrap();
    }
    for (path, text) in files {
        let path = scratch.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match text.split_once(' ') {
            Some(("->", target)) => symlink(target, path).unwrap(),
            Some(("|", _)) => {
                nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
            }
            _ if *text == "/" => fs::create_dir(path).unwrap(),
            _ => fs::write(path, text).unwrap(),
        }
    }
    scratch
}

fn directory(scratch: &tempfile::TempDir, overlays: Overlays) -> Directory {
    Directory::open(["a", "b"].map(|f| scratch.path().join(f)), overlays).unwrap()
}

/// The texts loaded, or message and hint with the scratch folder left out.
fn outcome(scratch: &tempfile::TempDir, name: &str, overlays: Overlays) -> String {
    match directory(scratch, overlays).load(name) {
        Ok(Loaded { definition, local }) => match local {
            Some(local) => format!("{} + {}", definition.text(), local.text()),
            None => definition.text().to_owned(),
        },
        Err(LoadError { message, hint }) => {
            let root = format!("{}/", scratch.path().display());
            let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!("{message}{hint}").replace(&root, "")
        }
    }
}

#[test]
fn definitions_are_found_in_order_and_told_apart_from_what_is_none() {
    let scratch = check_folders(&[
        ("a/production.yaml", "production"),
        ("a/production.local.yaml", "mine"),
        ("a/billing/production.yaml", "nested"),
        ("a/both.yaml", "first"),
        ("b/both.yaml", "second"),
        ("b/both.local.yaml", "not of the first"),
        ("b/shared.yaml", "shared"),
        ("a/in.yaml", "-> billing/production.yaml"),
        ("a/out.yaml", "-> ../b/shared.yaml"),
        ("a/away", "-> /etc"),
        ("a/dangling.yaml", "-> none.yaml"),
        ("b/dangling.yaml", "passed over"),
        ("a/loop.yaml", "-> loop.yaml"),
        ("a/folder.yaml", "/"),
        ("a/pipe.yaml", "| "),
        ("a/old.yml", "old"),
        ("a/file", "file"),
    ]);
    let table = [
        ("production", "production + mine"),
        ("billing/production", "nested"),
        ("both", "first"),
        ("shared", "shared"),
        ("in", "nested"),
        (
            "out",
            "open a/out.yaml: the link a/out.yaml leads out of the environments folder, to ../b/shared.yaml \
             (put the file itself there, make the link relative and inside, or add the other folder with --dir)",
        ),
        (
            "away/passwd",
            "open a/away/passwd.yaml: the link a/away leads out of the environments folder, to /etc \
             (put the file itself there, make the link relative and inside, or add the other folder with --dir)",
        ),
        (
            "dangling",
            "open a/dangling.yaml: the link leads nowhere (put back what it points to, or remove the link)",
        ),
        (
            "loop",
            "open a/loop.yaml: too many symbolic links encountered",
        ),
        (
            "folder",
            "read a/folder.yaml: is a directory, not a regular file",
        ),
        (
            "pipe",
            "read a/pipe.yaml: is a named pipe, not a regular file",
        ),
        (
            "old",
            "open old.yaml: no such file or directory in a, b (rename a/old.yml to end with .yaml)",
        ),
        (
            "prodution",
            "open prodution.yaml: no such file or directory in a, b (did you mean `production`?)",
        ),
        (
            "PRODUCTION",
            "open PRODUCTION.yaml: no such file or directory in a, b (did you mean `production` or `billing/production`?)",
        ),
        (
            "billing",
            "open billing.yaml: no such file or directory in a, b (billing is a folder: name `billing/production`)",
        ),
        (
            "x@3",
            "open x@3.yaml: no such file or directory in a, b (environments in files have no versions: name x)",
        ),
        (
            "file/below",
            "open file/below.yaml: no such file or directory in a, b (list what there is with `escrun ls`)",
        ),
        (
            "../b/shared",
            "\"../b/shared\": an environment's name must not have `..` in it \
             (name it relative to the environments folder; another folder is given with --dir)",
        ),
        ("", "\"\": an environment's name must not be empty"),
        (
            "production.yaml",
            "\"production.yaml\": an environment's name must not end with `.yaml` or `.yml` (leave out the extension)",
        ),
    ];
    for (name, expected) in table {
        let got = outcome(&scratch, name, Overlays::Merged);
        assert_eq!(got, expected, "{name}");
    }
}

#[test]
fn a_missing_file_is_named_by_its_path_where_there_is_one_folder() {
    let scratch = check_folders(&[]);
    let folder = scratch.path().join("a");
    let directory = Directory::open([&folder], Overlays::Merged).unwrap();
    let error = directory.load("none").map(drop).unwrap_err();
    let expected = format!(
        "open {}/none.yaml: no such file or directory",
        folder.display()
    );
    assert_eq!(error.message, expected);
}

#[test]
fn overlays_can_be_switched_off() {
    let scratch = check_folders(&[("a/x.yaml", "x"), ("a/x.local.yaml", "-> ../b/evil.yaml")]);
    assert_eq!(outcome(&scratch, "x", Overlays::Ignored), "x");
    assert!(outcome(&scratch, "x", Overlays::Merged).contains("leads out"));
}

#[test]
fn sources_carry_name_and_file() {
    let scratch = check_folders(&[("b/p/x.yaml", "x"), ("b/p/x.local.yaml", "y")]);
    let loaded = directory(&scratch, Overlays::Merged).load("p/x").unwrap();
    let local = loaded.local.unwrap();
    let file = scratch.path().join("b/p/x.yaml");
    assert_eq!(&**loaded.definition.name(), "p/x");
    assert_eq!(loaded.definition.file(), Some(&*file));
    assert_eq!(&**local.name(), "p/x.local");
}

#[test]
fn bytes_that_are_no_text_are_told_with_their_place() {
    let table: [(&[u8], &str); 4] = [
        (
            b"\xff",
            "a/x.yaml:1:1: not UTF-8, at byte 0 (save it as UTF-8)",
        ),
        (
            "ä: ö\nü: ".as_bytes(),
            "a/x.yaml:2:4: not UTF-8, at byte 11 (save it as UTF-8)",
        ),
        (
            b"a: 1\r\nb: ",
            "a/x.yaml:2:4: not UTF-8, at byte 9 (save it as UTF-8)",
        ),
        (
            b"\xff\xfea\0",
            "a/x.yaml:1:1: not UTF-8, at byte 0 (it looks like UTF-16: save it as UTF-8)",
        ),
    ];
    for (bytes, expected) in table {
        let scratch = check_folders(&[]);
        fs::write(scratch.path().join("a/x.yaml"), [bytes, b"\xe4"].concat()).unwrap();
        assert_eq!(outcome(&scratch, "x", Overlays::Merged), expected);
    }
}

#[test]
fn giants_are_refused() {
    let scratch = check_folders(&[("a/x.yaml", "")]);
    let file = fs::File::create(scratch.path().join("a/x.yaml")).unwrap();
    file.set_len(MAX_DEFINITION_BYTES).unwrap();
    assert_eq!(
        outcome(&scratch, "x", Overlays::Merged).len() as u64,
        MAX_DEFINITION_BYTES
    );
    file.set_len(MAX_DEFINITION_BYTES + 1).unwrap();
    assert_eq!(
        outcome(&scratch, "x", Overlays::Merged),
        "read a/x.yaml: larger than 16 MiB"
    );
}

#[test]
fn an_unreadable_definition_is_not_passed_over() {
    if nix::unistd::geteuid().is_root() {
        return;
    }
    let scratch = check_folders(&[("a/x.yaml", "first"), ("b/x.yaml", "second")]);
    let file = scratch.path().join("a/x.yaml");
    fs::set_permissions(&file, PermissionsExt::from_mode(0o000)).unwrap();
    assert!(
        outcome(&scratch, "x", Overlays::Merged).starts_with("open a/x.yaml: permission denied")
    );
}

#[test]
fn a_missing_folder_is_an_error() {
    let scratch = check_folders(&[]);
    let folder = scratch.path().join("none");
    let error = Directory::open([&folder], Overlays::Merged).unwrap_err();
    let expected = format!("open {}: no such file or directory", folder.display());
    assert_eq!(error.to_string(), expected);
}
