//! Signals that are orders to the daemon: SIGHUP to read its configuration anew, SIGTERM and SIGINT to end. All others
//! do what they do to any process.

use std::io;
use std::os::fd::AsFd;

use crate::sys::readable::Readable;
use crate::sys::signal::{Mask, Received, Receiver, Signal};

/// What is received rather than suffered.
const ORDERS: [Signal; 3] = [Signal::HUP, Signal::INT, Signal::TERM];

/// What the daemon is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Read settings, policy and identities anew, and open the audit file anew.
    Reload,
    /// Answer what was accepted, and end. Whoever says so twice does not want to wait.
    End,
}

impl Order {
    fn by(received: Received) -> Option<Self> {
        match received.signal {
            // The kernel says that the terminal is gone on which an agent was started.
            Signal::HUP if received.by_kernel => Some(Self::End),
            Signal::HUP => Some(Self::Reload),
            Signal::INT | Signal::TERM => Some(Self::End),
            _ => None,
        }
    }
}

/// Has the signals that are orders wait until [`Orders`] takes them: in this thread, and in all that it starts from now
/// on. To be called before any is started, or a signal that such a thread gets ends the process. Programs that are
/// started have the mask that this process was started with.
///
/// A write beyond the limit of file sizes (RLIMIT_FSIZE) fails from then on, where otherwise SIGXFSZ would end the process.
pub fn hold() {
    let held = Mask::of(&ORDERS).with(Mask::of(&[Signal::XFSZ]));
    Mask::now().with(held).impose();
}

/// The orders as they come.
pub struct Orders {
    receiver: Receiver,
    readable: Readable,
}

impl Orders {
    /// Takes what [`hold`] holds. Within a runtime.
    ///
    /// # Errors
    /// Those of signalfd(2) and epoll_ctl(2).
    pub fn listen() -> io::Result<Self> {
        let receiver = Receiver::of(Mask::of(&ORDERS))?;
        let readable = Readable::of(receiver.as_fd())?;
        Ok(Self { receiver, readable })
    }

    /// Waits for the next one. Nothing is lost if the waiting is given up.
    ///
    /// # Errors
    /// Those of read(2).
    pub async fn next(&self) -> io::Result<Order> {
        loop {
            let received = self.readable.next(|| self.receiver.next()).await?;
            if let Some(order) = Order::by(received) {
                return Ok(order);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_orders() {
        let by = |signal, by_kernel| {
            Order::by(Received {
                signal,
                by_kernel,
                value: None,
            })
        };
        for (signal, by_kernel, expected) in [
            (Signal::HUP, false, Some(Order::Reload)),
            (Signal::HUP, true, Some(Order::End)),
            (Signal::TERM, false, Some(Order::End)),
            (Signal::INT, false, Some(Order::End)),
            (Signal::INT, true, Some(Order::End)),
            (Signal::USR1, false, None),
        ] {
            assert_eq!(by(signal, by_kernel), expected, "{signal}");
        }
    }
}
