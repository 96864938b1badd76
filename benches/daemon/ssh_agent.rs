//! What another agent takes for its work: ssh-agent, asked for a signature with an ed25519 key
//! (draft-ietf-sshm-ssh-agent).

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::stage::wait_for;

/// `SSH_AGENTC_SIGN_REQUEST`.
const SIGN_REQUEST: u8 = 13;

/// `SSH_AGENT_SIGN_RESPONSE`.
const SIGN_RESPONSE: u8 = 14;

/// A running agent with one key.
pub(super) struct Agent {
    child: Child,
    socket: PathBuf,
    request: Vec<u8>,
}

/// Starts an agent, if ssh is installed.
pub(super) fn start(folder: &Path) -> Option<Agent> {
    let (socket, key) = (folder.join("ssh-agent.sock"), folder.join("ssh-key"));
    let quiet = |command: &mut Command| {
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let made = quiet(
        Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key),
    );
    if !made {
        return None;
    }
    let child = Command::new("ssh-agent")
        .arg("-D")
        .arg("-a")
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn()
        .ok()?;
    wait_for(&socket);
    let added = quiet(
        Command::new("ssh-add")
            .arg(&key)
            .env("SSH_AUTH_SOCK", &socket),
    );
    assert!(added, "the agent takes no key");
    let public = std::fs::read_to_string(key.with_extension("pub")).expect("a public key");
    let public = public.split_whitespace().nth(1).expect("base64");
    let agent = Agent {
        child,
        socket,
        request: sign_request(&decode(public)),
    };
    agent.sign();
    Some(agent)
}

impl Agent {
    /// Has something signed.
    pub(super) fn sign(&self) {
        let mut stream = UnixStream::connect(&self.socket).expect("it listens");
        stream.write_all(&self.request).expect("it is taken");
        let mut answer = [0; 1024];
        let length = stream.read(&mut answer).expect("an answer");
        assert!(length > 5 && answer[4] == SIGN_RESPONSE, "no signature");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is sent: the key and 32 bytes to sign, without flags.
fn sign_request(key: &[u8]) -> Vec<u8> {
    let mut body = vec![SIGN_REQUEST];
    for part in [key, &[7; 32]] {
        body.extend(u32::try_from(part.len()).expect("short").to_be_bytes());
        body.extend(part);
    }
    body.extend([0; 4]);
    let mut request = u32::try_from(body.len())
        .expect("short")
        .to_be_bytes()
        .to_vec();
    request.extend(body);
    request
}

fn decode(text: &str) -> Vec<u8> {
    use base64::Engine;

    let engine = base64::engine::general_purpose::STANDARD;
    engine.decode(text).expect("base64")
}
