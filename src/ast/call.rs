//! Calls of functions: which mappings are calls, and the shape of their arguments.

use super::expression::Builder;
use super::{ExprId, PathId, PlaintextSecret};
use crate::source::Span;
use crate::suggest::edit_distance;
use crate::syntax::path::Step;
use crate::syntax::{Entry, Node, NodeKind};
use crate::value::Text;

/// A call of a function, its arguments in place.
pub enum Call {
    /// `fn::secret: TEXT`; the text stands at the span.
    Plaintext(Text, Span),
    /// `fn::secret: {ciphertext: TEXT}`; the text stands at the span.
    Ciphertext(Box<str>, Span),
    /// `fn::open`
    Open {
        /// The provider's name.
        provider: Box<str>,
        /// Its inputs.
        inputs: ExprId,
    },
    /// `fn::rotate`
    Rotate {
        /// The rotator's name.
        provider: Box<str>,
        /// Its inputs.
        inputs: ExprId,
        /// Its stored state.
        state: Option<ExprId>,
    },
    /// `fn::join: [DELIMITER, LIST]`
    Join(ExprId, ExprId),
    /// `fn::split: [DELIMITER, TEXT]`
    Split(ExprId, ExprId),
    /// `fn::concat: [LIST, …]`
    Concat(ExprId),
    /// `fn::toJSON`
    ToJson(ExprId),
    /// `fn::fromJSON`
    FromJson(ExprId),
    /// `fn::toYAML`
    ToYaml(ExprId),
    /// `fn::fromYAML`
    FromYaml(ExprId),
    /// `fn::toString`
    ToString(ExprId),
    /// `fn::toBase64`
    ToBase64(ExprId),
    /// `fn::fromBase64`
    FromBase64(ExprId),
    /// `fn::final`
    Final(ExprId),
    /// `fn::validate`
    Validate {
        /// The schema.
        schema: ExprId,
        /// The value.
        value: ExprId,
    },
    /// What stands at a key like `fn::secret` that is no call, which has been reported. It is kept secret.
    Hidden(ExprId),
    /// A call whose arguments are beyond use, which has been reported. It is unknown.
    Invalid,
}

/// The names of the functions; `fn::open::NAME` and `fn::rotate::NAME` besides.
pub(super) const FUNCTIONS: [&str; 15] = [
    "fn::secret",
    "fn::open",
    "fn::rotate",
    "fn::join",
    "fn::split",
    "fn::concat",
    "fn::toJSON",
    "fn::fromJSON",
    "fn::toYAML",
    "fn::fromYAML",
    "fn::toString",
    "fn::toBase64",
    "fn::fromBase64",
    "fn::final",
    "fn::validate",
];

/// Whether `key` starts with the prefix of functions, in any letter case.
pub fn is_reserved_prefix(key: &str) -> bool {
    key.as_bytes()
        .get(..4)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"fn::"))
}

/// Whether a key that is no call was likely meant as `fn::secret`: in whatever letter case, with something behind it, or
/// with a slip of the pen.
pub(super) fn may_mean_secret(key: &str) -> bool {
    const SECRET: &str = "fn::secret";
    let key = key.to_ascii_lowercase();
    is_reserved_prefix(&key) && (key.starts_with(SECRET) || edit_distance(&key, SECRET) <= 2)
}

/// What a mapping is.
pub(super) enum Form<'a> {
    /// A call of the function, with its argument.
    Call(&'a str, &'a Node),
    /// One entry whose key looks like a function but is none.
    Reserved(&'a Entry),
    /// Plain data.
    Object,
}

/// Tells calls from data.
pub(super) fn recognize(entries: &[Entry]) -> Form<'_> {
    match entries {
        [entry] if FUNCTIONS.contains(&&*entry.key) || external(&entry.key).is_some() => {
            Form::Call(&entry.key, &entry.value)
        }
        [entry] if is_reserved_prefix(&entry.key) => Form::Reserved(entry),
        _ => Form::Object,
    }
}

/// Takes the short forms apart: whether it is a rotator, and its name.
fn external(key: &str) -> Option<(bool, &str)> {
    let open = key.strip_prefix("fn::open::").map(|name| (false, name));
    open.or_else(|| key.strip_prefix("fn::rotate::").map(|name| (true, name)))
}

impl Builder {
    /// Builds the call of `function` (one that [`recognize`] knows) with its argument.
    pub(super) fn call(
        &mut self,
        function: &str,
        argument: &Node,
        span: Span,
        path: PathId,
    ) -> Call {
        let path = self.paths.push(Some(path), Step::key(function));
        let deferred = self.deferred.len();
        let call = self.recognized(function, argument, span, path);
        if matches!(call, Call::Invalid) {
            // What is never evaluated has no faults of evaluation.
            self.deferred.truncate(deferred);
        }
        call
    }

    fn recognized(&mut self, function: &str, argument: &Node, span: Span, path: PathId) -> Call {
        match function {
            "fn::secret" => self.secret(argument, path),
            "fn::open" => self.open(argument, path),
            "fn::rotate" => self.rotate(argument, path),
            "fn::join" => match self.pair("fn::join", argument, path) {
                Some((delimiter, list)) => Call::Join(delimiter, list),
                None => Call::Invalid,
            },
            "fn::split" => match self.pair("fn::split", argument, path) {
                Some((delimiter, text)) => Call::Split(delimiter, text),
                None => Call::Invalid,
            },
            "fn::concat" => {
                let lists = self.expression(argument, path);
                if !matches!(argument.kind, NodeKind::List { .. }) {
                    let message = "the argument to fn::concat must be an array of arrays";
                    self.error(argument.span, path, message);
                }
                Call::Concat(lists)
            }
            "fn::toJSON" => Call::ToJson(self.expression(argument, path)),
            "fn::fromJSON" => Call::FromJson(self.expression(argument, path)),
            "fn::toYAML" => Call::ToYaml(self.expression(argument, path)),
            "fn::fromYAML" => Call::FromYaml(self.expression(argument, path)),
            "fn::toString" => Call::ToString(self.expression(argument, path)),
            "fn::toBase64" => Call::ToBase64(self.expression(argument, path)),
            "fn::fromBase64" => Call::FromBase64(self.expression(argument, path)),
            "fn::final" => Call::Final(self.expression(argument, path)),
            "fn::validate" => self.validate(argument, path),
            _ => match external(function) {
                Some((false, provider)) => Call::Open {
                    provider: provider.into(),
                    inputs: self.expression(argument, path),
                },
                Some((true, provider)) => self.rotate_short(provider, argument, path),
                None => {
                    self.error(span, path, format!("unknown function {function}"));
                    Call::Invalid
                }
            },
        }
    }

    fn secret(&mut self, argument: &Node, path: PathId) -> Call {
        match &argument.kind {
            // Taken literally, `${` and `$$` included.
            NodeKind::String(string) => {
                let text = Text::join(&[string.text.as_bytes()], true);
                self.plaintext_secrets.push(PlaintextSecret {
                    span: argument.span,
                    path: self.paths.render(path),
                    text: text.clone(),
                });
                return Call::Plaintext(text, argument.span);
            }
            NodeKind::Map { entries, .. } => {
                if let [Entry { key, value, .. }] = entries.as_slice()
                    && &**key == "ciphertext"
                    && let Some(text) = self.literal(value)
                {
                    return Call::Ciphertext(text.into(), value.span);
                }
            }
            _ => {}
        }
        self.ignored(argument, path);
        self.error(argument.span, path, "secret values must be string literals");
        Call::Plaintext(Text::plain(b""), argument.span)
    }

    /// The arguments of a function that takes a literal list of two.
    fn pair(&mut self, function: &str, argument: &Node, path: PathId) -> Option<(ExprId, ExprId)> {
        if let NodeKind::List { items, .. } = &argument.kind
            && let [first, second] = items.as_slice()
        {
            return Some((self.element(first, path, 0), self.element(second, path, 1)));
        }
        self.ignored(argument, path);
        let message = format!("the argument to {function} must be a two-valued list");
        self.error(argument.span, path, message);
        None
    }
}
