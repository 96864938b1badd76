//! Everything that a command is given, in locked memory, and how it passes from one process of escrun to another.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;

use super::wire::{self, MOST, read_length, read_name, read_secret, write_bytes, write_length};
use super::{EnvironmentBlock, Error};
use crate::secret::Secret;

/// Begins what is written, so that nothing else is taken for it; the digit changes with the form.
const MAGIC: &[u8; 8] = b"escrun\0\x01";

/// Everything that a command is given.
#[derive(Default)]
pub struct Delivery {
    /// Its whole environment, what it inherits included; names differ.
    pub variables: Vec<Variable>,
    /// Its files.
    pub files: Vec<File>,
    /// The composed variables as one text, if they are handed over like this instead of in the environment.
    pub document: Option<Secret>,
    /// What must not be seen in its output.
    pub masked: Vec<Masked>,
}

/// A variable of the environment.
pub struct Variable {
    /// Its name.
    pub name: OsString,
    /// Its value.
    pub value: Secret,
}

/// A file, whose path a variable gives.
pub struct File {
    /// The variable.
    pub variable: OsString,
    /// What it holds.
    pub content: Secret,
}

/// A secret that is hidden in output.
pub struct Masked {
    /// What it is: the path of a value, or the name of a variable.
    pub name: String,
    /// The secret.
    pub value: Secret,
}

impl Delivery {
    /// The environment, with `placed` variables in place of what they are named like.
    ///
    /// # Errors
    /// Those of [`EnvironmentBlock::new`].
    pub fn environment(&self, placed: &[(OsString, OsString)]) -> Result<EnvironmentBlock, Error> {
        let is_placed = |name: &OsStr| placed.iter().any(|(found, _)| found == name);
        // Exposed: the environment is what they are for.
        let given = self
            .variables
            .iter()
            .filter(|variable| !is_placed(&variable.name))
            .map(|variable| (&*variable.name, variable.value.expose()));
        let placed = placed
            .iter()
            .map(|(name, value)| (&**name, value.as_bytes()));
        EnvironmentBlock::new(&given.chain(placed).collect::<Vec<_>>())
    }

    /// The names of all variables, those of files included, that `newer` has not as they are here, or has besides.
    /// The document is the variable with the empty name.
    pub fn changes(&self, newer: &Self) -> BTreeSet<OsString> {
        let (before, after) = (self.parts(), newer.parts());
        let changed = before.symmetric_difference(&after);
        changed.map(|(_, name, _)| (*name).to_owned()).collect()
    }

    /// Each value by its kind and name, to be compared and not to be shown.
    fn parts(&self) -> BTreeSet<(u8, &OsStr, &[u8])> {
        let variables = self.variables.iter();
        let files = self.files.iter();
        let document = self.document.iter();
        variables
            .map(|variable| (0, &*variable.name, variable.value.expose()))
            .chain(files.map(|file| (1, &*file.variable, file.content.expose())))
            .chain(document.map(|document| (2, OsStr::new(""), document.expose())))
            .collect()
    }

    /// Writes it so that [`Self::read`] finds it again.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        to.write_all(MAGIC)?;
        write_length(to, self.variables.len())?;
        for variable in &self.variables {
            write_bytes(to, variable.name.as_bytes())?;
            write_bytes(to, variable.value.expose())?;
        }
        write_length(to, self.files.len())?;
        for file in &self.files {
            write_bytes(to, file.variable.as_bytes())?;
            write_bytes(to, file.content.expose())?;
        }
        write_length(to, usize::from(self.document.is_some()))?;
        if let Some(document) = &self.document {
            write_bytes(to, document.expose())?;
        }
        write_length(to, self.masked.len())?;
        for masked in &self.masked {
            write_bytes(to, masked.name.as_bytes())?;
            write_bytes(to, masked.value.expose())?;
        }
        to.flush()
    }

    /// What [`Self::write`] would write, in locked memory.
    pub fn encode(&self) -> Secret {
        wire::encode(|to| self.write(to))
    }

    /// Reads what [`Self::write`] has written, values straight into locked memory. The reader must not have a buffer.
    ///
    /// # Errors
    /// Those of reading; `InvalidData` for anything else than a delivery.
    pub fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut magic = [0; MAGIC.len()];
        from.read_exact(&mut magic)?;
        if magic != *MAGIC {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut delivery = Self::default();
        for _ in 0..read_length(from, MOST)? {
            let name = read_name(from)?;
            let value = read_secret(from)?;
            delivery.variables.push(Variable { name, value });
        }
        for _ in 0..read_length(from, MOST)? {
            let variable = read_name(from)?;
            let content = read_secret(from)?;
            delivery.files.push(File { variable, content });
        }
        if read_length(from, 1)? == 1 {
            delivery.document = Some(read_secret(from)?);
        }
        for _ in 0..read_length(from, MOST)? {
            let name = read_name(from)?.to_string_lossy().into_owned();
            let value = read_secret(from)?;
            delivery.masked.push(Masked { name, value });
        }
        Ok(delivery)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::from_parts(&[text.as_bytes()])
    }

    fn delivery(variables: &[(&str, &str)], files: &[(&str, &str)]) -> Delivery {
        let variables = variables.iter().map(|(name, value)| Variable {
            name: name.into(),
            value: secret(value),
        });
        let files = files.iter().map(|(variable, content)| File {
            variable: variable.into(),
            content: secret(content),
        });
        Delivery {
            variables: variables.collect(),
            files: files.collect(),
            document: None,
            masked: Vec::new(),
        }
    }

    fn entries(block: &EnvironmentBlock) -> Vec<String> {
        let texts = block.entries().map(|entry| entry.to_string_lossy());
        texts.map(|entry| entry.into_owned()).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut given = delivery(&[("A", "1"), ("EMPTY", "")], &[("FILE", "a\0b")]);
        given.document = Some(secret("{}"));
        given.masked.push(Masked {
            name: "values.a".into(),
            value: secret("1"),
        });
        let mut bytes = Vec::new();
        given.write(&mut bytes).expect("written");
        let read = Delivery::read(&mut &bytes[..]).expect("read");
        assert!(given.changes(&read).is_empty());
        assert_eq!(read.masked[0].name, "values.a");
        for end in 0..bytes.len() {
            assert!(Delivery::read(&mut &bytes[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn absurd_lengths_are_refused() {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(u64::MAX.to_le_bytes());
        assert!(Delivery::read(&mut &bytes[..]).is_err());
    }

    #[test]
    fn changes_are_told_by_name() {
        let before = delivery(
            &[("SAME", "1"), ("OTHER", "1"), ("GONE", "1")],
            &[("F", "1")],
        );
        let after = delivery(
            &[("SAME", "1"), ("OTHER", "2"), ("NEW", "1")],
            &[("F", "2")],
        );
        let changes = before.changes(&after);
        let names: Vec<_> = changes.iter().map(|name| name.to_string_lossy()).collect();
        assert_eq!(names, ["F", "GONE", "NEW", "OTHER"]);
    }

    #[test]
    fn placed_variables_win() {
        let given = delivery(&[("A", "1"), ("B", "2")], &[]);
        let block = given
            .environment(&[("B".into(), "x".into()), ("C".into(), "y".into())])
            .expect("a block");
        assert_eq!(entries(&block), ["A=1", "B=x", "C=y"]);
    }
}
