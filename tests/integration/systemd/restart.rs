//! Nobody who asks while the daemon is restarted is refused or forgotten.

use std::process::Stdio;

use super::served::machine;

/// Asks again and again until told to stop; tells of every request that was not answered with success.
const CLIENT: &str = r#"
import http.client, json, os, socket, sys, time

class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect("/run/escrun/escrun.sock")

body = json.dumps({"environments": ["auth-service"]})
asked = failed = 0
while not os.path.exists("/srv/stop"):
    begun = time.monotonic()
    asked += 1
    try:
        connection = Connection("escrun")
        connection.request("POST", "/v1/open", body)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200 or b"correct-horse" not in content:
            raise Exception(answer.status, content)
    except Exception as error:
        failed += 1
        print(repr(error), file=sys.stderr)
    # Four clients at 50 a second.
    time.sleep(max(0, begun + 0.02 - time.monotonic()))
print(asked, failed)
"#;

#[test]
fn no_request_is_lost_while_the_daemon_is_restarted() {
    if !crate::outside::have(&["python3"]) {
        return;
    }
    let Some(machine) = machine() else {
        return;
    };
    machine.write("/srv/client.py", CLIENT);
    machine.sh("systemctl start escrun");
    let clients: Vec<_> = (0..4)
        .map(|number| {
            let mut client = machine.command(&format!(
                "systemd-run --quiet --pipe --wait --collect --unit=auth-{number} \
                 python3 /srv/client.py"
            ));
            client.stdout(Stdio::piped()).stderr(Stdio::piped());
            client.spawn().unwrap()
        })
        .collect();
    let answered = "wc -l </var/log/escrun/audit.jsonl";
    for _ in 0..5 {
        let before: u64 = machine.sh(answered).trim().parse().unwrap();
        machine.sh("systemctl restart escrun");
        // The next restart comes when the clients are at it again.
        machine.wait_for(answered, |after| {
            after
                .trim()
                .parse()
                .is_ok_and(|after: u64| after > before + 50)
        });
    }
    machine.sh("touch /srv/stop");
    for client in clients {
        let output = client.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        let failures = String::from_utf8_lossy(&output.stderr);
        let (asked, failed) = told.trim().split_once(' ').unwrap();
        assert_eq!(failed, "0", "of {asked}: {failures}");
        assert!(asked.parse::<u32>().unwrap() > 20, "{asked}");
    }
    assert_eq!(
        machine.sh("systemctl show --property=NRestarts --value escrun"),
        "0\n"
    );
    machine.sh("escrun audit verify /var/log/escrun/audit.jsonl");
}
