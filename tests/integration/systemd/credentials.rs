//! Units get credentials by `LoadCredential=`, with nothing of escrun in them.

use super::machine::Machine;
use super::served::{PASSWORD, machine};

const MAPPING: &str = "\
credentials:
  - unit: ledger.service
    credential: db-password
    environments: [ledger]
    path: password
  - unit: backup.service
    credential: db-password
    environments: [ledger]
    path: password
";

/// Keeps what it is given where the test finds it.
fn write_unit(machine: &Machine, name: &str, credential: &str) {
    machine.write(
        &format!("/etc/systemd/system/{name}.service"),
        &format!(
            "[Service]\n\
             Type=oneshot\n\
             DynamicUser=yes\n\
             StateDirectory={name}\n\
             LoadCredential={credential}:/run/escrun/credentials\n\
             ExecStart=sh -c 'cat $CREDENTIALS_DIRECTORY/* >$STATE_DIRECTORY/seen'\n"
        ),
    );
}

#[test]
fn a_unit_is_given_the_credential_that_is_mapped_for_it() {
    let Some(machine) = machine() else {
        return;
    };
    machine.write("/etc/escrun/daemon.yaml", MAPPING);
    write_unit(&machine, "ledger", "db-password");
    // Mapped, but not allowed by the policy.
    write_unit(&machine, "backup", "db-password");
    // Not mapped.
    write_unit(&machine, "auth-service", "db-password");
    machine.sh("systemctl daemon-reload");
    // The first one starts the daemon.
    machine.sh("timeout 60 systemctl start ledger");
    assert_eq!(machine.sh("cat /var/lib/ledger/seen"), PASSWORD);
    for refused in ["backup", "auth-service"] {
        let started = machine.try_sh(&format!("timeout 60 systemctl start {refused}"));
        assert!(!started.status.success(), "{refused} has started");
        assert!(
            !machine
                .try_sh(&format!("cat /var/lib/{refused}/seen"))
                .status
                .success()
        );
        machine.wait_for(
            "journalctl --no-pager --unit=escrun --priority=warning",
            |journal| {
                let is_it = |line: &str| line.contains(refused) && line.contains("db-password");
                journal.lines().any(is_it)
            },
        );
    }
    let journal = machine.sh("journalctl --no-pager --output=export");
    assert!(!journal.contains(PASSWORD));
}

#[test]
fn only_systemd_itself_is_given_credentials() {
    if !crate::outside::have(&["python3"]) {
        return;
    }
    let Some(machine) = machine() else {
        return;
    };
    machine.write("/etc/escrun/daemon.yaml", MAPPING);
    machine.write(
        "/srv/forge.py",
        "import socket\n\
         forged = socket.socket(socket.AF_UNIX)\n\
         forged.bind('\\0' + 'feedfacecafebeef/unit/ledger.service/db-password')\n\
         forged.connect('/run/escrun/credentials')\n\
         try:\n    print(forged.recv(1000))\n\
         except ConnectionResetError:\n    print(b'')\n",
    );
    let run = |options: &str| {
        let script = format!(
            "timeout 60 systemd-run --quiet --pipe --wait --collect {options} python3 /srv/forge.py"
        );
        machine.try_sh(&script)
    };
    // Another unit, even as root: the name says one unit, and the kernel another.
    let other = run("--unit=backup");
    assert_eq!(other.stdout, b"b''\n", "{other:?}");
    // Others cannot even connect.
    let unprivileged = run("--unit=ledger --property=DynamicUser=yes");
    assert!(!unprivileged.status.success() && unprivileged.stdout.is_empty());
}
