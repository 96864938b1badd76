use std::fs;

use super::*;
use crate::sys::fs::effective_user;

/// A tree of files, in which folders end with `/`.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let scratch = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = scratch.path().join(path);
        if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    scratch
}

/// What was typed, with paths inside a scratch folder.
#[derive(Default)]
struct Typed<'a> {
    from: &'a str,
    folders: &'a [&'a str],
    environments: &'a [&'a str],
    stack: Option<&'a str>,
}

fn resolved(scratch: &tempfile::TempDir, typed: &Typed<'_>) -> Result<ResolvedProject, Error> {
    let environments: Vec<EnvironmentName> = typed
        .environments
        .iter()
        .map(|name| name.parse().unwrap())
        .collect();
    let folders: Vec<PathBuf> = typed.folders.iter().map(PathBuf::from).collect();
    resolve(&Request {
        working_directory: &scratch.path().join(typed.from),
        file: ProjectFile::Nearest,
        folders: &folders,
        environments: &environments,
        stack: typed.stack,
        user: effective_user(),
        system_folder: Some(&scratch.path().join("etc")),
    })
}

/// Folders and environments, or message and hint, with the scratch folder left out.
fn outcome(scratch: &tempfile::TempDir, typed: &Typed<'_>) -> String {
    let shown = match resolved(scratch, typed) {
        Ok(project) => {
            let folders: Vec<_> = project
                .folders
                .iter()
                .map(|f| f.display().to_string())
                .collect();
            let selection = match project.selection {
                None => "nothing".to_owned(),
                Some(Selection::Inline(_)) => "inline".to_owned(),
                Some(Selection::Names(names)) => {
                    let names: Vec<_> = names.iter().map(|import| import.name.as_str()).collect();
                    names.join(",")
                }
            };
            format!("{}: {selection}", folders.join(","))
        }
        Err(error) => match error.hint() {
            Some(hint) => format!("{error} ({hint})"),
            None => error.to_string(),
        },
    };
    shown.replace(&format!("{}/", scratch.path().display()), "")
}

#[test]
fn what_is_typed_comes_before_files_and_the_nearer_file_before_the_one_above() {
    let scratch = tree(&[
        (
            "p/escrun.yaml",
            "environments: [envs, ../shared]\nenvironment: [base, dev]\n",
        ),
        ("p/envs/", ""),
        ("p/environments/", ""),
        ("p/sub/deep/", ""),
        ("p/sub/other/", ""),
        ("p/inner/escrun.yaml", "environment: inner\n"),
        ("shared/", ""),
        ("etc/", ""),
        ("p/Pulumi.yaml", "environment: [pulumi]\n"),
        ("p/Pulumi.prod.yaml", "environment: [prod]\n"),
        ("p/Pulumi.bare.yaml", "config: {}\n"),
        ("alone/", ""),
    ]);
    let table = [
        (
            Typed {
                from: "p",
                ..Default::default()
            },
            "p/envs,p/../shared: base,dev",
        ),
        (
            Typed {
                from: "p/sub/deep",
                ..Default::default()
            },
            "p/envs,p/../shared: base,dev",
        ),
        (
            Typed {
                from: "p/inner",
                ..Default::default()
            },
            "p/environments: inner",
        ),
        (
            Typed {
                from: "p/sub",
                folders: &["other"],
                ..Default::default()
            },
            "p/sub/other: base,dev",
        ),
        (
            Typed {
                from: "p",
                environments: &["x", "y/z"],
                stack: Some("prod"),
                ..Default::default()
            },
            "p/envs,p/../shared: x,y/z",
        ),
        (
            Typed {
                from: "p",
                stack: Some("acme/p/prod"),
                ..Default::default()
            },
            "p/envs,p/../shared: prod",
        ),
        (
            Typed {
                from: "p",
                stack: Some("bare"),
                ..Default::default()
            },
            "p/envs,p/../shared: pulumi",
        ),
        (
            Typed {
                from: "p",
                stack: Some("none"),
                ..Default::default()
            },
            "stack none: open p/Pulumi.none.yaml: no such file or directory",
        ),
        (
            Typed {
                from: "p",
                stack: Some(".."),
                ..Default::default()
            },
            "stack ..: open p/Pulumi....yaml: no such file or directory",
        ),
        (
            Typed {
                from: "p",
                stack: Some("a b"),
                ..Default::default()
            },
            "a stack's name has letters, digits, `-`, `_` and `.` only",
        ),
        (
            Typed {
                from: "alone",
                stack: Some("prod"),
                ..Default::default()
            },
            "stack prod: there is no Pulumi.yaml here or above \
             (run it in the Pulumi project's folder, or name environments with --env)",
        ),
        (
            Typed {
                from: "alone",
                ..Default::default()
            },
            "etc: nothing",
        ),
        (
            Typed {
                from: "alone",
                folders: &["none"],
                ..Default::default()
            },
            "open alone/none: no such file or directory (make it, or name another with --dir)",
        ),
    ];
    for (typed, expected) in table {
        assert_eq!(outcome(&scratch, &typed), expected, "{}", typed.from);
    }
}

#[test]
fn a_pulumi_project_works_as_it_is() {
    for name in ["Pulumi.yaml", "pulumi.yaml"] {
        let text =
            "name: web-app\nruntime: nodejs\n\nenvironment:\n  - base-config\n  - production\n";
        let scratch = tree(&[(name, text), ("environments/", ""), ("src/", "")]);
        for from in ["", "src"] {
            let typed = Typed {
                from,
                ..Default::default()
            };
            assert_eq!(
                outcome(&scratch, &typed),
                "environments: base-config,production"
            );
        }
    }
}

#[test]
fn folders_that_are_not_there_are_told() {
    let scratch = tree(&[("p/escrun.yaml", "environments: envs\n"), ("q/", "")]);
    let typed = Typed {
        from: "p",
        ..Default::default()
    };
    assert_eq!(
        outcome(&scratch, &typed),
        "open p/envs: no such file or directory (make it, or correct `environments` in p/escrun.yaml)"
    );
    let typed = Typed {
        from: "q",
        ..Default::default()
    };
    assert_eq!(
        outcome(&scratch, &typed),
        "no environments folder: looked for q/environments, etc \
         (make a folder `environments`, or name one with --dir or in escrun.yaml)"
    );
}

#[test]
fn a_strangers_file_is_refused_unless_it_is_named() {
    if effective_user() != 0 {
        return;
    }
    let scratch = tree(&[("escrun.yaml", "required: [A]\n"), ("p/environments/", "")]);
    let file = scratch.path().join("escrun.yaml");
    std::os::unix::fs::chown(&file, Some(4321), None).unwrap();
    let typed = Typed {
        from: "p",
        ..Default::default()
    };
    assert_eq!(
        outcome(&scratch, &typed),
        "escrun.yaml belongs to another user (uid 4321) \
         (if you trust it, make it yours: chown \"$USER\" escrun.yaml)"
    );
    let mut request = Request {
        working_directory: &scratch.path().join("p"),
        file: ProjectFile::At(&file),
        folders: &[],
        environments: &[],
        stack: None,
        user: 0,
        system_folder: Some(Path::new(SYSTEM_FOLDER)),
    };
    assert_eq!(resolve(&request).unwrap().required, ["A"]);
    request.file = ProjectFile::None;
    assert!(resolve(&request).unwrap().required.is_empty());
}

#[test]
fn an_inline_definition_is_taken_with_its_positions() {
    let text = "name: x\nruntime: go\nenvironment:\n  imports: [a]\n  values: {b: 1}\nconfig: {}\n";
    let scratch = tree(&[("Pulumi.yaml", text)]);
    let project = resolved(&scratch, &Typed::default()).unwrap();
    let Some(Selection::Inline(source)) = project.selection else {
        panic!("not inline");
    };
    assert_eq!(source.text().trim(), "imports: [a]\n  values: {b: 1}");
    assert_eq!(source.text().find("imports"), text.find("imports"));
    assert_eq!(source.file(), Some(&*scratch.path().join("Pulumi.yaml")));
    let (node, diagnostics) = crate::syntax::parse(&source);
    assert_eq!(node.unwrap().span.line, 4);
    assert!(diagnostics.is_empty());
}

#[test]
fn inline_definitions_may_be_written_in_any_style() {
    let table = [
        (
            "escrun.yaml",
            "environment: {imports: [a]}\n",
            "{imports: [a]}",
        ),
        (
            "escrun.yaml",
            "\"environment\":\n    values:\n        x: 1 # one\n",
            "values:\n        x: 1",
        ),
        (
            "Pulumi.yaml",
            "{name: x, environment: {values: {a: ü}}, runtime: go}",
            "{values: {a: ü}}",
        ),
        (
            "pulumi.yaml",
            "---\nenvironment: # here\n  values: {}\n...\n",
            "values: {}",
        ),
    ];
    for (name, text, expected) in table {
        let scratch = tree(&[(name, text)]);
        let project = resolved(&scratch, &Typed::default()).unwrap();
        let Some(Selection::Inline(definition)) = project.selection else {
            panic!("{text:?} is inline");
        };
        assert_eq!(definition.text().trim(), expected);
        assert_eq!(
            definition.text().len(),
            text.find(expected).unwrap() + expected.len()
        );
        // What the excerpt says is what the file says there.
        let (node, diagnostics) = crate::syntax::parse(&definition);
        assert!(diagnostics.is_empty(), "{text:?}");
        assert_eq!(&text[node.unwrap().span.range()], expected);
        // It imports nothing that would need a folder, or nothing is there to import from: both are told later.
        assert!(project.folders.is_empty());
    }
}

#[test]
fn an_inline_definition_that_is_none_is_told_as_one() {
    let text = "base: &base {x: 1}\nenvironment:\n  values: *base\n";
    let scratch = tree(&[("Pulumi.yaml", text)]);
    let error = resolved(&scratch, &Typed::default()).unwrap_err();
    assert!(matches!(error, Error::Inline(_)));
    assert_eq!(error.to_string(), "alias nodes are not supported");
}
