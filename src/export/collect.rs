//! Walks composed values and collects the leaves that are exported. Converts none and names none.

use std::collections::BTreeSet;

use super::{Export, Kind, Note, Path};
use crate::diagnostic::Diagnostic;
use crate::encode::DEEPEST;
use crate::value::{Data, Object, Value};

/// The most members that are looked at. References share values, so a small definition can describe any number.
const MOST: usize = 1 << 18;

/// The keys directly under `values` that mean something else.
const DECLARATIONS: &str = "environmentVariables";
const FILES: &str = "files";
const PULUMI_CONFIG: &str = "pulumiConfig";

/// A value that gives a variable.
pub(super) struct Leaf<'v> {
    /// Its value in the final merge.
    pub(super) value: &'v Value,
    /// Whether it is secret, or anything that it stands in.
    pub(super) secret: bool,
    /// Whether its name was chosen by an answer from outside.
    pub(super) outside: bool,
    /// Why it is exported.
    pub(super) kind: Kind,
    /// The keys that lead to it.
    pub(super) keys: Vec<&'v str>,
    /// Its document path.
    pub(super) path: String,
}

impl Leaf<'_> {
    /// A fault of this leaf.
    pub(super) fn error(&self, message: impl Into<String>) -> Diagnostic {
        error(self.value, &self.path, message)
    }
}

/// What was collected.
pub(super) struct Collected<'v> {
    pub(super) leaves: Vec<Leaf<'v>>,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) notes: Vec<Note>,
}

/// Collects, one environment after the other.
pub(super) struct Collector<'v> {
    merged: &'v Value,
    collected: Collected<'v>,
    /// What has been told or collected, so that two environments with one import do not do it twice.
    seen: BTreeSet<String>,
    members: usize,
    declaring: Vec<&'v str>,
    flattened: Vec<&'v str>,
}

/// The walk ends here, and the reason has been told.
struct Stop;

/// Where the walk is.
#[derive(Clone, Copy)]
struct Step {
    depth: usize,
    secret: bool,
}

impl<'v> Collector<'v> {
    pub(super) fn new(merged: &'v Value) -> Self {
        Self {
            merged,
            collected: Collected {
                leaves: Vec::new(),
                diagnostics: Vec::new(),
                notes: Vec::new(),
            },
            seen: BTreeSet::new(),
            members: 0,
            declaring: Vec::new(),
            flattened: Vec::new(),
        }
    }

    /// Collects what the environment `name` exports, whose own complete value is `own`.
    pub(super) fn environment(&mut self, name: &'v str, own: &'v Value, export: Export) {
        let Data::Object(object) = &own.data else {
            if own.is_unknown() {
                let message = format!("the values of {name} are not known");
                self.tell(error(own, &Path::VALUES.to_string(), message));
            }
            return;
        };
        let declarations = self.declarations(own);
        let flattens = match export {
            Export::PerEnvironment => declarations.is_none(),
            Export::All => true,
            Export::Declared => false,
        };
        if let Some(declarations) = declarations {
            self.declaring.push(name);
            self.declared(DECLARATIONS, Kind::Declared, declarations);
        }
        if let Some(files) = self.files(own) {
            self.declared(FILES, Kind::File, files);
        }
        if flattens {
            self.flattened.push(name);
            let excluded = |key: &str| [DECLARATIONS, FILES, PULUMI_CONFIG].contains(&key);
            let step = Step {
                depth: 0,
                secret: self.merged.secret,
            };
            // A walk that stopped has told why.
            let _stopped = self.members(object, self.merged, &Path::VALUES, step, excluded);
        }
    }

    /// Ends the walk.
    pub(super) fn finish(mut self) -> Collected<'v> {
        if !self.declaring.is_empty() && !self.flattened.is_empty() {
            let message = format!(
                "exported are the variables that {} declares, and all values of {}",
                self.declaring.join(", "),
                self.flattened.join(", ")
            );
            self.collected.notes.push(Note {
                message,
                path: String::new(),
                origin: None,
            });
        }
        self.collected
    }

    /// The `environmentVariables` of an environment. What is no object is a fault, and declares nothing: otherwise an
    /// empty entry would export everything.
    fn declarations(&mut self, own: &'v Value) -> Option<&'v Object> {
        let declarations = own.member(DECLARATIONS)?;
        match &declarations.data {
            Data::Object(object) => Some(object),
            _ => {
                let found = declarations.type_name();
                let message = format!("{DECLARATIONS} must be an object, got {found}");
                let path = Path::VALUES.join(DECLARATIONS).to_string();
                let hint = format!("write `{DECLARATIONS}: {{}}` to export nothing");
                self.tell(error(declarations, &path, message).with_hint(hint));
                None
            }
        }
    }

    /// Collects what an environment declares under `key`, by name.
    fn declared(&mut self, key: &'static str, kind: Kind, own: &'v Object) {
        let path = Path::VALUES.join(key);
        let Some(merged) = self.merged.member(key) else {
            return;
        };
        let Data::Object(object) = &merged.data else {
            let found = merged.type_name();
            let message = format!("{key} must be an object, got {found}");
            self.tell(error(merged, &path.to_string(), message));
            return;
        };
        if own.rest.is_some() || object.rest.is_some() {
            let message = format!("the members of {key} are not all known");
            self.tell(error(merged, &path.to_string(), message));
        }
        let secret = self.merged.secret || merged.secret;
        for (key, member) in &own.members {
            if let Some(value) = object.members.get(key).map(|member| &member.value) {
                self.leaf(value, &path.join(key), secret, kind, member.outside);
            }
        }
    }

    /// The `files` of an environment. Without an entry there are none, and nothing else changes.
    fn files(&mut self, own: &'v Value) -> Option<&'v Object> {
        let files = own.member(FILES)?;
        match &files.data {
            Data::Object(object) => Some(object),
            Data::Null => None,
            _ => {
                let message = format!("{FILES} must be an object, got {}", files.type_name());
                let path = Path::VALUES.join(FILES).to_string();
                let hint = format!("write `{FILES}: {{ NAME: … }}`");
                self.tell(error(files, &path, message).with_hint(hint));
                None
            }
        }
    }

    /// Collects the leaves of `own`, with the values that they have in `merged`.
    fn walk(
        &mut self,
        own: &'v Value,
        merged: &'v Value,
        path: &Path<'_, 'v>,
        step: Step,
    ) -> Result<(), Stop> {
        self.members += 1;
        if self.members > MOST || step.depth > DEEPEST {
            let message = if step.depth > DEEPEST {
                format!("values are nested more than {DEEPEST} levels deep")
            } else {
                format!("values have more than {MOST} members")
            };
            self.tell(error(merged, "", message));
            return Err(Stop);
        }
        let secret = step.secret || merged.secret;
        let inner = Step {
            depth: step.depth + 1,
            secret,
        };
        match (&own.data, &merged.data) {
            (Data::Object(object), Data::Object(_)) => {
                self.members(object, merged, path, inner, |_| false)
            }
            (_, Data::Object(object)) => self.members(object, merged, path, inner, |_| false),
            (_, Data::Null) => Ok(()),
            _ => {
                self.leaf(merged, path, secret, Kind::Flattened, false);
                Ok(())
            }
        }
    }

    fn members(
        &mut self,
        own: &'v Object,
        merged: &'v Value,
        path: &Path<'_, 'v>,
        step: Step,
        excluded: impl Fn(&str) -> bool,
    ) -> Result<(), Stop> {
        let Data::Object(object) = &merged.data else {
            return Ok(());
        };
        if own.rest.is_some() || object.rest.is_some() {
            let path = path.to_string();
            self.tell(error(
                merged,
                &path,
                format!("the members of {path} are not all known"),
            ));
        }
        let mut outside = false;
        for (key, member) in &own.members {
            if excluded(key) {
                continue;
            }
            if member.outside {
                outside = true;
                continue;
            }
            if let Some(value) = object.members.get(key).map(|member| &member.value) {
                self.walk(&member.value, value, &path.join(key), step)?;
            }
        }
        if outside {
            self.note_outside(merged, path);
        }
        Ok(())
    }

    fn leaf(
        &mut self,
        value: &'v Value,
        path: &Path<'_, 'v>,
        secret: bool,
        kind: Kind,
        outside: bool,
    ) {
        let keys = path.keys();
        let path = path.to_string();
        if self.seen.insert(path.clone()) {
            self.collected.leaves.push(Leaf {
                value,
                secret: secret || value.secret,
                outside,
                kind,
                keys,
                path,
            });
        }
    }

    fn note_outside(&mut self, value: &Value, path: &Path<'_, '_>) {
        let path = path.to_string();
        let message = format!(
            "{path} is not exported: its keys come from outside; declare those that you need under {DECLARATIONS}"
        );
        if self.seen.insert(message.clone()) {
            self.collected.notes.push(Note {
                message,
                path,
                origin: Some(value.origin.clone()),
            });
        }
    }

    /// Tells a fault, once.
    fn tell(&mut self, fault: Diagnostic) {
        if self
            .seen
            .insert(format!("{}: {}", fault.path, fault.message))
        {
            self.collected.diagnostics.push(fault);
        }
    }
}

fn error(value: &Value, path: &str, message: impl Into<String>) -> Diagnostic {
    let origin = &value.origin;
    Diagnostic::error(&origin.source, origin.span, path, message)
}
