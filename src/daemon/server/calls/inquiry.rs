//! What a peer asks for, from the first decision to the line in the audit.

use std::sync::Arc;
use std::time::Instant;

use tokio::net::UnixStream;

use super::super::response::{Response, whole_seconds};
use crate::daemon::Daemon;
use crate::daemon::audit::{Outcome, Record};
use crate::daemon::environments::{Answer, Closure};
use crate::daemon::peer::Peer;
use crate::daemon::policy::{Action, Decision, Policy, Question, Reach};
use crate::protocol::{Code, ErrorAnswer};

/// Who asks whom, and by what.
#[derive(Clone, Copy)]
pub(in crate::daemon::server) struct Asking<'a> {
    pub(in crate::daemon::server) daemon: &'a Daemon,
    pub(in crate::daemon::server) peer: &'a Peer,
    pub(in crate::daemon::server) connection: Option<&'a UnixStream>,
}

/// What a peer asks for.
pub(super) struct Inquiry<'a> {
    pub(super) daemon: &'a Daemon,
    pub(super) peer: &'a Peer,
    /// What it asks by, if that is worth being watched while a person is asked.
    pub(super) connection: Option<&'a UnixStream>,
    /// The policy that was in force when the request came: one request is judged by one policy.
    policy: Arc<Policy>,
    /// What the audit calls it.
    call: &'static str,
    action: Action,
    /// The environments that are named.
    pub(super) environments: Vec<Arc<str>>,
    /// The path of the one value that is wanted.
    pub(super) path: Option<String>,
    /// What else it is about.
    pub(super) subject: Option<String>,
}

impl<'a> Inquiry<'a> {
    pub(super) fn new(asking: Asking<'a>, call: &'static str, action: Action) -> Self {
        let Asking {
            daemon,
            peer,
            connection,
        } = asking;
        Self {
            daemon,
            peer,
            connection,
            policy: daemon.policy.current(),
            call,
            action,
            environments: Vec::new(),
            path: None,
            subject: None,
        }
    }

    /// The same, of environments.
    #[must_use]
    pub(super) fn of(self, environments: Vec<Arc<str>>) -> Self {
        Self {
            environments,
            ..self
        }
    }

    /// Lets environments be asked for, or not: decides by their names, before any file is touched, then on all that they
    /// reach, and counts that. Gives what was decided on, which is all that may be used from here on.
    pub(super) async fn admit(&self) -> Result<(Arc<Closure>, Decision), Response> {
        let decision = self.decide()?;
        let closure = self.daemon.environments.closure(&self.environments).await;
        let closure = match closure {
            Ok(closure) => closure,
            Err(failure) => {
                // Counted as well: what fails is work, and a line in the audit.
                self.charge(&decision)?;
                return Err(self.fail_with(&decision, &failure));
            }
        };
        let decision = self.decide_closure(&closure)?;
        self.charge(&decision)?;
        Ok((closure, decision))
    }

    /// Decides by what was named alone: no file is touched.
    pub(super) fn decide(&self) -> Result<Decision, Response> {
        let named = self.environments.iter().map(|environment| Reach {
            environment,
            imports: None,
        });
        self.decide_reaches(&named.collect::<Vec<_>>())
    }

    /// Decides by all that is reached.
    fn decide_closure(&self, closure: &Closure) -> Result<Decision, Response> {
        self.decide_reaches(&Reach::of(&closure.roots))
    }

    /// Whether the peer may have all of it, whatever it asks for now.
    pub(super) fn sees_all_of(&self, closure: &Closure) -> bool {
        let question = Question {
            peer: self.peer,
            action: Action::Open,
            environments: &Reach::of(&closure.roots),
            path: None,
        };
        self.action == Action::Open || self.policy.decide(&question).allowed
    }

    fn decide_reaches(&self, reaches: &[Reach<'_>]) -> Result<Decision, Response> {
        let decision = self.policy.decide(&Question {
            peer: self.peer,
            action: self.action,
            environments: reaches,
            path: self.path.as_deref(),
        });
        match decision.allowed {
            true => Ok(decision),
            false => Err(self.deny(&decision)),
        }
    }

    /// Counts it against the rates of the rules that allow it. That one is used up is recorded as often as a denial is, for
    /// the same reason.
    pub(super) fn charge(&self, decision: &Decision) -> Result<(), Response> {
        let (limiter, user, now) = (&self.daemon.limiter, self.peer.user, Instant::now());
        let Err(wait) = limiter.take(&decision.charges, user, now) else {
            return Ok(());
        };
        let refused = Response::error(Code::TooOften, "this was asked too often", None);
        let refused = refused.retry_after(whole_seconds(wait));
        Err(match limiter.take_denial(user, now) {
            Ok(()) => self.fail(decision, "too often", refused),
            Err(_) => refused,
        })
    }

    /// Records that it is denied. The answer is the same whether or not that could be written.
    ///
    /// Whoever is denied more often than [`Limiter::take_denial`] lets it is told no decision, and nothing is recorded:
    /// it could else have the audit rotated until nothing is left of what others did.
    fn deny(&self, decision: &Decision) -> Response {
        let taken = (self.daemon.limiter).take_denial(self.peer.user, Instant::now());
        if let Err(wait) = taken {
            return Response::too_many_denials(wait);
        }
        let _ = self.record(Outcome::Denied, decision, None);
        Response::denied()
    }

    /// Records that it is allowed and was not possible.
    pub(super) fn fail(
        &self,
        decision: &Decision,
        reason: &'static str,
        response: Response,
    ) -> Response {
        match self.record(Outcome::Failed(reason), decision, None) {
            true => response,
            // A fault of a definition is something that is given out, too.
            false => super::unavailable(),
        }
    }

    /// Records that the peer has hung up before it was given anything.
    pub(super) fn not_waited_for(&self, decision: &Decision) -> Response {
        let gone = Response::denied().closing();
        self.fail(decision, "the peer did not wait", gone)
    }

    /// As [`Self::fail`], for what is told in the answer.
    pub(super) fn fail_with(&self, decision: &Decision, failure: &ErrorAnswer) -> Response {
        let reason = match failure.error.code {
            Code::Locked => "locked",
            Code::Faulty => "faulty",
            Code::NotFound => "not found",
            Code::BadRequest => "bad request",
            _ => "unavailable",
        };
        let response = Response::failure(failure);
        let response = match failure.error.code {
            Code::Unavailable => response.retry_after(1),
            _ => response,
        };
        self.fail(decision, reason, response)
    }

    /// Records that it is given. What cannot be recorded is not given.
    pub(super) fn give(
        &self,
        decision: &Decision,
        answer: Option<&Answer>,
    ) -> Result<(), Response> {
        match self.record(Outcome::Allowed, decision, answer) {
            true => Ok(()),
            false => Err(super::unavailable()),
        }
    }

    fn record(&self, outcome: Outcome, decision: &Decision, answer: Option<&Answer>) -> bool {
        self.daemon.record(&Record {
            peer: Some(self.peer),
            action: Some(self.action),
            environments: &self.environments,
            path: self.path.as_deref(),
            subject: self.subject.as_deref(),
            variables: answer.map_or(&[], |answer| &answer.names),
            revision: answer.map(|answer| &*answer.revision),
            rule: decision.rule.as_deref(),
            refused: decision.refused.as_deref(),
            ..Record::new(self.call, outcome)
        })
    }
}
