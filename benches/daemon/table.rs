//! What was measured, and what of it has a bar.

use std::io::Write;

/// All measures, each printed when it is taken.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Row>,
}

struct Row {
    name: String,
    value: f64,
    bar: Option<Bar>,
}

enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

impl Row {
    fn print(&self) {
        let verdict = match self.bar {
            None => String::new(),
            Some(Bar::AtMost(most)) => format!("at most {most}"),
            Some(Bar::AtLeast(least)) => format!("at least {least}"),
        };
        let met = if self.is_met() { "" } else { ": MISSED" };
        let _ = writeln!(
            std::io::stdout(),
            "{:52} {:>10.2}  {verdict}{met}",
            self.name,
            self.value
        );
    }

    fn is_met(&self) -> bool {
        match self.bar {
            None => true,
            Some(Bar::AtMost(most)) => self.value <= most,
            Some(Bar::AtLeast(least)) => self.value >= least,
        }
    }
}

impl Table {
    /// Something without a bar.
    pub(super) fn note(&mut self, name: &str, value: f64) {
        self.add(name, value, None);
    }

    /// Something that is to be small.
    pub(super) fn limit(&mut self, name: &str, value: f64, most: f64) {
        self.add(name, value, Some(Bar::AtMost(most)));
    }

    /// Something that is to be large.
    pub(super) fn at_least(&mut self, name: &str, value: f64, least: f64) {
        self.add(name, value, Some(Bar::AtLeast(least)));
    }

    fn add(&mut self, name: &str, value: f64, bar: Option<Bar>) {
        let name = name.to_owned();
        let row = Row { name, value, bar };
        row.print();
        self.rows.push(row);
    }

    /// Whether no bar is missed.
    pub(super) fn is_met(&self) -> bool {
        self.rows.iter().all(Row::is_met)
    }
}

/// The middle one; 0 of none.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
