//! What the daemon does besides answering: it follows changes of files, locks what is not used, and shows the service
//! manager how it is.

use std::sync::Arc;
use std::time::Duration;

use super::context::{AFTER_SLEEP, Daemon};
use super::environments::Subject;
use super::peer::forget_unseen;
use super::service::{Notifier, Watchdog};

/// How often it is looked whether the machine has slept when nobody asks for anything: until then, keys stay in memory that
/// nobody uses.
const SLEEP_LOOK: Duration = Duration::from_secs(10);

/// Begins all of it. Must run within the runtime, whose end it ends with.
pub(super) fn begin(daemon: &Arc<Daemon>, notifier: Notifier, watchdog: Option<Watchdog>) {
    follow_changes(daemon);
    lock_unused(daemon);
    show_state(daemon, notifier);
    tokio::spawn(forget_unseen());
    if let Some(watchdog) = watchdog {
        feed(watchdog, daemon, notifier);
    }
}

/// What the service manager shows of the daemon: whether all is well, or what is not.
pub(super) fn state(daemon: &Daemon) -> String {
    let status = daemon.status();
    let locked = status.keys.locked.then(|| "locked".to_owned());
    let mut parts = vec!["serving".to_owned()];
    parts.extend(locked);
    parts.extend(status.warnings);
    parts.join("; ")
}

fn follow_changes(daemon: &Arc<Daemon>) {
    let environments = &daemon.environments;
    environments.watch(Subject::Policy, vec![daemon.policy.file().to_owned()]);
    environments.watch(Subject::Identities, daemon.vault.files());
    let daemon = Arc::clone(daemon);
    tokio::spawn(async move {
        let react = |subject| match subject {
            Subject::Policy => {
                // The store has told what is wrong.
                let _ = daemon.reload_policy();
            }
            Subject::Identities => {
                let daemon = Arc::clone(&daemon);
                tokio::spawn(async move { daemon.reload_identities().await });
            }
        };
        daemon.environments.tend(react).await;
    });
}

fn lock_unused(daemon: &Arc<Daemon>) {
    let sleeping = Arc::clone(daemon);
    tokio::spawn(async move {
        loop {
            sleeping.vault.slept(SLEEP_LOOK).await;
            sleeping.after_lock(AFTER_SLEEP);
        }
    });
    let idle = Arc::clone(daemon);
    tokio::spawn(async move {
        loop {
            idle.vault.idle().await;
            idle.after_lock("the identities were locked for want of use");
        }
    });
}

fn show_state(daemon: &Arc<Daemon>, notifier: Notifier) {
    let daemon = Arc::clone(daemon);
    tokio::spawn(async move {
        loop {
            daemon.state_changed.notified().await;
            notifier.status(&state(&daemon));
        }
    });
}

fn feed(watchdog: Watchdog, daemon: &Arc<Daemon>, notifier: Notifier) {
    let daemon = Arc::clone(daemon);
    tokio::spawn(watchdog.feed(notifier, move || {
        let daemon = Arc::clone(&daemon);
        async move { daemon.environments.probe().await }
    }));
}
