//! Arguments by name: the long forms of `fn::open`, `fn::rotate` and `fn::validate`.

use super::call::{Form, recognize};
use super::expression::Builder;
use super::{Call, ExprId, PathId};
use crate::source::Span;
use crate::syntax::path::Step;
use crate::syntax::{Node, NodeKind};

/// The arguments of a call, by the names in `N`.
struct Arguments<'a, const N: usize> {
    found: [Option<Argument<'a>>; N],
}

/// One argument.
#[derive(Clone, Copy)]
struct Argument<'a> {
    node: &'a Node,
    path: PathId,
    id: ExprId,
}

impl<const N: usize> Arguments<'_, N> {
    fn ids(&self) -> [Option<ExprId>; N] {
        self.found
            .map(|argument| argument.map(|argument| argument.id))
    }
}

impl Builder {
    pub(super) fn open(&mut self, node: &Node, path: PathId) -> Call {
        let Some(arguments) = self.arguments(node, path, ["provider", "inputs"]) else {
            let message =
                "the argument to fn::open must be an object containing 'provider' and 'inputs'";
            self.error(node.span, path, message);
            return Call::Invalid;
        };
        let provider = self.provider(arguments.found[0], node.span, path);
        let [_, inputs] = arguments.ids();
        if inputs.is_none() {
            self.error(node.span, path, "missing provider inputs ('inputs')");
        }
        match (provider, inputs) {
            (Some(provider), Some(inputs)) => Call::Open { provider, inputs },
            _ => Call::Invalid,
        }
    }

    pub(super) fn rotate(&mut self, node: &Node, path: PathId) -> Call {
        let Some(arguments) = self.arguments(node, path, ["provider", "inputs", "state"]) else {
            let message = "the argument to fn::rotate must be an object containing 'provider', 'inputs' and 'state'";
            self.error(node.span, path, message);
            return Call::Invalid;
        };
        let [provider, inputs, state] = arguments.found;
        let provider = self.provider(provider, node.span, path);
        self.rotation(provider, inputs, state, node.span, path)
    }

    pub(super) fn rotate_short(&mut self, provider: &str, node: &Node, path: PathId) -> Call {
        let Some(arguments) = self.arguments(node, path, ["inputs", "state"]) else {
            let message =
                "the argument to fn::rotate must be an object containing 'inputs' and 'state'";
            self.error(node.span, path, message);
            return Call::Invalid;
        };
        let [inputs, state] = arguments.found;
        self.rotation(Some(provider.into()), inputs, state, node.span, path)
    }

    fn rotation(
        &mut self,
        provider: Option<Box<str>>,
        inputs: Option<Argument<'_>>,
        state: Option<Argument<'_>>,
        span: Span,
        path: PathId,
    ) -> Call {
        if inputs.is_none() {
            self.error(span, path, "missing provider inputs ('inputs')");
        }
        if let Some(state) = state
            && !is_object(state.node)
        {
            let message = "rotation state must be an object literal";
            self.error(state.node.span, state.path, message);
            return Call::Invalid;
        }
        match (provider, inputs) {
            (Some(provider), Some(inputs)) => Call::Rotate {
                provider,
                inputs: inputs.id,
                state: state.map(|state| state.id),
            },
            _ => Call::Invalid,
        }
    }

    /// The name of a provider, which must be a literal.
    fn provider(
        &mut self,
        argument: Option<Argument<'_>>,
        span: Span,
        path: PathId,
    ) -> Option<Box<str>> {
        let Some(argument) = argument else {
            self.error(span, path, "missing provider name ('provider')");
            return None;
        };
        let name = self.literal(argument.node);
        if name.is_none() {
            let message = "provider name must be a string literal";
            self.error(argument.node.span, argument.path, message);
        }
        name.map(Into::into)
    }

    pub(super) fn validate(&mut self, node: &Node, path: PathId) -> Call {
        let names = ["schema", "value"];
        let Some(arguments) = self.arguments(node, path, names) else {
            let message =
                "the argument to fn::validate must be an object containing 'schema' and 'value'";
            self.error(node.span, path, message);
            return Call::Invalid;
        };
        let ids = arguments.ids();
        for (name, id) in names.into_iter().zip(ids) {
            if id.is_none() {
                let message = format!("missing required property '{name}'");
                self.error(node.span, path, message);
            }
        }
        match ids {
            [Some(schema), Some(value)] => Call::Validate { schema, value },
            _ => Call::Invalid,
        }
    }

    /// The arguments that a function takes by name. None if they are no object literal. Of several with the same name
    /// the last one counts; the others, and those that the function does not know, are built for their faults alone.
    fn arguments<'a, const N: usize>(
        &mut self,
        node: &'a Node,
        path: PathId,
        names: [&str; N],
    ) -> Option<Arguments<'a, N>> {
        let entries = match &node.kind {
            NodeKind::Map { entries, .. } if is_object(node) => entries,
            _ => {
                self.ignored(node, path);
                return None;
            }
        };
        self.misplaced_functions(entries, node.span, path);
        let keyed = self.keys(entries, path);
        let mut found = [None; N];
        for (index, (key, entry)) in keyed.iter().enumerate() {
            let path = self.paths.push(Some(path), Step::key(&**key));
            let position = names.iter().position(|name| **name == **key);
            let counts = |_: &usize| !keyed[index + 1..].iter().any(|(later, _)| later == key);
            match position.filter(counts) {
                Some(position) => {
                    let id = self.expression(&entry.value, path);
                    let node = &entry.value;
                    found[position] = Some(Argument { node, path, id });
                }
                None => self.ignored(&entry.value, path),
            }
        }
        Some(Arguments { found })
    }
}

/// Whether a node is an object literal.
fn is_object(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Map { entries, .. } => !matches!(recognize(entries), Form::Call(..)),
        _ => false,
    }
}
