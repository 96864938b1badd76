//! From options to what the command is given: what a run and composing anew share.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::args::{OnConflict, RunOptions};
use super::error::Failure;
use super::handover::{Handover, delivered, given};
use super::masked::masked;
use super::privileges::Rights;
use super::remote::Wanted;
use super::variables;
use super::way::Way;
use crate::diagnostic::any_error;
use crate::eval::Mode;
use crate::export::{self, Entry, File, Inherit, Projection, SecretText, Variables};
use crate::open;
use crate::run::{Delivery, delivery};
use crate::secret::Secret;

/// What was composed.
pub(super) struct Composition {
    /// The composed variables.
    pub(super) variables: Variables,
    /// The composed files.
    pub(super) files: Vec<File>,
    /// The whole environment, what is inherited included.
    pub(super) environment: Vec<Entry>,
    /// Every secret of what was composed, if output is masked.
    secrets: Vec<SecretText>,
    inherit: Inherit,
}

/// Composes, and tells every fault.
///
/// # Errors
/// When one of them is an error.
pub(super) fn compose(
    way: &Way<'_>,
    options: &RunOptions,
    rights: &Rights,
) -> Result<Composition, Failure> {
    let Projection {
        variables,
        files,
        diagnostics,
        notes,
        secrets,
    } = way.project(Mode::Eval, &options.export, wanted(options))?;
    let inherit = Inherit {
        clean: options.clean,
        keep: open::globs("--keep", &options.keep)?,
        unset: options.export.unset.clone(),
        on_conflict: match options.on_conflict.unwrap_or_default() {
            OnConflict::Override => export::OnConflict::Override,
            OnConflict::Keep => export::OnConflict::Keep,
            OnConflict::Error => export::OnConflict::Error,
        },
    };
    let (environment, conflicts) = export::inherit(
        rights.variables(&way.ambient().variables),
        &variables,
        &files,
        &inherit,
    );

    let mut faults = diagnostics;
    let evaluated = !any_error(&faults);
    faults.extend(conflicts);
    if evaluated {
        let is_set = |name: &str| {
            let mut names = environment.iter().map(|entry| &*entry.name);
            names.any(|found| found == name.as_bytes())
                || files.iter().any(|file| *file.variable == *name)
        };
        faults.extend(export::missing(&way.settings().required, is_set));
    }
    let (errors, mut warnings): (Vec<_>, Vec<_>) =
        faults.into_iter().partition(|fault| fault.is_error());
    if options.dry_run {
        warnings.extend(notes.into_iter().map(variables::warning));
    } else {
        for note in &notes {
            way.ui().note(&note.message);
        }
    }
    let failed = !errors.is_empty();
    way.ui()
        .diagnostics(errors.into_iter().chain(warnings).collect());
    if failed {
        return Err(Failure::told());
    }
    Ok(Composition {
        variables,
        files,
        environment,
        secrets,
        inherit,
    })
}

/// What has to be known of the variables for what is done with them.
fn wanted(options: &RunOptions) -> Wanted {
    let on_conflict = options.on_conflict.unwrap_or_default();
    let compares = on_conflict != OnConflict::Override;
    Wanted {
        details: options.dry_run
            || options.supervision.mask
            || on_conflict == OnConflict::Error
            || options.delivery.deliver.is_some(),
        secrets: options.supervision.mask,
        // Only the values themselves can be compared with inherited ones.
        redacted: options.dry_run && !compares,
    }
}

impl Composition {
    /// What the command is given.
    ///
    /// # Errors
    /// When the notation of the document cannot hold a value.
    pub(super) fn delivery(
        &self,
        way: &Way<'_>,
        options: &RunOptions,
        rights: &Rights,
        handover: &Handover,
    ) -> Result<Delivery, Failure> {
        let masked = match options.supervision.mask {
            true => masked(way.ui(), &self.variables, &self.files, &self.secrets),
            false => Vec::new(),
        };
        let inherited;
        let environment = if handover.has_document() {
            let parent = rights.variables(&way.ambient().variables);
            inherited = export::inherit(parent, &Variables::default(), &[], &self.inherit).0;
            &inherited
        } else {
            &self.environment
        };
        let variables = environment.iter().map(|entry| delivery::Variable {
            name: OsStr::from_bytes(&entry.name).to_owned(),
            value: Secret::from_parts(&[entry.value.bytes()]),
        });
        Ok(Delivery {
            variables: variables.collect(),
            files: given(&self.files, &self.environment)
                .map(delivered)
                .collect(),
            document: handover.document(&self.variables, &self.environment)?,
            masked,
        })
    }
}
