//! Document paths, kept as steps from each place to its parent.

use crate::syntax::path::{Step, render};

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
        render(&self.steps(path))
    }

    /// The path without the leading `values`, its first key never quoted: `a b["c d"]`.
    pub fn render_below_values(&self, path: PathId) -> String {
        match self.steps(path).get(1..) {
            Some([Step::Key(key), rest @ ..]) => {
                let mut text = key.to_string();
                rest.iter().for_each(|step| step.push_to(&mut text));
                text
            }
            Some(steps) => render(steps),
            None => String::new(),
        }
    }
}
