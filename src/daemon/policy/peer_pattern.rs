//! Which peers a rule is for.

use std::fmt;

use glob::{MatchOptions, Pattern};

use crate::daemon::peer::{Peer, UNIT_KINDS, is_unit};

/// A set of peers: every key that is there has to fit, with any of what it lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PeerPattern {
    pub(super) units: Option<Vec<UnitPattern>>,
    pub(super) user_units: Option<Vec<UnitPattern>>,
    pub(super) users: Option<Vec<u32>>,
    pub(super) groups: Option<Vec<u32>>,
    pub(super) cgroups: Option<Vec<CgroupPattern>>,
}

/// What of a peer is not as a rule has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerFact {
    /// Its unit.
    Unit,
    /// Its user's unit.
    UserUnit,
    /// Its user.
    User,
    /// Its groups.
    Group,
    /// Its control group.
    Cgroup,
}

impl fmt::Display for PeerFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unit => "unit",
            Self::UserUnit => "user unit",
            Self::User => "user",
            Self::Group => "group",
            Self::Cgroup => "control group",
        })
    }
}

impl PeerPattern {
    /// What does not fit, if anything. `unplaced` is what is taken to be so of a peer whose control group is not known: rules
    /// that deny fit it, rules that allow do not.
    pub(super) fn misfit(&self, peer: &Peer, unplaced: bool) -> Option<PeerFact> {
        let is_placed = peer.is_placed();
        let of_place = |fits: bool| if is_placed { fits } else { unplaced };
        let unit_fits = |patterns: &Vec<UnitPattern>, unit: &Option<Box<str>>| {
            let unit = unit.as_deref();
            of_place(unit.is_some_and(|unit| patterns.iter().any(|pattern| pattern.matches(unit))))
        };
        let holds = |fact: PeerFact| match fact {
            PeerFact::User => fits(&self.users, |users| users.contains(&peer.user)),
            PeerFact::Group => fits(&self.groups, |groups| {
                groups.contains(&peer.group)
                    || groups.iter().any(|group| peer.groups.contains(group))
            }),
            PeerFact::Unit => fits(&self.units, |units| unit_fits(units, &peer.unit)),
            PeerFact::UserUnit => fits(&self.user_units, |units| unit_fits(units, &peer.user_unit)),
            PeerFact::Cgroup => fits(&self.cgroups, |cgroups| {
                let path = peer.cgroup.as_deref().unwrap_or_default();
                of_place(cgroups.iter().any(|pattern| pattern.matches(path)))
            }),
        };
        const ALL: [PeerFact; 5] = [
            PeerFact::User,
            PeerFact::Group,
            PeerFact::Unit,
            PeerFact::UserUnit,
            PeerFact::Cgroup,
        ];
        ALL.into_iter().find(|fact| !holds(*fact))
    }
}

/// Whether a key that may be missing fits.
fn fits<T>(key: &Option<T>, test: impl FnOnce(&T) -> bool) -> bool {
    key.as_ref().is_none_or(test)
}

/// Units by name or glob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnitPattern(Pattern);

impl UnitPattern {
    /// Reads the name of a unit, or a glob.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let has_glob = text.contains(['*', '?', '[']);
        if !has_glob && !is_unit(text) {
            let hint = UNIT_KINDS.map(|kind| format!(".{kind}")).join(", ");
            return Err(format!("a unit's name ends with one of {hint}"));
        }
        if text.contains('/') {
            return Err("a unit's name has no `/`; `cgroup` is for paths".to_owned());
        }
        let pattern =
            Pattern::new(text).map_err(|error| format!("no valid pattern: {}", error.msg))?;
        Ok(Self(pattern))
    }

    fn matches(&self, unit: &str) -> bool {
        self.0.matches(unit)
    }
}

/// Control groups by path or glob: `*` within a component, `**` for any components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CgroupPattern(Pattern);

impl CgroupPattern {
    /// Reads a path from the root, or a glob of paths.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err("a control group's path begins with `/`".to_owned());
        }
        let pattern =
            Pattern::new(text).map_err(|error| format!("no valid pattern: {}", error.msg))?;
        Ok(Self(pattern))
    }

    fn matches(&self, path: &str) -> bool {
        let options = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        self.0.matches_with(path, options)
    }
}
