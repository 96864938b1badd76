//! Composes anew for a supervisor, which starts this program once more for that: with the arguments that were typed, on
//! standard input what is remembered, and on standard output, a pipe as well, what comes of it.
//!
//! So evaluation never holds up the supervisor, which is not there to wait for providers and has no keys.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::sync::Arc;

use super::ambient::Ambient;
use super::args::{Arguments, RunOptions, Shared, Verb};
use super::compose::compose;
use super::error::{Failure, RUN_FAILED};
use super::handover::Handover;
use super::invocation::Invocation;
use super::privileges::Rights;
use super::prompt::Nobody;
use super::recollection::Recollection;
use super::source_options::Sources;
use super::ui::Ui;
use super::way::Way;
use crate::run::{RESOLVER, Resolution, Setback};
use crate::secret::Secret;

/// The arguments that were typed, if this program was started to compose anew.
pub(super) fn typed(arguments: &[OsString]) -> Option<Vec<OsString>> {
    let (name, rest) = arguments.split_first()?;
    let (verb, typed) = rest.split_first()?;
    (verb == RESOLVER).then(|| [std::slice::from_ref(name), typed].concat())
}

/// Composes and writes what came of it; gives the exit status. Faults are told as always.
pub(super) fn resolve(arguments: &[OsString]) -> u8 {
    let before_options = Ui::before_options(super::args::MessageFormat::Plain);
    let fail = |ui: &Ui, failure: &Failure| {
        ui.failure(failure);
        RUN_FAILED
    };
    let recollection = match recollection() {
        Ok(recollection) => Arc::new(recollection),
        Err(error) => {
            let what = "composing anew is what a supervisor starts, which sends something else";
            return fail(&before_options, &Failure::io(what, &error));
        }
    };
    let (shared, sources, options) = match parse(arguments) {
        Ok(parsed) => parsed,
        Err(failure) => return fail(&before_options, &failure),
    };
    let ambient = match Ambient::read() {
        Ok(ambient) => ambient,
        Err(failure) => return fail(&before_options, &failure),
    };
    let ui = Ui::new(&shared, ambient.variable("NO_COLOR").is_some());
    let invocation = Invocation::new(&sources, &ambient, &ui).remembering(Some(recollection));
    let mut resolution = Resolution::default();
    let composed = Way::choose(invocation).and_then(|way| {
        let rights = Rights::read(&options.privileges)?;
        let owner = rights.privileges.owner();
        let handover = Handover::read(&options.delivery, way.ambient(), owner)?;
        let composed = compose(&way, &options, &rights);
        resolution.inputs = way.inputs();
        let delivery = composed?.delivery(&way, &options, &rights, &handover)?;
        resolution.subscription = way.subscription();
        resolution.delivery = Some(delivery);
        Ok(())
    });
    match &composed {
        Ok(()) => {}
        // It will be so again. The supervisor tells it once.
        Err(Failure {
            message: Some(message),
            setback: Some(is_passing),
            ..
        }) => {
            resolution.setback = Some(Setback {
                message: message.clone(),
                is_passing: *is_passing,
            });
        }
        Err(failure) => ui.failure(failure),
    }
    match (write(&resolution.encode()), composed) {
        (Ok(()), Ok(())) => 0,
        (Err(error), Ok(())) => fail(&ui, &Failure::io("writing what was composed", &error)),
        (_, Err(_)) => RUN_FAILED,
    }
}

/// The options of the run that was typed.
fn parse(arguments: &[OsString]) -> Result<(Shared, Sources, RunOptions), Failure> {
    // It was understood once.
    let changed = |_| Failure::new("the arguments of the run are not understood any more");
    let mut parsed = Arguments::read(arguments).map_err(changed)?;
    let sources = parsed.take_sources();
    match parsed.verb {
        None => Ok((parsed.shared, sources, parsed.run)),
        Some(Verb::Run { options, .. }) => Ok((parsed.shared, sources, *options)),
        Some(_) => Err(Failure::new("only a run composes anew")),
    }
}

/// What is remembered, from standard input.
fn recollection() -> io::Result<Recollection> {
    let mut input = pipe(io::stdin().as_fd())?;
    // Before anything is composed for whoever reads it.
    pipe(io::stdout().as_fd())?;
    Recollection::read(&mut input, Nobody)
}

fn write(encoded: &Secret) -> io::Result<()> {
    // Exposed: the supervisor is to have it.
    pipe(io::stdout().as_fd())?.write_all(encoded.expose())
}

/// A descriptor of its own for a pipe, and nothing else: what a person looks at gets no secrets.
fn pipe(descriptor: BorrowedFd<'_>) -> io::Result<File> {
    let file = File::from(descriptor.try_clone_to_owned()?);
    if file.metadata()?.file_type().is_fifo() {
        Ok(file)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}
