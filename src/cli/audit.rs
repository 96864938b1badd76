//! `escrun audit`: whether what a daemon has written down is as it was written.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::ambient::Ambient;
use super::args::MessageFormat;
use super::daemon;
use super::daemon_options::DaemonOptions;
use super::error::Failure;
use super::source_options::Sources;
use super::ui::Ui;
use crate::daemon::audit::verify::{self, Report, verify};
use crate::daemon::audit::{Digest, files_of};

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(super) enum AuditVerb {
    /// Verify that no line was changed, removed, inserted or exchanged.
    Verify(VerifyOptions),
}

/// Options of `audit verify`.
#[derive(Args, Debug)]
pub(super) struct VerifyOptions {
    /// The files of one chain, in any order [default: the agent's, with those that were rotated].
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Fail unless a line has this hash, which the journal was told.
    #[arg(long, value_name = "HASH")]
    expect: Option<String>,
    /// Verify the audit of the machine's daemon.
    #[arg(long, conflicts_with = "files")]
    system: bool,
}

/// Does what the verb says.
pub(super) fn audit(ambient: &Ambient, ui: &Ui, verb: &AuditVerb) -> Result<(), Failure> {
    let AuditVerb::Verify(options) = verb;
    let expected = options.expect.as_deref().map(digest).transpose()?;
    let files = match options.files.is_empty() {
        true => own_files(ambient, options.system)?,
        false => options.files.clone(),
    };
    let report = verify(&files, expected)?;
    for torn in &report.torn {
        ui.warning(&format!(
            "{}:{}: the line broke off when the daemon was killed; nothing was given out for it",
            torn.file.display(),
            torn.line
        ));
    }
    match ui.format() {
        MessageFormat::Json => ui.out_json(&Verdict::of(&report, files.len())),
        MessageFormat::Plain => ui.out(in_words(&report, files.len()).as_bytes()),
    }
}

fn digest(text: &str) -> Result<Digest, Failure> {
    text.parse()
        .map_err(|error| Failure::usage(format!("--expect: {error}")))
}

/// Those that the daemon writes by its settings, the oldest first.
fn own_files(ambient: &Ambient, system: bool) -> Result<Vec<PathBuf>, Failure> {
    let options = DaemonOptions {
        system,
        // Where it would serve makes no difference, and need not be known.
        socket: Some(PathBuf::from("/")),
        ..DaemonOptions::default()
    };
    let file = daemon::settings(&Sources::default(), ambient, &options)?
        .audit
        .file;
    files_of(&file).map_err(|error| Failure::io(file.display(), &error))
}

/// What was found of a chain that is whole, for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    whole: bool,
    first: u64,
    last: u64,
    files: usize,
    decisions: u64,
    /// Lines that broke off, which are no fault.
    torn: usize,
    head: String,
}

impl Verdict {
    fn of(report: &Report, files: usize) -> Self {
        Self {
            whole: true,
            first: report.first,
            last: report.head.seq,
            files,
            decisions: report.decisions,
            torn: report.torn.len(),
            head: report.head.hash.to_string(),
        }
    }
}

fn in_words(report: &Report, files: usize) -> String {
    let plural = |count: u64, thing: &str| match count {
        1 => format!("1 {thing}"),
        _ => format!("{count} {thing}s"),
    };
    let mut verdict = format!(
        "whole: lines {} to {} in {}, {}\n",
        report.first,
        report.head.seq,
        plural(files as u64, "file"),
        plural(report.decisions, "decision"),
    );
    if report.first > 1 {
        verdict += "the lines before are in files that are not here\n";
    }
    verdict += &format!("head: {}\n", report.head.hash);
    verdict
}

impl From<verify::Failure> for Failure {
    fn from(failure: verify::Failure) -> Self {
        Self {
            hint: failure.hint().map(str::to_owned),
            ..Self::new(failure)
        }
    }
}
