//! The closures that are known, each by the list of names that it is for, and who wants to be told of changes.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::closure::Closure;
use super::document::Document;
use super::failure;
use super::provision::{Provision, Salt};
use crate::protocol::{Code, ErrorAnswer};
use crate::store::{Directory, EnvironmentName, Overlays};

/// How many lists are remembered that nobody watches.
const MOST_LISTS: usize = 4096;

/// Environments that are named together, in order.
pub(super) type Names = Arc<[Arc<str>]>;

/// What was found of environments, by name.
pub(super) type Documents = HashMap<Arc<str>, Arc<Document>>;

/// The closures that are known.
pub(super) struct Library {
    folders: Vec<PathBuf>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    documents: Documents,
    lists: HashMap<Names, List>,
    clock: u64,
}

/// A list of names and what it comes to.
struct List {
    /// Tells the closure to who watches.
    sender: watch::Sender<Arc<Closure>>,
    /// What providers have read for it.
    provision: Provision,
    used: u64,
}

impl Library {
    pub(super) fn new(folders: Vec<PathBuf>) -> Self {
        Self {
            folders,
            state: Mutex::default(),
        }
    }

    /// The closure of a list that is known.
    pub(super) fn find(&self, names: &[Arc<str>]) -> Option<Arc<Closure>> {
        let mut state = self.lock();
        state.clock += 1;
        let clock = state.clock;
        let list = state.lists.get_mut(names)?;
        list.used = clock;
        Some(Arc::clone(&list.sender.borrow()))
    }

    /// Reads the definitions of a list. What has been read before and is still the same is not read again.
    ///
    /// # Errors
    /// When the folders are not to be opened, or it is too much.
    pub(super) fn read(&self, names: &[Arc<str>]) -> Result<Closure, ErrorAnswer> {
        let directory = self.directory()?;
        let salt = self.lock().salt(names);
        Closure::gather(names, salt.as_ref(), |name| {
            let before = self.lock().documents.get(name).cloned();
            let found = Document::look(&directory, name, before.as_ref());
            let mut state = self.lock();
            // Of what is not there, nothing is kept: such names are without number.
            match found.text {
                Ok(_) => state.documents.insert(Arc::clone(name), Arc::clone(&found)),
                Err(_) => state.documents.remove(name),
            };
            found
        })
    }

    /// Reads the definitions of all lists, each file once, as long as it has changed.
    ///
    /// # Errors
    /// When the folders are not to be opened.
    pub(super) fn read_all(&self) -> Result<Reading, ErrorAnswer> {
        let directory = self.directory()?;
        let lists = self.lock().provisions();
        let mut documents = Documents::new();
        let read = lists.into_iter().map(|(names, provision)| {
            let provision = provision.looked_at();
            let closure = Closure::gather(&names, provision.salt(), |name| {
                if let Some(found) = documents.get(name) {
                    return Arc::clone(found);
                }
                let before = self.lock().documents.get(name).cloned();
                let found = Document::look(&directory, name, before.as_ref());
                documents.insert(Arc::clone(name), Arc::clone(&found));
                found
            });
            (names, provision, closure)
        });
        let lists = read.collect();
        Ok(Reading { lists, documents })
    }

    /// Remembers the closure of a list; gives the one that is known if it is the same.
    pub(super) fn shelve(&self, closure: Closure) -> Arc<Closure> {
        let mut state = self.lock();
        state.clock += 1;
        let clock = state.clock;
        let names: Names = closure.names().cloned().collect();
        if let Some(list) = state.lists.get_mut(&names) {
            list.used = clock;
            return list.publish(closure);
        }
        state.make_room();
        let closure = Arc::new(closure);
        let (sender, _) = watch::channel(Arc::clone(&closure));
        state.lists.insert(
            names,
            List {
                sender,
                provision: Provision::default(),
                used: clock,
            },
        );
        closure
    }

    /// Takes over what was read anew, and tells those who watch a list that is not what it was.
    pub(super) fn publish(&self, reading: Reading) {
        let mut state = self.lock();
        for (names, provision, closure) in reading.lists {
            match closure {
                Ok(closure) => {
                    if let Some(list) = state.lists.get_mut(&names) {
                        list.publish(closure);
                        list.provision = provision;
                    }
                }
                // Whoever asks is told why; who watches stays with what there was.
                Err(_) => state
                    .lists
                    .retain(|other, list| *other != names || list.is_watched()),
            }
        }
        state.documents = reading.documents;
    }

    /// Remembers what providers have read for the list of `closure`.
    pub(super) fn note_provided(&self, closure: &Closure, files: &BTreeSet<PathBuf>) {
        let names: Names = closure.names().cloned().collect();
        if let Some(list) = self.lock().lists.get_mut(&names) {
            list.provision.add(files);
        }
    }

    /// Who wants to be told when the list of `closure` is not what it is in it any more.
    pub(super) fn subscribe(&self, closure: &Arc<Closure>) -> Subscription {
        let names: Names = closure.names().cloned().collect();
        let mut state = self.lock();
        let list = state.lists.entry(names).or_insert_with(|| List {
            sender: watch::channel(Arc::clone(closure)).0,
            provision: Provision::default(),
            used: 0,
        });
        Subscription {
            receiver: list.sender.subscribe(),
            seen: Arc::clone(&closure.revision),
        }
    }

    /// Has every definition read again when it is looked for next, even if its file seems to be the same.
    pub(super) fn doubt(&self) {
        self.lock().documents.clear();
    }

    /// Whether `closure` is what its list comes to now.
    pub(super) fn holds(&self) -> impl Fn(&Arc<Closure>) -> bool + use<> {
        let state = self.lock();
        let lists = state.lists.values();
        let current = lists.map(|list| Arc::as_ptr(&list.sender.borrow()).addr());
        let current: BTreeSet<usize> = current.collect();
        move |closure| current.contains(&Arc::as_ptr(closure).addr())
    }

    /// Everything that has to be watched so that no change of a known list is missed: the folders, whether they are there
    /// or not, and files of which these do not tell all.
    pub(super) fn places(&self) -> BTreeSet<PathBuf> {
        let mut places: BTreeSet<PathBuf> = self.folders.iter().cloned().collect();
        let state = self.lock();
        for list in state.lists.values() {
            places.extend(self.places_of(&list.sender.borrow()));
            places.extend(list.provision.files().cloned());
        }
        places
    }

    /// The same for one closure.
    pub(super) fn places_of(&self, closure: &Closure) -> BTreeSet<PathBuf> {
        let mut places: BTreeSet<PathBuf> = self.folders.iter().cloned().collect();
        for (name, document) in closure.documents() {
            places.extend(document.watched_file().cloned());
            let Ok(name) = name.parse::<EnvironmentName>() else {
                continue;
            };
            let file = name.definition();
            if let Some(within) = file.parent().filter(|within| *within != Path::new("")) {
                places.extend(self.folders.iter().map(|folder| folder.join(within)));
            }
        }
        places
    }

    /// How many lists are known.
    pub(super) fn lists(&self) -> usize {
        self.lock().lists.len()
    }

    /// How many watch them.
    #[cfg(test)]
    pub(super) fn subscriptions(&self) -> usize {
        let state = self.lock();
        let watchers = state.lists.values();
        watchers.map(|list| list.sender.receiver_count()).sum()
    }

    /// The folders as they are now: one may have come, or be another one under the same name.
    fn directory(&self) -> Result<Directory, ErrorAnswer> {
        Directory::open_existing(&self.folders, Overlays::Ignored)
            .map(Directory::without_suggestions)
            .map_err(|error| failure(Code::Unavailable, error.to_string()))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything read anew.
pub(super) struct Reading {
    lists: Vec<(Names, Provision, Result<Closure, ErrorAnswer>)>,
    documents: Documents,
}

impl State {
    /// What makes the revision of a list another one.
    fn salt(&self, names: &[Arc<str>]) -> Option<Salt> {
        self.lists.get(names)?.provision.salt().copied()
    }

    /// All lists, and what providers have read for them.
    fn provisions(&self) -> Vec<(Names, Provision)> {
        let lists = self.lists.iter();
        lists
            .map(|(names, list)| (Arc::clone(names), list.provision.clone()))
            .collect()
    }

    /// Forgets the list that was not asked for the longest, if there are too many.
    fn make_room(&mut self) {
        if self.lists.len() < MOST_LISTS {
            return;
        }
        let idle = self.lists.iter().filter(|(_, list)| !list.is_watched());
        let oldest = idle.min_by_key(|(_, list)| list.used);
        if let Some(names) = oldest.map(|(names, _)| Arc::clone(names)) {
            self.lists.remove(&names);
        }
    }
}

impl List {
    /// Tells a closure, unless it is the same as before; gives the one that holds.
    fn publish(&mut self, closure: Closure) -> Arc<Closure> {
        self.sender.send_if_modified(|current| {
            let is_other = current.inputs() != closure.inputs();
            if is_other {
                *current = Arc::new(closure);
            }
            is_other
        });
        Arc::clone(&self.sender.borrow())
    }

    fn is_watched(&self) -> bool {
        self.sender.receiver_count() > 0
    }
}

/// Word of the changes of a list of environments. Dropping it ends that.
#[derive(Debug)]
pub struct Subscription {
    receiver: watch::Receiver<Arc<Closure>>,
    /// The revision that is known to whoever listens.
    seen: Arc<str>,
}

impl Subscription {
    /// What the list comes to now.
    pub fn current(&self) -> Arc<Closure> {
        Arc::clone(&self.receiver.borrow())
    }

    /// Waits until the list comes to something else than was last told, and gives that. Nothing is lost if the wait is
    /// given up.
    pub async fn changed(&mut self) -> Arc<Closure> {
        loop {
            let current = Arc::clone(&self.receiver.borrow_and_update());
            if current.revision != self.seen {
                self.seen = Arc::clone(&current.revision);
                return current;
            }
            if self.receiver.changed().await.is_err() {
                // The daemon is ending.
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(names: &[&str]) -> Vec<Arc<str>> {
        names.iter().map(|name| Arc::from(*name)).collect()
    }

    fn read(library: &Library, list: &[&str]) -> Arc<Closure> {
        library.shelve(library.read(&names(list)).expect("a closure"))
    }

    fn poll(subscription: &mut Subscription) -> Option<Arc<str>> {
        let mut told = std::pin::pin!(subscription.changed());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match told.as_mut().poll(&mut context) {
            std::task::Poll::Ready(closure) => Some(Arc::clone(&closure.revision)),
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn only_lists_that_have_changed_are_told() {
        let scratch = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            fs::write(scratch.path().join(name), text).expect("a file");
        };
        write("a.yaml", "imports: [base]");
        write("b.yaml", "values: {b: 1}");
        let library = Library::new(vec![scratch.path().to_owned()]);
        let (a, b) = (read(&library, &["a"]), read(&library, &["b"]));
        let (mut of_a, mut of_b) = (library.subscribe(&a), library.subscribe(&b));
        assert_eq!((library.lists(), library.subscriptions()), (2, 2));
        // It comes into being.
        write("base.yaml", "values: {a: 1}");
        library.publish(library.read_all().expect("folders"));
        let told = poll(&mut of_a).expect("a change");
        assert_eq!(told, of_a.current().revision);
        assert_ne!(told, a.revision);
        assert_eq!(poll(&mut of_a), None);
        assert_eq!(poll(&mut of_b), None);
        let is_current = library.holds();
        assert!(!is_current(&a) && is_current(&b) && is_current(&of_a.current()));
        // The same text written anew is the same.
        write("base.yaml", "values: {a: 1}");
        library.publish(library.read_all().expect("folders"));
        assert_eq!(poll(&mut of_a), None);
        // Who comes late with an old closure is told at once.
        assert!(poll(&mut library.subscribe(&a)).is_some());
        drop((of_a, of_b));
        assert_eq!((library.lists(), library.subscriptions()), (2, 0));
    }

    #[test]
    fn what_has_to_be_watched_is_known() {
        let scratch = tempfile::tempdir().expect("a folder");
        let library = Library::new(vec![scratch.path().join("one"), scratch.path().join("two")]);
        let closure = read(&library, &["a", "deep/er/b", "../c"]);
        let expected = ["one", "one/deep/er", "two", "two/deep/er"];
        let expected: BTreeSet<PathBuf> = expected
            .iter()
            .map(|place| scratch.path().join(place))
            .collect();
        assert_eq!(library.places_of(&closure), expected);
        assert_eq!(library.places(), expected);
    }

    #[test]
    fn lists_that_nobody_wants_are_forgotten() {
        let library = Library::new(Vec::new());
        let watched = library.subscribe(&read(&library, &["0"]));
        for index in 1..MOST_LISTS + 10 {
            read(&library, &[&index.to_string()]);
        }
        assert_eq!((library.lists(), library.subscriptions()), (MOST_LISTS, 1));
        assert!(library.find(&names(&["0"])).is_some());
        assert!(library.find(&names(&["1"])).is_none());
        drop(watched);
    }
}
