//! What the options and the surroundings say of the messages of a supervisor or daemon.

use super::ambient::Ambient;
use super::run_options::LogFormat;
use super::ui::Ui;
use crate::log::{Format, Settings, journal_is_standard_error};

/// How much a supervisor tells, and how.
pub(super) fn settings(format: Option<LogFormat>, ambient: &Ambient, ui: &Ui) -> Settings {
    Settings {
        level: ui.log_level(),
        format: self::format(format, ambient),
    }
}

/// How it is told. Without an option that is in the journal's fields where standard error is the journal.
pub(super) fn format(chosen: Option<LogFormat>, ambient: &Ambient) -> Format {
    let stream = ambient.variable("JOURNAL_STREAM");
    match chosen {
        Some(LogFormat::Text) => Format::Text,
        Some(LogFormat::Json) => Format::Json,
        Some(LogFormat::Journald) => Format::Journal,
        None if stream.is_some_and(journal_is_standard_error) => Format::Journal,
        None => Format::Text,
    }
}
