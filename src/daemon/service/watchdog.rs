//! Feeds the service manager's watchdog, as long as the daemon does its work: sd_watchdog_enabled(3).

use std::ffi::OsString;
use std::time::Duration;

use super::Notifier;
use crate::sys::children::Pid;

/// A manager that ends the daemon unless it is heard of in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watchdog {
    /// The longest silence that it takes.
    limit: Duration,
}

impl Watchdog {
    /// By the variables `WATCHDOG_USEC` and `WATCHDOG_PID`: none if nobody watches, or another process is watched.
    pub fn wanted(variable: &impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let number = |name| -> Option<u64> { variable(name)?.to_str()?.parse().ok() };
        let own = u64::try_from(Pid::own().number()).ok();
        if variable("WATCHDOG_PID").is_some() && number("WATCHDOG_PID") != own {
            return None;
        }
        let limit = number("WATCHDOG_USEC").filter(|limit| *limit > 0)?;
        Some(Self {
            limit: Duration::from_micros(limit),
        })
    }

    /// Says that the daemon is alive, twice as often as it has to, for ever; each time only after `probe` has come back,
    /// which is to go wherever work is done. As a task of the thread that answers requests, it is silent when that thread
    /// hangs.
    pub async fn feed<P, F>(self, notifier: Notifier, probe: P)
    where
        P: Fn() -> F,
        F: Future<Output = ()>,
    {
        loop {
            probe().await;
            notifier.alive();
            tokio::time::sleep(self.limit / 2).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::rc::Rc;

    use super::*;
    use crate::sys::datagram::Inbox;

    #[test]
    fn only_who_is_watched_feeds() {
        let own = Pid::own().number().to_string();
        let limit = |millis| {
            Some(Watchdog {
                limit: Duration::from_millis(millis),
            })
        };
        for (microseconds, pid, expected) in [
            (None, None, None),
            (Some("30000"), None, limit(30)),
            (Some("30000"), Some(own.as_str()), limit(30)),
            (Some("30000"), Some("1"), None),
            (Some("30000"), Some("x"), None),
            (Some("0"), None, None),
            (Some("-1"), None, None),
            (Some("30s"), None, None),
        ] {
            let variable = |name: &str| match name {
                "WATCHDOG_USEC" => microseconds.map(OsString::from),
                "WATCHDOG_PID" => pid.map(OsString::from),
                _ => None,
            };
            let wanted = Watchdog::wanted(&variable);
            assert_eq!(wanted, expected, "{microseconds:?} {pid:?}");
        }
    }

    #[test]
    fn nothing_is_fed_while_a_part_does_not_answer() {
        let (inbox, name) = Inbox::open().expect("a socket");
        let name = [b"@", &name[..]].concat();
        let notifier = Notifier::named(Some(OsStr::from_bytes(&name)));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let probes = Rc::new(Cell::new(0));
        let watchdog = Watchdog {
            limit: Duration::from_millis(2),
        };
        let seen = Rc::clone(&probes);
        let tasks = tokio::task::LocalSet::new();
        tasks.block_on(&runtime, async move {
            // The fourth probe is never answered.
            let hung = Rc::new(tokio::sync::Notify::new());
            let reached = Rc::clone(&hung);
            let probe = move || {
                let (probes, hung) = (Rc::clone(&probes), Rc::clone(&hung));
                async move {
                    probes.set(probes.get() + 1);
                    if probes.get() > 3 {
                        hung.notify_one();
                        std::future::pending::<()>().await;
                    }
                }
            };
            let feeding = tokio::task::spawn_local(watchdog.feed(notifier, probe));
            reached.notified().await;
            feeding.abort();
        });
        assert_eq!(seen.get(), 4);
        let mut fed = 0;
        while let Some(datagram) = inbox.next().expect("received") {
            assert_eq!(datagram.bytes, b"WATCHDOG=1");
            fed += 1;
        }
        assert_eq!(fed, 3);
    }
}
