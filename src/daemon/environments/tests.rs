use std::fs;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::launcher::Direct;
use crate::protocol::View;
use crate::provider::AllowList;

/// Nothing that is waited for takes longer than this.
const DEADLINE: Duration = Duration::from_secs(60);

/// Definitions in a scratch folder, served.
struct Scene {
    root: tempfile::TempDir,
    environments: Arc<Environments>,
}

impl Scene {
    fn new(definitions: &[(&str, &str)], allowed: AllowList) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        for (name, text) in definitions {
            write(root.path().join(format!("environments/{name}.yaml")), text);
        }
        let setup = Setup {
            folders: vec![root.path().join("environments"), root.path().join("more")],
            rights: Rights {
                allowed: Arc::new(allowed),
                variables: vec![("HOME".into(), "/home/daemon".into())],
                folder: "/".into(),
                launcher: Arc::new(Direct),
            },
            cache: CacheLimits {
                bytes: 1 << 20,
                age: DEADLINE,
                provider_age: DEADLINE,
            },
        };
        Self {
            root,
            environments: Arc::new(Environments::new(setup, Arc::default())),
        }
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.root.path().join(path)
    }

    async fn closure(&self, list: &[&str]) -> Arc<Closure> {
        let names: Vec<Arc<str>> = list.iter().map(|name| Arc::from(*name)).collect();
        self.environments.closure(&names).await.expect("a closure")
    }

    async fn open(&self, call: &OpenCall) -> Result<serde_json::Value, (Code, String)> {
        let names: Vec<&str> = call.environments.iter().map(String::as_str).collect();
        let closure = self.closure(&names).await;
        json(self.environments.open(&closure, call).await)
    }

    /// The value of the variable `A`.
    async fn a(&self, name: &str) -> String {
        let answer = self.open(&call(&[name])).await.expect("an answer");
        answer["variables"]["A"]
            .as_str()
            .expect("a text")
            .to_owned()
    }

    /// Has somebody react to changes.
    fn tend(&self) {
        let environments = Arc::clone(&self.environments);
        tokio::spawn(async move { environments.tend(|_| ()).await });
    }
}

fn write(path: impl AsRef<Path>, text: &str) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("written");
}

fn call(names: &[&str]) -> OpenCall {
    OpenCall {
        environments: names.iter().map(|name| (*name).to_owned()).collect(),
        ..OpenCall::default()
    }
}

fn json(outcome: Outcome) -> Result<serde_json::Value, (Code, String)> {
    match outcome {
        Ok(answer) => Ok(serde_json::from_slice(answer.body.expose()).expect("JSON")),
        Err(failure) => Err((failure.error.code, failure.error.message.clone())),
    }
}

fn run<R>(work: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime
        .block_on(async { tokio::time::timeout(DEADLINE, work).await })
        .expect("it ends")
}

#[test]
fn all_views_are_given() {
    let scene = Scene::new(
        &[
            ("base", "values: {host: db, port: 5432}"),
            (
                "a",
                "imports: [base]\nvalues:\n  url: 'db://${host}:${port}'\n  list: [1, null]\n  raw: {fn::fromBase64: /w==}\n  \
                 environmentVariables: {URL: '${url}', RAW: '${raw}', HID: {fn::secret: hush}}\n  files: {CERT: '${raw}'}",
            ),
        ],
        AllowList::default(),
    );
    run(async {
        let closure = scene.closure(&["a"]).await;
        assert_eq!(closure.roots.len(), 1);
        assert!(closure.roots[0].1.contains("base"));
        let answer = scene
            .environments
            .open(
                &closure,
                &OpenCall {
                    details: true,
                    secrets: true,
                    ..call(&["a"])
                },
            )
            .await
            .expect("an answer");
        let names: Vec<&str> = answer.names.iter().map(|name| &**name).collect();
        assert_eq!(names, ["CERT", "HID", "RAW", "URL"]);
        let given: serde_json::Value = serde_json::from_slice(answer.body.expose()).expect("JSON");
        assert_eq!(
            given,
            serde_json::json!({
                "revision": &*closure.revision,
                "variables": {"HID": "hush", "RAW": {"base64": "/w=="}, "URL": "db://db:5432"},
                "files": {"CERT": {"base64": "/w=="}},
                "details": {
                    "CERT": {"environment": "a", "line": 7, "column": 17, "path": "values.files.CERT", "secret": false},
                    "HID": {"environment": "a", "line": 6, "column": 74, "path": "values.environmentVariables.HID", "secret": true},
                    "RAW": {"environment": "a", "line": 6, "column": 46, "path": "values.environmentVariables.RAW", "secret": false},
                    "URL": {"environment": "a", "line": 6, "column": 31, "path": "values.environmentVariables.URL", "secret": false},
                },
                "secrets": [{"path": "values.environmentVariables.HID", "text": "hush"}],
            })
        );
        let values = OpenCall {
            view: View::Values,
            ..call(&["base"])
        };
        let given = scene.open(&values).await.expect("an answer");
        assert_eq!(
            given["values"],
            serde_json::json!({"host": "db", "port": 5432})
        );
        let path = |path: &str| OpenCall {
            view: View::Values,
            path: Some(path.to_owned()),
            ..call(&["a"])
        };
        assert_eq!(
            scene.open(&path("list[0]")).await.expect("an answer")["value"],
            1
        );
        let given = scene.open(&path("raw")).await.expect("an answer");
        assert_eq!(given["value"], serde_json::json!({"base64": "/w=="}));
        let missing = scene.open(&path("hosts")).await;
        let expected = (Code::NotFound, "there is no value at hosts".to_owned());
        assert_eq!(missing, Err(expected));

        let redacted = OpenCall {
            redact: true,
            secrets: true,
            ..call(&["a"])
        };
        let given = scene.open(&redacted).await.expect("an answer");
        assert_eq!(given["variables"]["HID"], "[secret]");
        assert!(given.get("secrets").is_none());
        let chosen = OpenCall {
            only: vec!["U*".to_owned()],
            prefix: "X_".to_owned(),
            ..call(&["a"])
        };
        assert_eq!(
            scene.open(&chosen).await.expect("an answer")["variables"],
            serde_json::json!({})
        );
        let set = OpenCall {
            set: [("host".to_owned(), "${x}".to_owned())].into(),
            only: vec!["URL".to_owned()],
            ..call(&["a"])
        };
        let given = scene.open(&set).await.expect("an answer");
        assert_eq!(given["files"], serde_json::json!({}));
    });
}

#[test]
fn what_is_wrong_is_told_by_its_kind() {
    let scene = Scene::new(
        &[
            ("broken", "values: {a: '${b}', c: '${d}'}"),
            ("lonely", "imports: [ghost]\nvalues: {a: 1}"),
            ("warned", "values: {a: {fn::final: 1}}"),
            ("over", "imports: [warned]\nvalues: {a: 2}"),
            ("file", "values: {a: {fn::open::file: {path: /etc/passwd}}}"),
            ("plain", "values: {password: hunter2}"),
        ],
        AllowList::default(),
    );
    run(async {
        let code = async |call: OpenCall| scene.open(&call).await.expect_err("a failure").0;
        assert_eq!(code(call(&["ghost"])).await, Code::NotFound);
        assert_eq!(code(call(&["lonely", "ghost"])).await, Code::NotFound);
        assert_eq!(code(call(&["../x"])).await, Code::Faulty);
        assert_eq!(code(call(&["lonely"])).await, Code::Faulty);
        assert_eq!(code(call(&["file"])).await, Code::Faulty);
        let bad = |call: OpenCall| OpenCall {
            environments: vec!["plain".to_owned()],
            ..call
        };
        for call in [
            OpenCall {
                only: vec!["***".to_owned()],
                ..OpenCall::default()
            },
            OpenCall {
                set: [("a[0]".to_owned(), String::new())].into(),
                ..OpenCall::default()
            },
            OpenCall {
                context: [("rootEnvironment".to_owned(), String::new())].into(),
                ..OpenCall::default()
            },
            OpenCall {
                view: View::Values,
                path: Some("a[".to_owned()),
                ..OpenCall::default()
            },
        ] {
            assert_eq!(code(bad(call)).await, Code::BadRequest);
        }
        for names in [&[][..], &["a"; 300]] {
            let names: Vec<Arc<str>> = names.iter().map(|name| Arc::from(*name)).collect();
            let failure = scene
                .environments
                .closure(&names)
                .await
                .expect_err("a failure");
            assert_eq!(failure.error.code, Code::BadRequest);
        }
        let closure = scene.closure(&["broken"]).await;
        let failure = scene.environments.open(&closure, &call(&["broken"])).await;
        let failure = failure.err().expect("a failure");
        assert_eq!(failure.error.message, "the definitions have 2 errors");
        assert_eq!(failure.diagnostics.len(), 2);
        assert_eq!(failure.diagnostics[0]["environment"], "broken");
        assert_eq!(failure.diagnostics[0]["path"], "values.a");
        // Warnings come with the answer.
        let given = scene.open(&call(&["over"])).await.expect("an answer");
        assert_eq!(given["variables"]["A"], "1");
        assert_eq!(given["diagnostics"][0]["severity"], "warning");

        let check = async |name: &str| {
            let closure = scene.closure(&[name]).await;
            json(scene.environments.check(&closure, &call(&[name])).await).expect("an answer")
        };
        assert_eq!(check("warned").await["ok"], true);
        assert_eq!(check("broken").await["ok"], false);
        let checked = check("plain").await;
        assert_eq!(checked["ok"], true);
        assert_eq!(checked["diagnostics"].as_array().map(Vec::len), Some(1));
        assert!(!checked.to_string().contains("hunter2"));
    });
}

#[test]
fn nothing_is_decrypted_by_locked_identities() {
    let scene = Scene::new(
        &[(
            "sealed",
            "values: {a: {fn::secret: {ciphertext: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA}}}\n\
             encryption:\n  header: |\n    age-encryption.org/v1\n    -> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\n    \
             EmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n    --- Vn+54jqiiUCE+WZcEVY3f1sqHjlu/z1LCQ/T7Xm7qI0\n",
        )],
        AllowList::default(),
    );
    run(async {
        let failure = scene.open(&call(&["sealed"])).await.expect_err("a failure");
        assert_eq!(
            failure,
            (Code::Locked, "the identities are locked".to_owned())
        );
        let symbolic = OpenCall {
            symbolic: true,
            ..call(&["sealed"])
        };
        assert!(scene.open(&symbolic).await.is_ok());
    });
}

/// A program that counts how often it is run.
fn counter(scene: &Path) -> (std::path::PathBuf, AllowList) {
    use std::os::unix::fs::PermissionsExt as _;

    let program = scene.join("count");
    write(
        &program,
        "#!/bin/sh\necho x >> \"$1\"\nwhile [ -e \"$1.hold\" ]; do sleep 0.01; done\nwc -l < \"$1\"\n",
    );
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("set");
    let programs = [program.clone().into_os_string()].into();
    (
        program,
        AllowList {
            programs,
            ..AllowList::default()
        },
    )
}

#[test]
fn equal_requests_are_evaluated_once() {
    let aside = tempfile::tempdir().expect("a folder");
    let (program, allowed) = counter(aside.path());
    let runs = aside.path().join("runs");
    let text = format!(
        "values: {{A: {{fn::open::command: {{command: ['{}', '{}']}}}}}}",
        program.display(),
        runs.display()
    );
    let scene = Scene::new(&[("slow", &text), ("fast", "values: {A: quick}")], allowed);
    let hold = aside.path().join("runs.hold");
    write(&hold, "");
    run(async {
        scene.tend();
        let closure = scene.closure(&["slow"]).await;
        let call_slow = call(&["slow"]);
        let open = || scene.environments.open(&closure, &call_slow);
        let mut opened: Vec<_> = std::iter::repeat_with(|| Box::pin(open()))
            .take(50)
            .collect();
        // None of them is done while the program waits.
        let mut context = Context::from_waker(Waker::noop());
        for one in &mut opened {
            assert!(matches!(one.as_mut().poll(&mut context), Poll::Pending));
        }
        assert_eq!(scene.environments.figures().cache.joined, 49);
        // And they hold up nobody else.
        assert_eq!(scene.a("fast").await, "quick");
        fs::remove_file(&hold).expect("removed");
        for one in opened {
            let given = json(one.await).expect("an answer");
            assert_eq!(given["variables"]["A"], "1");
        }
        assert_eq!(scene.a("slow").await, "1");
        // Forgotten, it is evaluated anew.
        scene.environments.forget();
        assert_eq!(scene.a("slow").await, "2");
        let set = OpenCall {
            set: [("b".to_owned(), "1".to_owned())].into(),
            ..call(&["slow"])
        };
        assert_eq!(
            scene.open(&set).await.expect("an answer")["variables"]["A"],
            "3"
        );
    });
}

/// A way to change the value of `A` from `one` to `two`, in a folder of definitions.
type Change = fn(&Path);

#[test]
fn every_way_of_changing_is_one_change() {
    let one = "imports: [base]\nvalues: {B: 1}";
    let changes: &[(&str, Change)] = &[
        ("written in place", |root| {
            write(root.join("environments/base.yaml"), "values: {A: two}")
        }),
        ("saved by renaming", |root| {
            write(root.join("environments/.base.yaml.swp"), "values: {A: two}");
            fs::rename(
                root.join("environments/.base.yaml.swp"),
                root.join("environments/base.yaml"),
            )
            .expect("renamed");
        }),
        ("moved aside and written anew", |root| {
            fs::rename(
                root.join("environments/base.yaml"),
                root.join("environments/base.yaml~"),
            )
            .expect("renamed");
            write(root.join("environments/base.yaml"), "values: {A: two}");
        }),
        ("in two files", |root| {
            write(
                root.join("environments/top.yaml"),
                "imports: [base]\nvalues: {B: 2}",
            );
            write(root.join("environments/base.yaml"), "values: {A: two}");
        }),
        ("by another folder of that name", |root| {
            write(
                root.join("next/top.yaml"),
                "imports: [base]\nvalues: {B: 1}",
            );
            write(root.join("next/other.yaml"), "values: {A: same}");
            write(root.join("next/base.yaml"), "values: {A: two}");
            fs::rename(root.join("environments"), root.join("before")).expect("renamed");
            fs::rename(root.join("next"), root.join("environments")).expect("renamed");
        }),
        ("by a folder that comes", |root| {
            fs::remove_file(root.join("environments/base.yaml")).expect("removed");
            write(root.join("more/base.yaml"), "values: {A: two}");
        }),
    ];
    for (name, change) in changes {
        let scene = Scene::new(
            &[
                ("top", one),
                ("base", "values: {A: one}"),
                ("other", "values: {A: same}"),
            ],
            AllowList::default(),
        );
        run(async {
            scene.tend();
            let (top, other) = (
                scene.closure(&["top"]).await,
                scene.closure(&["other"]).await,
            );
            let mut of_top = scene.environments.subscribe(&top);
            let mut of_other = scene.environments.subscribe(&other);
            assert_eq!(scene.a("top").await, "one", "{name}");
            change(scene.root.path());
            // Asked at once: the change is complete, so it is in the answer.
            assert_eq!(scene.a("top").await, "two", "{name}");
            let told = of_top.changed().await;
            assert_eq!(
                told.revision,
                scene.closure(&["top"]).await.revision,
                "{name}"
            );
            // Whatever else was to be told would have been by the time that another change has been.
            write(scene.path("environments/third.yaml"), "values: {A: three}");
            assert_eq!(scene.a("third").await, "three");
            let mut context = Context::from_waker(Waker::noop());
            assert!(
                pin!(of_top.changed()).poll(&mut context).is_pending(),
                "{name}"
            );
            assert!(
                pin!(of_other.changed()).poll(&mut context).is_pending(),
                "{name}"
            );
            assert_eq!(scene.environments.library.subscriptions(), 2);
        });
    }
}

#[test]
fn a_swapped_link_is_one_change() {
    use std::os::unix::fs::symlink;

    let scene = Scene::new(&[], AllowList::default());
    let version =
        |name: &str, text: &str| write(scene.path(&format!("environments/{name}/a.yaml")), text);
    version("..1", "values: {A: one}");
    symlink("..1", scene.path("environments/..data")).expect("a link");
    symlink("..data/a.yaml", scene.path("environments/a.yaml")).expect("a link");
    run(async {
        scene.tend();
        let mut subscription = scene.environments.subscribe(&scene.closure(&["a"]).await);
        assert_eq!(scene.a("a").await, "one");
        version("..2", "values: {A: two}");
        symlink("..2", scene.path("environments/..tmp")).expect("a link");
        fs::rename(
            scene.path("environments/..tmp"),
            scene.path("environments/..data"),
        )
        .expect("renamed");
        fs::remove_dir_all(scene.path("environments/..1")).expect("removed");
        assert_eq!(scene.a("a").await, "two");
        subscription.changed().await;
        // What the link leads to now is watched as well.
        version("..2", "values: {A: three}");
        assert_eq!(scene.a("a").await, "three");
        subscription.changed().await;
    });
}

#[test]
fn what_git_is_doing_is_waited_for() {
    let scene = Scene::new(&[("a", "values: {A: one}")], AllowList::default());
    let lock = scene.path("environments/.git/index.lock");
    write(&lock, "");
    run(async {
        scene.tend();
        assert_eq!(scene.a("a").await, "one");
        let mut subscription = scene.environments.subscribe(&scene.closure(&["a"]).await);
        let begun = Instant::now();
        // Nobody waits for git longer than this, so a machine that is slower has seen half of the change, and rightly.
        let is_late = || begun.elapsed() >= Duration::from_secs(2);
        write(scene.path("environments/a.yaml"), "values: {A: half}");
        // What was there before is given for as long as it lasts.
        assert!(scene.a("a").await == "one" || is_late());
        write(scene.path("environments/a.yaml"), "values: {A: two}");
        fs::remove_file(&lock).expect("removed");
        loop {
            let told = subscription.changed().await;
            let answer = scene.environments.open(&told, &call(&["a"])).await;
            if json(answer).expect("an answer")["variables"]["A"] == "two" {
                break;
            }
            assert!(is_late());
        }
    });
}

#[test]
fn files_that_providers_read_are_followed() {
    let aside = tempfile::tempdir().expect("a folder");
    let file = aside.path().canonicalize().expect("a folder").join("token");
    write(&file, "one");
    let allowed = AllowList {
        files: vec![glob::Pattern::new(&file.display().to_string()).expect("a glob")],
        ..AllowList::default()
    };
    let text = format!(
        "values: {{A: {{fn::open::file: {{path: '{}'}}}}}}",
        file.display()
    );
    let scene = Scene::new(&[("a", &text)], allowed);
    // Its stamp has to tell of later changes.
    std::thread::sleep(Duration::from_millis(50));
    run(async {
        scene.tend();
        let first = scene.closure(&["a"]).await;
        let mut subscription = scene.environments.subscribe(&first);
        assert_eq!(scene.a("a").await, "one");
        assert_eq!(scene.closure(&["a"]).await.revision, first.revision);
        write(&file, "two");
        assert_eq!(scene.a("a").await, "two");
        assert_ne!(subscription.changed().await.revision, first.revision);
    });
}

#[test]
fn without_anybody_who_reacts_everything_is_looked_at() {
    let scene = Scene::new(&[("a", "values: {A: one}")], AllowList::default());
    run(async {
        assert_eq!(scene.a("a").await, "one");
        write(scene.path("environments/a.yaml"), "values: {A: two}");
        assert_eq!(scene.a("a").await, "two");
        assert_eq!(scene.environments.figures().changes, 0);
    });
}

#[test]
fn subjects_are_reported() {
    let scene = Scene::new(&[], AllowList::default());
    let policy = scene.path("policy.yaml");
    run(async {
        let (sender, mut reported) = tokio::sync::mpsc::unbounded_channel();
        scene
            .environments
            .watch(Subject::Policy, vec![policy.clone()]);
        let environments = Arc::clone(&scene.environments);
        tokio::spawn(async move {
            environments
                .tend(move |subject| {
                    let _ = sender.send(subject);
                })
                .await;
        });
        // It is being tended to.
        scene.environments.reload().await;
        write(&policy, "x");
        assert_eq!(reported.recv().await, Some(Subject::Policy));
        assert!(scene.environments.warnings().is_empty());
    });
}
