//! From settings to a daemon that serves, and to its end.

use std::cell::RefCell;
use std::ffi::OsString;
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use tokio::runtime;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::assembly::{Materials, assemble};
use super::context::Daemon;
use super::credentials::{self, Manager};
use super::end::{Loss, drain, until_end, without_helper};
use super::endpoint::Endpoint;
use super::error::Error;
use super::keys::IdentityPlace;
use super::server::{self, Waiting};
use super::service::{Notifier, Orders, Service, Watchdog, orders};
use super::settings::SettingsStore;
use super::upkeep;
use crate::sys::fs::{describe, effective_user};

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

/// Serves until told to end.
///
/// # Errors
/// When it cannot begin to serve, or cannot go on.
pub fn run(start: Start) -> Result<(), Error> {
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
    // Before anything else is opened: where another daemon serves, this one has nothing to do.
    let mut endpoints = Endpoints {
        peers: Endpoint::for_peers(&settings, sockets.requests)?,
        credentials: Endpoint::for_credentials(&settings, sockets.credentials)?,
    };
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
    let served = runtime.block_on(serve(&daemon, &mut endpoints, notifier, watchdog));
    // What still runs has had its time.
    runtime.shutdown_background();
    // Only now may another daemon come to the same place.
    drop(endpoints);
    served
}

struct Endpoints {
    peers: Endpoint,
    credentials: Endpoint,
}

/// Serves all endpoints, and sees to what has to be done besides, until the end.
async fn serve(
    daemon: &Arc<Daemon>,
    endpoints: &mut Endpoints,
    notifier: Notifier,
    watchdog: Option<Watchdog>,
) -> Result<(), Error> {
    let Endpoints { peers, credentials } = endpoints;
    let orders =
        Orders::listen().map_err(|error| Error::Io("signals cannot be received", error))?;
    let settings = daemon.settings.current();
    let waiting = peers.waiting();
    let doors = RefCell::new(Vec::new());
    let let_peers_in = |listener| {
        let door = let_in(daemon, listener, waiting);
        doors.borrow_mut().push(door);
    };
    let manager = match settings.system {
        true => Manager::System,
        false => Manager::User(effective_user()),
    };
    let let_manager_in = |listener| {
        let door = give_credentials(daemon, listener, manager);
        doors.borrow_mut().push(door);
    };
    peers.take_listeners().into_iter().for_each(let_peers_in);
    let listeners = credentials.take_listeners().into_iter();
    listeners.for_each(let_manager_in);
    upkeep::begin(daemon, notifier, watchdog);
    notifier.ready(&upkeep::state(daemon));
    for absence in settings.absences() {
        warn!("{absence}");
    }
    info!(socket = %settings.socket.path.display(), "serving");
    let losses: [Loss<'_>; 3] = [
        Box::pin(peers.kept(let_peers_in)),
        Box::pin(credentials.kept(let_manager_in)),
        Box::pin(without_helper(daemon, notifier)),
    ];
    let ended = until_end(daemon, &orders, notifier, losses).await;
    notifier.stopping("answering what has been asked");
    peers.withdraw();
    drain(daemon, doors.into_inner(), &orders).await;
    ended
}

/// Lets peers in by a socket.
fn let_in(daemon: &Arc<Daemon>, listener: UnixListener, waiting: Waiting) -> JoinHandle<()> {
    let accepting = server::accept(Arc::clone(daemon), listener, waiting);
    tokio::spawn(async move {
        if let Err(error) = accepting.await {
            warn!(reason = describe(&error), "a socket cannot be served");
        }
    })
}

/// Gives units their credentials by a socket.
fn give_credentials(
    daemon: &Arc<Daemon>,
    listener: UnixListener,
    manager: Manager,
) -> JoinHandle<()> {
    let giving = credentials::serve(listener, Arc::clone(daemon), manager);
    tokio::spawn(async move {
        if let Err(error) = giving.await {
            warn!(reason = describe(&error), "a socket cannot be served");
        }
    })
}
