//! One rule: whom and what it is for, and what it says.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::peer_pattern::PeerFact;
use super::value_path::{PathPattern, Wanted};
use super::{Action, PeerPattern, Rate};
use crate::daemon::peer::Peer;
use crate::project::Pattern;

/// A rule. It fits a question if all that it names fits.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// Its name, or its place.
    pub(super) name: Arc<str>,
    pub(super) peers: PeerPattern,
    /// None for actions that are of no environment.
    pub(super) environments: Vec<NamePattern>,
    pub(super) actions: Vec<Action>,
    /// The values that it is about; all if there are none.
    pub(super) paths: Option<Vec<PathPattern>>,
    /// When it ends.
    pub(super) until: Option<SystemTime>,
    pub(super) effect: Effect,
}

/// What a rule says.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    /// Yes, on terms.
    Allow(Terms),
    /// No.
    Deny,
}

/// On what terms something is allowed.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms {
    /// What the environments that it allows may reach besides.
    pub(super) lend: Vec<NamePattern>,
    pub(super) rate: Option<Rate>,
    pub(super) lifetime: Option<Duration>,
    pub(super) confirm: bool,
}

/// Who asks for what, and when.
pub(super) struct Ask<'a> {
    pub(super) peer: &'a Peer,
    pub(super) action: Action,
    pub(super) now: SystemTime,
}

/// What it is asked of.
pub(super) enum Object<'a> {
    /// The daemon as a whole.
    Daemon,
    /// An environment.
    Environment {
        environment: &'a str,
        wanted: Wanted,
    },
}

/// Why a rule does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It is for other actions.
    Action,
    /// It has ended.
    Ended,
    /// It is for other peers.
    Peer(PeerFact),
    /// It is for other environments.
    Environment,
    /// It is for other values.
    Path,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action => f.write_str("it is for other actions"),
            Self::Ended => f.write_str("it has ended"),
            Self::Peer(part) => write!(f, "it is for another {part}"),
            Self::Environment => f.write_str("it is for other environments"),
            Self::Path => f.write_str("it is for other values"),
        }
    }
}

impl Rule {
    /// That `user` may do `actions` to everything.
    pub(super) fn for_user(name: &str, user: u32, actions: impl Iterator<Item = Action>) -> Self {
        let actions: Vec<Action> = actions.collect();
        let of_environments = actions.iter().any(|action| action.is_of_environments());
        Self {
            name: name.into(),
            peers: PeerPattern {
                users: Some(vec![user]),
                ..PeerPattern::default()
            },
            environments: match of_environments {
                true => vec![NamePattern::Any],
                false => Vec::new(),
            },
            actions,
            paths: None,
            until: None,
            effect: Effect::Allow(Terms::default()),
        }
    }

    /// Why it does not fit who asks for what, if it does not.
    pub(super) fn misfit(&self, ask: &Ask<'_>) -> Option<Misfit> {
        if !self.actions.contains(&ask.action) {
            return Some(Misfit::Action);
        }
        if self.until.is_some_and(|until| until <= ask.now) {
            return Some(Misfit::Ended);
        }
        let denies = matches!(self.effect, Effect::Deny);
        self.peers.misfit(ask.peer, denies).map(Misfit::Peer)
    }

    /// Why it does not fit what it is asked of, if it does not.
    pub(super) fn object_misfit(&self, object: &Object<'_>) -> Option<Misfit> {
        let Object::Environment {
            environment,
            wanted,
        } = object
        else {
            return None;
        };
        if !any_matches(&self.environments, environment) {
            return Some(Misfit::Environment);
        }
        let fits = self.paths.as_ref().is_none_or(|paths| match self.effect {
            // All that is given has to be allowed; and nothing of it may be denied.
            Effect::Allow(_) => paths.iter().any(|path| path.covers(wanted)),
            Effect::Deny => paths.iter().any(|path| path.touches(wanted)),
        });
        (!fits).then_some(Misfit::Path)
    }

    /// Whether the environments that it allows may reach this one.
    pub(super) fn lends(&self, environment: &str) -> bool {
        match &self.effect {
            Effect::Allow(terms) => any_matches(&terms.lend, environment),
            Effect::Deny => false,
        }
    }
}

fn any_matches(patterns: &[NamePattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

/// Environments by name or glob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NamePattern {
    /// Any name.
    Any,
    /// This one: comparing texts is much faster than matching.
    Exact(Box<str>),
    /// Those that match.
    Glob(Pattern),
}

impl NamePattern {
    /// Reads a name, or a glob of names: `*` within a segment, `**` for any segments.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "**" {
            return Ok(Self::Any);
        }
        if text.contains(['*', '?', '[']) {
            // No name begins so.
            if text.starts_with('/') {
                return Err("an environment's name must not begin with `/`".to_owned());
            }
            return Ok(Self::Glob(Pattern::new(text)?));
        }
        match text.parse::<crate::store::EnvironmentName>() {
            Ok(_) => Ok(Self::Exact(text.into())),
            Err(error) => Err(error.to_string()),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => **exact == *name,
            Self::Glob(pattern) => pattern.matches_text(name),
        }
    }
}
