//! From options to variables: what `run`, `export`, `get` and `explain` share.

use super::args::{Export as ExportChoice, ExportOptions};
use super::error::Failure;
use super::overrides;
use super::ui::Ui;
use super::workspace::Workspace;
use crate::diagnostic::{Diagnostic, Extent, Place, Severity};
use crate::eval::Mode;
use crate::export::{self, Export, File, Note, Projection};
use crate::open;
use crate::project::{self, ResolvedProject};

/// The variables of what is selected, with every fault on the way there; and every secret, if these are wanted.
pub(super) fn project(
    workspace: &Workspace<'_>,
    mode: Mode,
    options: &ExportOptions,
    lists_secrets: bool,
) -> Result<Projection, Failure> {
    let chosen = export::Options {
        symbolic: mode == Mode::Check,
        lists_secrets,
        ..choose(&workspace.project, options)?
    };
    let overrides = overrides::definition(&options.set)?;
    let evaluated = workspace.evaluate(mode, overrides.as_ref())?;
    Ok(open::project(evaluated, &chosen))
}

/// What the options and the project say about exporting.
pub(super) fn choose(
    project: &ResolvedProject,
    options: &ExportOptions,
) -> Result<export::Options, Failure> {
    let export = match (options.export, project.export) {
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
pub(super) fn tell_of_files(ui: &Ui, files: &[File]) {
    let names: Vec<&str> = files.iter().map(|file| &*file.variable).collect();
    if !names.is_empty() {
        ui.warning(&format!(
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
