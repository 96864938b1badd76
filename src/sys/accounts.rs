//! The databases of users and groups, in which the system's own functions look (nsswitch.conf(5)).

use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use nix::unistd::{Group, Uid, User};

/// What is known of a user (passwd(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub name: String,
    /// The number.
    pub user: u32,
    /// The number of the user's own group.
    pub group: u32,
    /// The user's folder.
    pub home: PathBuf,
    /// The user's shell, or what stands there to let nobody in.
    pub shell: PathBuf,
}

impl Account {
    /// The user of this name, if there is one.
    ///
    /// # Errors
    /// Those of getpwnam_r(3).
    pub fn named(name: &str) -> io::Result<Option<Self>> {
        Ok(User::from_name(name)?.map(Self::from))
    }

    /// The user of this number, if there is one.
    ///
    /// # Errors
    /// Those of getpwuid_r(3).
    pub fn numbered(user: u32) -> io::Result<Option<Self>> {
        Ok(User::from_uid(Uid::from_raw(user))?.map(Self::from))
    }

    /// The groups that list the user as a member, and `group` besides.
    ///
    /// # Errors
    /// Those of getgrouplist(3); EINVAL for a name that none can have.
    pub fn groups(&self, group: u32) -> io::Result<Vec<u32>> {
        let name = CString::new(OsStr::new(&self.name).as_bytes())?;
        // Where the system lists no groups in a usual way, nobody gets more than the one.
        #[cfg(not(target_os = "linux"))]
        return Ok(vec![group]);
        #[cfg(target_os = "linux")]
        {
            use nix::unistd::{Gid, getgrouplist};
            let groups = getgrouplist(&name, Gid::from_raw(group))?;
            Ok(groups.into_iter().map(Gid::as_raw).collect())
        }
    }
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self {
            name: user.name,
            user: user.uid.as_raw(),
            group: user.gid.as_raw(),
            home: user.dir,
            shell: user.shell,
        }
    }
}

/// The number of the group of this name, if there is one.
///
/// # Errors
/// Those of getgrnam_r(3).
pub fn group_named(name: &str) -> io::Result<Option<u32>> {
    Ok(Group::from_name(name)?.map(|group| group.gid.as_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_in_every_database() {
        let root = Account::numbered(0).expect("a database").expect("root");
        assert_eq!(
            Account::named(&root.name).expect("a database"),
            Some(root.clone())
        );
        assert!(root.groups(7).expect("groups").contains(&7));
        assert_eq!(Account::named("no such user").expect("a database"), None);
        assert_eq!(group_named("no such group").expect("a database"), None);
    }
}
