//! From what the command line says and what lies around to what is meant.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::config::parse;
use super::error::Error;
use super::file::{EscrunFile, Export, FILE_NAME};
use super::pulumi::PulumiProject;
use super::rules::Rules;
use super::search::{SettingsFile, upwards};
use super::selection::{Entry, Import, Selection};
use crate::reaction::Rule;
use crate::store::EnvironmentName;
use crate::sys::fs::Folder;

/// Where definitions are when nothing says otherwise and the working directory has none.
pub const SYSTEM_FOLDER: &str = "/etc/escrun/environments";

/// The folder of definitions in a project that does not name another.
const USUAL_FOLDER: &str = "environments";

/// Which `escrun.yaml` counts.
#[derive(Clone, Copy, Debug)]
pub enum ProjectFile<'a> {
    /// The nearest, from the working directory upwards, if there is one. It has to belong to the user or to root.
    Nearest,
    /// This one, which has to be there; who names it trusts it.
    At(&'a Path),
    /// None.
    None,
}

/// What the caller knows.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The working directory, absolute.
    pub working_directory: &'a Path,
    /// Which `escrun.yaml` counts.
    pub file: ProjectFile<'a>,
    /// The folders that were named; relative ones are in the working directory.
    pub folders: &'a [PathBuf],
    /// The environments that were named.
    pub environments: &'a [EnvironmentName],
    /// The Pulumi stack that was named.
    pub stack: Option<&'a str>,
    /// The user that the process acts as.
    pub user: u32,
    /// The last place for definitions, [`SYSTEM_FOLDER`] except in tests. None if a daemon may have them: then it is no fault
    /// that there is no folder.
    pub system_folder: Option<&'a Path>,
}

/// What is meant.
#[derive(Debug)]
pub struct ResolvedProject {
    /// The `escrun.yaml`, if there is one.
    pub file: Option<PathBuf>,
    /// Folders of definitions, in the order in which they are searched. Empty only where an inline definition can do
    /// without.
    pub folders: Vec<PathBuf>,
    /// The environments, if anything says which.
    pub selection: Option<Selection>,
    /// For whom new definitions are encrypted.
    pub rules: Rules,
    /// What becomes variables, if the project says so.
    pub export: Option<Export>,
    /// Variables without which nothing starts.
    pub required: Vec<String>,
    /// What is done when values change while a command runs.
    pub reload: Vec<Rule>,
    /// The files that decided this, those included that would decide otherwise if they were there.
    pub inputs: BTreeSet<PathBuf>,
}

/// Finds out what is meant.
///
/// Environments: those named on the command line, else what the file of the named stack or its project says, else
/// `escrun.yaml`, else `Pulumi.yaml`. Folders: those named, else what `escrun.yaml` says, else `environments` in the working directory, beside
/// `escrun.yaml` or beside `Pulumi.yaml`, else the system's.
///
/// # Errors
/// When a file that counts is not to be read or says something wrong, or a folder that is named is not there.
pub fn resolve(request: &Request<'_>) -> Result<ResolvedProject, Error> {
    let mut inputs = BTreeSet::from([request.working_directory.join(FILE_NAME)]);
    let file = match request.file {
        ProjectFile::None => None,
        ProjectFile::Nearest => upwards(request.working_directory, &[FILE_NAME], request.user)?,
        ProjectFile::At(path) => Some(SettingsFile::read(request.working_directory.join(path))?.0),
    };
    let mut content: EscrunFile = match &file {
        Some(file) => parse(&file.path, &file.text)?,
        None => EscrunFile::default(),
    };
    inputs.extend(file.iter().map(|file| file.path.clone()));
    let entry = content.environment.take();
    let selection = select(request, file.as_ref().zip(entry), &mut inputs)?;
    let folders = match find_folders(request, file.as_ref(), &content, selection.as_ref()) {
        Err(_) if request.system_folder.is_none() => Vec::new(),
        folders => folders?,
    };
    Ok(ResolvedProject {
        folders,
        selection,
        rules: content.encryption,
        export: content.export,
        required: content.required,
        reload: content.reload,
        inputs,
        file: file.map(|file| file.path),
    })
}

fn select(
    request: &Request<'_>,
    entry: Option<(&SettingsFile, Entry)>,
    inputs: &mut BTreeSet<PathBuf>,
) -> Result<Option<Selection>, Error> {
    if !request.environments.is_empty() {
        let named = request.environments.iter().cloned();
        return Ok(Some(Selection::Names(named.map(Import::from).collect())));
    }
    // A stack that is named says more than a file that lies around.
    if let Some(stack) = request.stack {
        let project = pulumi_project(request)?.ok_or_else(|| Error::NoStack {
            stack: stack.to_owned(),
            file: None,
        })?;
        inputs.insert(project.file.path.clone());
        inputs.extend(project.stack_files(stack)?);
        let selection = match project.stack_selection(stack, request.user)? {
            None => project.selection()?,
            selection => selection,
        };
        if selection.is_some() {
            return Ok(selection);
        }
    }
    if let Some((file, entry)) = entry {
        return entry.select(&file.path, &file.text).map(Some);
    }
    match pulumi_project(request)? {
        Some(project) => {
            inputs.insert(project.file.path.clone());
            project.selection()
        }
        None => Ok(None),
    }
}

fn pulumi_project(request: &Request<'_>) -> Result<Option<PulumiProject>, Error> {
    PulumiProject::find(request.working_directory, request.user)
}

fn find_folders(
    request: &Request<'_>,
    file: Option<&SettingsFile>,
    content: &EscrunFile,
    selection: Option<&Selection>,
) -> Result<Vec<PathBuf>, Error> {
    match named_folders(request, file, &content.environments)? {
        Some(folders) => Ok(folders),
        None => usual_folder(request, file, selection),
    }
}

/// The folders that the command line or else the project's file names. Each has to be there.
fn named_folders(
    request: &Request<'_>,
    file: Option<&SettingsFile>,
    of_file: &[PathBuf],
) -> Result<Option<Vec<PathBuf>>, Error> {
    let (folders, base, named_by) = match file {
        _ if !request.folders.is_empty() => (request.folders, request.working_directory, None),
        Some(file) if !of_file.is_empty() => (of_file, file.folder(), Some(&file.path)),
        _ => return Ok(None),
    };
    let folders: Vec<_> = folders.iter().map(|folder| base.join(folder)).collect();
    for folder in &folders {
        if let Err(error) = Folder::open(folder) {
            return Err(Error::Folder {
                folder: folder.clone(),
                named_by: named_by.cloned(),
                error,
            });
        }
    }
    Ok(Some(folders))
}

/// The first of the usual places that is there.
fn usual_folder(
    request: &Request<'_>,
    file: Option<&SettingsFile>,
    selection: Option<&Selection>,
) -> Result<Vec<PathBuf>, Error> {
    let mut places = vec![request.working_directory.join(USUAL_FOLDER)];
    if let Some(file) = file {
        places.push(file.folder().join(USUAL_FOLDER));
    }
    if !places.iter().any(|place| place.is_dir())
        && let Some(project) = pulumi_project(request)?
    {
        places.push(project.file.folder().join(USUAL_FOLDER));
    }
    places.extend(request.system_folder.map(Path::to_owned));
    places.dedup();
    match places.iter().find(|place| place.is_dir()) {
        Some(place) => Ok(vec![place.clone()]),
        None if matches!(selection, Some(Selection::Inline(_))) => Ok(Vec::new()),
        None => Err(Error::NoFolder { tried: places }),
    }
}

#[cfg(test)]
mod tests;
