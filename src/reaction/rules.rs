//! Which change gets which reaction.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Notice, Reaction};

/// A pattern of names: `*` stands for any characters, `?` for one, `[…]` for one of some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Glob(glob::Pattern);

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidGlob(&'static str);

impl fmt::Display for InvalidGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no valid pattern: {}", self.0)
    }
}

impl std::error::Error for InvalidGlob {}

impl TryFrom<String> for Glob {
    type Error = InvalidGlob;

    fn try_from(text: String) -> Result<Self, InvalidGlob> {
        let pattern = glob::Pattern::new(&text);
        pattern.map(Self).map_err(|error| InvalidGlob(error.msg))
    }
}

impl From<Glob> for String {
    fn from(glob: Glob) -> Self {
        glob.0.as_str().to_owned()
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The variables that it is for; nothing for all.
    pub patterns: Option<Vec<Glob>>,
    /// What is done when one of them changes.
    pub reaction: Reaction,
}

impl Rule {
    fn is_for(&self, name: &OsStr) -> bool {
        let name = name.to_string_lossy();
        match &self.patterns {
            Some(patterns) => patterns.iter().any(|Glob(pattern)| pattern.matches(&name)),
            None => true,
        }
    }
}

/// All rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// The first that is for a variable counts.
    pub rules: Vec<Rule>,
    /// What is done when one changes that no rule is for.
    pub otherwise: Reaction,
}

/// What is done about several changes at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The command is started anew, which makes any notice needless.
    Restart,
    /// The command goes on, and is told in these ways, each once; in none, if that is what the rules say.
    Tell(Vec<Notice>),
}

impl Rules {
    /// What is done when the variables `changed`.
    pub fn decide(&self, changed: &BTreeSet<OsString>) -> Decision {
        let mut notices = Vec::new();
        for name in changed {
            match self.reaction(name) {
                Reaction::Restart => return Decision::Restart,
                Reaction::Tell(notice) if !notices.contains(notice) => notices.push(notice.clone()),
                Reaction::Tell(_) | Reaction::Nothing => {}
            }
        }
        Decision::Tell(notices)
    }

    fn reaction(&self, name: &OsStr) -> &Reaction {
        let rule = self.rules.iter().find(|rule| rule.is_for(name));
        rule.map_or(&self.otherwise, |rule| &rule.reaction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        let rule = |patterns: &[&str], reaction: &str| Rule {
            patterns: (!patterns.is_empty()).then(|| {
                let globs = patterns.iter();
                globs
                    .map(|glob| Glob::try_from((*glob).to_owned()).expect("a glob"))
                    .collect()
            }),
            reaction: reaction.parse().expect("a reaction"),
        };
        Rules {
            rules: vec![
                rule(&["LOG_*", "FEATURE_?"], "signal:HUP"),
                rule(&["TLS_*"], "exec:reload"),
                rule(&["TLS_KEY"], "restart"),
                rule(&["COMMENT"], "none"),
                rule(&["LEVEL"], "signal:1"),
            ],
            otherwise: Reaction::Restart,
        }
    }

    #[test]
    fn the_strongest_reaction_of_all_changes_counts() {
        let hup = || Notice::Signal(crate::sys::signal::Signal::HUP);
        let exec = || Notice::Exec("reload".into());
        for (changed, expected) in [
            (&[][..], Decision::Tell(vec![])),
            (&["COMMENT"], Decision::Tell(vec![])),
            (
                &["LOG_A", "LOG_B", "LEVEL", "COMMENT"],
                Decision::Tell(vec![hup()]),
            ),
            (
                &["FEATURE_X", "TLS_KEY"],
                Decision::Tell(vec![hup(), exec()]),
            ),
            (&["FEATURE_XY"], Decision::Restart),
            (&["LOG_A", "OTHER"], Decision::Restart),
            (&[""], Decision::Restart),
        ] {
            let changed = changed.iter().map(OsString::from).collect();
            assert_eq!(rules().decide(&changed), expected, "{changed:?}");
        }
        let everything = Rules {
            rules: vec![Rule {
                patterns: None,
                reaction: Reaction::Nothing,
            }],
            otherwise: Reaction::Restart,
        };
        assert_eq!(
            everything.decide(&["A".into()].into()),
            Decision::Tell(vec![])
        );
    }

    #[test]
    fn rules_outlive_being_written() {
        let text = serde_json::to_string(&rules()).expect("written");
        assert_eq!(serde_json::from_str::<Rules>(&text).expect("read"), rules());
        assert!(serde_json::from_str::<Glob>("\"[\"").is_err());
    }
}
