//! The daemon's end: what brings it about, and what is still done then.

use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::context::Daemon;
use super::error::Error;
use super::service::{Notifier, Order, Orders};
use super::upkeep::state;
use crate::sys::fs::describe;

/// Why the daemon cannot go on, when that has come.
pub(super) type Loss<'a> = Pin<Box<dyn Future<Output = Error> + 'a>>;

/// Follows orders until one is to end, or something is lost without which the daemon is of no use.
///
/// # Errors
/// What is lost.
pub(super) async fn until_end(
    daemon: &Arc<Daemon>,
    orders: &Orders,
    notifier: Notifier,
    mut losses: [Loss<'_>; 3],
) -> Result<(), Error> {
    loop {
        let mut next = pin!(orders.next());
        let order = poll_fn(|context| {
            let mut polled = losses.iter_mut().map(|loss| loss.as_mut().poll(context));
            if let Some(Poll::Ready(error)) = polled.find(Poll::is_ready) {
                return Poll::Ready(Err(error));
            }
            next.as_mut().poll(context).map(Ok)
        });
        match order
            .await?
            .map_err(|error| Error::Io("signals cannot be received", error))?
        {
            Order::End => return Ok(()),
            Order::Reload => {
                notifier.reloading();
                // What fails is told where it does.
                if daemon.reload().await.is_ok() {
                    info!("everything was read anew");
                }
                notifier.ready(&state(daemon));
            }
        }
    }
}

/// Returns when the process that starts programs has ended, and it is better to end as well: where a service manager
/// starts the daemon anew, with the identities that it gives. A person's agent may have been unlocked by hand, and goes on
/// without; `status` says so.
pub(super) async fn without_helper(daemon: &Daemon, notifier: Notifier) -> Error {
    let Some(helper) = &daemon.helper else {
        return pending().await;
    };
    match helper.ended().await {
        Ok(()) => daemon.state_changed.notify_one(),
        Err(error) => {
            warn!(
                reason = describe(&error),
                "the process that starts programs cannot be looked after"
            );
            return pending().await;
        }
    }
    match daemon.settings.current().system && notifier.is_heard() {
        true => Error::Helper,
        false => pending().await,
    }
}

/// Lets nobody in any more, answers whoever was let in, and waits for that: not for ever, and not at all once the order to
/// end has come twice. `doors` end when nobody comes in by them any more.
pub(super) async fn drain(daemon: &Arc<Daemon>, doors: Vec<JoinHandle<()>>, orders: &Orders) {
    daemon.stop.request();
    let deadline = Instant::now() + daemon.settings.current().limits.drain_time;
    let mut late = pin!(sleep_until(deadline));
    let mut again = pin!(orders.next());
    let mut emptied = pin!(async {
        for door in doors {
            // A door that has failed lets nobody in either.
            let _ = door.await;
        }
        daemon.slots.emptied().await;
    });
    poll_fn(|context| {
        if emptied.as_mut().poll(context).is_ready() || late.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        match again.as_mut().poll(context) {
            Poll::Ready(Ok(Order::Reload)) => {
                again.set(orders.next());
                context.waker().wake_by_ref();
                Poll::Pending
            }
            again => again.map(|_| ()),
        }
    })
    .await;
}
