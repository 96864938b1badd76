//! Document paths, kept as steps from each place to its parent.

use std::sync::Arc;

use super::Step;
use crate::syntax::path::{push_index, push_key};

/// Names a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathId(u32);

/// The paths of a document.
#[derive(Default)]
pub struct Paths {
    steps: Vec<(Option<PathId>, Step)>,
}

impl Paths {
    /// The path `step` below `parent`; below the root of the document if there is no parent.
    pub fn push(&mut self, parent: Option<PathId>, step: Step) -> PathId {
        self.steps.push((parent, step));
        // A document has fewer nodes than bytes, and its size is limited far below 4 GiB.
        PathId((self.steps.len() - 1) as u32)
    }

    /// The steps from the root of the document to `path`.
    pub fn steps(&self, path: PathId) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut next = Some(path);
        while let Some(PathId(index)) = next {
            let (parent, step) = &self.steps[index as usize];
            steps.push(step.clone());
            next = *parent;
        }
        steps.reverse();
        steps
    }

    /// The path as diagnostics show it: `values.a.b[0]["c-d"]`.
    pub fn render(&self, path: PathId) -> String {
        let mut text = String::new();
        for step in self.steps(path) {
            append(&mut text, &step);
        }
        text
    }

    /// The path without the leading `values`, its first key never quoted: `a b["c d"]`.
    pub fn render_below_values(&self, path: PathId) -> String {
        let mut steps = self.steps(path).into_iter().skip(1);
        let mut text = match steps.next() {
            Some(Step::Key(key)) => key.to_string(),
            Some(Step::Index(index)) => format!("[{index}]"),
            None => String::new(),
        };
        steps.for_each(|step| append(&mut text, &step));
        text
    }
}

/// Appends a step to a rendered path.
fn append(path: &mut String, step: &Step) {
    match step {
        Step::Key(key) => push_key(path, key),
        Step::Index(index) => push_index(path, usize::try_from(*index).unwrap_or_default()),
    }
}

impl Step {
    /// A key.
    pub fn key(text: impl Into<Arc<str>>) -> Self {
        Step::Key(text.into())
    }
}
