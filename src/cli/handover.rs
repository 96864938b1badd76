//! What is handed to the command besides its environment: how, by the options, and what, by the projection.

use std::ffi::OsString;

use super::ambient::Ambient;
use super::error::Failure;
use super::run_options::{Deliver, DeliverFormat, DeliveryOptions, FileKind};
use crate::encode::Redaction;
use crate::export::format::{self, Format};
use crate::export::{Entry, File, Variables};
use crate::run::delivery;
use crate::run::files::{DocumentPlace, Kind, Options};
use crate::secret::Secret;
use crate::sys::fs::Owner;

/// How things are handed over.
pub(super) struct Handover {
    /// How files and the document are.
    pub(super) options: Options,
    /// The notation of the document, if there is one.
    document: Option<Format>,
}

impl Handover {
    /// Understands the options. `owner` is whom the command runs as, if that is somebody else.
    ///
    /// # Errors
    /// When they contradict each other.
    pub(super) fn read(
        options: &DeliveryOptions,
        ambient: &Ambient,
        owner: Option<Owner>,
    ) -> Result<Self, Failure> {
        let deliver = options.deliver.unwrap_or(Deliver::Env);
        if deliver == Deliver::Env && options.deliver_format.is_some() {
            return Err(
                Failure::usage("--deliver-format needs a document to be written")
                    .with_hint("say where it goes: --deliver file, fd or stdin"),
            );
        }
        let format = match options.deliver_format.unwrap_or(DeliverFormat::Json) {
            DeliverFormat::Json => Format::Json,
            DeliverFormat::Dotenv => Format::Dotenv,
            DeliverFormat::Nul => Format::Nul,
        };
        let document = match deliver {
            Deliver::Env | Deliver::File => DocumentPlace::File,
            Deliver::Fd => DocumentPlace::Descriptor,
            Deliver::Stdin => DocumentPlace::StandardInput,
        };
        let kind = match options.files.unwrap_or(FileKind::Auto) {
            FileKind::Auto => Kind::Auto,
            FileKind::Memfd => Kind::Memfd,
            FileKind::Fifo => Kind::Fifo,
        };
        Ok(Self {
            options: Options {
                kind,
                document,
                owner,
                runtime_folder: ambient.runtime_folder().map(OsString::from),
            },
            document: (deliver != Deliver::Env).then_some(format),
        })
    }

    /// Whether the composed variables go to a document instead of the environment.
    pub(super) fn has_document(&self) -> bool {
        self.document.is_some()
    }

    /// Why escrun has to stay, if it has to.
    pub(super) fn supervision(&self, has_files: bool) -> Option<&'static str> {
        self.options.supervision(has_files, self.has_document())
    }

    /// The document with those of `variables` that the command gets: not those whose inherited values stay in
    /// `environment`.
    ///
    /// # Errors
    /// When its notation cannot hold one.
    pub(super) fn document(
        &self,
        variables: &Variables,
        environment: &[Entry],
    ) -> Result<Option<Secret>, Failure> {
        let Some(format) = self.document else {
            return Ok(None);
        };
        let given = variables.filtered(|variable| {
            let name = variable.name.as_bytes();
            let found = environment.binary_search_by(|entry| (*entry.name).cmp(name));
            found.is_ok_and(|at| environment[at].value.bytes() == variable.value.bytes())
        });
        let written = format::write(&given, format, Redaction::Reveal).map_err(Failure::faulty)?;
        Ok(Some(Secret::from_parts(&[written.text.bytes()])))
    }
}

/// Those of `files` that the command gets: not those whose variables are inherited and stay in `environment`.
pub(super) fn given<'f>(
    files: &'f [File],
    environment: &'f [Entry],
) -> impl Iterator<Item = &'f File> {
    files.iter().filter(|file| {
        let name = file.variable.as_bytes();
        environment
            .binary_search_by(|entry| (*entry.name).cmp(name))
            .is_err()
    })
}

/// A file as the command gets it.
pub(super) fn delivered(file: &File) -> delivery::File {
    delivery::File {
        variable: OsString::from(&*file.variable),
        content: Secret::from_parts(&[file.content.bytes()]),
    }
}
