//! The daemon as a unit: started, reloaded, watched, killed, put to sleep.

use super::served::{POLICY, TOKEN, as_unit, machine};

const GET: &str = "escrun get --env auth-service token --reveal --format string --via daemon";

fn get() -> String {
    as_unit("auth-service", "DynamicUser=yes", GET)
}

#[test]
fn the_identity_comes_encrypted_and_a_lock_needs_it_again() {
    let Some(machine) = machine() else {
        return;
    };
    let value = machine.sh(&get());
    assert_eq!(value.trim_end(), TOKEN);
    // Before the machine sleeps, all is locked. It only seems to sleep here.
    machine.sh("mkdir /etc/systemd/system/systemd-suspend.service.d
        printf '[Service]\\nExecStart=\\nExecStart=/bin/true\\n' \
            >/etc/systemd/system/systemd-suspend.service.d/awake.conf
        systemctl daemon-reload
        systemctl start systemd-suspend");
    let refused = machine.try_sh(&get());
    assert!(!refused.status.success() && refused.stdout.is_empty());
    machine.sh("escrun unlock");
    assert_eq!(machine.sh(&get()), value);
}

#[test]
fn a_daemon_that_hangs_is_replaced() {
    let Some(machine) = machine() else {
        return;
    };
    machine.sh("mkdir /etc/systemd/system/escrun.service.d
        printf '[Service]\\nWatchdogSec=1s\\n' >/etc/systemd/system/escrun.service.d/soon.conf
        systemctl daemon-reload
        systemctl start escrun");
    let pid = machine.sh("systemctl show --property=MainPID --value escrun");
    machine.sh("systemctl kill --signal=STOP --kill-whom=main escrun");
    // Who asks meanwhile waits for the next one.
    let value = machine.sh(&get());
    assert_eq!(value.trim_end(), TOKEN);
    assert_ne!(
        machine.sh("systemctl show --property=MainPID --value escrun"),
        pid
    );
    let journal = machine.sh("journalctl --no-pager --unit=escrun");
    assert!(journal.contains("Watchdog timeout"), "{journal}");
    assert!(
        journal.contains("Failed with result 'watchdog'"),
        "{journal}"
    );
    assert_eq!(
        machine.sh("find / -xdev -name 'core*' -newer /etc/fstab -size +0 -type f"),
        ""
    );
}

#[test]
fn a_daemon_that_works_is_left_alone() {
    let Some(machine) = machine() else {
        return;
    };
    machine.sh("mkdir /etc/systemd/system/escrun.service.d
        printf '[Service]\\nWatchdogSec=300ms\\n' >/etc/systemd/system/escrun.service.d/soon.conf
        systemctl daemon-reload
        systemctl start escrun");
    // Ten times as long as silence is allowed.
    machine.sh("sleep 3");
    assert_eq!(
        machine.sh("systemctl show --property=NRestarts --value escrun"),
        "0\n"
    );
}

#[test]
fn a_reload_takes_a_policy_over_unless_it_is_broken() {
    let Some(machine) = machine() else {
        return;
    };
    machine.sh(&get());
    let pid = "systemctl show --property=MainPID,NRestarts escrun";
    let before = machine.sh(pid);
    let give_to = |unit: &str| {
        machine.write(
            "/etc/escrun/policy.yaml",
            &POLICY.replace("'auth*.service'", unit),
        );
        machine.sh("systemctl reload escrun");
    };
    give_to("other.service");
    machine.wait_for(&format!("{} || true", get()), str::is_empty);
    give_to("auth-service.service");
    machine.wait_for(&format!("{} || true", get()), |value| {
        value.trim_end() == TOKEN
    });
    // A broken one changes nothing, and is told.
    machine.sh("echo 'rules: [' >/etc/escrun/policy.yaml; systemctl reload escrun");
    let shows = |command: &str| {
        machine.wait_for(command, |shown| shown.contains("/etc/escrun/policy.yaml"));
    };
    shows("journalctl --no-pager --unit=escrun --priority=err");
    shows("systemctl show --property=StatusText escrun");
    assert_eq!(machine.sh(&get()).trim_end(), TOKEN);
    assert_eq!(machine.sh(pid), before);
    assert_eq!(machine.sh("systemctl is-active escrun"), "active\n");
}

#[test]
fn the_manager_shows_how_the_daemon_is_without_being_asked_to_reload() {
    let Some(machine) = machine() else {
        return;
    };
    machine.sh("systemctl start escrun");
    let shows = |text: &str| {
        let status = "systemctl show --property=StatusText --value escrun";
        machine.wait_for(status, |shown| shown.contains(text));
    };
    machine.sh("escrun lock");
    shows("locked");
    machine.sh("escrun unlock");
    machine.wait_for(
        "systemctl show --property=StatusText --value escrun",
        |shown| !shown.contains("locked"),
    );
    machine.sh("echo 'rules: [' >/etc/escrun/policy.yaml");
    shows("/etc/escrun/policy.yaml");
}

#[test]
fn the_daemon_runs_with_no_right_at_all() {
    let Some(machine) = machine() else {
        return;
    };
    machine.sh("systemctl start escrun");
    let status = machine.sh("cat /proc/$(systemctl show --property=MainPID --value escrun)/status");
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1))
            .unwrap_or_default()
    };
    assert_ne!(field("Uid:"), "0", "{status}");
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(field(set), "0000000000000000", "{status}");
    }
    assert_eq!(field("NoNewPrivs:"), "1");
    assert_eq!(field("Seccomp:"), "2");
    // Nothing that it wants of the kernel is refused to it.
    let journal = machine.sh("journalctl --no-pager --unit=escrun --priority=warning");
    assert!(!journal.contains("escrun["), "{journal}");
}
