//! Hands events on to where they are read.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record as SpanRecord};
use tracing::{Event, Level, Metadata, Subscriber};

use super::journal::{Entry, Journal};
use super::record::{Record, Value};
use super::{Format, Settings};
use crate::sys::output::Output;

/// Tells events. Knows no spans.
pub(super) struct Logger {
    filter: LevelFilter,
    writer: Mutex<Writer>,
}

impl Logger {
    pub(super) fn new(settings: Settings) -> Self {
        let journal = match settings.format {
            Format::Journal => Journal::connect(),
            Format::Text | Format::Json => None,
        };
        Self {
            filter: settings.level.filter(),
            writer: Mutex::new(Writer {
                format: settings.format,
                journal,
                output: Output::standard_error(),
                lost: 0,
                is_torn: false,
            }),
        }
    }
}

impl Subscriber for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.filter
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.filter)
    }

    fn event(&self, event: &Event<'_>) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.tell(&Record::of(event));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &SpanRecord<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Where events go.
struct Writer {
    format: Format,
    journal: Option<Journal>,
    output: Output,
    /// How many could not be told since the last that could.
    lost: u32,
    /// Whether what was written last broke off within a line.
    is_torn: bool,
}

impl Writer {
    fn tell(&mut self, record: &Record) {
        if self.lost > 0 {
            let lost = Record {
                level: Level::WARN,
                message: "some messages could not be written".to_owned(),
                fields: vec![("lost", Value::Number(self.lost.into()))],
            };
            if self.try_tell(&lost).is_ok() {
                self.lost = 0;
            }
        }
        if self.try_tell(record).is_err() {
            self.lost = self.lost.saturating_add(1);
        }
    }

    fn try_tell(&mut self, record: &Record) -> io::Result<()> {
        if let Some(journal) = &self.journal {
            match journal.send(&Entry::of(record)) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {}
                sent_or_busy => return sent_or_busy,
            }
        }
        let mut line = match self.format {
            Format::Json => record.json(SystemTime::now()),
            Format::Text | Format::Journal => record.text().into_bytes(),
        };
        if self.is_torn {
            line.insert(0, b'\n');
        }
        match self.output.write(&line) {
            Ok(()) => {
                self.is_torn = false;
                Ok(())
            }
            Err((written, error)) => {
                self.is_torn |= written > 0;
                Err(error)
            }
        }
    }
}
