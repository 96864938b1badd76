//! escrun as the first process of a real container: what runc makes of a bundle that is written by hand.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::outside::{have, skip};

/// Says what it has got, needs 300 ms to stop, and tells by its status how it came to its end.
const SERVICE: &str = r#"
process.on("SIGTERM", () => setTimeout(() => process.exit(42), 300));
const file = process.env.CERTIFICATE;
const certificate = file === undefined ? "none" : require("fs").readFileSync(file, "utf8");
console.log(`pid 1: ${process.pid === 1}, ${process.env.TOKEN}, ${certificate.trim()}`);
setInterval(() => {}, 1000);
"#;

/// Files of the package below which a bundle may look for what it needs.
const FOLDERS: [&str; 4] = ["/usr", "/lib", "/lib64", "/bin"];

/// What differs between containers.
#[derive(Clone, Copy, Default)]
struct Kind {
    /// The root file system can be written to by nobody.
    read_only: bool,
    /// /proc is mounted no longer when escrun starts.
    no_proc: bool,
    /// The definition hands over a file.
    files: bool,
}

/// A bundle: config.json and the root file system, with what escrun reads in it.
struct Bundle {
    folder: tempfile::TempDir,
    name: String,
}

impl Bundle {
    fn new(escrun: &Path, kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().file_name().unwrap().to_string_lossy();
        let bundle = Self {
            name: format!("escrun{}", name.replace('.', "-")),
            folder,
        };
        let root = bundle.root();
        for name in ["dev", "proc", "sys", "run/secrets", "tmp", "environments"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        fs::copy(escrun, root.join("escrun")).unwrap();
        fs::write(root.join("service.js"), SERVICE).unwrap();
        fs::write(root.join("node"), "").unwrap();
        bundle.write_definition(kind.files);
        let mut mounts = mounts();
        for folder in FOLDERS.map(Path::new) {
            let inside = root.join(folder.strip_prefix("/").unwrap());
            match fs::read_link(folder) {
                Ok(target) => symlink(target, inside).unwrap(),
                Err(_) if folder.is_dir() => {
                    fs::create_dir(inside).unwrap();
                    mounts.push(bind(folder, folder));
                }
                Err(_) => {}
            }
        }
        mounts.push(bind(&program("node"), Path::new("/node")));
        let identity = Path::new("/run/secrets/escrun_identity");
        mounts.push(bind(&bundle.folder.path().join("identity"), identity));
        let mut arguments = Vec::new();
        if kind.no_proc {
            // runc itself starts nothing without it.
            arguments.extend(["/bin/sh", "-c", "umount -n /proc && exec \"$0\" \"$@\""]);
        }
        arguments.extend(["/escrun", "--env", "app", "--dir", "/environments"]);
        arguments.extend(["--identity", identity.to_str().unwrap()]);
        arguments.extend(["--", "/node", "/service.js"]);
        let config = config(&arguments, kind, &mounts);
        fs::write(bundle.folder.path().join("config.json"), config.to_string()).unwrap();
        bundle
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("rootfs")
    }

    /// Makes an identity, and a definition that is encrypted to it.
    fn write_definition(&self, files: bool) {
        let identity = self.folder.path().join("identity");
        let environments = self.root().join("environments");
        let escrun = |arguments: &[&OsStr]| {
            let output = Command::new(env!("CARGO_BIN_EXE_escrun"))
                .args(arguments)
                .env("HOME", self.folder.path())
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
        };
        let (identity_path, folder) = (identity.as_os_str(), environments.as_os_str());
        let [dir, output, by] = ["--dir", "--output", "--identity"].map(OsStr::new);
        escrun(&["keygen".as_ref(), output, identity_path]);
        let text = fs::read_to_string(&identity).unwrap();
        let recipient = text
            .lines()
            .find_map(|line| line.strip_prefix("# public key: "));
        let files = if files {
            "  files:\n    CERTIFICATE: {fn::secret: inside}\n"
        } else {
            ""
        };
        let definition = format!(
            "values:\n  environmentVariables:\n    TOKEN: {{fn::secret: hunter2}}\n{files}encryption:\n  recipients: [{}]\n",
            recipient.unwrap()
        );
        fs::write(environments.join("app.yaml"), definition).unwrap();
        escrun(&[
            "seal".as_ref(),
            "app".as_ref(),
            by,
            identity_path,
            dir,
            folder,
        ]);
        // As Docker mounts a secret.
        fs::set_permissions(&identity, PermissionsExt::from_mode(0o444)).unwrap();
    }

    fn runc(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("runc");
        command
            .arg("--root")
            .arg(self.folder.path().join("state"))
            .args(arguments)
            .current_dir(self.folder.path());
        command
    }

    fn start(&self) -> Child {
        self.runc(&["run", &self.name])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Starts it, waits for its first line, asks it to stop; gives that line and what was left of the output.
    fn run_and_stop(&self) -> (String, Output) {
        let mut child = self.start();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        if !line.is_empty() {
            let kill = self.runc(&["kill", &self.name, "TERM"]).output().unwrap();
            assert!(kill.status.success(), "{kill:?}");
        }
        output.read_to_string(&mut String::new()).unwrap();
        (line, child.wait_with_output().unwrap())
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        // For tests that failed.
        let _gone = self.runc(&["delete", "--force", &self.name]).output();
    }
}

/// What Docker mounts, as far as somebody looks at it.
fn mounts() -> Vec<Value> {
    let device = |place: &str, options: &[&str]| json!({"destination": place, "type": "tmpfs", "source": "tmpfs", "options": options});
    vec![
        json!({"destination": "/proc", "type": "proc", "source": "proc"}),
        device("/dev", &["nosuid", "strictatime", "mode=755"]),
        device("/dev/shm", &["nosuid", "noexec", "nodev", "mode=1777"]),
    ]
}

fn bind(from: &Path, to: &Path) -> Value {
    json!({
        "destination": to, "source": from, "type": "bind", "options": ["rbind", "ro"],
    })
}

fn config(arguments: &[&str], kind: Kind, mounts: &[Value]) -> Value {
    let namespaces = ["pid", "mount", "ipc", "uts", "network"].map(|name| json!({"type": name}));
    // Those that Docker gives.
    let mut capabilities = vec![
        "CAP_CHOWN",
        "CAP_DAC_OVERRIDE",
        "CAP_FOWNER",
        "CAP_FSETID",
        "CAP_KILL",
        "CAP_SETGID",
        "CAP_SETUID",
        "CAP_SETPCAP",
        "CAP_NET_BIND_SERVICE",
    ];
    if kind.no_proc {
        capabilities.push("CAP_SYS_ADMIN");
    }
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "terminal": false,
            "user": {"uid": 0, "gid": 0},
            "args": arguments,
            "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            "cwd": "/",
            "capabilities": {
                "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
            },
            "noNewPrivileges": true,
        },
        "root": {"path": "rootfs", "readonly": kind.read_only},
        "hostname": "container",
        "mounts": mounts,
        "linux": {"resources": {}, "namespaces": namespaces},
    })
}

/// The file of a program, links followed.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).find_map(|folder| folder.join(name).canonicalize().ok());
    found.unwrap()
}

/// escrun without shared libraries: what `ESCRUN_STATIC` names, which .ci/run builds once.
fn static_escrun() -> Option<&'static Path> {
    static FILE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let file = FILE.get_or_init(|| match std::env::var_os("ESCRUN_STATIC") {
        Some(file) => Some(file.into()),
        None => std::env::var_os("CI")
            .is_some_and(|value| value == "true")
            .then(build),
    });
    if file.is_none() {
        skip("ESCRUN_STATIC names no escrun without shared libraries");
    }
    file.as_deref()
}

fn build() -> PathBuf {
    let output = Command::new("bash")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/matrix/static"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

fn check(kind: Kind) {
    if !have(&["runc", "node"]) {
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        skip("containers need root");
        return;
    }
    let Some(escrun) = static_escrun() else {
        return;
    };
    let (line, output) = Bundle::new(escrun, kind).run_and_stop();
    let certificate = if kind.files { "inside" } else { "none" };
    assert_eq!(
        line,
        format!("pid 1: false, hunter2, {certificate}\n"),
        "{output:?}"
    );
    assert_eq!(output.status.code(), Some(42), "{output:?}");
}

#[test]
fn a_service_stops_in_its_own_time() {
    check(Kind::default());
}

#[test]
fn a_read_only_root_is_enough() {
    check(Kind {
        read_only: true,
        ..Kind::default()
    });
}

#[test]
fn proc_need_not_be_mounted() {
    check(Kind {
        no_proc: true,
        ..Kind::default()
    });
}

#[test]
fn files_are_handed_over() {
    check(Kind {
        read_only: true,
        files: true,
        ..Kind::default()
    });
}
