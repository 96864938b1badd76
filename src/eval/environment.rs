//! Environments: loading each definition once, its imports before itself, in passes until no provider is pending.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::cache::{Cache, Files};
use super::merge::merge;
use super::scope::Scope;
use super::{Decrypter, Loader, Providers};
use crate::ast::{Definition, ExprId, Parsed};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::{ANONYMOUS, Origin, Source, Span};
use crate::sys::stack;
use crate::value::{Data, Member, Object, Text, Value};

/// How far an evaluation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is decrypted and no provider is opened: what they would give is unknown.
    Check,
    /// Everything.
    Eval,
}

/// What surrounds an evaluation.
pub struct Host<'a> {
    /// How far to go.
    pub mode: Mode,
    /// Where definitions come from.
    pub loader: &'a dyn Loader,
    /// What opens ciphertexts.
    pub decrypter: &'a dyn Decrypter,
    /// What answers `fn::open`.
    pub providers: &'a dyn Providers,
    /// What `${context}` holds besides the names of the environments.
    pub context: Object,
}

/// What is to be evaluated.
pub enum Selection {
    /// Environments by name, later ones over earlier ones.
    Named(Vec<Arc<str>>),
    /// A definition that stands in no file of its own.
    Inline(Rc<Parsed>),
}

/// The result of an evaluation.
pub struct Evaluated {
    /// Each selected environment with its own complete value, in order.
    pub environments: Vec<(Arc<str>, Value)>,
    /// All of them merged, and the overrides over them.
    pub merged: Value,
    /// Every fault, in the order in which they were found.
    pub diagnostics: Vec<Diagnostic>,
}

/// How many elements the import lists of one evaluation may have together: each merges all that was there before.
const MAX_IMPORTS: usize = 10_000;

/// How much may be merged for imports in one pass, as [`Value::weight`] counts what goes over and what it goes over: a
/// large definition that is imported thousands of times would take minutes.
const MAX_MERGED: u64 = 1 << 30;

/// How many members the objects of all environments may have together that they have from their imports: each environment's
/// are kept as long as the evaluation takes, and thousands of them may stand upon one another.
pub(super) const MAX_INHERITED: u64 = 4_000_000;

/// How many bytes of names are compared with one another for suggestions.
const MAX_COMPARISONS: usize = 20_000_000;

/// How much of the stack is left to those that evaluation calls, in bytes. Where there was too little memory for the
/// usual stack this ends a chain of references before its own limit does.
const RESERVE: usize = 512 << 10;

/// Evaluates a selection. `overrides` is a definition that goes over everything that was selected.
///
/// Providers answer between passes: a pass in which one is pending takes its answer for unknown, and once all have
/// answered, a pass that asks none gives the result. So independent providers run at the same time, and the
/// evaluation itself needs no notion of waiting.
pub fn evaluate(
    host: &Host<'_>,
    selection: &Selection,
    overrides: Option<&Rc<Parsed>>,
) -> Evaluated {
    let mut cache = Cache::default();
    loop {
        let mut pass = Pass {
            host,
            cache: &mut cache,
            environments: HashMap::new(),
            diagnostics: Vec::new(),
            uses: HashMap::new(),
            root: Arc::from(ANONYMOUS),
            depth: 0,
            imports: 0,
            comparisons_left: MAX_COMPARISONS,
            made: 0,
            merged: 0,
            inherited: 0,
        };
        let (environments, merged) = pass.select(selection, overrides);
        let diagnostics = pass.diagnostics;
        if !host.providers.settle() {
            return Evaluated {
                environments,
                merged,
                diagnostics,
            };
        }
    }
}

/// One pass.
pub(super) struct Pass<'a> {
    pub(super) host: &'a Host<'a>,
    pub(super) cache: &'a mut Cache,
    environments: HashMap<Arc<str>, Progress>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Which environments a definition has had values of.
    pub(super) uses: HashMap<*const Source, HashSet<Arc<str>>>,
    /// The environment that was asked for.
    root: Arc<str>,
    /// How many expressions are being evaluated, each for the sake of the one before it.
    pub(super) depth: usize,
    /// How many imports have been met.
    imports: usize,
    /// How many bytes of names may still be compared with one another for suggestions.
    pub(super) comparisons_left: usize,
    /// How much was merged for imports.
    merged: u64,
    /// How many members objects have from what they go over.
    pub(super) inherited: u64,
    /// How many bytes were made by functions and interpolations, roughly.
    pub(super) made: u64,
}

#[derive(Clone)]
enum Progress {
    Evaluating,
    Done(Value),
}

impl Pass<'_> {
    fn select(
        &mut self,
        selection: &Selection,
        overrides: Option<&Rc<Parsed>>,
    ) -> (Vec<(Arc<str>, Value)>, Value) {
        let mut environments = Vec::new();
        match selection {
            Selection::Named(names) => {
                for name in names {
                    self.root = Arc::clone(name);
                    if let Some(value) = self.root_environment(name) {
                        environments.push((Arc::clone(name), value));
                    }
                }
            }
            Selection::Inline(parsed) => {
                self.diagnostics.extend(parsed.diagnostics.iter().cloned());
                if let Some(definition) = &parsed.definition {
                    let name: Arc<str> = Arc::from(ANONYMOUS);
                    let value = self.definition(definition, parsed, &name, None, true);
                    environments.push((name, value));
                }
            }
        }
        let mut merged: Option<Value> = None;
        for (_, value) in &environments {
            merged = Some(match merged {
                Some(base) => merge(value.clone(), &base, &mut self.diagnostics),
                None => value.clone(),
            });
        }
        if let Some((parsed, definition)) =
            overrides.and_then(|o| Some((o, o.definition.as_ref()?)))
        {
            let name: Arc<str> = Arc::from(ANONYMOUS);
            let value = self.definition(definition, parsed, &name, merged.take(), true);
            merged = Some(value);
        }
        let merged = merged.unwrap_or_else(|| empty(&Source::new(ANONYMOUS, None, "")));
        (environments, merged)
    }

    /// Evaluates an environment that was asked for by name. Unlike an import it is used in spite of faults in its
    /// text, so that everything that can be shown of it is.
    fn root_environment(&mut self, name: &Arc<str>) -> Option<Value> {
        if let Some(Progress::Done(value)) = self.environments.get(name) {
            return Some(value.clone());
        }
        let files = match self.cache.files(self.host.loader, name) {
            Ok(files) => files,
            Err(error) => {
                self.diagnostics.push(Diagnostic {
                    hint: error.hint,
                    ..Diagnostic::error_nowhere(error.message)
                });
                return None;
            }
        };
        Some(self.environment_of(&files, name, true))
    }

    /// The value of the environment `name`, for an import or inline reference at `origin`. None where there is no
    /// usable one, which has been reported.
    pub(super) fn environment(
        &mut self,
        name: &Arc<str>,
        origin: &Origin,
        path: &str,
    ) -> Option<Value> {
        match self.environments.get(name) {
            Some(Progress::Done(value)) => return Some(value.clone()),
            Some(Progress::Evaluating) => {
                let message = format!("cyclic import of {name}");
                self.report(Diagnostic::error(
                    &origin.source,
                    origin.span,
                    path,
                    message,
                ));
                return None;
            }
            None => {}
        }
        if self.is_too_deep() {
            self.report(Diagnostic::error(
                &origin.source,
                origin.span,
                path,
                super::scope::too_deep(),
            ));
            return None;
        }
        let files = match self.cache.files(self.host.loader, name) {
            Ok(files) => files,
            Err(error) => {
                let diagnostic =
                    Diagnostic::error(&origin.source, origin.span, path, error.message);
                self.report(Diagnostic {
                    hint: error.hint,
                    ..diagnostic
                });
                return None;
            }
        };
        let broken = |parsed: &Rc<Parsed>| parsed.definition.is_none() || parsed.has_errors();
        if broken(&files.definition) || files.local.as_ref().is_some_and(broken) {
            let all = [Some(&files.definition), files.local.as_ref()];
            let diagnostics = all
                .into_iter()
                .flatten()
                .flat_map(|parsed| parsed.diagnostics.iter().cloned());
            self.diagnostics.extend(diagnostics);
            return None;
        }
        Some(self.environment_of(&files, name, false))
    }

    fn environment_of(&mut self, files: &Files, name: &Arc<str>, is_root: bool) -> Value {
        self.environments
            .insert(Arc::clone(name), Progress::Evaluating);
        let mut value: Option<Value> = None;
        for parsed in [Some(&files.definition), files.local.as_ref()]
            .into_iter()
            .flatten()
        {
            self.diagnostics.extend(parsed.diagnostics.iter().cloned());
            if let Some(definition) = &parsed.definition {
                if value.is_some() {
                    self.note_use(&definition.source, name);
                }
                value = Some(self.definition(definition, parsed, name, value.take(), is_root));
            }
        }
        let value = value.unwrap_or_else(|| empty(&Source::new(Arc::clone(name), None, "")));
        self.environments
            .insert(Arc::clone(name), Progress::Done(value.clone()));
        value
    }

    /// Evaluates a definition: its imports in order, each over those before, then its own values over them. `below`
    /// is what all of that goes over.
    fn definition(
        &mut self,
        definition: &Definition,
        parsed: &Rc<Parsed>,
        name: &Arc<str>,
        below: Option<Value>,
        is_root: bool,
    ) -> Value {
        self.depth += 1;
        let mut base = below;
        let mut imports = Object::default();
        for import in &definition.imports {
            let origin = Origin::new(&definition.source, import.span);
            let path = format!("imports[{}]", import.index);
            self.imports += 1;
            if self.imports > MAX_IMPORTS {
                let message = format!("more than {MAX_IMPORTS} imports in all");
                let fault = Diagnostic::error(&origin.source, origin.span, path, message);
                // Told once; whoever imports too much does so thousands of times.
                if self.imports == MAX_IMPORTS + 1 {
                    self.report(fault);
                }
                break;
            }
            let Some(value) = self.environment(&import.name, &origin, &path) else {
                continue;
            };
            self.note_use(&definition.source, &import.name);
            let member = Member::from(value.clone());
            imports.members.insert(Arc::clone(&import.name), member);
            if !import.merge {
                continue;
            }
            let Some(below) = base.take() else {
                base = Some(value);
                continue;
            };
            let before = self.merged;
            self.merged = before
                .saturating_add(value.weight())
                .saturating_add(below.weight());
            if self.merged > MAX_MERGED {
                let message = format!(
                    "imports of more than {} MiB in all are merged",
                    MAX_MERGED >> 20
                );
                let fault = Diagnostic::error(&origin.source, origin.span, path, message);
                if before <= MAX_MERGED {
                    self.report(fault);
                }
                base = Some(below);
                break;
            }
            base = Some(merge(value, &below, &mut self.diagnostics));
        }
        self.diagnostics.extend(definition.deferred.iter().cloned());
        let origin = Origin::new(&definition.source, Span::default());
        let imports = Value::new(Data::Object(Arc::new(imports)), origin.clone());
        let context = self.context(name, &origin);
        let value =
            Scope::new(self, parsed, definition, imports, context, is_root).evaluate_root(base);
        self.depth -= 1;
        value
    }

    /// The object `${context}` of an environment.
    fn context(&self, name: &Arc<str>, origin: &Origin) -> Value {
        let mut context = self.host.context.clone();
        for (key, name) in [
            ("currentEnvironment", name),
            ("rootEnvironment", &self.root),
        ] {
            let name = Value::new(Data::String(Text::plain(name.as_bytes())), origin.clone());
            let mut object = Object::default();
            object.members.insert(Arc::from("name"), Member::from(name));
            let value = Value::new(Data::Object(Arc::new(object)), origin.clone());
            context.members.insert(Arc::from(key), Member::from(value));
        }
        Value::new(Data::Object(Arc::new(context)), origin.clone())
    }

    /// Decrypts the ciphertext of an expression, once however many passes there are.
    pub(super) fn decrypt(
        &mut self,
        definition: &Definition,
        id: ExprId,
        ciphertext: &str,
    ) -> Result<Text, super::DecryptError> {
        self.cache
            .decrypt(self.host.decrypter, definition, id, ciphertext)
    }

    /// Whether what is being evaluated must not go any deeper.
    pub(super) fn is_too_deep(&self) -> bool {
        self.depth >= super::scope::MAX_DEPTH || stack::remaining() < RESERVE
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        debug_assert!(
            !matches!(diagnostic.place, Place::Nowhere),
            "a fault of a definition has a place"
        );
        self.diagnostics.push(diagnostic);
    }
}

/// The value of an environment without entries.
fn empty(source: &Arc<Source>) -> Value {
    Value::new(
        Data::Object(Arc::default()),
        Origin::new(source, Span::default()),
    )
}
