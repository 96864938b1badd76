//! The units are ones that systemd understands, and shut in what they start.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::machine::Machine;
use crate::outside::have;

/// The units of a folder of the repository, copied to where they start the escrun that is tested.
fn copies(folder: &str) -> (tempfile::TempDir, Vec<PathBuf>) {
    let copies = tempfile::tempdir().unwrap();
    let mut units = Vec::new();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    for sample in fs::read_dir(samples).unwrap() {
        let sample = sample.unwrap();
        let name = sample.file_name().into_string().unwrap();
        if !(name.ends_with(".service") || name.ends_with(".socket")) {
            continue;
        }
        // Programs have to be there, and the instance has to have a name.
        let unit = fs::read_to_string(sample.path()).unwrap().replace(
            "/usr/local/bin/escrun ",
            concat!(env!("CARGO_BIN_EXE_escrun"), " "),
        );
        let copy = copies.path().join(name.replace("@.", "@production."));
        fs::write(&copy, unit).unwrap();
        units.push(copy);
    }
    assert!(!units.is_empty(), "{folder}");
    (copies, units)
}

#[test]
fn systemd_understands_the_units() {
    if !have(&["systemd-analyze"]) {
        return;
    }
    let (_copies, units) = copies("systemd");
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .args(&units)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    // It looks at the machine's own units as well, whose faults are none of ours.
    let is_ours = |line: &&str| line.contains("web-app") || line.contains("escrun");
    let ours: Vec<_> = told.lines().filter(is_ours).collect();
    assert!(ours.is_empty(), "{told}");
}

#[test]
fn the_daemon_is_shut_in() {
    if !have(&["systemd-analyze"]) {
        return;
    }
    let (_copies, units) = copies("systemd");
    let daemon = units.iter().find(|unit| unit.ends_with("escrun.service"));
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager", "--threshold=15"])
        .arg(daemon.unwrap())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("Overall exposure level"), "{told}");
    // Tenths: 1.5 of 10.
    assert!(output.status.success(), "{told}");
}

#[test]
fn what_is_installed_is_what_systemd_needs() {
    let Some(machine) = Machine::with_escrun() else {
        return;
    };
    // A second time nothing changes, and another place for the program is written into every unit.
    machine.sh("/usr/local/src/escrun/install --program /opt/escrun/bin/escrun");
    let starts = machine.sh("grep -rhoE '^Exec(Start)=[^ ]+' /usr/local/lib/systemd | sort -u");
    assert_eq!(starts, "ExecStart=/opt/escrun/bin/escrun\n");
    machine.sh("/usr/local/src/escrun/install");
    let modes = machine.sh(
        "stat -c '%U:%G %a %n' /etc/escrun /etc/escrun/environments /run/escrun; \
         getent passwd escrun | cut -d: -f 1,6,7",
    );
    assert_eq!(
        modes,
        "root:root 755 /etc/escrun\n\
         root:escrun 750 /etc/escrun/environments\n\
         root:root 755 /run/escrun\n\
         escrun:/:/usr/sbin/nologin\n"
    );
    machine.sh("systemctl enable --now escrun.socket escrun-credentials.socket");
    let sockets = machine.sh("stat -c '%U:%G %a %F %n' /run/escrun /run/escrun/*");
    assert_eq!(
        sockets,
        "root:root 755 directory /run/escrun\n\
         root:root 600 socket /run/escrun/credentials\n\
         root:root 666 socket /run/escrun/escrun.sock\n"
    );
    // No socket stays that nobody listens on.
    machine.sh("systemctl disable --now escrun.socket escrun-credentials.socket");
    assert_eq!(machine.sh("ls /run/escrun"), "");
    for unit in ["user@.service", "escrun.service"] {
        let verdict = machine.try_sh(&format!("systemd-analyze verify --man=no {unit}"));
        let told = String::from_utf8_lossy(&verdict.stderr);
        assert!(!told.contains("escrun"), "{told}");
    }
}
