//! `escrun status`: how a daemon is.

use std::time::Duration;

use super::args::MessageFormat;
use super::columns::columns;
use super::error::Failure;
use super::render::sanitized;
use super::ui::Ui;
use crate::client::Client;
use crate::protocol::Status;

/// Prints it, for people or as one JSON object.
pub(super) fn status(ui: &Ui, client: &Client) -> Result<(), Failure> {
    let status = client.status()?;
    match ui.format() {
        MessageFormat::Json => ui.out_json(&status),
        MessageFormat::Plain => {
            let socket = client.socket().display().to_string();
            ui.out(columns(rows(&status, socket)).as_bytes())
        }
    }
}

fn rows(status: &Status, socket: String) -> Vec<Vec<String>> {
    let uptime = humantime::format_duration(Duration::from_secs(status.uptime_seconds));
    let keys = match (status.keys.locked, status.keys.identities.as_slice()) {
        (true, _) => "locked".to_owned(),
        (false, []) => "none".to_owned(),
        (false, names) => names.join(", "),
    };
    let mut rows = vec![
        ("socket", socket),
        ("version", status.version.clone()),
        ("process", status.pid.to_string()),
        ("up for", uptime.to_string()),
        ("identities", keys),
    ];
    let questions = status.keys.questions.iter();
    rows.extend(questions.map(|question| ("asks for", question.text.clone())));
    rows.extend(
        status
            .folders
            .iter()
            .map(|folder| ("definitions", folder.clone())),
    );
    rows.extend(
        status
            .warnings
            .iter()
            .map(|warning| ("warning", warning.clone())),
    );
    let row = |(name, text): (&str, String)| vec![name.to_owned(), sanitized(&text)];
    rows.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{LockState, Question};

    #[test]
    fn people_read_it_as_a_table() {
        let status = Status {
            version: "1.2.3".to_owned(),
            pid: 42,
            uptime_seconds: 3_661,
            keys: LockState {
                locked: true,
                questions: vec![Question {
                    text: "passphrase for key".to_owned(),
                    hidden: true,
                }],
                ..LockState::default()
            },
            folders: vec!["/etc/escrun/environments".to_owned()],
            warnings: vec!["bad \u{1b}[31m".to_owned()],
        };
        let text = columns(rows(&status, "/run/s".to_owned()));
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| {
                line.split("  ")
                    .filter(|it| !it.is_empty())
                    .map(str::trim)
                    .collect()
            })
            .collect();
        assert_eq!(
            lines,
            [
                ["socket", "/run/s"],
                ["version", "1.2.3"],
                ["process", "42"],
                ["up for", "1h 1m 1s"],
                ["identities", "locked"],
                ["asks for", "passphrase for key"],
                ["definitions", "/etc/escrun/environments"],
                ["warning", "bad \u{fffd}[31m"],
            ]
        );
    }
}
