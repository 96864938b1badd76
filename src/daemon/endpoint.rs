//! Where the daemon listens: on sockets that the service manager has, or else on one of its own.

use std::future::pending;
use std::os::unix::net::UnixListener;

use super::error::Error;
use super::server::{self, OwnSocket, Waiting};
use super::settings::{self, Settings};

/// Where one kind of callers comes in.
pub(super) struct Endpoint {
    /// Ours, which goes with the daemon; none where the service manager keeps the sockets.
    own: Option<OwnSocket>,
    listeners: Vec<UnixListener>,
}

impl Endpoint {
    /// For requests of peers. What the service manager has `handed` over stands in place of a socket of our own.
    ///
    /// # Errors
    /// When there is none and the daemon's own cannot be made.
    pub(super) fn for_peers(settings: &Settings, handed: Vec<UnixListener>) -> Result<Self, Error> {
        Self::new(&settings.socket, settings.system, handed)
    }

    /// For systemd, which asks for credentials, if it is to be served.
    ///
    /// # Errors
    /// As [`Self::for_peers`].
    pub(super) fn for_credentials(
        settings: &Settings,
        handed: Vec<UnixListener>,
    ) -> Result<Self, Error> {
        let Some(path) = settings.credentials_socket.clone() else {
            return Ok(Self {
                own: None,
                listeners: handed,
            });
        };
        // The manager that asks is root, or the same user as this process.
        let socket = settings::Socket {
            path,
            mode: 0o600,
            group: None,
        };
        Self::new(&socket, settings.system, handed)
    }

    fn new(
        socket: &settings::Socket,
        system: bool,
        handed: Vec<UnixListener>,
    ) -> Result<Self, Error> {
        if !handed.is_empty() {
            return Ok(Self {
                own: None,
                listeners: handed,
            });
        }
        let (own, listener) = OwnSocket::bind(socket, system).map_err(Error::Listen)?;
        Ok(Self {
            own: Some(own),
            listeners: vec![listener],
        })
    }

    /// What becomes of those who still wait there when the daemon ends.
    pub(super) fn waiting(&self) -> Waiting {
        match self.own {
            Some(_) => Waiting::Served,
            None => Waiting::Left,
        }
    }

    /// What there is to be served from the start.
    pub(super) fn take_listeners(&mut self) -> Vec<UnixListener> {
        std::mem::take(&mut self.listeners)
    }

    /// Keeps our own socket in its place, and has `serve` serve what it takes for that. Returns when it is lost.
    pub(super) async fn kept(&mut self, serve: impl FnMut(UnixListener)) -> Error {
        let Some(own) = &mut self.own else {
            // The service manager's sockets are its.
            return pending().await;
        };
        match server::keep(own, serve).await {
            Err(error) => Error::Listen(error),
            Ok(never) => match never {},
        }
    }

    /// Takes the name of our own socket away: nobody comes in any more. No other daemon can take its place yet.
    pub(super) fn withdraw(&self) {
        if let Some(own) = &self.own {
            own.withdraw();
        }
    }
}
