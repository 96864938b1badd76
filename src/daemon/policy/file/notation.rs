//! How the parts of a rule are written.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::daemon::policy::peer_pattern::{CgroupPattern, PeerPattern, UnitPattern};
use crate::daemon::policy::rule::NamePattern;
use crate::daemon::policy::value_path::PathPattern;
use crate::daemon::policy::{Action, Rate};
use crate::project::config::{OneOrMany, refused, text};
use crate::sys::accounts::{Account, group_named};
use crate::sys::credentials::LAST_ID;
use crate::sys::fs::describe;

/// What a text in a policy can stand for.
pub(super) trait Notation: Sized {
    /// Reads the text.
    ///
    /// # Errors
    /// What is wrong with it, without the text.
    fn read(text: &str) -> Result<Self, String>;
}

impl Notation for NamePattern {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl Notation for UnitPattern {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl Notation for CgroupPattern {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl Notation for PathPattern {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl Notation for Action {
    fn read(text: &str) -> Result<Self, String> {
        Self::from_str(text).map_err(str::to_owned)
    }
}

/// The number of a user.
#[derive(Debug)]
pub(super) struct User(u32);

impl Notation for User {
    fn read(text: &str) -> Result<Self, String> {
        number(text, "user", |name| {
            Ok(Account::named(name)?.map(|account| account.user))
        })
        .map(Self)
    }
}

/// The number of a group.
#[derive(Debug)]
pub(super) struct Group(u32);

impl Notation for Group {
    fn read(text: &str) -> Result<Self, String> {
        number(text, "group", group_named).map(Self)
    }
}

/// The number that a text is or that the system knows by this name.
fn number(
    text: &str,
    kind: &str,
    named: impl FnOnce(&str) -> io::Result<Option<u32>>,
) -> Result<u32, String> {
    if text.is_empty() {
        return Err(format!("a {kind} must not be empty"));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = text.parse().ok().filter(|number| *number <= LAST_ID);
        return number.ok_or_else(|| format!("no {kind} has such a number"));
    }
    // The C library cannot even be asked.
    if text.contains('\0') {
        return Err(format!("there is no such {kind}"));
    }
    match named(text) {
        Ok(Some(number)) => Ok(number),
        Ok(None) => Err(format!("there is no such {kind}")),
        Err(error) => Err(format!(
            "the {kind} cannot be looked up: {}",
            describe(&error)
        )),
    }
}

/// One text or a list of at least one.
#[derive(Debug)]
pub(super) struct Texts<T>(pub(super) Vec<T>);

impl<'de, T: Notation> Deserialize<'de> for Texts<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One<T>(T);

        impl<'de, T: Notation> Deserialize<'de> for One<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                text(deserializer, T::read).map(Self)
            }
        }

        let OneOrMany(list) = OneOrMany::<One<T>>::deserialize(deserializer)?;
        Ok(Self(list.into_iter().map(|One(one)| one).collect()))
    }
}

/// Numbers, which YAML knows from texts.
#[derive(Debug)]
struct Accounts<T>(Vec<T>);

impl<'de, T: Notation> Deserialize<'de> for Accounts<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AccountsVisitor<T>(PhantomData<T>);

        impl<'de, T: Notation> Visitor<'de> for AccountsVisitor<T> {
            type Value = Accounts<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, a number, or a list of these")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                T::read(text)
                    .map(|one| Accounts(vec![one]))
                    .map_err(refused)
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                list: A,
            ) -> Result<Self::Value, A::Error> {
                let list = serde::de::value::SeqAccessDeserializer::new(list);
                Texts::deserialize(list).map(|Texts(all)| Accounts(all))
            }
        }

        deserializer.deserialize_any(AccountsVisitor(PhantomData))
    }
}

/// The peers of a rule as they are written.
#[derive(Debug)]
pub(super) enum WrittenPeer {
    Any,
    Of(PeerKeys),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct PeerKeys {
    #[serde(default, deserialize_with = "some")]
    unit: Option<Texts<UnitPattern>>,
    #[serde(default, deserialize_with = "some")]
    user_unit: Option<Texts<UnitPattern>>,
    #[serde(default, deserialize_with = "some")]
    user: Option<Accounts<User>>,
    #[serde(default, deserialize_with = "some")]
    group: Option<Accounts<Group>>,
    #[serde(default, deserialize_with = "some")]
    cgroup: Option<Texts<CgroupPattern>>,
}

impl WrittenPeer {
    /// The set of peers.
    pub(super) fn pattern(self) -> PeerPattern {
        let Self::Of(keys) = self else {
            return PeerPattern::default();
        };
        let texts = |Texts(units)| units;
        PeerPattern {
            units: keys.unit.map(texts),
            user_units: keys.user_unit.map(texts),
            users: keys
                .user
                .map(|Accounts(users)| users.iter().map(|User(user)| *user).collect()),
            groups: keys
                .group
                .map(|Accounts(groups)| groups.iter().map(|Group(group)| *group).collect()),
            cgroups: keys.cgroup.map(|Texts(cgroups)| cgroups),
        }
    }
}

impl<'de> Deserialize<'de> for WrittenPeer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PeerVisitor;

        impl<'de> Visitor<'de> for PeerVisitor {
            type Value = WrittenPeer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping with unit, userUnit, user, group or cgroup, or the word any")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<WrittenPeer, E> {
                match text {
                    "any" => Ok(WrittenPeer::Any),
                    _ => Err(refused(
                        "must be a mapping with unit, userUnit, user, group or cgroup, or the word any",
                    )),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WrittenPeer, A::Error> {
                let keys = PeerKeys::deserialize(MapAccessDeserializer::new(map))?;
                // Everybody is not what someone means who has left something out.
                match keys {
                    PeerKeys {
                        unit: None,
                        user_unit: None,
                        user: None,
                        group: None,
                        cgroup: None,
                    } => Err(refused(
                        "says nothing of the peer; the word any stands for everybody",
                    )),
                    keys => Ok(WrittenPeer::Of(keys)),
                }
            }
        }

        deserializer.deserialize_any(PeerVisitor)
    }
}

/// What has to be said where its key is: nothing behind a key could seem to narrow a rule and would widen it.
pub(super) fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A rule's name.
pub(super) fn name<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Arc<str>>, D::Error> {
    const LONGEST: usize = 100;

    text(deserializer, |text| {
        if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(char::is_control) {
            return Err("a rule's name has 1 to 100 characters, none of them a control character");
        }
        Ok(Some(text.into()))
    })
}

/// How often.
pub(super) fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rate>, D::Error> {
    text(deserializer, |text| text.parse().map(Some))
}

/// How long.
pub(super) fn lifetime<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    text(deserializer, |text| {
        let time = humantime::parse_duration(text).ok();
        // Answers tell whole seconds.
        let time = time.filter(|time| *time >= Duration::from_secs(1));
        time.map(Some)
            .ok_or("must be a time of at least a second, such as 30s, 15m or 1h 30m")
    })
}

/// When: a day, which begins at midnight UTC, or a moment (RFC 3339).
pub(super) fn moment<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SystemTime>, D::Error> {
    text(deserializer, |text| {
        let moment = match text.len() {
            10 => humantime::parse_rfc3339(&format!("{text}T00:00:00Z")),
            _ => humantime::parse_rfc3339(text),
        };
        moment.map(Some).map_err(
            |_| "must be a day such as 2027-01-31, or a moment such as 2027-01-31T18:00:00Z",
        )
    })
}
