//! What the options and the surroundings say of the supervisor's messages.

use super::run_options::LogFormat;
use super::workspace::Workspace;
use crate::log::{Format, Settings, journal_is_standard_error};

/// How much a supervisor tells, and how. Without an option it uses the journal's fields where standard error is the journal.
pub(super) fn settings(format: Option<LogFormat>, workspace: &Workspace<'_>) -> Settings {
    let stream = workspace.ambient.variable("JOURNAL_STREAM");
    let format = match format {
        Some(LogFormat::Text) => Format::Text,
        Some(LogFormat::Json) => Format::Json,
        Some(LogFormat::Journald) => Format::Journal,
        None if stream.is_some_and(journal_is_standard_error) => Format::Journal,
        None => Format::Text,
    };
    Settings {
        level: workspace.ui.log_level(),
        format,
    }
}
