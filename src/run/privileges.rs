//! As whom, where and within which limits the command runs. Plain numbers and paths: names were looked up before.

use std::ffi::CString;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::sys::credentials::Credentials;
use crate::sys::fs::{Owner, effective_group, effective_user};
use crate::sys::limit::Limit;
use crate::sys::step::Step;

/// What a command's process changes about itself before it becomes the command. What is absent stays as escrun has it.
///
/// Only the command is changed: a supervisor stays the user that it was, because it has to signal the command and to remove
/// what that leaves behind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privileges {
    /// The user that it becomes for good.
    pub user: Option<u32>,
    /// The group that it becomes for good.
    pub group: Option<u32>,
    /// The supplementary groups that it has instead of its own.
    pub supplementary: Option<Vec<u32>>,
    /// Its working directory; a relative one is so to escrun's.
    pub folder: Option<CString>,
    /// Its file mode mask.
    pub umask: Option<u32>,
    /// Whether neither it nor what it starts can gain rights by execve(2).
    pub no_new_privileges: bool,
    /// Its limits.
    pub limits: Vec<Limit>,
}

impl Privileges {
    /// The steps, in the only order in which each may still be taken: the user, with whom the right to most others goes,
    /// comes behind them; the folder is entered with the rights of that user.
    pub fn steps(&self) -> Vec<Step> {
        let limits = self.limits.iter().map(|limit| Step::Limit(*limit));
        limits
            .chain(self.supplementary.clone().map(Step::Supplementary))
            .chain(self.group.map(Step::Group))
            .chain(self.user.map(Step::User))
            .chain(self.folder.clone().map(Step::ChangeFolder))
            .chain(self.umask.map(Step::Umask))
            .chain(self.no_new_privileges.then_some(Step::NoNewPrivileges))
            .collect()
    }

    /// The user and the group that what is handed over must belong to, where these are not both escrun's own.
    pub fn owner(&self) -> Option<Owner> {
        if self.user.is_none() && self.group.is_none() {
            return None;
        }
        let user = self.user.unwrap_or_else(effective_user);
        Some((user, self.group.unwrap_or_else(effective_group)))
    }

    /// Leaves out what a process with the credentials `own` has already: who has no right to change groups may well ask
    /// for those that it has.
    #[must_use]
    pub fn without_what_is_so(mut self, own: &Credentials) -> Self {
        let same = |wanted: &mut Vec<u32>| {
            let sorted = |groups: &[u32]| {
                let mut groups = groups.to_vec();
                groups.push(own.group());
                groups.sort_unstable();
                groups.dedup();
                groups
            };
            sorted(wanted) == sorted(&own.supplementary)
        };
        self.supplementary.take_if(same);
        self.group.take_if(|group| own.groups == [*group; 3]);
        self.user.take_if(|user| own.users == [*user; 3]);
        self
    }

    /// Whether a process with the credentials `own` may take the steps, as far as that can be told beforehand.
    ///
    /// # Errors
    /// [`Denied`] for the first that it may not.
    pub fn check(&self, own: &Credentials) -> Result<(), Denied> {
        if let Some(user) = self.user
            && !own.may_change_user
            && !own.users.contains(&user)
        {
            return Err(Denied::User(user));
        }
        if let Some(group) = self.group
            && !own.may_change_groups
            && !own.groups.contains(&group)
        {
            return Err(Denied::Group(group));
        }
        if self.supplementary.is_some() && !own.may_change_groups {
            return Err(Denied::Supplementary);
        }
        for wanted in &self.limits {
            if let Ok(now) = wanted.resource.limit()
                && wanted.hard > now.hard
                && !own.may_raise_limits
            {
                let (wanted, now) = (*wanted, now);
                return Err(Denied::Limit { wanted, now });
            }
        }
        Ok(())
    }
}

/// What this process has no right to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Becoming another user.
    User(u32),
    /// Becoming another group.
    Group(u32),
    /// Having other supplementary groups.
    Supplementary,
    /// Raising a hard limit.
    Limit {
        /// What was asked for.
        wanted: Limit,
        /// What there is.
        now: Limit,
    },
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Denied::User(user) => write!(
                f,
                "--user: becoming the user {user} takes root or CAP_SETUID"
            ),
            Denied::Group(group) => write!(
                f,
                "--group: becoming the group {group} takes root or CAP_SETGID"
            ),
            Denied::Supplementary => {
                f.write_str("--groups: other supplementary groups take root or CAP_SETGID")
            }
            Denied::Limit { wanted, now } => write!(
                f,
                "--rlimit {wanted}: the hard limit is {}, and raising it takes root or CAP_SYS_RESOURCE",
                now.hard
            ),
        }
    }
}

impl std::error::Error for Denied {}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(user: u32, group: u32, supplementary: &[u32], may: bool) -> Credentials {
        Credentials {
            users: [user; 3],
            groups: [group; 3],
            supplementary: supplementary.to_vec(),
            may_change_user: may,
            may_change_groups: may,
            may_raise_limits: may,
        }
    }

    fn wanted(user: Option<u32>, group: Option<u32>, groups: Option<&[u32]>) -> Privileges {
        Privileges {
            user,
            group,
            supplementary: groups.map(<[u32]>::to_vec),
            ..Privileges::default()
        }
    }

    #[test]
    fn the_user_is_given_up_after_all_that_needs_it() {
        let privileges = Privileges {
            folder: Some(c"/srv".into()),
            umask: Some(0o27),
            no_new_privileges: true,
            limits: vec![Limit {
                resource: "core".parse().expect("a resource"),
                soft: 0,
                hard: 0,
            }],
            ..wanted(Some(65534), Some(65533), Some(&[7, 8]))
        };
        let told: Vec<_> = privileges.steps().iter().map(Step::to_string).collect();
        assert_eq!(
            told,
            [
                "set the limit core=0",
                "have the supplementary groups 7,8",
                "become the group 65533",
                "become the user 65534",
                "go to the folder /srv",
                "set the umask 027",
                "give up gaining rights",
            ]
        );
        assert!(Privileges::default().steps().is_empty());
        let text = serde_json::to_string(&privileges).expect("plain values");
        let again: Privileges = serde_json::from_str(&text).expect("its own text");
        assert_eq!(again, privileges);
    }

    #[test]
    fn files_belong_to_whom_the_command_runs_as() {
        let (user, group) = (effective_user(), effective_group());
        assert_eq!(wanted(None, None, Some(&[])).owner(), None);
        assert_eq!(wanted(Some(5), None, None).owner(), Some((5, group)));
        assert_eq!(wanted(None, Some(6), None).owner(), Some((user, 6)));
    }

    #[test]
    fn what_is_so_already_needs_no_right() {
        let own = own(1000, 100, &[100, 27], false);
        for (privileges, expected) in [
            (wanted(Some(1000), Some(100), Some(&[27, 100])), Ok(())),
            (wanted(Some(1000), None, Some(&[27])), Ok(())),
            (wanted(Some(0), Some(0), None), Err(Denied::User(0))),
            (wanted(None, Some(27), None), Err(Denied::Group(27))),
            (wanted(None, None, Some(&[])), Err(Denied::Supplementary)),
        ] {
            let found = privileges.without_what_is_so(&own);
            assert_eq!(found.check(&own), expected, "{found:?}");
        }
        let root = self::own(0, 0, &[], true);
        let privileges = wanted(Some(5), Some(5), Some(&[])).without_what_is_so(&root);
        assert_eq!(privileges.check(&root), Ok(()));
    }

    #[test]
    fn hard_limits_are_raised_by_right_alone() {
        let resource: crate::sys::limit::Resource = "nofile".parse().expect("a resource");
        let now = resource.limit().expect("a limit");
        let raised = Limit {
            hard: now.hard.saturating_add(1),
            ..now
        };
        let privileges = Privileges {
            limits: vec![raised],
            ..Privileges::default()
        };
        assert_eq!(privileges.check(&own(0, 0, &[], true)), Ok(()));
        if raised != now {
            let wanted = raised;
            assert_eq!(
                privileges.check(&own(0, 0, &[], false)),
                Err(Denied::Limit { wanted, now })
            );
        }
    }
}
