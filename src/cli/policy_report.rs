//! What a policy would decide, and of what: for people in words, for programs as JSON.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use super::error::Failure;
use crate::daemon::environments::{Closure, Presence};
use crate::daemon::peer::Peer;
use crate::daemon::policy::{Decision, Explanation, Part, Verdict};
use crate::daemon::settings::Settings;
use crate::protocol::Code;
use crate::quote::quoted;

/// What is found of the environments that are asked for, by whoever tests: the daemon may be able to read more, or less.
pub(super) enum Definitions {
    /// They were looked for.
    Read(Closure),
    /// None was looked for, for this reason: only what was named is known.
    Unread {
        roots: Vec<(Arc<str>, BTreeSet<Arc<str>>)>,
        reason: String,
    },
}

impl Definitions {
    /// Reads them where the daemon does.
    ///
    /// # Errors
    /// When they are more than a daemon takes.
    pub(super) fn read(settings: &Settings, names: &[Arc<str>]) -> Result<Self, Failure> {
        let unread = |reason| Self::Unread {
            roots: names
                .iter()
                .map(|name| (Arc::clone(name), BTreeSet::new()))
                .collect(),
            reason,
        };
        if names.is_empty() {
            return Ok(unread("no environment is asked for".to_owned()));
        }
        match Closure::read(settings.folders.clone(), names) {
            Ok(closure) => Ok(Self::Read(closure)),
            Err(answer) if answer.error.code == Code::Unavailable => {
                Ok(unread(answer.error.message))
            }
            Err(answer) => Err(Failure {
                hint: answer.error.hint,
                ..Failure::new(answer.error.message)
            }),
        }
    }

    /// What was named, each with all that it reaches as far as that is known.
    pub(super) fn roots(&self) -> &[(Arc<str>, BTreeSet<Arc<str>>)] {
        match self {
            Self::Read(closure) => &closure.roots,
            Self::Unread { roots, .. } => roots,
        }
    }

    /// What there is of the environment that a part is about; nothing if that is not known.
    fn presence(&self, part: &Part) -> Option<Presence<'_>> {
        match (self, &part.environment) {
            (Self::Read(closure), Some(name)) => Some(closure.presence(name)),
            _ => None,
        }
    }

    /// Why it is not known what there is.
    fn unread(&self) -> Option<&str> {
        match self {
            Self::Unread { roots, reason } if !roots.is_empty() => Some(reason),
            _ => None,
        }
    }
}

/// A decision with all that led to it.
pub(super) struct Report<'a> {
    pub(super) peer: &'a Peer,
    pub(super) explanation: &'a Explanation,
    pub(super) definitions: &'a Definitions,
}

impl Report<'_> {
    /// The peer, each step, and what comes of it.
    pub(super) fn in_words(&self) -> String {
        let mut text = format!("peer: {}\n", of_peer(self.peer));
        for part in &self.explanation.parts {
            text.push_str(&of_part(part, self.definitions.presence(part)));
        }
        if let Some(reason) = self.definitions.unread() {
            let _ = writeln!(
                text,
                "not checked whether there are such environments, nor what they reach: {reason}"
            );
        }
        text.push_str(&of_decision(&self.explanation.decision));
        text.push('\n');
        text
    }

    /// The same for programs.
    pub(super) fn to_json(&self) -> impl Serialize + '_ {
        let decision = &self.explanation.decision;
        let parts = self.explanation.parts.iter();
        ReportJson {
            peer: PeerJson::of(self.peer),
            parts: parts
                .map(|part| PartJson::of(part, self.definitions))
                .collect(),
            unchecked: self.definitions.unread(),
            allowed: decision.allowed,
            lifetime_seconds: decision.lifetime.map(|lifetime| lifetime.as_secs()),
            rates: decision
                .charges
                .iter()
                .map(|charge| RateJson {
                    rule: &charge.rule,
                    rate: charge.rate.to_string(),
                })
                .collect(),
            confirm: decision.confirm,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportJson<'a> {
    peer: PeerJson<'a>,
    parts: Vec<PartJson<'a>>,
    /// Why definitions were not looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    unchecked: Option<&'a str>,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    lifetime_seconds: Option<u64>,
    rates: Vec<RateJson<'a>>,
    confirm: bool,
}

/// The peer, by the names that the audit has for it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PeerJson<'a> {
    uid: u32,
    gid: u32,
    groups: &'a [u32],
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_unit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup: Option<&'a str>,
}

impl<'a> PeerJson<'a> {
    fn of(peer: &'a Peer) -> Self {
        Self {
            uid: peer.user,
            gid: peer.group,
            groups: &peer.groups,
            unit: peer.unit.as_deref(),
            user_unit: peer.user_unit.as_deref(),
            cgroup: peer.cgroup.as_deref(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PartJson<'a> {
    /// None for the daemon.
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reached_from: Option<&'a str>,
    /// What there is of it: found, missing, unreadable or unchecked.
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<&'static str>,
    /// Allowed, denied, unmatched or lent.
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    rules: Vec<RuleJson<'a>>,
}

impl<'a> PartJson<'a> {
    fn of(part: &'a Part, definitions: &Definitions) -> Self {
        let (verdict, rule) = match &part.verdict {
            Verdict::Allowed(rule) => ("allowed", Some(&**rule)),
            Verdict::Denied(rule) => ("denied", Some(&**rule)),
            Verdict::Unmatched => ("unmatched", None),
            Verdict::Lent(rule) => ("lent", Some(&**rule)),
        };
        let definition = match definitions.presence(part) {
            Some(Presence::Found) => "found",
            Some(Presence::Missing(_)) => "missing",
            Some(Presence::Unreadable(_)) => "unreadable",
            None => "unchecked",
        };
        let rules = part.rules.iter().map(|(rule, misfit)| RuleJson {
            rule,
            misfit: misfit.map(|misfit| misfit.to_string()),
        });
        Self {
            environment: part.environment.as_deref(),
            reached_from: part.reached_from.as_deref(),
            definition: part.environment.is_some().then_some(definition),
            verdict,
            rule,
            rules: rules.collect(),
        }
    }
}

/// A rule that was looked at; it fits if nothing says why it does not.
#[derive(Serialize)]
struct RuleJson<'a> {
    rule: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    misfit: Option<String>,
}

#[derive(Serialize)]
struct RateJson<'a> {
    rule: &'a str,
    rate: String,
}

fn of_peer(peer: &Peer) -> String {
    let mut text = format!("user {}, group {}", peer.user, peer.group);
    let others = peer.groups.iter().filter(|group| **group != peer.group);
    let others: Vec<String> = others.map(u32::to_string).collect();
    if !others.is_empty() {
        let _ = write!(text, ", groups {}", others.join(" "));
    }
    for (name, unit) in [("unit", &peer.unit), ("user unit", &peer.user_unit)] {
        if let Some(unit) = unit {
            let _ = write!(text, ", {name} {unit}");
        }
    }
    if let (None, Some(path)) = (&peer.unit, &peer.cgroup)
        && **path != *"/"
    {
        let _ = write!(text, ", control group {path}");
    }
    text
}

fn of_part(part: &Part, presence: Option<Presence<'_>>) -> String {
    let name = part.environment.as_deref().unwrap_or("the daemon");
    let reached = match &part.reached_from {
        Some(root) => format!(", which {root} reaches"),
        None => String::new(),
    };
    let verdict = match &part.verdict {
        Verdict::Allowed(rule) => format!("allowed by {}", quoted(rule)),
        Verdict::Denied(rule) => format!("denied by {}", quoted(rule)),
        Verdict::Unmatched => "denied, since no rule fits".to_owned(),
        Verdict::Lent(rule) => format!("lent by {}", quoted(rule)),
    };
    let mut text = format!("{name}{reached}: {verdict}\n");
    let absence = match presence {
        Some(Presence::Missing(reason)) => Some(("there is no such environment", reason)),
        Some(Presence::Unreadable(reason)) => Some((
            "what it reaches is not known, since it cannot be read",
            reason,
        )),
        Some(Presence::Found) | None => None,
    };
    if let Some((what, reason)) = absence {
        let _ = writeln!(text, "  {what}: {reason}");
    }
    for (rule, misfit) in &part.rules {
        let why = match misfit {
            Some(misfit) => format!("does not fit: {misfit}"),
            None => "fits".to_owned(),
        };
        let _ = writeln!(text, "  {} {why}", quoted(rule));
    }
    text
}

fn of_decision(decision: &Decision) -> String {
    if !decision.allowed {
        return "denied".to_owned();
    }
    let mut text = "allowed".to_owned();
    if let Some(lifetime) = decision.lifetime {
        let lifetime = humantime::format_duration(lifetime);
        let _ = write!(text, ", to be used for {lifetime}");
    }
    for charge in &decision.charges {
        let _ = write!(
            text,
            ", at most {} by {}",
            charge.rate,
            quoted(&charge.rule)
        );
    }
    if decision.confirm {
        text.push_str(", if a person agrees");
    }
    text
}
