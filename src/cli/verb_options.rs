//! What can be typed to read and write values: the options of `get`, `export`, `check` and `set`.

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::args::ExportOptions;
use super::source_options::{
    CompositionOptions, FolderOptions, IdentityOptions, SourceOptions, ViaOptions,
};
use crate::export::format::Format;

/// Options of `get`.
#[derive(Args, Debug)]
pub(super) struct GetOptions {
    /// Path of a value: names separated by dots, ["key"], [0] [default: everything].
    #[arg(value_name = "PATH")]
    pub(super) path: Option<String>,
    /// How to print it; dotenv and shell print the variables, which go with no PATH.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub(super) format: GetFormat,
    /// Show secrets.
    #[arg(long)]
    pub(super) reveal: bool,
    /// Neither decrypt anything nor call a provider; what they would give is [unknown].
    #[arg(long)]
    pub(super) symbolic: bool,
    #[command(flatten)]
    pub(super) sources: SourceOptions,
}

/// How `get` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum GetFormat {
    /// JSON.
    #[default]
    Json,
    /// YAML.
    Yaml,
    /// The value as text.
    String,
    /// The variables, as for `export`.
    Dotenv,
    /// The variables, as for `export`.
    Shell,
}

/// Options of `export`.
#[derive(Args, Debug)]
#[command(after_help = "Formats:\n  \
    dotenv   a .env file, as node --env-file reads it\n  \
    shell    export commands for sh, bash and zsh: eval \"$(escrun export --format shell)\"\n  \
    fish     set commands for fish: escrun export --format fish | source\n  \
    json     an object of texts\n  \
    yaml     a mapping of texts\n  \
    docker   the file of docker run --env-file\n  \
    github   lines for the file that GITHUB_ENV names\n  \
    systemd  the file of EnvironmentFile=\n  \
    nul      entries closed by NUL bytes, as env -0 prints them")]
pub(super) struct ExportVerb {
    /// Who will read it.
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) options: ExportOptions,
    #[command(flatten)]
    pub(super) sources: SourceOptions,
}

/// The notations of `export`, by their own names.
impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

/// Options of `check`.
#[derive(Args, Debug)]
pub(super) struct CheckOptions {
    /// The environments [default: those of --env, else all].
    #[arg(value_name = "ENV")]
    pub(super) names: Vec<String>,
    /// Fail on warnings too.
    #[arg(long)]
    pub(super) strict: bool,
    #[command(flatten)]
    pub(super) composition: CompositionOptions,
    #[command(flatten)]
    pub(super) via: ViaOptions,
}

/// Options of `set`.
#[derive(Args, Debug)]
pub(super) struct SetOptions {
    /// Encrypt the value.
    #[arg(long)]
    pub(super) secret: bool,
    /// Make the definition if there is none.
    #[arg(long)]
    pub(super) create: bool,
    #[command(flatten)]
    pub(super) folders: FolderOptions,
    #[command(flatten)]
    pub(super) identities: IdentityOptions,
    /// The environment whose definition is changed.
    #[arg(value_name = "ENV")]
    pub(super) name: String,
    /// Path of the value below values, such as database.host.
    #[arg(value_name = "PATH")]
    pub(super) path: String,
    /// The value [default: asked for without echo, or read from standard input].
    #[arg(value_name = "VALUE", allow_negative_numbers = true)]
    pub(super) value: Option<String>,
}
