//! What can be typed about where values come from: definitions and what they take, or a daemon.
//!
//! Each verb has those of these groups that it uses. They can stand in front of the verb too, and what is behind it stands in
//! place of that.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// All that was typed about where values come from, in front of the verb and behind it.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) environments: Vec<String>,
    pub(super) stack: Option<String>,
    pub(super) folders: Vec<PathBuf>,
    pub(super) context: Vec<String>,
    pub(super) provider_folders: Vec<PathBuf>,
    pub(super) identities: Vec<PathBuf>,
    pub(super) allow_commands: bool,
    pub(super) via: Option<Via>,
    pub(super) socket: Option<PathBuf>,
}

/// Options that say something of [`Sources`].
pub(super) trait SourceGroup {
    /// Puts what was typed in place of what was said before.
    fn put(self, sources: &mut Sources);
}

/// Which environments are meant.
#[derive(Args, Debug, Default, PartialEq)]
pub(super) struct EnvironmentOptions {
    /// Environments to compose, later ones over earlier ones [env: ESCRUN_ENV].
    #[arg(short, long = "env", value_name = "A,B…", value_delimiter = ',')]
    environments: Vec<String>,
}

/// Where definitions are.
#[derive(Args, Debug, Default, PartialEq)]
pub(super) struct FolderOptions {
    /// Folder with the definitions; several are searched in order.
    #[arg(long = "dir", value_name = "FOLDER")]
    folders: Vec<PathBuf>,
}

/// What decrypts.
#[derive(Args, Debug, Default, PartialEq)]
pub(super) struct IdentityOptions {
    /// File with age or ssh identities to decrypt with, - for standard input [env: ESCRUN_IDENTITY_FILE].
    #[arg(short, long = "identity", value_name = "FILE")]
    identities: Vec<PathBuf>,
}

/// What it takes to say what values there are, without having any that is encrypted or provided.
#[derive(Args, Debug, Default, PartialEq)]
#[command(next_help_heading = "Sources")]
pub(super) struct CompositionOptions {
    #[command(flatten)]
    environments: EnvironmentOptions,
    /// Pulumi stack whose Pulumi.STACK.yaml names the environments.
    #[arg(long, value_name = "STACK")]
    stack: Option<String>,
    #[command(flatten)]
    folders: FolderOptions,
    /// A value for ${context.KEY.PATH} in definitions.
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    context: Vec<String>,
    /// Folder with provider plugins (escrun-provider-NAME), searched before the user's and the system's.
    #[arg(long = "provider-dir", value_name = "FOLDER")]
    provider_folders: Vec<PathBuf>,
}

/// Which daemon is meant.
#[derive(Args, Debug, Default, PartialEq)]
pub(super) struct SocketOptions {
    /// The daemon's socket [env: ESCRUN_SOCKET] [default: yours, else the machine's].
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

/// Whether a daemon is meant, and which.
#[derive(Args, Debug, Default, PartialEq)]
#[command(next_help_heading = "Sources")]
pub(super) struct ViaOptions {
    /// Whether values come from a daemon or from definitions on this side; auto asks a daemon that is there unless something
    /// says that definitions are here [env: ESCRUN_VIA] [default: auto].
    #[arg(long, value_name = "WAY", value_enum)]
    via: Option<Via>,
    #[command(flatten)]
    socket: SocketOptions,
}

/// Where values come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Via {
    /// From a daemon, if there is one and nothing says that definitions are on this side.
    #[default]
    Auto,
    /// From a daemon.
    Daemon,
    /// From definitions on this side.
    Direct,
}

/// What it takes to have values: all there is.
#[derive(Args, Debug, Default, PartialEq)]
#[command(next_help_heading = "Sources")]
pub(super) struct SourceOptions {
    #[command(flatten)]
    composition: CompositionOptions,
    #[command(flatten)]
    identities: IdentityOptions,
    /// Let definitions run programs by fn::open::command.
    #[arg(long)]
    allow_commands: bool,
    #[command(flatten)]
    via: ViaOptions,
}

impl SourceGroup for EnvironmentOptions {
    fn put(self, sources: &mut Sources) {
        put_all(&mut sources.environments, self.environments);
    }
}

impl SourceGroup for FolderOptions {
    fn put(self, sources: &mut Sources) {
        put_all(&mut sources.folders, self.folders);
    }
}

impl SourceGroup for IdentityOptions {
    fn put(self, sources: &mut Sources) {
        put_all(&mut sources.identities, self.identities);
    }
}

impl SourceGroup for CompositionOptions {
    fn put(self, sources: &mut Sources) {
        self.environments.put(sources);
        put_one(&mut sources.stack, self.stack);
        self.folders.put(sources);
        put_all(&mut sources.context, self.context);
        put_all(&mut sources.provider_folders, self.provider_folders);
    }
}

impl SourceGroup for SocketOptions {
    fn put(self, sources: &mut Sources) {
        put_one(&mut sources.socket, self.socket);
    }
}

impl SourceGroup for ViaOptions {
    fn put(self, sources: &mut Sources) {
        put_one(&mut sources.via, self.via);
        self.socket.put(sources);
    }
}

impl SourceGroup for SourceOptions {
    fn put(self, sources: &mut Sources) {
        self.composition.put(sources);
        self.identities.put(sources);
        sources.allow_commands |= self.allow_commands;
        self.via.put(sources);
    }
}

/// Puts what was typed in place of what was said before, if anything was.
pub(super) fn put_all<T>(before: &mut Vec<T>, typed: Vec<T>) {
    if !typed.is_empty() {
        *before = typed;
    }
}

fn put_one<T>(before: &mut Option<T>, typed: Option<T>) {
    if typed.is_some() {
        *before = typed;
    }
}
