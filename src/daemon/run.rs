//! From settings to a daemon that serves, and to its end.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::os::unix::net::UnixListener;
use std::pin::{Pin, pin};
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
    /// The process that starts programs is gone, and a service manager starts the daemon anew, with another one.
    Helper,
    /// The system refuses something.
    Io(&'static str, io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(error) => error.fmt(f),
            Self::Policy(error) => error.fmt(f),
            Self::Audit(error) => error.fmt(f),
            Self::Helper => f.write_str("the process that starts programs is gone"),
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
            Self::Helper | Self::Io(..) => None,
        }
    }
}

/// Serves until told to end. Gives the exit status.
///
/// # Errors
/// When it cannot begin to serve, or cannot go on.
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
    let (mut own, listeners) = listen(&settings.socket, settings.system, sockets.requests)?;
    let (mut own_credentials, credentials) =
        listen_for_credentials(&settings, sockets.credentials)?;
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
        let doors = RefCell::new(Vec::new());
        let open = |listener| doors.borrow_mut().push(serve(&daemon, listener, waiting));
        listeners.into_iter().for_each(open);
        let give = credentials_server(&daemon, settings.system);
        credentials.into_iter().for_each(&give);
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
        let losses = [
            boxed(kept(own.as_mut(), open)),
            boxed(kept(own_credentials.as_mut(), &give)),
            boxed(without_helper(&daemon, notifier)),
        ];
        let ended = until_end(&daemon, &orders, notifier, losses).await;
        notifier.stopping("answering what has been asked");
        if let Some(own) = &own {
            own.withdraw();
        }
        drain(&daemon, doors.into_inner(), &orders).await;
        ended
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

/// What gives units their credentials by a socket.
fn credentials_server(daemon: &Arc<Daemon>, system: bool) -> impl Fn(UnixListener) {
    let manager = match system {
        true => Manager::System,
        false => Manager::User(effective_user()),
    };
    let daemon = Arc::clone(daemon);
    move |listener| {
        let daemon = Arc::clone(&daemon);
        tokio::spawn(async move {
            let served = credentials::serve(listener, daemon, manager).await;
            if let Err(error) = served {
                warn!(reason = describe(&error), "a socket cannot be served");
            }
        });
    }
}

/// Why the daemon cannot go on, when that has come.
type Loss<'a> = Pin<Box<dyn Future<Output = Error> + 'a>>;

fn boxed<'a>(loss: impl Future<Output = Error> + 'a) -> Loss<'a> {
    Box::pin(loss)
}

/// Keeps a socket of our own in its place. Returns when it is lost.
async fn kept(own: Option<&mut OwnSocket>, serve: impl FnMut(UnixListener)) -> Error {
    let Some(own) = own else {
        // The service manager's sockets are its.
        return pending().await;
    };
    match server::keep(own, serve).await {
        Err(error) => Error::Listen(error),
        Ok(never) => match never {},
    }
}

/// Returns when the process that starts programs has ended, and it is better to end as well: where a service manager
/// starts the daemon anew, with the identities that it gives. A person's agent may have been unlocked by hand, and goes on
/// without; `status` says so.
async fn without_helper(daemon: &Daemon, notifier: Notifier) -> Error {
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

/// Follows orders until one is to end, or something is lost without which the daemon is of no use.
async fn until_end(
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
