//! From options to variables: what `run`, `export`, `get` and `explain` share.

use super::args::{Export as ExportChoice, ExportOptions};
use super::error::Failure;
use super::overrides;
use super::workspace::Workspace;
use crate::diagnostic::{Diagnostic, Extent, Place, Severity};
use crate::eval::Mode;
use crate::export::{self, Export, File, Note, Projection};
use crate::open;
use crate::project;

/// The variables of what is selected, with every fault on the way there.
pub(super) fn project(
    workspace: &Workspace<'_>,
    mode: Mode,
    options: &ExportOptions,
) -> Result<Projection, Failure> {
    let chosen = choose(workspace, options)?;
    project_chosen(workspace, mode, options, chosen)
}

/// As [`project`], with what the options come to.
pub(super) fn project_chosen(
    workspace: &Workspace<'_>,
    mode: Mode,
    options: &ExportOptions,
    mut chosen: export::Options,
) -> Result<Projection, Failure> {
    chosen.symbolic = mode == Mode::Check;
    let overrides = overrides::definition(&options.set)?;
    let evaluated = workspace.evaluate(mode, overrides.as_ref())?;
    Ok(open::project(evaluated, &chosen))
}

/// What the options and the project say about exporting.
pub(super) fn choose(
    workspace: &Workspace<'_>,
    options: &ExportOptions,
) -> Result<export::Options, Failure> {
    let export = match (options.export, workspace.project.export) {
        (Some(ExportChoice::All), _) | (None, Some(project::Export::All)) => Export::All,
        (Some(ExportChoice::Declared), _) | (None, Some(project::Export::Declared)) => {
            Export::Declared
        }
        (None, None) => Export::PerEnvironment,
    };
    Ok(export::Options {
        export,
        only: open::globs("--only", &options.only)?,
        except: open::globs("--except", &options.except)?,
        unset: options.unset.clone(),
        prefix: options.prefix.clone().unwrap_or_default(),
        symbolic: false,
        lists_secrets: false,
    })
}

/// Says which files are missing in what is printed, if any are.
pub(super) fn tell_of_files(workspace: &Workspace<'_>, files: &[File]) {
    let names: Vec<&str> = files.iter().map(|file| &*file.variable).collect();
    if !names.is_empty() {
        workspace.ui.warning(&format!(
            "files are left out, because only a command that escrun runs has them: {}",
            names.join(", ")
        ));
    }
}

/// A note as a warning.
pub(super) fn warning(note: Note) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        message: note.message,
        place: note.origin.map_or(Place::Nowhere, Place::At),
        path: note.path,
        hint: None,
        extent: Extent::Place,
    }
}
