//! The environment of the child: what escrun was started with, and the composed variables over it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;

use glob::Pattern;

use super::{File, Variables};
use crate::diagnostic::Diagnostic;
use crate::source::Origin;
use crate::value::Text;
use crate::withheld::is_withheld;

/// What `--clean` keeps: who the user is, how programs are found, and how text and time are shown; and the service manager's
/// protocol (sd_notify(3), sd_listen_fds(3)), without which a service never gets ready.
const KEPT: &[&str] = &[
    "HOME",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "NOTIFY_SOCKET",
];
const KEPT_PREFIXES: &[&str] = &["LC_", "LISTEN_", "WATCHDOG_"];

/// What happens where a composed variable and an inherited one have different values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// The composed one wins.
    #[default]
    Override,
    /// The inherited one wins.
    Keep,
    /// Nothing is started.
    Error,
}

/// What the child inherits.
#[derive(Clone, Debug, Default)]
pub struct Inherit {
    /// Only a short list of names is inherited.
    pub clean: bool,
    /// Globs of names that are inherited in spite of `clean`.
    pub keep: Vec<Pattern>,
    /// Names that are not inherited.
    pub unset: Vec<String>,
    /// What wins.
    pub on_conflict: OnConflict,
}

/// A variable of the child. Neither the name nor the value need be UTF-8.
#[derive(Clone)]
pub struct Entry {
    /// Its name.
    pub name: Arc<[u8]>,
    /// Its value; in locked memory if it is a composed secret.
    pub value: Text,
}

/// The child's environment, sorted by name: `parent`, as far as it is inherited, and `composed`. The variables of `files`
/// are not in it: where they are placed is not known yet. One that is in it was inherited and stays, so there is no such
/// file. The diagnostics are those of [`OnConflict::Error`].
pub fn inherit(
    parent: impl IntoIterator<Item = (OsString, OsString)>,
    composed: &Variables,
    files: &[File],
    options: &Inherit,
) -> (Vec<Entry>, Vec<Diagnostic>) {
    let mut entries: BTreeMap<Vec<u8>, Text> = BTreeMap::new();
    for (name, value) in parent {
        if !is_withheld(&name) && options.inherits(&name.to_string_lossy()) {
            entries.insert(name.into_vec(), Text::plain(value.into_vec()));
        }
    }
    let mut diagnostics = Vec::new();
    for variable in composed {
        let name = variable.name.as_bytes();
        let conflicts = entries
            .get(name)
            .is_some_and(|inherited| inherited.bytes() != variable.value.bytes());
        if conflicts {
            match options.on_conflict {
                OnConflict::Override => {}
                OnConflict::Keep => continue,
                OnConflict::Error => {
                    let (name, path) = (&variable.name, &variable.path);
                    diagnostics.push(conflict(name, &variable.origin, path));
                    continue;
                }
            }
        }
        entries.insert(name.to_vec(), variable.value.clone());
    }
    for file in files {
        let name = file.variable.as_bytes();
        match options.on_conflict {
            OnConflict::Keep => {}
            OnConflict::Error if entries.contains_key(name) => {
                diagnostics.push(conflict(&file.variable, &file.origin, &file.path));
            }
            OnConflict::Override | OnConflict::Error => {
                entries.remove(name);
            }
        }
    }
    let entry = |(name, value): (Vec<u8>, Text)| Entry {
        name: Arc::from(name),
        value,
    };
    (entries.into_iter().map(entry).collect(), diagnostics)
}

/// The fault of a variable that is inherited too.
fn conflict(name: &str, origin: &Origin, path: &str) -> Diagnostic {
    let message = format!("the variable {name} is set already, to another value");
    Diagnostic::error(&origin.source, origin.span, path, message)
        .with_hint("unset it before, or choose with `--on-conflict override` or `keep`")
}

impl Inherit {
    fn inherits(&self, name: &str) -> bool {
        let is_unset = self.unset.iter().any(|unset| unset == name);
        let is_kept = || {
            KEPT.contains(&name)
                || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
                || self.keep.iter().any(|pattern| pattern.matches(name))
        };
        !is_unset && (!self.clean || is_kept())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::samples::{object, string};
    use crate::export::{Composed, Options, project};

    fn composed() -> Variables {
        let declared = object([("A", string("composed")), ("SAME", string("same"))]);
        let merged = object([("environmentVariables", declared)]);
        let named = vec![(Arc::from("e"), merged.clone())];
        project(&Composed { named, merged }, &Options::default()).variables
    }

    const PARENT: &[(&str, &str)] = &[
        ("A", "parent"),
        ("SAME", "same"),
        ("PATH", "/bin"),
        ("LC_ALL", "C"),
        ("NOTIFY_SOCKET", "@n"),
        ("EDITOR", "vi"),
        ("ESCRUN_ENV", "e"),
        ("ESCRUN_IDENTITY", "AGE-SECRET-KEY-1"),
        ("ESCRUN_IDENTITY_FILE", "/k"),
        ("ESCRUN_PASSPHRASE", "p"),
    ];

    fn run(options: &Inherit) -> (Vec<String>, Vec<Diagnostic>) {
        let parent = PARENT
            .iter()
            .map(|&(name, value)| (name.into(), value.into()));
        let (entries, diagnostics) = inherit(parent, &composed(), &[], options);
        let text = |entry: &Entry| {
            let name = String::from_utf8_lossy(&entry.name).into_owned();
            format!("{name}={}", String::from_utf8_lossy(entry.value.bytes()))
        };
        (entries.iter().map(text).collect(), diagnostics)
    }

    #[test]
    fn composed_variables_win_and_own_secrets_are_withheld() {
        let (entries, diagnostics) = run(&Inherit::default());
        assert!(diagnostics.is_empty());
        let expected = [
            "A=composed",
            "EDITOR=vi",
            "ESCRUN_ENV=e",
            "LC_ALL=C",
            "NOTIFY_SOCKET=@n",
            "PATH=/bin",
            "SAME=same",
        ];
        assert_eq!(entries, expected);
    }

    #[test]
    fn a_clean_environment_has_a_short_list_and_what_is_kept() {
        let mut options = Inherit {
            clean: true,
            keep: vec![
                Pattern::new("ED*").unwrap(),
                Pattern::new("ESCRUN_*").unwrap(),
            ],
            unset: vec!["LC_ALL".to_owned()],
            ..Inherit::default()
        };
        let expected = [
            "A=composed",
            "EDITOR=vi",
            "ESCRUN_ENV=e",
            "NOTIFY_SOCKET=@n",
            "PATH=/bin",
            "SAME=same",
        ];
        assert_eq!(run(&options).0, expected);
        options.keep.clear();
        options.unset.clear();
        let expected = [
            "A=composed",
            "LC_ALL=C",
            "NOTIFY_SOCKET=@n",
            "PATH=/bin",
            "SAME=same",
        ];
        assert_eq!(run(&options).0, expected);
    }

    #[test]
    fn conflicts_are_decided_as_asked() {
        let with = |on_conflict| {
            run(&Inherit {
                on_conflict,
                ..Inherit::default()
            })
        };
        assert_eq!(with(OnConflict::Keep).0[0], "A=parent");
        let (_, diagnostics) = with(OnConflict::Error);
        assert_eq!(diagnostics.len(), 1);
        assert_eq!(
            diagnostics[0].message,
            "the variable A is set already, to another value"
        );
    }
}
