//! What a unit is given as a credential: decided as if it had asked itself.

use std::sync::Arc;
use std::time::Instant;

use super::super::slots::Slot;
use super::inquiry::{Asking, Inquiry};
use super::open;
use crate::daemon::Daemon;
use crate::daemon::audit::{Outcome, Record};
use crate::daemon::credentials::{Asked, Source, Times, Wanted};
use crate::daemon::environments::{Answer, asked_by};
use crate::daemon::peer::{NOBODY, Peer};
use crate::daemon::settings::CredentialValue;
use crate::protocol::ErrorAnswer;

/// What the audit calls it.
const CALL: &str = "credential";

impl Source for Daemon {
    type Place = Slot;

    fn place(&self, user: u32) -> Option<Slot> {
        self.slots.take(user)
    }

    async fn ending(&self) {
        self.stop.requested().await;
    }

    fn wanted(&self, asked: &Asked) -> Option<Wanted> {
        Wanted::of(&self.settings.current().credentials, asked)
    }

    fn times(&self) -> Times {
        let limits = self.settings.current().limits;
        Times {
            write: limits.write_time,
            end: limits.drain_time / 2,
        }
    }

    async fn open(
        &self,
        peer: &Peer,
        asked: &Asked,
        wanted: &Wanted,
    ) -> Result<Arc<Answer>, ErrorAnswer> {
        let asking = Asking {
            daemon: self,
            peer,
            connection: None,
        };
        let mut inquiry =
            Inquiry::new(asking, CALL, wanted.action()).of(wanted.environments.clone());
        inquiry.subject = Some(asked.credential.clone());
        if let CredentialValue::Path(path) = &wanted.value {
            inquiry.path = Some(path.clone());
        }
        // Units of one manager take turns with each other, and with what anybody else asks for.
        let call = wanted.call();
        let given = asked_by(peer.user, open::give(&inquiry, &call));
        match Box::pin(given).await {
            Ok((answer, _)) => Ok(answer),
            Err(response) => Err(response.to_failure()),
        }
    }

    fn refused(&self, peer: Option<&Peer>, asked: Option<&Asked>, reason: &'static str) {
        let user = peer.map_or(NOBODY, |peer| peer.user);
        if self.limiter.take_denial(user, Instant::now()).is_err() {
            return;
        }
        // Nothing is given out either way.
        let _ = self.record(&Record {
            peer,
            subject: asked.map(|asked| &*asked.credential),
            ..Record::new(CALL, Outcome::Failed(reason))
        });
    }
}
