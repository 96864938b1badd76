//! Document paths, kept as steps from each place to its parent.

use std::fmt::Write as _;
use std::sync::Arc;

use super::Step;

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

/// Renders a step onto a path: a plain name after a dot, any other key in brackets and quotes, nothing for an empty key.
fn append(path: &mut String, step: &Step) {
    match step {
        Step::Index(index) => {
            let _ = write!(path, "[{index}]");
        }
        Step::Key(key) if key.is_empty() => {}
        Step::Key(key) if is_plain_name(key) => {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(key);
        }
        Step::Key(key) => {
            let _ = write!(path, "[\"{}\"]", key.replace('"', "\\\""));
        }
    }
}

fn is_plain_name(key: &str) -> bool {
    !key.starts_with(|c: char| c.is_ascii_digit())
        && key.chars().all(|c| c == '_' || c.is_alphanumeric())
}

/// Renders `steps` as a path of its own, as `path` on the command line and in output: `a.b[0]["c-d"]`.
pub fn render_steps(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        append(&mut text, step);
    }
    text
}

impl Step {
    /// A key.
    pub fn key(text: impl Into<Arc<str>>) -> Self {
        Step::Key(text.into())
    }
}
