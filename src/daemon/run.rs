//! From settings to a daemon that serves, and to its end.

use std::ffi::OsString;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::os::unix::net::UnixListener;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::assembly::{Materials, assemble};
use super::audit;
use super::context::{AFTER_SLEEP, Daemon};
use super::credentials::{self, Manager};
use super::environments::Subject;
use super::keys::IdentityPlace;
use super::server::{self, ListenError, OwnSocket, Waiting};
use super::service::{Notifier, Order, Orders, Service, orders};
use super::settings::{self, Settings, SettingsStore};
use crate::project;
use crate::sys::fs::{describe, effective_user};

/// How often it is looked whether the machine has slept when nobody asks for anything: until then, keys stay in memory that
/// nobody uses.
const SLEEP_LOOK: Duration = Duration::from_secs(10);

/// What a daemon is started with.
pub struct Start {
    /// What it works by.
    pub settings: SettingsStore,
    /// Where identities are, besides those in the settings.
    pub places: Vec<IdentityPlace>,
    /// The variables of this process.
    pub variables: Vec<(OsString, OsString)>,
    /// What the service manager gave.
    pub service: Service,
}

/// Why the daemon does not serve.
#[derive(Debug)]
pub enum Error {
    /// There is no socket.
    Listen(ListenError),
    /// There is no policy.
    Policy(project::Error),
    /// There is no audit.
    Audit(audit::Error),
    /// The system refuses something.
    Io(&'static str, io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(error) => error.fmt(f),
            Self::Policy(error) => error.fmt(f),
            Self::Audit(error) => error.fmt(f),
            Self::Io(what, error) => write!(f, "{what}: {}", describe(error)),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// What helps.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen(error) => error.hint().map(str::to_owned),
            Self::Policy(error) => error.hint(),
            Self::Audit(error) => error.hint(),
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
        settings: store,
        places,
        variables,
        service,
    } = start;
    let settings = store.current();
    // Before any thread is there: each has the mask of the one that starts it.
    orders::hold();
    let Service {
        sockets,
        notifier,
        watchdog,
    } = service;
    let (own, listeners) = listen(&settings.socket, settings.system, sockets.requests)?;
    let (own_credentials, credentials) = listen_for_credentials(&settings, sockets.credentials)?;
    let daemon = assemble(Materials {
        settings: store,
        places,
        variables,
    })?;
    let daemon = Arc::new(daemon);
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Io("the runtime cannot be started", error))?;
    let served = runtime.block_on(async {
        let orders =
            Orders::listen().map_err(|error| Error::Io("signals cannot be received", error))?;
        let waiting = match own {
            Some(_) => Waiting::Served,
            None => Waiting::Left,
        };
        let serve = |listener| serve(&daemon, listener, waiting);
        let doors: Vec<_> = listeners.into_iter().map(serve).collect();
        serve_credentials(&daemon, credentials, settings.system);
        tend(&daemon);
        if let Some(watchdog) = watchdog {
            let probed = Arc::clone(&daemon);
            tokio::spawn(watchdog.feed(notifier, move || {
                let daemon = Arc::clone(&probed);
                async move { daemon.environments.probe().await }
            }));
        }
        notifier.ready(&state(&daemon));
        let shown = Arc::clone(&daemon);
        tokio::spawn(async move {
            loop {
                shown.state_changed.notified().await;
                notifier.status(&state(&shown));
            }
        });
        for absence in settings.absences() {
            warn!("{absence}");
        }
        info!(socket = %settings.socket.path.display(), "serving");
        until_end(&daemon, &orders, notifier).await?;
        notifier.stopping("answering what has been asked");
        if let Some(own) = &own {
            own.withdraw();
        }
        drain(&daemon, doors, &orders).await;
        Ok(())
    });
    // What still runs has had its time.
    runtime.shutdown_background();
    drop((own, own_credentials));
    served.map(|()| 0)
}

/// The sockets that the service manager has, or else our own.
fn listen(
    socket: &settings::Socket,
    system: bool,
    handed: Vec<UnixListener>,
) -> Result<(Option<OwnSocket>, Vec<UnixListener>), Error> {
    if !handed.is_empty() {
        return Ok((None, handed));
    }
    let (own, listener) = OwnSocket::bind(socket, system).map_err(Error::Listen)?;
    Ok((Some(own), vec![listener]))
}

/// Lets peers in by a socket.
fn serve(daemon: &Arc<Daemon>, listener: UnixListener, waiting: Waiting) -> JoinHandle<()> {
    let accepting = server::accept(Arc::clone(daemon), listener, waiting);
    tokio::spawn(async move {
        if let Err(error) = accepting.await {
            warn!(reason = describe(&error), "a socket cannot be served");
        }
    })
}

/// The sockets by which systemd asks for credentials: those that the service manager has, or our own, if there is to be one.
fn listen_for_credentials(
    settings: &Settings,
    handed: Vec<UnixListener>,
) -> Result<(Option<OwnSocket>, Vec<UnixListener>), Error> {
    let Some(path) = settings.credentials_socket.clone() else {
        return Ok((None, handed));
    };
    // The manager that asks is root, or the same user as this process.
    let socket = settings::Socket {
        path,
        mode: 0o600,
        group: None,
    };
    listen(&socket, settings.system, handed)
}

/// Gives units their credentials.
fn serve_credentials(daemon: &Arc<Daemon>, listeners: Vec<UnixListener>, system: bool) {
    let manager = match system {
        true => Manager::System,
        false => Manager::User(effective_user()),
    };
    for listener in listeners {
        let daemon = Arc::clone(daemon);
        tokio::spawn(async move {
            let served = credentials::serve(listener, daemon, manager).await;
            if let Err(error) = served {
                warn!(reason = describe(&error), "a socket cannot be served");
            }
        });
    }
}

/// What is to be done besides answering: following changes of files, and locking for want of use.
fn tend(daemon: &Arc<Daemon>) {
    daemon
        .environments
        .watch(Subject::Policy, vec![daemon.policy.file().to_owned()]);
    daemon
        .environments
        .watch(Subject::Identities, daemon.vault.files());
    let tended = Arc::clone(daemon);
    tokio::spawn(async move {
        let reported = &tended;
        tended
            .environments
            .tend(|subject| match subject {
                Subject::Policy => reported.reload_policy(),
                Subject::Identities => {
                    let daemon = Arc::clone(reported);
                    tokio::spawn(async move { daemon.reload_identities().await });
                }
            })
            .await;
    });
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

/// What the service manager shows of the daemon: whether all is well, or what is not.
fn state(daemon: &Daemon) -> String {
    let status = daemon.status();
    let locked = status.keys.locked.then(|| "locked".to_owned());
    let mut parts = vec!["serving".to_owned()];
    parts.extend(locked);
    parts.extend(status.warnings);
    parts.join("; ")
}

/// Follows orders until one is to end.
async fn until_end(daemon: &Arc<Daemon>, orders: &Orders, notifier: Notifier) -> Result<(), Error> {
    loop {
        let order = orders.next().await;
        match order.map_err(|error| Error::Io("signals cannot be received", error))? {
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

/// Lets nobody in any more, answers whoever was let in, and waits for that: not for ever, and not at all once the order to
/// end has come twice.
async fn drain(daemon: &Arc<Daemon>, doors: Vec<JoinHandle<()>>, orders: &Orders) {
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
