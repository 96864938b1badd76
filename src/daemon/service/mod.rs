//! What the daemon and the service manager that started it say to each other: sockets that are handed over, states that
//! are told, a watchdog that is fed, signals that are orders.
//!
//! All of it is optional: without a service manager there are no sockets, nobody is told, and nothing is fed.

pub mod activation;
pub mod notify;
pub mod orders;
pub mod watchdog;

use std::ffi::OsString;

pub use activation::Sockets;
pub use notify::Notifier;
pub use orders::{Order, Orders};
pub use watchdog::Watchdog;

/// What a service manager gave to this process.
#[derive(Debug)]
pub struct Service {
    /// The sockets that it listens on for us.
    pub sockets: Sockets,
    /// How it is told what the daemon does.
    pub notifier: Notifier,
    /// What has to be fed; none if nobody watches.
    pub watchdog: Option<Watchdog>,
}

impl Service {
    /// Takes over what was given, by the process's environment variables: to be called once, before any other thread
    /// and any other program is started, or these would have the sockets too.
    ///
    /// # Errors
    /// When a socket is not what a daemon can serve on.
    pub fn join(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, activation::Error> {
        Ok(Self {
            sockets: Sockets::take(&variable)?,
            notifier: Notifier::named(variable(notify::VARIABLE).as_deref()),
            watchdog: Watchdog::wanted(&variable),
        })
    }
}
