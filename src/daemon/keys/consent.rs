//! Asks a person whether a peer may have what it asks for.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::super::peer::Peer;
use crate::launcher::{Invocation, Launched, Launcher, Streams};
use crate::sys::fs::describe;

/// How long a person has to answer.
const LIMIT: Duration = Duration::from_secs(60);

/// How often the end of the program is looked for.
const TICK: Duration = Duration::from_millis(50);

/// Tells programs in the manner of ssh-askpass that the answer is yes or no (ssh(1), SSH_ASKPASS_PROMPT).
const CONFIRM: (&str, &str) = ("SSH_ASKPASS_PROMPT", "confirm");

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// The person agrees.
    Given,
    /// The person does not.
    Refused,
    /// Nobody has answered in time.
    TimedOut,
    /// Something else of this user is being asked about.
    Busy,
    /// Nobody can be asked; why.
    Unavailable(String),
}

/// Asks by a program: status 0 is a yes.
#[derive(Debug)]
pub struct Confirmer {
    environment: Vec<(OsString, OsString)>,
    launcher: Arc<dyn Launcher>,
    limit: Duration,
    /// The users whose processes are being asked about: one question each, however many processes a user starts.
    asking: Mutex<BTreeSet<u32>>,
}

impl Confirmer {
    /// Asks by programs that are started by `launcher` with `environment`.
    pub fn new(mut environment: Vec<(OsString, OsString)>, launcher: Arc<dyn Launcher>) -> Self {
        environment.retain(|(name, _)| name != CONFIRM.0 && !crate::withheld::is_withheld(name));
        environment.push((CONFIRM.0.into(), CONFIRM.1.into()));
        Self {
            environment,
            launcher,
            limit: LIMIT,
            asking: Mutex::default(),
        }
    }

    /// Asks by `program`, an absolute path and arguments, whether `peer` may do `what` (`decrypt a file`, `open
    /// production`). An empty one asks nobody: then there is no consent. Whoever no longer waits for the answer takes the
    /// question back.
    pub async fn ask(&self, program: &[String], peer: &Peer, what: &str) -> Consent {
        let Some(_turn) = Turn::take(self, peer.user) else {
            return Consent::Busy;
        };
        let mut asked = match self.start(program, &question(peer, what)) {
            Ok(asked) => asked,
            Err(error) => return Consent::Unavailable(error),
        };
        let end = Instant::now() + self.limit;
        loop {
            match asked.try_wait() {
                Ok(Some(status)) if status.success() => return Consent::Given,
                Ok(Some(_)) => return Consent::Refused,
                Ok(None) if Instant::now() >= end => {
                    asked.kill();
                    return Consent::TimedOut;
                }
                Ok(None) => sleep(TICK).await,
                Err(error) => return Consent::Unavailable(describe(&error)),
            }
        }
    }

    fn start(&self, program: &[String], question: &str) -> Result<Box<dyn Launched>, String> {
        let [program, arguments @ ..] = program else {
            return Err("no program is set that asks (confirm in daemon.yaml)".to_owned());
        };
        let arguments = arguments.iter().map(String::as_str).chain([question]);
        let invocation = Invocation {
            program: PathBuf::from(program),
            arguments: arguments.map(OsString::from).collect(),
            environment: self.environment.clone(),
            folder: PathBuf::from("/"),
        };
        let streams = nowhere().map_err(|error| describe(&error))?;
        self.launcher
            .launch(&invocation, streams)
            .map_err(|error| format!("{program} cannot be started: {}", describe(&error)))
    }
}

fn nowhere() -> io::Result<Streams> {
    let open = || File::options().read(true).write(true).open("/dev/null");
    Ok(Streams {
        input: open()?.into(),
        output: open()?.into(),
        complaints: open()?.into(),
    })
}

/// Says who asks, on one line. Only what the kernel says is beyond doubt: a program can choose its own name.
fn question(peer: &Peer, what: &str) -> String {
    let mut text = String::from("escrun: may ");
    let name = peer.name.as_deref().unwrap_or("a process");
    text.extend(name.chars().map(|c| if c.is_control() { '?' } else { c }));
    let mut facts = vec![format!("user {}", peer.user)];
    facts.extend(peer.pid.map(|pid| format!("process {pid}")));
    let unit = peer.unit.as_deref().or(peer.user_unit.as_deref());
    facts.extend(unit.map(|unit| format!("unit {unit}")));
    text += &format!(" ({}) {what}?", facts.join(", "));
    text
}

/// The right to ask about a user.
struct Turn<'a> {
    confirmer: &'a Confirmer,
    user: u32,
}

impl<'a> Turn<'a> {
    fn take(confirmer: &'a Confirmer, user: u32) -> Option<Self> {
        let mut asking = confirmer
            .asking
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Made only if it is to be: it gives the turn back when it is dropped.
        asking.insert(user).then(|| Self { confirmer, user })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let asking = self.confirmer.asking.lock();
        asking
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launcher::Direct;

    fn program(script: &str) -> [String; 4] {
        ["/bin/sh", "-c", script, "sh"].map(str::to_owned)
    }

    fn confirmer() -> Confirmer {
        Confirmer::new(Vec::new(), Arc::new(Direct))
    }

    fn peer(user: u32) -> Peer {
        Peer {
            user,
            pid: Some(42),
            unit: Some("web.service".into()),
            name: Some("cu\nrl".into()),
            ..Peer::default()
        }
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        runtime.expect("a runtime").block_on(future)
    }

    #[test]
    fn the_status_of_the_program_decides() {
        let cases = [
            ("exit 0", Consent::Given),
            ("exit 1", Consent::Refused),
            ("kill -9 $$", Consent::Refused),
            (
                r#"[ "$1" = "escrun: may cu?rl (user 7, process 42, unit web.service) decrypt a file?" ] && [ $SSH_ASKPASS_PROMPT = confirm ]"#,
                Consent::Given,
            ),
        ];
        for (script, expected) in cases {
            let consent = run(confirmer().ask(&program(script), &peer(7), "decrypt a file"));
            assert_eq!(consent, expected, "{script}");
        }
    }

    #[test]
    fn no_answer_is_no_consent() {
        let slow = Confirmer {
            limit: Duration::from_millis(1),
            ..confirmer()
        };
        let program = program("exec sleep 600");
        assert_eq!(run(slow.ask(&program, &peer(7), "x")), Consent::TimedOut);
        let consent = run(slow.ask(&[], &peer(7), "x"));
        assert!(matches!(consent, Consent::Unavailable(_)), "{consent:?}");
    }

    #[test]
    fn a_user_is_asked_about_one_thing_at_a_time() {
        let slow = Confirmer {
            limit: Duration::from_millis(200),
            ..confirmer()
        };
        let program = program("exec sleep 600");
        run(async {
            let (user, other) = (peer(7), peer(8));
            let mut first = Box::pin(slow.ask(&program, &user, "x"));
            // Polled once, it has begun.
            let begun = std::future::poll_fn(|context| {
                std::task::Poll::Ready(first.as_mut().poll(context).is_pending())
            });
            assert!(begun.await);
            assert_eq!(slow.ask(&program, &user, "y").await, Consent::Busy);
            assert_eq!(slow.ask(&program, &other, "y").await, Consent::TimedOut);
            assert_eq!(first.await, Consent::TimedOut);
            assert_eq!(slow.ask(&program, &user, "y").await, Consent::TimedOut);
        });
    }
}
