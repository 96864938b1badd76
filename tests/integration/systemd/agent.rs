//! A person's agent, as a unit of that person's own manager.

use super::machine::Machine;

/// Runs a script as a person.
pub(super) fn as_person(name: &str, script: &str) -> String {
    format!(
        "runuser --login {name} --command 'export XDG_RUNTIME_DIR=/run/user/$(id -u); {script}'"
    )
}

pub(super) fn machine() -> Option<Machine> {
    let machine = Machine::with_escrun()?;
    for name in ["ann", "bob"] {
        machine.sh(&format!(
            "useradd --create-home --shell /bin/sh {name}
            systemctl start user@$(id -u {name}).service"
        ));
    }
    machine.sh(&as_person(
        "ann",
        "escrun init shop
        cd shop
        printf correct-horse | escrun set --secret app token
        mkdir -p ~/.config/escrun
        cp -r environments ~/.config/escrun
        systemctl --user --quiet enable --now escrun.socket",
    ));
    Some(machine)
}

#[test]
fn an_agent_serves_its_owner_alone() {
    let Some(machine) = machine() else {
        return;
    };
    let state = as_person("ann", "systemctl --user is-active escrun || true");
    assert_eq!(machine.sh(&state), "inactive\n");
    let get = "escrun get --env app token --reveal --format string --via daemon";
    assert_eq!(
        machine.sh(&as_person("ann", get)).trim_end(),
        "correct-horse"
    );
    assert_eq!(machine.sh(&state), "active\n");
    // One that is started by hand leaves the socket to the one that was handed it.
    let another = machine.try_sh(&as_person("ann", "escrun daemon"));
    let told = String::from_utf8_lossy(&another.stderr);
    assert!(
        !another.status.success() && told.contains("another daemon serves"),
        "{told}"
    );
    assert_eq!(
        machine.sh(&as_person("ann", get)).trim_end(),
        "correct-horse"
    );
    // The folder is the owner's alone.
    let socket = machine.sh("ls /run/user/*/escrun/escrun.sock");
    let socket = socket.trim();
    let request = format!(
        "curl --silent --unix-socket {socket} http://escrun/v1/open --data {{\\\"environments\\\":[\\\"app\\\"]}}"
    );
    assert!(!machine.try_sh(&as_person("bob", &request)).status.success());
    let elsewhere = as_person(
        "bob",
        &format!(
            "escrun get --env app token --reveal --format string --via daemon --socket {socket}"
        ),
    );
    assert!(!machine.try_sh(&elsewhere).status.success());
}

#[test]
fn an_agent_is_locked_before_the_machine_sleeps() {
    let Some(machine) = machine() else {
        return;
    };
    let get = as_person(
        "ann",
        "escrun get --env app token --reveal --format string --via daemon",
    );
    machine.sh(&get);
    // Root may, though the agent is not root's to use.
    machine.sh("systemctl start escrun-sleep");
    let refused = machine.try_sh(&get);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(
        refused.stdout.is_empty() && told.contains("locked"),
        "{told}"
    );
    let socket = machine.sh("ls /run/user/*/escrun/escrun.sock");
    let asked = machine.try_sh(&format!("escrun unlock --socket {}", socket.trim()));
    assert!(!asked.status.success());
}

#[test]
fn an_agent_tells_the_units_of_its_owner_apart() {
    let Some(machine) = machine() else {
        return;
    };
    machine.write(
        "/home/ann/.config/escrun/policy.yaml",
        "rules:\n  - peer: {userUnit: editor.service, user: ann}\n    environments: '**'\n    allow: [open, value]\n",
    );
    machine.sh("chown -R ann: /home/ann/.config");
    let get = |unit: &str| {
        as_person(
            "ann",
            &format!(
                "systemd-run --user --quiet --pipe --wait --collect --unit={unit} \
                 escrun get --env app token --reveal --format string --via daemon"
            ),
        )
    };
    assert_eq!(machine.sh(&get("editor")).trim_end(), "correct-horse");
    assert!(!machine.try_sh(&get("game")).status.success());
}
