//! From options to what the command is given: what a run and composing anew share.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::args::{OnConflict, RunOptions};
use super::error::Failure;
use super::privileges::Rights;
use super::variables;
use super::workspace::Workspace;
use crate::diagnostic::any_error;
use crate::eval::Mode;
use crate::export::{self, Entry, Inherit, Projection, Variables};
use crate::run::{Delivery, delivery};
use crate::secret::Secret;

/// What was composed.
pub(super) struct Composition {
    /// The composed variables.
    pub(super) variables: Variables,
    /// The whole environment, what is inherited included.
    pub(super) environment: Vec<Entry>,
}

/// Composes, and tells every fault.
///
/// # Errors
/// When one of them is an error.
pub(super) fn compose(
    workspace: &Workspace<'_>,
    options: &RunOptions,
    rights: &Rights,
) -> Result<Composition, Failure> {
    let Projection {
        variables,
        diagnostics,
        notes,
    } = variables::project(workspace, Mode::Eval, &options.export)?;
    let inherit = Inherit {
        clean: options.clean,
        keep: variables::patterns("--keep", &options.keep)?,
        unset: options.export.unset.clone(),
        on_conflict: match options.on_conflict.unwrap_or_default() {
            OnConflict::Override => export::OnConflict::Override,
            OnConflict::Keep => export::OnConflict::Keep,
            OnConflict::Error => export::OnConflict::Error,
        },
    };
    let (environment, conflicts) = export::inherit(
        rights.variables(&workspace.ambient.variables),
        &variables,
        &inherit,
    );

    let mut faults = diagnostics;
    let evaluated = !any_error(&faults);
    faults.extend(conflicts);
    if evaluated {
        let is_set = |name: &str| {
            environment
                .iter()
                .any(|entry| &*entry.name == name.as_bytes())
        };
        faults.extend(export::missing(&workspace.project.required, is_set));
    }
    let (errors, mut warnings): (Vec<_>, Vec<_>) =
        faults.into_iter().partition(|fault| fault.is_error());
    if options.dry_run {
        warnings.extend(notes.into_iter().map(variables::warning));
    } else {
        for note in &notes {
            workspace.ui.note(&note.message);
        }
    }
    let failed = !errors.is_empty();
    workspace
        .ui
        .diagnostics(errors.into_iter().chain(warnings).collect());
    if failed {
        return Err(Failure::told());
    }
    Ok(Composition {
        variables,
        environment,
    })
}

impl Composition {
    /// What the command is given.
    pub(super) fn delivery(&self) -> Delivery {
        let variables = self.environment.iter().map(|entry| delivery::Variable {
            name: OsStr::from_bytes(&entry.name).to_owned(),
            value: Secret::from_parts(&[entry.value.bytes()]),
        });
        Delivery {
            variables: variables.collect(),
            ..Delivery::default()
        }
    }
}
