//! The agent: age, sops and escrun's own runs decrypt by the daemon, which keeps the identities to itself.

mod crowd;
mod memory;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::served::Served;
use crate::cli::test_env::TestEnv;
use crate::crypt::plugin::TOY_PLUGIN;
use crate::outside::have;

/// The policy of most tests: the user may do everything that the agent is for.
const OPEN_POLICY: &str = "rules:\n- peer: any\n  allow: [decrypt, manage]\n";

/// A daemon that has an identity, and age with the plugin.
struct Scene {
    served: Served,
    recipient: String,
}

impl Scene {
    fn new() -> Self {
        Self::with(|_, identity| identity.to_vec(), &[], "")
    }

    /// `keep` says what the identity is kept as; `more` are further identities.
    fn with(keep: impl FnOnce(&TestEnv, &[u8]) -> Vec<u8>, more: &[&str], settings: &str) -> Self {
        Self::made(&[], keep, more, settings)
    }

    /// The daemon is started by `starter`.
    fn by(starter: &[&str], keep: impl FnOnce(&TestEnv, &[u8]) -> Vec<u8>, more: &[&str]) -> Self {
        Self::made(starter, keep, more, "")
    }

    fn made(
        starter: &[&str],
        keep: impl FnOnce(&TestEnv, &[u8]) -> Vec<u8>,
        more: &[&str],
        settings: &str,
    ) -> Self {
        let env = TestEnv::empty();
        fs::create_dir_all(env.path("project/environments")).unwrap();
        let recipient = env.keygen("keys/plain");
        let identity = fs::read(env.path("keys/plain")).unwrap();
        let kept = keep(&env, &identity);
        let mut arguments = Vec::new();
        for (name, content) in [("keys/agent", Some(kept))]
            .into_iter()
            .chain(more.iter().map(|name| (*name, None)))
        {
            if let Some(content) = content {
                env.write(name, content);
            }
            let path = env.path(name);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            arguments.extend(["--identity".to_owned(), path.display().to_string()]);
        }
        if !settings.is_empty() {
            env.write("home/.config/escrun/policy.yaml", OPEN_POLICY);
        }
        fs::create_dir_all(env.path("bin")).unwrap();
        for name in ["escrun", "age-plugin-escrun"] {
            symlink(env!("CARGO_BIN_EXE_escrun"), env.path("bin").join(name)).unwrap();
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let scene = Self {
            served: Served::start_by(
                &[starter, &[env!("CARGO_BIN_EXE_escrun")]].concat(),
                env,
                settings,
                &arguments,
            ),
            recipient,
        };
        let identity = scene.escrun(&["agent", "identity"], b"");
        scene.served.env.write("id", identity.stdout);
        scene
    }

    fn path(&self, path: &str) -> String {
        self.served.env.path(path).display().to_string()
    }

    /// A program that finds the plugin, and the agent by `ESCRUN_SOCKET`.
    fn run(&self, program: &str, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.served.command(program);
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("bin"));
        command
            .env("PATH", path)
            .env("ESCRUN_SOCKET", self.served.socket());
        output(command.args(arguments), input)
    }

    fn escrun(&self, arguments: &[&str], input: &[u8]) -> Output {
        self.run(env!("CARGO_BIN_EXE_escrun"), arguments, input)
    }

    fn encrypt(&self, recipient: &str) -> Vec<u8> {
        let output = self.run("age", &["-r", recipient], b"a value");
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }

    /// Has age decrypt by the agent.
    fn decrypt(&self, file: &[u8]) -> Result<Vec<u8>, String> {
        let output = self.run("age", &["-d", "-i", &self.path("id")], file);
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    #[track_caller]
    fn opens(&self, file: &[u8]) {
        assert_eq!(self.decrypt(file), Ok(b"a value".to_vec()));
    }

    #[track_caller]
    fn refuses(&self, file: &[u8], reason: &str) {
        let error = self.decrypt(file).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }

    fn unlock(&self, passphrases: &str) -> Output {
        let arguments = ["unlock", "--passphrase-file", "-"];
        self.escrun(&arguments, passphrases.as_bytes())
    }
}

fn output(command: &mut Command, input: &[u8]) -> Output {
    use std::io::Write as _;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who does not read it has a reason that is better told by its status.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// An identity under a passphrase that is cheap to try.
fn protected(identity: &[u8], passphrase: &str) -> Vec<u8> {
    let mut recipient = age::scrypt::Recipient::new(passphrase.to_owned().into());
    recipient.set_work_factor(2);
    age::encrypt(&recipient, identity).unwrap()
}

#[test]
fn stock_age_opens_what_is_for_the_identities_of_the_daemon() {
    if !have(&["age"]) {
        return;
    }
    let scene = Scene::new();
    let identity = scene.served.env.read("id");
    assert!(identity.starts_with(&format!("# public key: {}\nAGE-PLUGIN-", scene.recipient)));
    let file = scene.encrypt(&scene.recipient);
    scene.opens(&file);

    // Encrypted to the agent's own recipients, in armor.
    let id = scene.path("id");
    let output = scene.run("age", &["-a", "-e", "-i", &id], b"a value");
    assert!(output.status.success(), "{output:?}");
    scene.opens(&output.stdout);
    scene.served.env.write("armored", &output.stdout);
    let plain = scene.path("keys/plain");
    let by_key = scene.run("age", &["-d", "-i", &plain, &scene.path("armored")], b"");
    assert_eq!(by_key.stdout, b"a value");

    let stranger = scene.served.env.keygen("keys/stranger");
    scene.refuses(&scene.encrypt(&stranger), "no identity matched");

    // More stanzas than go into one call, and the one that fits is the last.
    let strangers = ["-r", &stranger].repeat(70);
    let many = [&strangers[..], &["-r", &scene.recipient]].concat();
    let output = scene.run("age", &many, b"a value");
    scene.opens(&output.stdout);

    let locked = scene.escrun(&["lock"], b"");
    assert!(locked.status.success(), "{locked:?}");
    scene.refuses(&file, "locked (unlock them with escrun unlock)");
    let unlocked = scene.escrun(&["unlock"], b"");
    assert!(unlocked.status.success(), "{unlocked:?}");
    scene.opens(&file);
}

#[test]
fn a_passphrase_is_given_once_for_all() {
    if !have(&["age"]) {
        return;
    }
    let scene = Scene::with(|_, identity| protected(identity, "a passphrase"), &[], "");
    let file = scene.encrypt(&scene.recipient);
    scene.refuses(&file, "waits for its passphrase");
    let wrong = scene.unlock("not the passphrase\n");
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(
        !wrong.status.success() && told.contains("wrong passphrase for"),
        "{told}"
    );
    let right = scene.unlock("a passphrase\n");
    assert!(right.status.success(), "{right:?}");
    scene.opens(&file);
    scene.opens(&file);
    scene.escrun(&["lock"], b"");
    scene.refuses(&file, "the identities are locked");
    let outcomes: Vec<_> = scene
        .served
        .audit()
        .iter()
        .filter(|line| line["call"] == "unwrap")
        .map(|line| line["decision"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(outcomes.len(), 4, "{outcomes:?}");
}

#[test]
fn keys_of_ssh_serve_age_too() {
    if !have(&["age", "ssh-keygen"]) {
        return;
    }
    let mut publics = Vec::new();
    let scene = Scene::with(
        |env, identity| {
            for (name, kind, passphrase) in [
                ("keys/open", "ed25519", ""),
                ("keys/locked", "ed25519", "a passphrase"),
                ("keys/rsa", "rsa", "another one"),
            ] {
                let mut keygen = env.command("ssh-keygen");
                keygen.args(["-q", "-a", "1", "-t", kind, "-N", passphrase, "-f"]);
                let made = output(keygen.arg(env.path(name)), b"");
                assert!(made.status.success(), "{made:?}");
                publics.push(env.read(&format!("{name}.pub")));
            }
            identity.to_vec()
        },
        &["keys/open", "keys/locked", "keys/rsa"],
        "",
    );
    let files: Vec<_> = publics.iter().map(|public| scene.encrypt(public)).collect();
    scene.opens(&files[0]);
    scene.refuses(&files[1], "waits for its passphrase");
    let unlocked = scene.unlock("a passphrase\nanother one\n");
    assert!(unlocked.status.success(), "{unlocked:?}");
    for file in &files {
        scene.opens(file);
    }
}

#[test]
fn a_plugin_gets_its_pin_from_who_unlocks() {
    if !have(&["age"]) {
        return;
    }
    // Outlives the daemon, which finds the plugin there.
    let programs = tempfile::tempdir().unwrap();
    let plugin = programs.path().join("age-plugin-toy");
    fs::write(&plugin, TOY_PLUGIN).unwrap();
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("PATH={}:/usr/bin:/bin", programs.path().display());
    let identity = |_: &TestEnv, _: &[u8]| b"AGE-PLUGIN-TOY-177ZNG8\n".to_vec();
    let settings = "providers: {plugins: true}\n";
    let scene = Scene::made(&["env", &path], identity, &[], settings);

    let mut age = scene.served.command("age");
    age.env("PATH", &path["PATH=".len()..]);
    let sealed = output(age.args(["-r", "age1toy1sh4lrv"]), b"a value");
    assert!(sealed.status.success(), "{sealed:?}");
    let file = sealed.stdout;

    // Nobody has said it yet; now it is known that it is asked for.
    scene.refuses(&file, "needs an answer");
    assert!(!scene.unlock("").status.success());
    assert!(scene.unlock("4321\n").status.success());
    scene.refuses(&file, "wrong PIN");
    assert!(scene.unlock("1234\n").status.success());
    scene.opens(&file);
    scene.opens(&file);
    scene.escrun(&["lock"], b"");
    scene.refuses(&file, "the identities are locked");
}

#[test]
fn the_policy_and_a_person_decide_who_is_served() {
    if !have(&["age"]) {
        return;
    }
    let answer = "confirm: [/bin/sh, -c, 'exec test -e \"$0\"', ANSWER]\n";
    let scene = Scene::with(|_, identity| identity.to_vec(), &[], "idle: 1h\n");
    let file = scene.encrypt(&scene.recipient);
    let policy = "home/.config/escrun/policy.yaml";
    let set = |text: &str| {
        scene.served.env.write(policy, text);
        let reloaded = scene.escrun(&["reload"], b"");
        assert!(reloaded.status.success(), "{reloaded:?}");
    };
    scene.opens(&file);
    set("rules:\n- peer: any\n  allow: manage\n");
    scene.refuses(&file, "the policy does not allow this");
    // Nobody can be asked: no program is set.
    set("rules:\n- peer: any\n  allow: manage\n- peer: any\n  allow: decrypt\n  confirm: true\n");
    scene.refuses(&file, "cannot answer now");
    drop(scene);

    let scene = Scene::with(
        |_, identity| identity.to_vec(),
        &[],
        &answer.replace("ANSWER", "/proc/self/cwd/never"),
    );
    let policy = scene.served.env.path(policy);
    let text =
        "rules:\n- peer: any\n  allow: manage\n- peer: any\n  allow: decrypt\n  confirm: true\n";
    fs::write(policy, text).unwrap();
    assert!(scene.escrun(&["reload"], b"").status.success());
    scene.refuses(&scene.encrypt(&scene.recipient), "does not allow this");
}

#[test]
fn sops_decrypts_by_the_agent() {
    if !have(&["sops"]) {
        return;
    }
    let scene = Scene::new();
    let plain = scene.served.env.write("secret.yaml", "password: a value\n");
    let sops = |arguments: &[&str]| {
        let mut command = scene.served.command("sops");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [PathBuf::from(scene.path("bin"))].into_iter();
        let path = std::env::join_paths(folders.chain(std::env::split_paths(&path))).unwrap();
        command
            .env("PATH", path)
            .env("ESCRUN_SOCKET", scene.served.socket())
            .env("SOPS_AGE_KEY_FILE", scene.path("id"))
            // The program may be a script that finds its own parts by these.
            .envs(std::env::vars_os().filter(|(name, _)| {
                let name = name.to_string_lossy();
                name.starts_with("PYENV") || name.starts_with("ASDF")
            }));
        output(command.args(arguments), b"")
    };
    let plain = plain.display().to_string();
    let encrypted = sops(&["--encrypt", "--age", &scene.recipient, &plain]);
    assert!(encrypted.status.success(), "{encrypted:?}");
    let file = scene.served.env.write("sealed.yaml", &encrypted.stdout);
    let decrypted = sops(&["--decrypt", &file.display().to_string()]);
    assert_eq!(decrypted.stdout, b"password: a value\n", "{decrypted:?}");
}

#[test]
fn a_run_asks_the_agent_before_a_person() {
    let scene = Scene::new();
    let env = &scene.served.env;
    env.write(
        "project/escrun.yaml",
        format!("encryption:\n  - recipients: [{}]\n", scene.recipient),
    );
    env.define("app", "values:\n  key:\n    fn::secret: a value\n");
    let sealed = scene.escrun(&["seal", "app"], b"");
    assert!(sealed.status.success(), "{sealed:?}");
    // It fits, and would have to be asked for: but there is no terminal, and no need.
    let identity = fs::read(env.path("keys/plain")).unwrap();
    let own = "home/.config/escrun/identities/own";
    env.write(own, protected(&identity, "a passphrase"));
    fs::set_permissions(env.path(own), fs::Permissions::from_mode(0o600)).unwrap();

    // A folder of definitions on this side: the values are not the daemon's.
    let get = |more: &[&str]| {
        let arguments = ["get", "--dir", "environments", "--env", "app", "--reveal"];
        let what = ["--format", "string", "key"];
        scene.escrun(&[&arguments, more, &what].concat(), b"")
    };
    let gotten = get(&[]);
    assert_eq!(gotten.stdout, b"a value\n", "{gotten:?}");

    let without = get(&["--via", "direct"]);
    assert!(!without.status.success(), "{without:?}");
    let escrun = env!("CARGO_BIN_EXE_escrun");
    let words = ["ESCRUN_VIA=direct", escrun, "get", "--dir", "environments"];
    let what = ["--env", "app", "--reveal", "--format", "string", "key"];
    let by_variable = scene.run("env", &[&words[..], &what].concat(), b"");
    assert!(!by_variable.status.success(), "{by_variable:?}");
    assert_eq!(by_variable.stdout, without.stdout);
    // By the plugin, as rage and everything else that is made with the same library would.
    let id = scene.path("id");
    fs::set_permissions(&id, fs::Permissions::from_mode(0o600)).unwrap();
    let plugin = get(&["--via", "direct", "--identity", &id]);
    assert_eq!(plugin.stdout, b"a value\n", "{plugin:?}");
    scene.escrun(&["lock"], b"");
    let locked = get(&[]);
    let told = String::from_utf8_lossy(&locked.stderr).into_owned();
    assert!(told.contains("the agent at"), "{told}");
    assert!(told.contains("the identities are locked"), "{told}");
}

#[test]
fn the_plugin_says_what_it_is_when_nobody_asks() {
    let scene = Scene::new();
    let output = scene.run(&scene.path("bin/age-plugin-escrun"), &[], b"");
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("escrun agent identity"), "{told}");
}
