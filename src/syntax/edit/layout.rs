//! How a file is laid out, so that what is added looks like what is there.

use crate::syntax::{Node, NodeKind};

use super::site::{Parent, Site, Text};

/// The habits of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// How many columns a mapping in a mapping is indented by.
    pub(super) step: usize,
    /// How many columns a list in a mapping is indented by.
    pub(super) list_step: usize,
    /// The line break.
    pub(super) line_break: &'static str,
    /// Whether texts of several lines become block scalars.
    pub(super) block_scalars: bool,
}

/// The line break of a text.
fn line_break(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// What has been seen of a file.
#[derive(Default)]
struct Habits {
    step: Option<usize>,
    list_step: Option<usize>,
}

impl Layout {
    /// The layout of the part of a file that `near` holds, or of the rest of the file where that does not show it.
    pub(super) fn of(text: Text<'_>, root: &Node, near: Site<'_>) -> Self {
        let mut habits = Habits::default();
        habits.observe(text, near);
        habits.observe(text, text.root(root));
        let step = habits.step.unwrap_or(2);
        Self {
            step,
            list_step: habits.list_step.unwrap_or(step),
            line_break: line_break(text.text),
            block_scalars: true,
        }
    }
}

impl Habits {
    /// Looks at what is in `site`, until both habits are known.
    fn observe(&mut self, text: Text<'_>, site: Site<'_>) {
        let mut left = vec![site.node];
        while let Some(node) = left.pop() {
            if self.step.is_some() && self.list_step.is_some() {
                return;
            }
            match &node.kind {
                NodeKind::Map {
                    entries,
                    flow: false,
                } => {
                    let column = text.column(node);
                    for entry in entries {
                        self.compare(text, column, &entry.value);
                    }
                    left.extend(entries.iter().rev().map(|entry| &entry.value));
                }
                NodeKind::List { items, flow: false } => left.extend(items.iter().rev()),
                _ => {}
            }
        }
    }

    /// Learns from a value of a mapping whose keys stand in `column`.
    fn compare(&mut self, text: Text<'_>, column: usize, value: &Node) {
        let habit = match &value.kind {
            NodeKind::Map { flow: false, .. } => &mut self.step,
            NodeKind::List { flow: false, .. } => &mut self.list_step,
            _ => return,
        };
        if habit.is_none() {
            *habit = text.column(value).checked_sub(column);
        }
    }
}

/// The columns of what is written below a parent.
impl Layout {
    /// Where the keys of a mapping stand.
    pub(super) fn map_column(&self, parent: Parent) -> usize {
        match parent {
            Parent::Map(column) => column + self.step,
            Parent::List(column) => column + 2,
            Parent::Root | Parent::Flow => 0,
        }
    }

    /// Where the dashes of a list stand.
    pub(super) fn list_column(&self, parent: Parent) -> usize {
        match parent {
            Parent::Map(column) => column + self.list_step,
            Parent::List(column) => column + 2,
            Parent::Root | Parent::Flow => 0,
        }
    }

    /// How far the lines of a block scalar are indented beyond what they stand in.
    pub(super) fn text_step(&self) -> usize {
        self.step.max(1)
    }
}
