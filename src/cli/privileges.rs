//! What the options of rights and limits come to: names looked up, numbers read, and refused before anything is decrypted
//! what this process has no right to.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::error::Failure;
use super::run_options::PrivilegeOptions;
use crate::quote::quoted;
use crate::run::Privileges;
use crate::suggest;
use crate::sys::accounts::{self, Account};
use crate::sys::credentials::{Credentials, LAST_ID};
use crate::sys::limit::{Limit, Resource, UNLIMITED};

/// The variables that say who the user is.
const WHO: [&str; 4] = ["HOME", "USER", "LOGNAME", "SHELL"];

/// What stands in place of a shell to let nobody in (nologin(8), false(1)).
const NO_SHELLS: [&str; 2] = ["nologin", "false"];

/// What the options come to.
#[derive(Debug, Default)]
pub(super) struct Rights {
    /// What the command's process changes about itself.
    pub(super) privileges: Privileges,
    /// With `--user`, the variables that say who the user is, in place of all such that are inherited.
    who: Option<Vec<(&'static str, OsString)>>,
}

impl Rights {
    /// Reads the options, and asks whether this process may do what they say.
    pub(super) fn read(options: &PrivilegeOptions) -> Result<Self, Failure> {
        // Nearly always; and there is no need to ask the system anything then.
        if *options == PrivilegeOptions::default() {
            return Ok(Self::default());
        }
        let own = Credentials::now()
            .map_err(|error| Failure::io("cannot tell the rights of this process", &error))?;
        let user = options.user.as_deref().map(WantedUser::find).transpose()?;
        let group = match &options.group {
            Some(text) => Some(group("--group", text)?),
            None => user.as_ref().map(WantedUser::own_group).transpose()?,
        };
        let supplementary = match (&options.groups, &user) {
            (Some(texts), _) => Some(groups(texts)?),
            (None, Some(user)) => Some(user.groups(group)?),
            (None, None) => None,
        };
        let privileges = Privileges {
            user: user.as_ref().map(|user| user.number),
            group,
            supplementary,
            folder: options.chdir.as_deref().map(folder).transpose()?,
            umask: options.umask.as_deref().map(umask).transpose()?,
            no_new_privileges: options.no_new_privs,
            limits: limits(&options.rlimit)?,
        }
        .without_what_is_so(&own);
        privileges.check(&own).map_err(Failure::new)?;
        Ok(Self {
            privileges,
            who: user.map(|user| user.variables()),
        })
    }

    /// The variables that the command inherits: `inherited`, with those that say who the user is as they are for `--user`.
    pub(super) fn variables<'a>(
        &'a self,
        inherited: &'a [(OsString, OsString)],
    ) -> impl Iterator<Item = (OsString, OsString)> {
        let is_replaced =
            move |name: &OsStr| self.who.is_some() && WHO.iter().any(|who| *who == name);
        let who = self.who.iter().flatten();
        inherited
            .iter()
            .filter(move |(name, _)| !is_replaced(name))
            .cloned()
            .chain(who.map(|(name, value)| (OsString::from(name), value.clone())))
    }
}

/// Whom `--user` means.
struct WantedUser {
    number: u32,
    account: Option<Account>,
}

impl WantedUser {
    /// Digits are a number, which need not be in the database of users; all else is a name, which has to.
    fn find(text: &str) -> Result<Self, Failure> {
        let looked_up = |result: io::Result<Option<Account>>| {
            result.map_err(|error| {
                Failure::io(format!("--user {text}: cannot look it up"), &error)
                    .with_hint("a number needs no look-up if --group and --groups are given")
            })
        };
        match id(text) {
            Some(number) => {
                let number =
                    number.ok_or_else(|| Failure::usage(format!("--user {text}: no such id")))?;
                // A database that does not answer is as good as none: the number says it all.
                let account = Account::numbered(number).unwrap_or(None);
                Ok(Self { number, account })
            }
            None => match looked_up(Account::named(text))? {
                Some(account) => Ok(Self {
                    number: account.user,
                    account: Some(account),
                }),
                None => Err(Failure::usage(format!("--user: no user {}", quoted(text)))),
            },
        }
    }

    /// The user's own group.
    fn own_group(&self) -> Result<u32, Failure> {
        let group = self.account.as_ref().map(|account| account.group);
        group.ok_or_else(|| {
            Failure::usage(format!(
                "--user {}: no such user is known, so there is no group to run as",
                self.number
            ))
            .with_hint("name one with --group")
        })
    }

    /// The user's supplementary groups. Who is not known has none.
    fn groups(&self, group: Option<u32>) -> Result<Vec<u32>, Failure> {
        let (Some(account), Some(group)) = (&self.account, group) else {
            return Ok(Vec::new());
        };
        account.groups(group).map_err(|error| {
            Failure::io(
                format!("--user {}: cannot look up the groups", account.name),
                &error,
            )
            .with_hint("name them with --groups")
        })
    }

    /// The variables that say who the user is, as systemd.exec(5) has them ("Environment Variables in Spawned Processes").
    fn variables(&self) -> Vec<(&'static str, OsString)> {
        let Some(account) = &self.account else {
            return vec![("HOME", "/".into())];
        };
        let mut variables = vec![
            ("HOME", account.home.clone().into_os_string()),
            ("USER", account.name.clone().into()),
            ("LOGNAME", account.name.clone().into()),
        ];
        let name = account.shell.file_name();
        if name.is_some_and(|name| !NO_SHELLS.iter().any(|none| *none == name)) {
            variables.push(("SHELL", account.shell.clone().into_os_string()));
        }
        variables
    }
}

/// A number, if the text is one; within it, whether an id can have it.
pub(super) fn id(text: &str) -> Option<Option<u32>> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok().filter(|id| *id <= LAST_ID))
}

/// The group that a name or number means.
pub(super) fn group(option: &str, text: &str) -> Result<u32, Failure> {
    if let Some(number) = id(text) {
        return number.ok_or_else(|| Failure::usage(format!("{option} {text}: no such id")));
    }
    let found = accounts::group_named(text).map_err(|error| {
        Failure::io(format!("{option} {text}: cannot look it up"), &error)
            .with_hint("a number needs no look-up")
    })?;
    found.ok_or_else(|| Failure::usage(format!("{option}: no group {}", quoted(text))))
}

/// The groups of `--groups`; none if it is empty.
fn groups(texts: &[String]) -> Result<Vec<u32>, Failure> {
    match texts {
        [empty] if empty.is_empty() => Ok(Vec::new()),
        texts => texts.iter().map(|text| group("--groups", text)).collect(),
    }
}

/// Where `--chdir` leads. Whether the user may go there shows when the user does.
fn folder(path: &Path) -> Result<CString, Failure> {
    let fault = |reason: &str| Failure::new(format!("--chdir {}: {reason}", path.display()));
    match path.metadata() {
        Ok(found) if !found.is_dir() => return Err(fault("not a directory")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(fault("no such directory"));
        }
        // What root may not see over the network, the user may.
        _ => {}
    }
    CString::new(path.as_os_str().as_bytes()).map_err(|_| fault("no path holds a NUL byte"))
}

fn umask(text: &str) -> Result<u32, Failure> {
    let is_octal = text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    let mask = u32::from_str_radix(text, 8).ok();
    mask.filter(|mask| is_octal && *mask <= 0o777)
        .ok_or_else(|| {
            Failure::usage(format!("--umask {}: not a file mode mask", quoted(text)))
                .with_hint("it is octal, from 000 to 777, as in --umask 027")
        })
}

fn limits(texts: &[OsString]) -> Result<Vec<Limit>, Failure> {
    let limits: Vec<Limit> = texts
        .iter()
        .map(|text| limit(&text.to_string_lossy()))
        .collect::<Result<_, _>>()?;
    for (index, limit) in limits.iter().enumerate() {
        let earlier = &limits[..index];
        if earlier.iter().any(|it| it.resource == limit.resource) {
            let name = limit.resource;
            return Err(Failure::usage(format!("--rlimit: {name} is given twice")));
        }
    }
    Ok(limits)
}

/// `NAME=SOFT[:HARD]`; one amount is both.
fn limit(text: &str) -> Result<Limit, Failure> {
    let fault = |reason: String| Failure::usage(format!("--rlimit {}: {reason}", quoted(text)));
    let forms = "it is NAME=SOFT or NAME=SOFT:HARD, with numbers or unlimited, as in --rlimit nofile=1024:4096";
    let (name, amounts) = text
        .split_once('=')
        .ok_or_else(|| fault("no amount is given".to_owned()).with_hint(forms))?;
    let resource: Resource = name.parse().map_err(|_| {
        let hint = match suggest::nearest(name, Resource::names()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!(
                "there are {}",
                Resource::names().collect::<Vec<_>>().join(", ")
            ),
        };
        fault(format!("there is no resource {}", quoted(name))).with_hint(hint)
    })?;
    let amount = |text: &str| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        match text {
            "unlimited" => Some(UNLIMITED),
            _ if is_number => text.parse().ok(),
            _ => None,
        }
        .ok_or_else(|| fault(format!("{} is no amount", quoted(text))).with_hint(forms))
    };
    let (soft, hard) = match amounts.split_once(':') {
        Some((soft, hard)) => (amount(soft)?, amount(hard)?),
        None => (amount(amounts)?, amount(amounts)?),
    };
    if soft > hard {
        return Err(fault("the soft limit is above the hard one".to_owned()));
    }
    Ok(Limit {
        resource,
        soft,
        hard,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an option comes to, or the message.
    fn outcome<T: ToString>(result: Result<T, Failure>) -> String {
        match result {
            Ok(value) => value.to_string(),
            Err(failure) => failure.message.expect("a message"),
        }
    }

    #[test]
    fn masks_are_octal() {
        for (text, expected) in [
            ("027", "23"),
            ("0", "0"),
            ("777", "511"),
            ("1000", "--umask \"1000\": not a file mode mask"),
            ("8", "--umask \"8\": not a file mode mask"),
            ("+7", "--umask \"+7\": not a file mode mask"),
            ("", "--umask \"\": not a file mode mask"),
        ] {
            assert_eq!(outcome(umask(text)), expected);
        }
    }

    #[test]
    fn limits_are_read_as_they_are_shown() {
        for text in [
            "nofile=1024:4096",
            "core=0",
            "as=unlimited",
            "stack=1:unlimited",
            "cpu=5",
        ] {
            assert_eq!(outcome(limit(text)), text);
        }
        for (text, reason) in [
            ("nofile", "no amount is given"),
            ("files=1", "there is no resource \"files\""),
            ("nofile=", "\"\" is no amount"),
            ("nofile=-1", "\"-1\" is no amount"),
            ("nofile=1:", "\"\" is no amount"),
            ("nofile=1k", "\"1k\" is no amount"),
            ("nofile=2:1", "the soft limit is above the hard one"),
            (
                "nofile=99999999999999999999",
                "\"99999999999999999999\" is no amount",
            ),
        ] {
            let expected = format!("--rlimit {}: {reason}", quoted(text));
            assert_eq!(outcome(limit(text)), expected);
        }
        let twice = ["core=0", "core=1"].map(OsString::from);
        assert!(limits(&twice).is_err());
    }

    #[test]
    fn digits_are_ids() {
        for (text, expected) in [
            ("0", Some(Some(0))),
            ("4294967294", Some(Some(LAST_ID))),
            // setresuid(2): "none".
            ("4294967295", Some(None)),
            ("99999999999", Some(None)),
            ("root", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(id(text), expected, "{text}");
        }
    }

    #[test]
    fn no_groups_are_some() {
        assert_eq!(groups(&[String::new()]).expect("none"), [0; 0]);
        assert_eq!(groups(&["1".into(), "2".into()]).expect("two"), [1, 2]);
        assert!(groups(&["1".into(), String::new()]).is_err());
    }

    #[test]
    fn who_the_user_is_follows_the_account() {
        let user = |shell: &str| WantedUser {
            number: 5,
            account: Some(Account {
                name: "five".into(),
                user: 5,
                group: 6,
                home: "/home/five".into(),
                shell: shell.into(),
            }),
        };
        let who = |user: WantedUser| {
            let variables = user.variables();
            let shown = variables
                .iter()
                .map(|(name, value)| format!("{name}={}", value.display()));
            shown.collect::<Vec<_>>().join(" ")
        };
        let known = "HOME=/home/five USER=five LOGNAME=five";
        assert_eq!(who(user("/bin/sh")), format!("{known} SHELL=/bin/sh"));
        assert_eq!(who(user("/usr/sbin/nologin")), known);
        assert_eq!(who(user("")), known);
        let unknown = WantedUser {
            number: 5,
            account: None,
        };
        assert!(unknown.own_group().is_err());
        assert_eq!(who(unknown), "HOME=/");
    }

    #[test]
    fn inherited_variables_of_another_user_are_replaced() {
        let inherited = [("HOME", "/root"), ("A", "1"), ("SHELL", "/bin/sh")]
            .map(|(name, value)| (name.into(), value.into()));
        let names = |rights: &Rights| {
            let variables = rights.variables(&inherited);
            variables
                .map(|(name, value)| format!("{}={}", name.display(), value.display()))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let mut rights = Rights::default();
        assert_eq!(names(&rights), "HOME=/root A=1 SHELL=/bin/sh");
        rights.who = Some(vec![("HOME", "/".into())]);
        assert_eq!(names(&rights), "A=1 HOME=/");
    }
}
