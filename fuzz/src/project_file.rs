//! Any `escrun.yaml` or `Pulumi.yaml` is understood or refused.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use escrun::project::{ProjectFile, Request, resolve};

thread_local! {
    static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("a folder");
}

/// Takes the text of a file.
pub fn check(data: &[u8]) {
    FOLDER.with(|folder| {
        let folder = folder.path();
        let file = folder.join("escrun.yaml");
        fs::write(&file, data).expect("a file");
        read(folder, ProjectFile::At(&file));
        fs::rename(file, folder.join("Pulumi.yaml")).expect("the same file system");
        read(folder, ProjectFile::None);
    });
}

fn read(folder: &Path, file: ProjectFile<'_>) {
    let request = Request {
        working_directory: folder,
        file,
        folders: &[],
        environments: &[],
        stack: None,
        user: fs::metadata(folder).expect("a folder").uid(),
        system_folder: Some(Path::new("/nonexistent")),
    };
    if let Err(error) = resolve(&request) {
        // An error is one that a person can read, with what helps.
        let told = format!("{error} {}", error.hint().unwrap_or_default());
        assert!(told.len() < 20_000, "{} bytes", told.len());
    }
}
