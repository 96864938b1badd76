//! A machine whose daemon serves three environments, set up as `docs/systemd.md` says.

use super::machine::Machine;

/// What the environment `auth-service` keeps secret.
pub(super) const TOKEN: &str = "correct-horse";

/// What the environment `ledger` keeps secret.
pub(super) const PASSWORD: &str = "battery-staple";

const DEFINITIONS: [(&str, &str); 3] = [
    ("production", "values:\n  stage: production\n"),
    (
        "auth-service",
        "imports: [production]\nvalues:\n  client: lantern\n  token:\n    fn::secret: correct-horse\n",
    ),
    (
        "ledger",
        "imports: [production]\nvalues:\n  password:\n    fn::secret: battery-staple\n",
    ),
];

/// Two services, each with its own environment, and what both import; nobody else may have anything.
pub(super) const POLICY: &str = "\
rules:
  - name: auth-service
    peer: {unit: 'auth*.service'}
    environments: [auth-service, production]
    allow: [open, value, watch]
  - name: ledger
    peer: {unit: ledger.service}
    environments: [ledger, production]
    allow: [open, value]
  - name: administrator
    peer: {user: root}
    allow: [manage]
";

/// Boots a machine with definitions, a policy and the encrypted identity, and with everything enabled and nothing asked
/// for yet.
pub(super) fn machine() -> Option<Machine> {
    let machine = Machine::with_escrun()?;
    machine.write("/etc/escrun/policy.yaml", POLICY);
    machine.sh("mkdir -p /srv && cd /srv && escrun init shop && rm shop/environments/*");
    for (name, definition) in DEFINITIONS {
        machine.write(&format!("/srv/shop/environments/{name}.yaml"), definition);
    }
    machine.sh("cd /srv/shop
        escrun seal auth-service ledger
        install -o root -g escrun -m 0640 environments/*.yaml /etc/escrun/environments
        mkdir -p /etc/credstore.encrypted
        chmod 0700 /etc/credstore.encrypted
        systemd-creds encrypt --with-key=host --name=escrun.identity \
            ~/.config/escrun/identities/default.txt /etc/credstore.encrypted/escrun.identity
        # Nobody has it in plain text from now on.
        rm -r ~/.config/escrun
        systemctl enable --now escrun.socket escrun-credentials.socket
        systemctl enable escrun-sleep.service");
    Some(machine)
}

/// A script of a unit called `unit`, run by `user`: what it prints is given back.
pub(super) fn as_unit(unit: &str, user: &str, script: &str) -> String {
    format!(
        "systemd-run --quiet --pipe --wait --collect --unit={unit} --property={user} sh -c '{script}'"
    )
}
