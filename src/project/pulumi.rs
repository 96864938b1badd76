//! The environments that a Pulumi project names for itself, in `Pulumi.yaml` or a stack's own file.

use std::path::PathBuf;

use serde::Deserialize;

use super::config::parse;
use super::error::Error;
use super::search::{SettingsFile, upwards};
use super::selection::{Entry, Selection};

/// The spellings of the project's file, by precedence.
const FILE_NAMES: [&str; 2] = ["Pulumi.yaml", "pulumi.yaml"];

/// Of a Pulumi file only this concerns us.
#[derive(Default, Deserialize)]
#[serde(default, expecting = "a mapping")]
struct PulumiFile {
    environment: Option<Entry>,
}

/// The nearest Pulumi project.
#[derive(Debug)]
pub(super) struct PulumiProject {
    pub(super) file: SettingsFile,
}

impl PulumiProject {
    pub(super) fn find(start: &std::path::Path, user: u32) -> Result<Option<Self>, Error> {
        Ok(upwards(start, &FILE_NAMES, user)?.map(|file| Self { file }))
    }

    /// What the project's own file selects.
    pub(super) fn selection(&self) -> Result<Option<Selection>, Error> {
        selection(&self.file)
    }

    /// What the file of a stack selects, which must be there.
    pub(super) fn stack_selection(
        &self,
        stack: &str,
        user: u32,
    ) -> Result<Option<Selection>, Error> {
        let files = self.stack_files(stack)?;
        for file in &files {
            if let Some((file, _)) = SettingsFile::read_own(file.clone(), user)? {
                return selection(&file);
            }
        }
        let [usual, _] = files;
        Err(Error::NoStack {
            stack: stack.to_owned(),
            file: Some(usual),
        })
    }

    /// The files that may be that of a stack, by precedence.
    pub(super) fn stack_files(&self, stack: &str) -> Result<[PathBuf; 2], Error> {
        let name = stack_file_stem(stack)?;
        Ok(FILE_NAMES.map(|file| {
            let stem = file.trim_end_matches(".yaml");
            self.file.folder().join(format!("{stem}.{name}.yaml"))
        }))
    }
}

fn selection(file: &SettingsFile) -> Result<Option<Selection>, Error> {
    let content: PulumiFile = parse(&file.path, &file.text)?;
    content
        .environment
        .map(|entry| entry.select(&file.path, &file.text))
        .transpose()
}

/// The part of a stack's name that names its file: of `organization/project/stack` the last.
fn stack_file_stem(stack: &str) -> Result<&str, Error> {
    let name = stack.rsplit('/').next().unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(allowed) {
        return Err(Error::StackName);
    }
    Ok(name)
}
