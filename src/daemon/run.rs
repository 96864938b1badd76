//! From settings to a daemon that serves, and to its end.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::sync::Arc;

use tokio::runtime;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::audit::Audit;
use super::confinement;
use super::context::{Daemon, Parts};
use super::keys::Vault;
use super::policy::Policy;
use super::sandbox::Helper;
use super::server::{self, ListenError, OwnSocket};
use super::service::{Order, Orders, Service, orders};
use super::settings::Settings;
use crate::sys::fs::{describe, effective_user};
use crate::sys::limit::Resource;

/// What a daemon is started with.
pub struct Start {
    /// What it works by.
    pub settings: Settings,
    /// The variables that it was started with, for age plugins.
    pub environment: Vec<(OsString, OsString)>,
    /// What the service manager gave.
    pub service: Service,
}

/// Why the daemon does not serve.
#[derive(Debug)]
pub enum Error {
    /// There is no socket.
    Listen(ListenError),
    /// The system refuses something.
    Io(&'static str, io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(error) => error.fmt(f),
            Self::Io(what, error) => write!(f, "{what}: {}", describe(error)),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// What helps.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Listen(error) => error.hint(),
            Self::Io(..) => None,
        }
    }
}

/// Serves until told to end. Gives the exit status.
///
/// # Errors
/// When it cannot begin to serve.
pub fn run(start: Start) -> Result<u8, Error> {
    let Start {
        settings,
        environment,
        service,
    } = start;
    // Before any thread is there: each has the mask of the one that starts it.
    orders::hold();
    let helper = confinement::helper(&settings, &environment)
        .map_err(|error| Error::Io("programs cannot be started", error))?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Io("the runtime cannot be started", error))?;
    let served = runtime.block_on(serve(settings, helper, service));
    // What still runs has had its time.
    runtime.shutdown_background();
    served.map(|()| 0)
}

async fn serve(
    settings: Settings,
    helper: Option<Arc<Helper>>,
    service: Service,
) -> Result<(), Error> {
    let orders =
        Orders::listen().map_err(|error| Error::Io("signals cannot be received", error))?;
    let Service {
        sockets,
        notifier,
        watchdog,
    } = service;
    let (own, listeners) = listen(&settings, sockets.requests)?;
    let daemon = Arc::new(Daemon::new(Parts {
        vault: Arc::new(Vault::default()),
        audit: Audit::default(),
        policy: Policy::of_owner(effective_user()),
        descriptors: raise_descriptors(),
        unfinished: unfinished(),
        helper,
        settings,
    }));
    confinement::enter(&daemon);
    for listener in listeners {
        let accepting = server::accept(Arc::clone(&daemon), listener);
        tokio::spawn(async move {
            if let Err(error) = accepting.await {
                warn!(reason = %describe(&error), "a socket cannot be served");
            }
        });
    }
    notifier.ready("serving");
    if let Some(watchdog) = watchdog {
        tokio::spawn(watchdog.feed(notifier, || std::future::ready(())));
    }
    info!(socket = %daemon.settings.socket.path.display(), "serving");
    until_end(&daemon, &orders).await?;
    notifier.stopping("answering what has been asked");
    drain(&daemon, &orders).await;
    drop(own);
    Ok(())
}

/// The sockets that the service manager has, or else our own.
fn listen(
    settings: &Settings,
    handed: Vec<std::os::unix::net::UnixListener>,
) -> Result<(Option<OwnSocket>, Vec<std::os::unix::net::UnixListener>), Error> {
    if !handed.is_empty() {
        return Ok((None, handed));
    }
    let (own, listener) =
        OwnSocket::bind(&settings.socket, settings.system).map_err(Error::Listen)?;
    Ok((Some(own), vec![listener]))
}

/// Follows orders until one is to end.
async fn until_end(daemon: &Arc<Daemon>, orders: &Orders) -> Result<(), Error> {
    loop {
        let order = orders.next().await;
        match order.map_err(|error| Error::Io("signals cannot be received", error))? {
            Order::End => return Ok(()),
            Order::Reload => match daemon.reload().await {
                Ok(()) => info!("everything was read anew"),
                Err(reason) => warn!(reason, "the old stays in force"),
            },
        }
    }
}

/// Lets nobody in any more, answers whoever was let in, and waits for that: not for ever, and not at all once the order to
/// end has come twice.
async fn drain(daemon: &Arc<Daemon>, orders: &Orders) {
    daemon.stop.request();
    let deadline = Instant::now() + daemon.settings.limits.drain_time;
    let mut late = std::pin::pin!(sleep_until(deadline));
    let mut again = std::pin::pin!(orders.next());
    let mut emptied = std::pin::pin!(daemon.slots.emptied());
    std::future::poll_fn(|context| {
        use std::task::Poll;

        let over = emptied.as_mut().poll(context).is_ready()
            || late.as_mut().poll(context).is_ready()
            || matches!(
                again.as_mut().poll(context),
                Poll::Ready(Ok(Order::End) | Err(_))
            );
        if over { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// As many descriptors as the process may have.
fn raise_descriptors() -> usize {
    let resource = Resource::DESCRIPTORS;
    let soft = resource
        .raise()
        .or_else(|_| resource.limit().map(|limit| limit.soft));
    soft.map_or(1024, |soft| usize::try_from(soft).unwrap_or(usize::MAX))
}

/// How much locked memory unfinished requests may take, in bytes: a quarter of what there is, and no more than they could
/// use.
fn unfinished() -> usize {
    const LEAST: usize = 512 << 10;
    const MOST: usize = 4 << 20;
    let limit = Resource::LOCKED_MEMORY.limit().ok();
    let limit = limit.and_then(|limit| usize::try_from(limit.soft).ok());
    limit.map_or(MOST, |limit| (limit / 4).clamp(LEAST, MOST))
}
