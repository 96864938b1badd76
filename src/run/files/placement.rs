//! Puts what is handed over where the command finds it.

use std::ffi::{CStr, OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use super::entry::{Entries, entries};
use super::options::{DOCUMENT_DESCRIPTOR, DocumentPlace};
use super::{Error, Folder, Kind, Options};
use crate::run::Delivery;
use crate::secret::Secret;
use crate::sys::memfd;
use crate::sys::step::Step;

/// What /proc shows of a file without a name, where it says nothing of its content.
const NAME: &CStr = c"escrun";

/// What was handed over. The command has to be started while this lives.
#[derive(Debug, Default)]
pub struct Placed {
    /// The variables that lead to it.
    pub variables: Vec<(OsString, OsString)>,
    /// What the process of the command has to do to have it.
    pub steps: Vec<Step>,
    /// The folder that it is in, if it is in one.
    pub folder: Option<Folder>,
    /// Where the steps take it from.
    descriptors: Vec<OwnedFd>,
}

/// Hands the files and the document of `delivery` over to a command that is started next. When a command is started
/// again, it finds them in the same `folder`.
///
/// # Errors
/// [`Error`]; nothing is left behind then.
pub fn place(
    delivery: &Delivery,
    options: &Options,
    folder: Option<Folder>,
) -> Result<Placed, Error> {
    let entries = entries(delivery, options)?;
    let mut placed = Placed {
        folder,
        ..Placed::default()
    };
    match options.kind {
        Kind::Memfd => placed.pass(&entries, options)?,
        Kind::Auto | Kind::Fifo => placed.put(&entries, options)?,
    }
    if let Some(document) = &delivery.document {
        let passed = match options.document {
            DocumentPlace::File => Ok(()),
            DocumentPlace::Descriptor => placed.pass_document(document, options),
            DocumentPlace::StandardInput => placed.feed(document, options),
        };
        passed.map_err(|reason| Error::Document { reason })?;
    }
    Ok(placed)
}

impl Placed {
    /// Files in a folder.
    fn put(&mut self, entries: &Entries<'_>, options: &Options) -> Result<(), Error> {
        let mut folder = match self.folder.take() {
            Some(folder) => folder,
            None if entries.is_empty() => return Ok(()),
            None => Folder::make(options)?,
        };
        folder.fill(entries)?;
        let book = folder.book()?;
        self.steps.push(Step::SignIn(book.as_raw_fd()));
        self.descriptors.push(book);
        let variables = entries.keys();
        self.variables.extend(
            variables.map(|variable| ((*variable).to_owned(), folder.path(variable).into())),
        );
        self.folder = Some(folder);
        Ok(())
    }

    /// Files under descriptors.
    fn pass(&mut self, entries: &Entries<'_>, options: &Options) -> Result<(), Error> {
        for (variable, content) in entries {
            // Exposed: the file is what it is for.
            let file = memfd::sealed(NAME, content.expose(), options.owner);
            let file = file.map_err(|reason| Error::File {
                variable: variable.to_string_lossy().into_owned(),
                path: None,
                reason,
            })?;
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            self.variables.push(((*variable).to_owned(), path.into()));
            self.inherit(file, None);
        }
        Ok(())
    }

    /// The document under a descriptor, whose number a variable says.
    fn pass_document(&mut self, document: &Secret, options: &Options) -> io::Result<()> {
        let file = readable(document, options)?;
        let variable = OsStr::new(DOCUMENT_DESCRIPTOR).to_owned();
        self.variables
            .push((variable, file.as_raw_fd().to_string().into()));
        self.inherit(file, None);
        Ok(())
    }

    /// The document as standard input.
    fn feed(&mut self, document: &Secret, options: &Options) -> io::Result<()> {
        let file = readable(document, options)?;
        self.inherit(file, Some(libc::STDIN_FILENO));
        Ok(())
    }

    /// Has the command inherit `file`, under the number that it has, which nothing else has then, or another.
    fn inherit(&mut self, file: OwnedFd, to: Option<libc::c_int>) {
        let from = file.as_raw_fd();
        let to = to.unwrap_or(from);
        self.steps.push(Step::Place { from, to });
        self.descriptors.push(file);
    }
}

/// A descriptor to read the document from: of a pipe, which is never swapped, or if it is too long for that, of a file in
/// memory.
fn readable(document: &Secret, options: &Options) -> io::Result<OwnedFd> {
    // Exposed: whoever has the descriptor is to have it.
    let content = document.expose();
    match memfd::filled_pipe(content, options.owner)? {
        Some(pipe) => Ok(pipe),
        None => memfd::sealed(NAME, content, options.owner),
    }
}
