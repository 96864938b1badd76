//! How files and the document are handed over, as the user wants it.

use std::ffi::OsString;

use serde::{Deserialize, Serialize};

use crate::sys::fs::Owner;

/// The variable with the path of the document, where that is a file.
pub const DOCUMENT_FILE: &str = "ESCRUN_ENVIRONMENT_FILE";

/// The variable with the number of the document's descriptor.
pub const DOCUMENT_DESCRIPTOR: &str = "ESCRUN_ENVIRONMENT_FD";

/// What a file becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A file in a folder on memory-backed storage.
    #[default]
    Auto,
    /// An inherited descriptor of a file in memory, named by `/proc/self/fd/N`.
    Memfd,
    /// A named pipe that can be read once.
    Fifo,
}

/// Where the document goes, if there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DocumentPlace {
    /// It is one more file.
    #[default]
    File,
    /// To a descriptor.
    Descriptor,
    /// To standard input.
    StandardInput,
}

/// How things are handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// What files become.
    pub kind: Kind,
    /// Where the document goes.
    pub document: DocumentPlace,
    /// The user and group that the command runs as, where these are not escrun's own.
    pub owner: Option<Owner>,
    /// The user's folder for what lives as long as the session (`XDG_RUNTIME_DIR`).
    // Not a path to serde, which would want UTF-8.
    pub runtime_folder: Option<OsString>,
}

impl Options {
    /// Why escrun has to stay beside a command that has files, a document, or both; nothing if it need not.
    pub fn supervision(&self, has_files: bool, has_document: bool) -> Option<&'static str> {
        if self.kind == Kind::Memfd {
            None
        } else if has_files {
            Some("files are removed when the command ends")
        } else if has_document && self.document == DocumentPlace::File {
            Some("the document is removed when the command ends")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_to_be_removed_needs_a_supervisor() {
        use DocumentPlace::{Descriptor, File, StandardInput};
        use Kind::{Auto, Fifo, Memfd};
        for (kind, document, has_files, has_document, needs) in [
            (Auto, File, false, false, false),
            (Auto, File, true, false, true),
            (Auto, File, false, true, true),
            (Fifo, Descriptor, true, true, true),
            (Fifo, Descriptor, false, true, false),
            (Auto, StandardInput, false, true, false),
            (Memfd, File, true, true, false),
        ] {
            let options = Options {
                kind,
                document,
                ..Options::default()
            };
            let reason = options.supervision(has_files, has_document);
            assert_eq!(reason.is_some(), needs, "{options:?}");
        }
    }
}
