//! Whether a chain is whole: no line of it changed, removed, inserted or exchanged, over any number of files.
//!
//! What nobody can see from the files alone: that lines are missing at the very end, and that someone has written all
//! lines from one on anew. Whoever has the hash of a later line from elsewhere, such as the journal, sees both.

mod fault;
mod pieces;
mod remains;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use fault::{Failure, Fault, Wrong};

use super::chain::{self, Digest, Head, Link};
use pieces::{Piece, Pieces};
use remains::Pending;

/// What was found in a chain that is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Lines.
    pub lines: u64,
    /// Those of them that tell of decisions; the others tell of the file.
    pub decisions: u64,
    /// The number of the first line; those before it are in files that are no longer kept, or were not given.
    pub first: u64,
    /// The last line.
    pub head: Head,
    /// What a process left that was ended within a line, for which nothing was given out.
    pub torn: Vec<Torn>,
}

/// What a process left that was ended within a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u64,
}

/// Verifies files that make up one chain, in any order; with `expected`, it also has to have a line with this hash.
///
/// # Errors
/// The first place where it is broken; and when a file cannot be read.
pub fn verify(files: &[PathBuf], expected: Option<Digest>) -> Result<Report, Failure> {
    let mut opened = Vec::new();
    for path in files {
        let failed = |error| Failure::Io {
            file: path.clone(),
            error,
        };
        let file = File::open(path).map_err(failed)?;
        let number = first_number(&file).map_err(failed)?;
        opened.push((number, path, file));
    }
    // By the numbers of their lines; a file without any stays where it was.
    opened.sort_by_key(|(number, ..)| *number);
    let mut verifier = Verifier::new(expected);
    for (_, path, mut file) in opened {
        io::Seek::rewind(&mut file).map_err(|error| Failure::Io {
            file: path.clone(),
            error,
        })?;
        verifier.read(path, file)?;
    }
    verifier.finish()
}

/// The number of the first line of a file.
fn first_number(file: &File) -> io::Result<u64> {
    let mut pieces = Pieces::new(file);
    while let Some(piece) = pieces.next()? {
        if let Some(link) = chain::read(piece.bytes) {
            return Ok(link.seq);
        }
    }
    Ok(u64::MAX)
}

/// Reads the files of a chain, the oldest first.
#[derive(Debug)]
pub struct Verifier {
    expected: Option<Digest>,
    head: Option<Head>,
    /// A file that has the beginning of its first line and no more, which only the last one may.
    unbegun: Option<Fault>,
    report: Report,
}

/// Where in a file reading is.
struct Place<'p> {
    file: &'p Path,
    /// The line, from 1.
    line: u64,
    /// Whether no whole line has been seen yet.
    is_first: bool,
    /// What stands in front of it that is no line.
    pending: Option<Pending>,
}

/// What a line about the file says.
#[derive(Debug, Default, Deserialize)]
struct Told {
    event: Option<Box<str>>,
    bytes: Option<u64>,
    digest: Option<Box<str>>,
}

impl Verifier {
    /// With `expected`, the chain has to have a line with this hash.
    pub fn new(expected: Option<Digest>) -> Self {
        Self {
            expected,
            head: None,
            unbegun: None,
            report: Report::default(),
        }
    }

    /// Reads the next file.
    ///
    /// # Errors
    /// The first place where the chain is broken; and when the file cannot be read.
    pub fn read(&mut self, file: &Path, reader: impl Read) -> Result<(), Failure> {
        if let Some(fault) = self.unbegun.take() {
            return Err(fault.into());
        }
        let mut place = Place {
            file,
            line: 1,
            is_first: true,
            pending: None,
        };
        let mut pieces = Pieces::new(reader);
        let failed = |error| Failure::Io {
            file: file.to_owned(),
            error,
        };
        while let Some(piece) = pieces.next().map_err(failed)? {
            self.piece(&mut place, &piece)?;
            place.line += u64::from(piece.is_ended);
        }
        match &place.pending {
            None if place.is_first => Err(place.fault_here(Wrong::Empty).into()),
            None => Ok(()),
            Some(pending) if pending.has_lines() => {
                Err(place.fault(pending.line, Wrong::Changed).into())
            }
            Some(pending) => {
                if place.is_first {
                    self.unbegun = Some(place.fault(pending.line, Wrong::BeginningRemoved));
                }
                self.report.torn.push(Torn {
                    file: file.to_owned(),
                    line: pending.line,
                });
                Ok(())
            }
        }
    }

    /// Ends: all files have been read.
    ///
    /// # Errors
    /// When what is expected was not found.
    pub fn finish(self) -> Result<Report, Failure> {
        if let Some(expected) = self.expected {
            return Err(Failure::Missing(expected));
        }
        Ok(self.report)
    }

    fn piece(&mut self, place: &mut Place<'_>, piece: &Piece<'_>) -> Result<(), Fault> {
        let link = piece.is_whole().then(|| chain::read(piece.bytes)).flatten();
        let Some(link) = link else {
            let line = place.line;
            let pending = place.pending.get_or_insert_with(|| Pending::new(line));
            pending.add(piece);
            return Ok(());
        };
        let told = told(piece.bytes);
        let Some(pending) = place.pending.take() else {
            return self.line(place, link, &told);
        };
        if !pending.is_told_by(&told) || self.head.is_some_and(|head| !link.follows(head)) {
            let mut pending = pending;
            pending.add(piece);
            place.pending = Some(pending);
            return Ok(());
        }
        if told.event.as_deref() == Some("damaged") {
            return Err(place.fault(pending.line, Wrong::Damaged(pending.bytes())));
        }
        self.report.torn.push(Torn {
            file: place.file.to_owned(),
            line: pending.line,
        });
        self.accept(place, link, &told)
    }

    /// Takes a line in front of which nothing else stands.
    fn line(&mut self, place: &mut Place<'_>, link: Link, told: &Told) -> Result<(), Fault> {
        match told.event.as_deref() {
            Some("torn" | "damaged") => return Err(place.fault_here(Wrong::RemainsRemoved)),
            Some("file") => {}
            _ if place.is_first => return Err(place.fault_here(Wrong::BeginningRemoved)),
            _ => {}
        }
        self.accept(place, link, told)
    }

    fn accept(&mut self, place: &mut Place<'_>, link: Link, told: &Told) -> Result<(), Fault> {
        if let Some(wrong) = self.wrong(link) {
            return Err(place.fault_here(wrong));
        }
        place.is_first = false;
        if self.head.is_none() {
            self.report.first = link.seq;
        }
        self.head = Some(link.head());
        self.report.head = link.head();
        self.report.lines += 1;
        self.report.decisions += u64::from(told.event.is_none());
        if self.expected == Some(link.hash) {
            self.expected = None;
        }
        Ok(())
    }

    /// What is wrong with the place of a line in the chain.
    fn wrong(&self, link: Link) -> Option<Wrong> {
        let Some(head) = self.head else {
            // Nothing is known of what stands before; but the very first line stands behind none.
            let begins = link.prev == Digest::default();
            return (begins != (link.seq == 1)).then_some(Wrong::Exchanged);
        };
        if link.follows(head) {
            return None;
        }
        Some(match head.seq.checked_add(1) {
            Some(next) if link.seq == next => Wrong::Exchanged,
            Some(next) if link.seq > next => Wrong::Missing(link.seq - next),
            _ if link.seq == 1 => Wrong::Anew,
            _ => Wrong::OutOfOrder {
                number: link.seq,
                after: head.seq,
            },
        })
    }
}

impl Place<'_> {
    fn fault(&self, line: u64, wrong: Wrong) -> Fault {
        Fault {
            file: self.file.to_owned(),
            line,
            wrong,
        }
    }

    fn fault_here(&self, wrong: Wrong) -> Fault {
        self.fault(self.line, wrong)
    }
}

/// What a whole line says of the file; nothing if it tells of a decision.
fn told(line: &[u8]) -> Told {
    // No decision has this: its texts have their quotation marks escaped.
    const MARK: &[u8] = b"\",\"event\":\"";
    if line.windows(MARK.len()).take(128).any(|part| part == MARK) {
        serde_json::from_slice(line).unwrap_or_default()
    } else {
        Told::default()
    }
}

#[cfg(test)]
mod tests;
