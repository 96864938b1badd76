//! `escrun init`: sets up a project.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::ambient::Ambient;
use super::error::Failure;
use super::keygen::write_identity;
use super::ui::Ui;
use crate::author;
use crate::crypt::{self, Interaction, Keyring};
use crate::source::Source;
use crate::sys::fs::{Expected, replace_file};

/// The definitions of a new project, by name.
const DEFINITIONS: [(&str, &str); 3] = [
    (
        "base",
        "# What every environment has in common.\n\
         values:\n  app:\n    name: my-app\n    logLevel: info\n",
    ),
    (
        "app",
        "# One definition per service: what it needs, wherever it runs.\n\
         imports:\n  - base\n\
         values:\n  app:\n    port: 8080\n  secrets:\n    apiKey:\n      fn::secret: change-me\n",
    ),
    (
        "development",
        "# One definition per lifecycle stage: what differs there.\n\
         values:\n  stage: development\n  app:\n    logLevel: debug\n",
    ),
];

/// Mode of files that everyone may read.
const PUBLIC_MODE: u32 = 0o644;

/// Writes the project file, the definitions and, unless there is one, an identity. Nothing is written if anything that
/// would be is there already.
pub(super) fn init(ui: &Ui, ambient: &Ambient, folder: &Path) -> Result<(), Failure> {
    // As it was typed, but without the dot that stands for the working directory.
    let folder = folder.strip_prefix(".").unwrap_or(folder);
    let project = folder.join("escrun.yaml");
    let definitions = folder.join("environments");
    let files: Vec<(PathBuf, &str)> = DEFINITIONS
        .iter()
        .map(|(name, text)| (definitions.join(format!("{name}.yaml")), *text))
        .collect();
    for file in files.iter().map(|(file, _)| file).chain([&project]) {
        if fs::symlink_metadata(file).is_ok() {
            return Err(Failure::new(format!("{} exists already", file.display()))
                .with_hint("escrun init sets up a new project only; use another folder"));
        }
    }
    let (identity, public_key) = identity(ambient)?;

    make_folder(&definitions, 0o755)?;
    let recipients = [public_key.clone()];
    let keyring = Keyring::new(Vec::new(), Interaction::default());
    for (file, text) in &files {
        let source = Source::new("new", Some(file.clone()), *text);
        let sealed = author::seal(&source, Some(&recipients), &keyring)
            .map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
        let text = sealed.map_or_else(|| (*text).to_owned(), |(text, _)| text);
        write(file, &text)?;
    }
    write(&project, &project_text(&public_key))?;

    ui.info(&format!("wrote {}", project.display()));
    files
        .iter()
        .for_each(|(file, _)| ui.info(&format!("wrote {}", file.display())));
    match identity {
        Identity::Made(file) => ui.info(&format!(
            "wrote {}: your new identity, without which nothing can be decrypted; keep a copy, and show it to nobody",
            file.display()
        )),
        Identity::Found(file) => ui.info(&format!(
            "encrypted for your identity in {}",
            file.display()
        )),
    }
    let change = if folder.as_os_str().is_empty() {
        String::new()
    } else {
        format!("cd {} && ", folder.display())
    };
    ui.info(&format!("try: {change}escrun --dry-run"));
    Ok(())
}

enum Identity {
    Made(PathBuf),
    Found(PathBuf),
}

/// The user's identity and its public key; a new one if there is none.
fn identity(ambient: &Ambient) -> Result<(Identity, String), Failure> {
    let Some(config) = ambient.config_folder() else {
        return Err(Failure::new(
            "there is no place for an identity: neither HOME nor XDG_CONFIG_HOME is set",
        ));
    };
    let folder = config.join("identities");
    let file = folder.join("default.txt");
    if !file.exists() {
        make_folder(&folder, 0o700)?;
        let public_key = write_identity(&file)?;
        return Ok((Identity::Made(file), public_key));
    }
    let failed = |error: std::io::Error| Failure::io(file.display(), &error);
    let text = crypt::read_identity(File::open(&file).map_err(failed)?).map_err(failed)?;
    match crypt::public_key(&text) {
        Some(public_key) => Ok((Identity::Found(file), public_key)),
        None => Err(Failure::new(format!(
            "{} holds no age identity",
            file.display()
        ))),
    }
}

fn project_text(public_key: &str) -> String {
    format!(
        "# Where the definitions are.\n\
         environments: environments\n\
         # What is composed where --env names nothing.\n\
         environment: [app, development]\n\
         # For whom new secrets are encrypted; the first rule that fits counts.\n\
         encryption:\n  - recipients:\n      - {public_key}\n"
    )
}

fn make_folder(folder: &Path, mode: u32) -> Result<(), Failure> {
    // The umask of this process is for secrets; a project's folder is for everyone.
    crate::sys::process::as_inherited(|| {
        DirBuilder::new().recursive(true).mode(mode).create(folder)
    })
    .map_err(|error| Failure::io(folder.display(), &error))
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    replace_file(
        file,
        text.as_bytes(),
        Expected::Absent { mode: PUBLIC_MODE },
    )
    .map_err(|error| Failure::new(format!("{}: {error}", file.display())))
}
