//! Names of environments: relative paths that cannot lead anywhere but into a folder.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

/// The extension of definitions.
pub(super) const EXTENSION: &str = ".yaml";

/// What stands between the name and the extension of a developer's own overlay.
pub(super) const LOCAL: &str = ".local";

/// Longest segment in bytes: leaves room for extension and temporary name in the 255 of most file systems.
const MAX_SEGMENT_BYTES: usize = 200;

/// Longest name in bytes, well below the 4096 that Linux gives a path.
const MAX_NAME_BYTES: usize = 1024;

/// A name such as `production` or `billing/production`: segments joined by `/`, none of them empty, hidden, `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvironmentName(Arc<str>);

impl EnvironmentName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The definition's path, relative to its folder.
    pub fn definition(&self) -> PathBuf {
        PathBuf::from(format!("{}{EXTENSION}", self.0))
    }

    /// The environment that a file in a folder is for, by its path in it: as its definition or as its overlay.
    pub(super) fn of_file(path: &std::path::Path) -> Option<Self> {
        let name = path.to_str()?.strip_suffix(EXTENSION)?;
        name.strip_suffix(LOCAL).unwrap_or(name).parse().ok()
    }

    /// The path of the developer's own overlay, relative to its folder.
    pub fn overlay(&self) -> PathBuf {
        PathBuf::from(format!("{}{LOCAL}{EXTENSION}", self.0))
    }
}

impl fmt::Display for EnvironmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no name. Does not hold the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// It is empty.
    Empty,
    /// It begins with `/`.
    Absolute,
    /// It has a segment `..`.
    Parent,
    /// It has an empty segment or one that is `.`.
    EmptySegment,
    /// A segment begins with a dot.
    Hidden,
    /// It has a backslash.
    Backslash,
    /// It has a control character, NUL for one.
    Control,
    /// It, or a segment of it, is too long.
    TooLong,
    /// It ends with `.yaml` or `.yml`: a file's name.
    FileName,
    /// It ends with `.local`: an overlay's name.
    Overlay,
}

impl NameError {
    /// What helps.
    pub fn hint(self) -> Option<&'static str> {
        Some(match self {
            NameError::Absolute | NameError::Parent => {
                "name it relative to the environments folder; another folder is given with --dir"
            }
            NameError::Backslash => "write `/` between folder and name",
            NameError::FileName => "leave out the extension",
            NameError::Overlay => {
                "name the environment: what NAME.local.yaml holds goes over NAME by itself"
            }
            _ => return None,
        })
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NameError::Empty => "an environment's name must not be empty",
            NameError::Absolute => "an environment's name must not begin with `/`",
            NameError::Parent => "an environment's name must not have `..` in it",
            NameError::EmptySegment => "an environment's name must not have empty or `.` segments",
            NameError::Hidden => "no segment of an environment's name may begin with a dot",
            NameError::Backslash => "an environment's name must not have a backslash in it",
            NameError::Control => "an environment's name must not have control characters in it",
            NameError::TooLong => "an environment's name may have 1024 bytes, 200 in a segment",
            NameError::FileName => "an environment's name must not end with `.yaml` or `.yml`",
            NameError::Overlay => "an environment's name must not end with `.local`",
        })
    }
}

impl std::error::Error for NameError {}

impl FromStr for EnvironmentName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.starts_with('/') {
            return Err(NameError::Absolute);
        }
        if text.contains('\\') {
            return Err(NameError::Backslash);
        }
        if text.chars().any(char::is_control) {
            return Err(NameError::Control);
        }
        if text.len() > MAX_NAME_BYTES {
            return Err(NameError::TooLong);
        }
        for segment in text.split('/') {
            match segment {
                "" | "." => return Err(NameError::EmptySegment),
                ".." => return Err(NameError::Parent),
                _ if segment.starts_with('.') => return Err(NameError::Hidden),
                _ if segment.len() > MAX_SEGMENT_BYTES => return Err(NameError::TooLong),
                _ => {}
            }
        }
        if text.ends_with(EXTENSION) || text.ends_with(".yml") {
            return Err(NameError::FileName);
        }
        if text.ends_with(LOCAL) {
            return Err(NameError::Overlay);
        }
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_relative_paths_without_tricks() {
        let long_segment = "x".repeat(201);
        let long_name = "x/".repeat(512) + "x";
        let table = [
            ("production", Ok(())),
            ("billing/production", Ok(())),
            ("a/b/c/d", Ok(())),
            ("my.env", Ok(())),
            ("a$$b", Ok(())),
            ("größe", Ok(())),
            ("with blank", Ok(())),
            ("project/env@3", Ok(())),
            ("a..b", Ok(())),
            ("locale", Ok(())),
            ("", Err(NameError::Empty)),
            ("/etc/passwd", Err(NameError::Absolute)),
            ("/", Err(NameError::Absolute)),
            ("..", Err(NameError::Parent)),
            ("../a", Err(NameError::Parent)),
            ("a/../b", Err(NameError::Parent)),
            ("a/..", Err(NameError::Parent)),
            ("a//b", Err(NameError::EmptySegment)),
            ("a/", Err(NameError::EmptySegment)),
            ("./a", Err(NameError::EmptySegment)),
            (".git/config", Err(NameError::Hidden)),
            ("a/.hidden", Err(NameError::Hidden)),
            ("..\\a", Err(NameError::Backslash)),
            ("a\0b", Err(NameError::Control)),
            ("a\nb", Err(NameError::Control)),
            ("a\u{85}b", Err(NameError::Control)),
            (&long_segment, Err(NameError::TooLong)),
            (&long_name, Err(NameError::TooLong)),
            ("a.yaml", Err(NameError::FileName)),
            ("a.yml", Err(NameError::FileName)),
            ("a.local", Err(NameError::Overlay)),
        ];
        for (text, expected) in table {
            let got = text.parse::<EnvironmentName>().map(drop);
            assert_eq!(got, expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_name_leaves_its_folder(text in r"[a./\\\x00-\x1f~é]{0,12}|\PC{0,40}") {
            if let Ok(name) = text.parse::<EnvironmentName>() {
                for path in [name.definition(), name.overlay()] {
                    prop_assert!(path.components().all(|part| matches!(part, Component::Normal(_))));
                    prop_assert!(path.to_str().is_some_and(|path| path.starts_with(&text)));
                }
                prop_assert_eq!(name.as_str(), text);
            }
        }
    }
}
