//! What systemd asks for, by the name that its end of the connection is bound to.

use crate::daemon::peer::{Peer, ROOT};

/// A credential of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The unit, as the name has it.
    pub unit: String,
    /// The credential.
    pub credential: String,
}

/// Whose service manager is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// The machine's, which is root's.
    System,
    /// That of a user.
    User(u32),
}

impl Asked {
    /// Reads an abstract name without its leading NUL: `RANDOM/unit/UNIT/CREDENTIAL`, the first in hexadecimal digits
    /// (systemd.exec(5), "LoadCredential=").
    pub fn read(name: &[u8]) -> Option<Self> {
        let name = str::from_utf8(name).ok()?;
        let mut parts = name.split('/');
        let (random, kind) = (parts.next()?, parts.next()?);
        let (unit, credential) = (parts.next()?, parts.next()?);
        let is_random = !random.is_empty() && random.bytes().all(|byte| byte.is_ascii_hexdigit());
        // systemd-path(7): neither has a slash, and neither is empty.
        let is_name = |text: &str| !text.is_empty() && !text.contains(char::is_control);
        let is_whole = parts.next().is_none() && kind == "unit";
        (is_random && is_whole && is_name(unit) && is_name(credential)).then(|| Self {
            unit: unit.to_owned(),
            credential: credential.to_owned(),
        })
    }

    /// Whether the kernel says the same of who has connected: it is the manager's, and part of the unit.
    ///
    /// systemd connects from the process that will become the service: as root, or as the user whose manager it is, and in
    /// the control group of the unit already. Root of a container has another one.
    pub fn is_confirmed_by(&self, peer: &Peer, manager: Manager) -> bool {
        let (user, unit) = match manager {
            Manager::System => (ROOT, &peer.unit),
            Manager::User(user) => (user, &peer.user_unit),
        };
        peer.user == user && unit.as_deref() == Some(&*self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_systemd_binds_them() {
        let read = |name: &str| {
            let asked = Asked::read(name.as_bytes())?;
            Some(format!("{} {}", asked.unit, asked.credential))
        };
        for (name, expected) in [
            (
                "aa9346db984f54e6/unit/run-u5.service/c",
                Some("run-u5.service c"),
            ),
            (
                "0/unit/a@b.service/db-password",
                Some("a@b.service db-password"),
            ),
            ("f/unit/a\\x2db.service/a b", Some("a\\x2db.service a b")),
            ("", None),
            ("aa/unit/a.service", None),
            ("aa/unit/a.service/", None),
            ("aa/unit//c", None),
            ("/unit/a.service/c", None),
            ("xy/unit/a.service/c", None),
            ("aa/user/a.service/c", None),
            ("aa/unit/a.service/c/d", None),
            ("aa/unit/a.service/c\n", None),
        ] {
            assert_eq!(read(name).as_deref(), expected, "{name}");
        }
        assert_eq!(Asked::read(b"aa/unit/a.service/\xff"), None);
    }

    #[test]
    fn a_name_counts_for_nothing_by_itself() {
        let asked = Asked::read(b"aa/unit/web.service/token").expect("a name");
        let peer = |user, unit: Option<&str>, user_unit: Option<&str>| Peer {
            user,
            unit: unit.map(Box::from),
            user_unit: user_unit.map(Box::from),
            ..Peer::default()
        };
        let web = Some("web.service");
        for (peer, manager, expected) in [
            (peer(0, web, None), Manager::System, true),
            (peer(1000, web, None), Manager::System, false),
            (peer(0, Some("other.service"), None), Manager::System, false),
            (peer(0, None, None), Manager::System, false),
            (peer(0, Some("docker-1.scope"), web), Manager::System, false),
            (
                peer(1000, Some("user@1000.service"), web),
                Manager::User(1000),
                true,
            ),
            (
                peer(1000, Some("user@1000.service"), web),
                Manager::System,
                false,
            ),
            (
                peer(1001, Some("user@1001.service"), web),
                Manager::User(1000),
                false,
            ),
            (peer(0, web, None), Manager::User(1000), false),
            (peer(1000, web, None), Manager::User(1000), false),
        ] {
            assert_eq!(asked.is_confirmed_by(&peer, manager), expected, "{peer:?}");
        }
    }
}
