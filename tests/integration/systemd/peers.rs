//! Services get what the policy gives their units, whatever they say of themselves.

use super::served::{PASSWORD, TOKEN, as_unit, machine};

const CURL: &str = "curl --silent --unix-socket /run/escrun/escrun.sock --write-out \"\\n%{http_code}\" \
     http://escrun/v1/open --data";

#[test]
fn a_unit_is_given_its_own_environments_and_nothing_else() {
    let Some(machine) = machine() else {
        return;
    };
    assert_eq!(
        machine.try_sh("systemctl is-active escrun").stdout,
        b"inactive\n"
    );
    let open = |unit: &str, user: &str, environments: &str| {
        let body = format!("{CURL} \"{{\\\"environments\\\":[{environments}]}}\"");
        machine.sh(&as_unit(unit, user, &body))
    };
    // The first connection starts the daemon.
    for user in ["DynamicUser=yes", "User=root", "User=nobody"] {
        let own = open("auth-service", user, "\\\"auth-service\\\"");
        assert!(own.contains(TOKEN) && own.ends_with("\n200"), "{own}");
    }
    assert_eq!(machine.sh("systemctl is-active escrun"), "active\n");
    let denied = open("auth-service", "DynamicUser=yes", "\\\"ledger\\\"");
    assert!(
        denied.ends_with("\n403") && !denied.contains(PASSWORD),
        "{denied}"
    );
    // Whether it exists is not told either.
    let missing = open(
        "auth-service",
        "DynamicUser=yes",
        "\\\"no-such-environment\\\"",
    );
    assert_eq!(denied, missing);
    for (unit, user) in [
        ("backup", "DynamicUser=yes"),
        ("backup", "User=root"),
        ("ledger", "User=root"),
    ] {
        let answer = open(unit, user, "\\\"auth-service\\\"");
        assert!(
            answer.ends_with("\n403") && !answer.contains(TOKEN),
            "{answer}"
        );
    }
    // A process that is part of no unit: of a shell from outside.
    let outside = machine.sh(&format!("{CURL} '{{\"environments\":[\"ledger\"]}}'"));
    assert!(outside.ends_with("\n403"), "{outside}");
    // Every decision is written down, and no value.
    let audit = machine.sh("cat /var/log/escrun/audit.jsonl");
    assert!(
        audit.contains("auth-service.service") && audit.contains("backup.service"),
        "{audit}"
    );
    assert!(!audit.contains(TOKEN) && !audit.contains(PASSWORD));
    machine.sh("escrun audit verify /var/log/escrun/audit.jsonl");
    let journal = machine.sh("journalctl --no-pager --output=export");
    assert!(!journal.contains(TOKEN) && !journal.contains(PASSWORD));
}

#[test]
fn a_name_in_the_command_line_or_the_environment_is_nothing() {
    let Some(machine) = machine() else {
        return;
    };
    // A unit may delegate its own control groups, and give them any name; it stays the unit that it is.
    let script = "own=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup | tail -n 1)
        mkdir $own/auth-service.service
        echo $$ >$own/auth-service.service/cgroup.procs
        exec -a auth-service escrun get --env auth-service token --reveal --format string --via daemon";
    let output = machine.try_sh(&format!(
        "systemd-run --quiet --pipe --wait --collect --unit=backup --property=Delegate=yes \
         --setenv=SYSTEMD_UNIT=auth-service.service bash -c '{script}'"
    ));
    assert!(!output.status.success() && output.stdout.is_empty());
    let audit = machine.sh("tail -n 1 /var/log/escrun/audit.jsonl");
    assert!(
        audit.contains("\"backup.service\"") && audit.contains("denied"),
        "{audit}"
    );
}

#[test]
fn a_wrapped_service_is_restarted_when_its_environment_changes() {
    let Some(machine) = machine() else {
        return;
    };
    machine.write(
        "/usr/local/bin/auth-service",
        "#!/bin/sh\necho \"$$ $STAGE $TOKEN\" >>$STATE_DIRECTORY/seen\nexec sleep infinity\n",
    );
    machine.sh("chmod +x /usr/local/bin/auth-service
        cp /usr/local/src/escrun/escrun@.service /etc/systemd/system
        mkdir /etc/systemd/system/escrun@.service.d
        printf '[Service]\\nStateDirectory=%%i\\n' >/etc/systemd/system/escrun@.service.d/state.conf
        systemctl daemon-reload
        sed -i 's/auth\\*\\.service/escrun@auth-service.service/' /etc/escrun/policy.yaml
        systemctl start escrun@auth-service");
    // Not as the daemon's own user, which systemd would take by the name of the unit.
    let owner = machine.sh("systemctl show --property=User --value escrun@auth-service");
    assert_eq!(owner, "escrun-auth-service\n");
    let seen = "cat /var/lib/auth-service/seen";
    let first = machine.wait_for(seen, |seen| seen.lines().count() == 1);
    assert!(first.ends_with(&format!("production {TOKEN}\n")), "{first}");
    machine.sh(
        "sed -i 's/stage: production/stage: changed/' /etc/escrun/environments/production.yaml",
    );
    let both = machine.wait_for(seen, |seen| seen.lines().count() == 2);
    assert!(both.ends_with(&format!("changed {TOKEN}\n")), "{both}");
    // The supervisor has stayed, and so has what it runs when the daemon goes.
    let service = "systemctl show --property=MainPID,NRestarts escrun@auth-service";
    let before = machine.sh(service);
    machine.sh("systemctl kill --signal=KILL --kill-whom=main escrun");
    machine.sh("sed -i 's/stage: changed/stage: again/' /etc/escrun/environments/production.yaml");
    let all = machine.wait_for(seen, |seen| seen.lines().count() == 3);
    assert!(all.ends_with(&format!("again {TOKEN}\n")), "{all}");
    assert_eq!(machine.sh(service), before);
    // Who may not have it is not started.
    machine.sh("cp /usr/local/bin/auth-service /usr/local/bin/ledger");
    machine.sh("systemctl start escrun@ledger");
    machine.wait_for(
        "systemctl show --property=ExecMainStatus escrun@ledger",
        |status| status == "ExecMainStatus=125\n",
    );
    assert!(!machine.try_sh("ls /var/lib/ledger/seen").status.success());
}
