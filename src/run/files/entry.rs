//! What becomes a file, by the variable that leads to it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::options::{DOCUMENT_FILE, DocumentPlace};
use super::{Error, Options};
use crate::run::Delivery;
use crate::secret::Secret;

/// The longest name of a file, in bytes (`NAME_MAX` of readdir(3)).
const LONGEST: usize = 255;

/// The contents by variable.
pub(super) type Entries<'d> = BTreeMap<&'d OsStr, &'d Secret>;

/// The files of a delivery, and its document if that is one.
///
/// # Errors
/// [`Error::Name`] for variables whose names no files can have, or that are there twice.
pub(super) fn entries<'d>(delivery: &'d Delivery, options: &Options) -> Result<Entries<'d>, Error> {
    let files = delivery.files.iter();
    let files = files.map(|file| (&*file.variable, &file.content));
    let document = delivery
        .document
        .iter()
        .filter(|_| options.document == DocumentPlace::File)
        .map(|document| (OsStr::new(DOCUMENT_FILE), document));
    let mut entries = Entries::new();
    for (variable, content) in files.chain(document) {
        if !is_name(variable) || entries.insert(variable, content).is_some() {
            let variable = variable.to_string_lossy().into_owned();
            return Err(Error::Name { variable });
        }
    }
    Ok(entries)
}

/// Whether a folder can have a file of this name. No variable has `=` in its name, so those with one are ours.
fn is_name(variable: &OsStr) -> bool {
    let bytes = variable.as_bytes();
    !matches!(bytes, b"" | b"." | b"..")
        && bytes.len() <= LONGEST
        && !bytes.iter().any(|byte| matches!(byte, b'/' | b'=' | 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::delivery::File;

    fn names(variables: &[&str], document: Option<DocumentPlace>) -> Result<Vec<String>, String> {
        let file = |variable: &&str| File {
            variable: variable.into(),
            content: Secret::from_parts(&[b"x"]),
        };
        let delivery = Delivery {
            files: variables.iter().map(file).collect(),
            document: document.map(|_| Secret::from_parts(&[b"{}"])),
            ..Delivery::default()
        };
        let options = Options {
            document: document.unwrap_or_default(),
            ..Options::default()
        };
        let entries = entries(&delivery, &options).map_err(|error| error.to_string())?;
        let names = entries.keys().map(|name| name.to_string_lossy());
        Ok(names.map(|name| name.into_owned()).collect())
    }

    #[test]
    fn names_of_variables_are_names_of_files() {
        let long = "L".repeat(255);
        let longer = "L".repeat(256);
        for (name, fits) in [
            ("TLS_KEY", true),
            ("a b\n", true),
            ("...", true),
            (&long, true),
            (&longer, false),
            ("", false),
            (".", false),
            ("..", false),
            ("../x", false),
            ("a/b", false),
            ("a=b", false),
            ("a\0b", false),
        ] {
            assert_eq!(names(&[name], None).is_ok(), fits, "{name:?}");
        }
        assert!(names(&["A", "A"], None).is_err());
    }

    #[test]
    fn the_document_may_be_one_of_them() {
        let file = Some(DocumentPlace::File);
        assert_eq!(
            names(&["A"], file).expect("names"),
            ["A", "ESCRUN_ENVIRONMENT_FILE"]
        );
        let descriptor = Some(DocumentPlace::Descriptor);
        assert_eq!(names(&["A"], descriptor).expect("names"), ["A"]);
        assert!(names(&[DOCUMENT_FILE], file).is_err());
    }
}
