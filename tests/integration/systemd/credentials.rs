//! What systemd makes of what it is given, and of what it is refused.

use super::agent::{self, as_person};
use super::machine::Machine;
use super::served::{self, PASSWORD, TOKEN};

const SETTINGS: &str = "\
credentials:
  - {unit: auth*.service, credential: token, environments: auth-service, path: token}
  - {unit: auth*.service, credential: all, environments: auth-service, format: json}
  - {unit: auth*.service, credential: stage, environments: auth-service, variable: STAGE}
  - {unit: '*', credential: password, environments: ledger, path: password}
  - {unit: auth*.service, credential: none, environments: auth-service, variable: NOTHING}
  - {unit: auth*.service, credential: large, environments: large, path: text}
  - {unit: auth*.service, credential: largest, environments: large, path: largest}
";

/// What systemd takes, less what the name of the credential takes.
const MOST: usize = (1 << 20) - "largest".len();

fn machine() -> Option<Machine> {
    let machine = served::machine()?;
    machine.write("/etc/escrun/daemon.yaml", SETTINGS);
    let policy = machine.sh("cat /etc/escrun/policy.yaml");
    let policy = policy.replace(
        "environments: [auth-service, production]",
        "environments: [auth-service, production, large]",
    );
    machine.write("/etc/escrun/policy.yaml", &policy);
    let large = format!(
        "values:\n  text: {}\n  largest: {}\n",
        "x".repeat(MOST + 3),
        "x".repeat(MOST)
    );
    machine.write("/etc/escrun/environments/large.yaml", &large);
    machine.sh("chown root:escrun /etc/escrun/environments/large.yaml");
    machine.sh("systemctl restart escrun.service");
    Some(machine)
}

/// Starts a unit with a credential, and has it do something.
fn with(unit: &str, credential: &str, script: &str) -> String {
    format!(
        "systemd-run --quiet --pipe --wait --collect --unit={unit} --property=DynamicUser=yes \
         --property=LoadCredential={credential}:/run/escrun/credentials sh -c '{script}'"
    )
}

#[test]
fn units_are_given_the_credentials_that_are_theirs() {
    let Some(machine) = machine() else {
        return;
    };
    let read = |unit: &str, credential: &str| {
        machine.sh(&with(
            unit,
            credential,
            &format!("cat $CREDENTIALS_DIRECTORY/{credential}"),
        ))
    };
    assert_eq!(read("auth", "token"), TOKEN);
    assert_eq!(read("auth@1", "stage"), "production");
    assert_eq!(read("ledger", "password"), PASSWORD);
    let all: serde_json::Value = serde_json::from_str(&read("auth", "all")).unwrap();
    assert_eq!(all["TOKEN"], TOKEN);
    let length = machine.sh(&with(
        "auth",
        "largest",
        "wc -c <$CREDENTIALS_DIRECTORY/largest",
    ));
    assert_eq!(length.trim(), MOST.to_string());
    // Neither in the journal nor in the audit.
    for place in [
        "journalctl --no-pager --output=verbose",
        "cat /var/log/escrun/audit.jsonl",
    ] {
        let told = machine.sh(place);
        assert!(told.contains("credential"), "{place}");
        assert!(!told.contains(TOKEN) && !told.contains(PASSWORD), "{place}");
    }
    let audit = machine.sh("cat /var/log/escrun/audit.jsonl");
    let line = audit
        .lines()
        .find(|line| line.contains(r#""subject":"token""#));
    let line: serde_json::Value = serde_json::from_str(line.unwrap()).unwrap();
    assert_eq!(line["call"], "credential");
    assert_eq!(line["decision"], "allowed");
    assert_eq!(line["peer"]["uid"], 0);
    assert_eq!(line["peer"]["unit"], "auth.service");
    assert_eq!(line["path"], "token");
    machine.sh("escrun audit verify --system");
}

#[test]
fn a_unit_that_is_refused_does_not_start_and_the_journal_says_why() {
    let Some(machine) = machine() else {
        return;
    };
    for (unit, credential, reason, hint) in [
        (
            "auth",
            "password",
            "the policy does not allow it",
            "allow it in the policy, by a rule with unit: auth.service",
        ),
        (
            "ledger",
            "token",
            "the settings map nothing to it",
            "map it under credentials in daemon.yaml, by unit: ledger.service and credential: token, and reload the daemon",
        ),
        (
            "auth",
            "none",
            "the environments have no variable NOTHING",
            "escrun get shows",
        ),
        ("auth", "large", "more than systemd takes", "1 MiB"),
    ] {
        let refused = machine.try_sh(&with(unit, credential, "echo started"));
        // systemd.exec(5): EXIT_CREDENTIALS.
        assert_eq!(refused.status.code(), Some(243), "{unit} {credential}");
        assert_eq!(refused.stdout, b"", "{unit} {credential}");
        let told = machine.sh("journalctl --no-pager --unit=escrun.service --priority=warning --lines=1 --output=json");
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        let text = |field: &str| told[field].as_str().unwrap_or_default().to_owned();
        let message = text("MESSAGE");
        let sentence =
            format!("the credential \"{credential}\" is not given to \"{unit}.service\": ");
        assert!(message.starts_with(&sentence), "{told}");
        assert!(message.contains(hint), "{told}");
        assert_eq!(text("ESCRUN_UNIT"), format!("{unit}.service"));
        assert_eq!(text("ESCRUN_CREDENTIAL"), credential);
        assert!(text("ESCRUN_REASON").contains(reason), "{told}");
        assert!(text("ESCRUN_HINT").contains(hint), "{told}");
    }
}

#[test]
fn whoever_is_not_systemd_is_given_nothing() {
    let Some(machine) = machine() else {
        return;
    };
    // Root of another unit takes the name that systemd would have; and so does another user, where the socket lets it.
    let script = "import socket, sys\n\
        s = socket.socket(socket.AF_UNIX)\n\
        s.bind(\"\\0aa\" + sys.argv[1] + \"/unit/auth.service/token\")\n\
        s.connect(\"/run/escrun/credentials\")\n\
        sys.stdout.write(repr(len(s.recv(100))))\n";
    machine.write("/root/forge.py", script);
    machine.sh("cp /root/forge.py /tmp/forge.py && chmod 0755 /tmp/forge.py");
    let forged = |user: &str, number: u32| {
        machine.sh(&format!(
            "systemd-run --quiet --pipe --wait --collect --property=User={user} /usr/bin/python3 /tmp/forge.py {number}"
        ))
    };
    assert_eq!(forged("root", 1), "0");
    machine.sh("chmod 0666 /run/escrun/credentials");
    assert_eq!(forged("nobody", 2), "0");
    let audit = machine.sh("cat /var/log/escrun/audit.jsonl");
    let refused = audit
        .lines()
        .filter(|line| line.contains(r#""reason":"unconfirmed""#));
    assert_eq!(refused.count(), 2, "{audit}");
}

#[test]
fn an_agent_gives_credentials_to_the_units_of_its_owner() {
    let Some(machine) = agent::machine() else {
        return;
    };
    machine.sh(&as_person(
        "ann",
        "{
            echo credentialsSocket: $XDG_RUNTIME_DIR/escrun/credentials
            echo credentials:
            echo \"- {unit: editor.service, credential: token, environments: app, path: token}\"
        } >~/.config/escrun/daemon.yaml
        systemctl --user start escrun.service",
    ));
    let ask = |unit: &str| {
        machine.try_sh(&as_person(
            "ann",
            &format!(
                "systemd-run --user --quiet --pipe --wait --collect --unit={unit} \
                 --property=LoadCredential=token:$XDG_RUNTIME_DIR/escrun/credentials \
                 sh -c \"cat \\$CREDENTIALS_DIRECTORY/token\""
            ),
        ))
    };
    let given = ask("editor");
    assert_eq!(
        String::from_utf8_lossy(&given.stdout),
        "correct-horse",
        "{given:?} {}",
        machine.journal()
    );
    assert!(!ask("game").status.success());
}
