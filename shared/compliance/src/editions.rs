//! The watchlist editions that a function screens with.
//!
//! The bucket holds immutable indexes named by the SHA-256 of their bytes, and one manifest that names the ones in force.
//! A function fetches an index once to its scratch disk, checks it against its name and maps it into memory; a file that
//! an earlier process left there is checked as well, whole, before it is used. The
//! manifest is looked at between messages or requests, at most every half minute; when it has moved, the new indexes are
//! opened beside the old ones and the whole set is exchanged at once. Whoever holds a set goes on with it unchanged.
//!
//! A manifest that cannot be read, or names what cannot be opened, leaves the old set in use for [`HELD_AT_MOST`] and is
//! counted; after that nobody is screened by it.
//!
//! Where objects come from is given as a function, so that this crate knows no S3 and a test needs none.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use screening::{EntityKey, Index, Topic};

use crate::delta::{ListDelta, OpenDelta, delta_key};
use crate::manifest::{Manifest, index_key};

/// How long a manifest is believed without looking again.
const BELIEVED: SignedDuration = SignedDuration::from_secs(30);

/// How long a set is used after the manifest was last read. A list's new entries must not be missed for longer because of
/// a manifest that is damaged; the messages wait in their queue then.
const HELD_AT_MOST: SignedDuration = SignedDuration::from_hours(6);

/// How many deltas are kept open: editions in a row are swept side by side.
const DELTAS_HELD: usize = 4;

/// Why an object could not be read.
pub type ReadError = Box<dyn std::error::Error + Send + Sync>;
/// An object being read; `None` when there is none of this key.
pub type Reading = Pin<Box<dyn Future<Output = Result<Option<Vec<u8>>, ReadError>> + Send>>;
/// Reads an object of the bucket by its key.
pub type ObjectReader = Arc<dyn Fn(String) -> Reading + Send + Sync>;

/// Why there is nothing to screen with.
#[derive(Debug, thiserror::Error)]
pub enum EditionError {
    /// The bucket did not give the object.
    #[error("{object} cannot be read")]
    Unavailable {
        /// Which object.
        object: String,
        /// Why.
        #[source]
        source: ReadError,
    },
    /// The manifest or a delta names an object that is not there.
    #[error("there is no {0}")]
    Absent(String),
    /// The manifest names no list, or there is none.
    #[error("no watchlist has been published")]
    NoneYet,
    /// An object is not ours.
    #[error("{object} is not as written")]
    Malformed {
        /// Which object.
        object: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// An object is not what its name says.
    #[error("{0} does not have the content that its name says")]
    Forged(String),
    /// An index does not open.
    #[error("the index {name} does not open")]
    Index {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: screening::IndexError,
    },
    /// The scratch disk failed.
    #[error("the scratch disk failed")]
    Scratch(#[source] std::io::Error),
}

/// The editions of all lists that were in force at one moment, opened.
#[derive(Debug, Clone, Default)]
pub struct EditionSet {
    opened: BTreeMap<String, (String, Arc<Index>)>,
    awaited: BTreeSet<Topic>,
    sought: Vec<EntityKey>,
}

impl EditionSet {
    /// A set of indexes that no manifest names.
    #[must_use]
    pub fn of(indexes: Vec<Index>) -> Self {
        let key =
            |index: &Index| index.lists().first().map_or_else(String::new, |list| list.id.clone());
        let opened = indexes
            .into_iter()
            .map(|index| (key(&index), (index.content_hash(), Arc::new(index))))
            .collect();
        Self { opened, ..Self::default() }
    }

    /// The same editions, by which a screening compares these entries with the customer whatever else it finds.
    #[must_use]
    pub fn seeking(&self, sought: Vec<EntityKey>) -> Self {
        Self { sought, ..self.clone() }
    }

    pub(crate) fn sought(&self) -> &[EntityKey] {
        &self.sought
    }

    /// Whether every list about this is at hand, and there is one: else nothing found means nothing.
    #[must_use]
    pub fn covers(&self, topic: Topic) -> bool {
        let about = |index: &Index| index.lists().iter().any(|list| list.topic == topic);
        !self.awaited.contains(&topic) && self.indexes().any(about)
    }

    /// Whether a list about this is to be searched, be it at hand or not. What is not to be searched is held against
    /// nobody; a list that is to be and is not there clears nobody.
    #[must_use]
    pub fn asks_for(&self, topic: Topic) -> bool {
        let about = |index: &Index| index.lists().iter().any(|list| list.topic == topic);
        self.awaited.contains(&topic) || self.indexes().any(about)
    }

    /// The same set while a further list about this is to be searched and not there yet.
    #[cfg(any(test, feature = "test-support"))]
    #[must_use]
    pub fn awaiting(mut self, topic: Topic) -> Self {
        self.awaited.insert(topic);
        self
    }

    /// The indexes, by list.
    pub fn indexes(&self) -> impl Iterator<Item = &Index> {
        self.opened.values().map(|(_, index)| &**index)
    }

    /// The indexes with their names in the bucket, by list.
    pub fn named_indexes(&self) -> impl Iterator<Item = (&str, &Index)> {
        self.opened.values().map(|(name, index)| (name.as_str(), &**index))
    }

    /// The index of a list.
    #[must_use]
    pub fn index_of(&self, list: &str) -> Option<&Index> {
        self.opened.get(list).map(|(_, index)| &**index)
    }

    /// Whether a list is at this index.
    #[must_use]
    pub fn is_at(&self, list: &str, index: &str) -> bool {
        self.opened.get(list).is_some_and(|(name, _)| name == index)
    }

    fn names(&self) -> BTreeMap<&str, &str> {
        self.opened.iter().map(|(list, (name, _))| (list.as_str(), name.as_str())).collect()
    }
}

#[derive(Clone)]
struct Held {
    set: Arc<EditionSet>,
    /// When the manifest was last looked for.
    looked_at: Timestamp,
    /// When it was last found to name this set.
    confirmed_at: Timestamp,
}

/// Which editions are in force could not be found out, so that the ones held stayed in use or were refused as too old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unconfirmed {
    /// How often.
    pub times: u64,
    /// Why the last time, with causes.
    pub error: String,
}

/// The editions in force, opened.
pub struct Editions {
    read: ObjectReader,
    manifest_key: String,
    scratch: PathBuf,
    held: Mutex<Option<Held>>,
    deltas: Mutex<Vec<Arc<OpenDelta>>>,
    unconfirmed: Mutex<Option<Unconfirmed>>,
}

impl std::fmt::Debug for Editions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Editions({})", self.manifest_key)
    }
}

impl Editions {
    /// Editions named by the manifest under this key, their indexes kept in `scratch`. Nothing is read yet.
    #[must_use]
    pub const fn new(read: ObjectReader, manifest_key: String, scratch: PathBuf) -> Self {
        Self {
            read,
            manifest_key,
            scratch,
            held: Mutex::new(None),
            deltas: Mutex::new(Vec::new()),
            unconfirmed: Mutex::new(None),
        }
    }

    /// Editions that are in force for ever and need no bucket.
    #[cfg(feature = "test-support")]
    #[must_use]
    pub fn holding(set: EditionSet) -> Self {
        let read: ObjectReader = Arc::new(|_| Box::pin(async { Ok(None) }));
        let editions = Self::new(read, String::new(), PathBuf::new());
        editions.hold(Arc::new(set), Timestamp::MAX);
        editions
    }

    /// The editions to screen one message or request with. Costs nothing within half a minute, one small read of the
    /// bucket after it, and one read per index that is new.
    ///
    /// # Errors
    /// [`EditionError`] when nothing was ever opened and nothing can be, or what was opened has not been confirmed for six
    /// hours. Within them a bucket that does not answer or a damaged new edition leaves what is held in use.
    pub async fn current(&self, now: Timestamp) -> Result<Arc<EditionSet>, EditionError> {
        let known = self.held();
        if let Some(held) = &known
            && now.duration_since(held.looked_at) < BELIEVED
        {
            return Ok(Arc::clone(&held.set));
        }
        match (self.newest().await, known) {
            (Ok(set), _) => Ok(self.hold(set, now)),
            (Err(error), Some(held)) => {
                self.remember(&error);
                if now.duration_since(held.confirmed_at) > HELD_AT_MOST {
                    return Err(error);
                }
                let set = Arc::clone(&held.set);
                self.replace(Held { looked_at: now, ..held });
                Ok(set)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// What since the last call kept the manifest from being read, or what it names from being opened, while something was
    /// held. Something to raise an alarm about.
    pub fn take_unconfirmed(&self) -> Option<Unconfirmed> {
        self.unconfirmed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn remember(&self, error: &EditionError) {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        let mut held = self.unconfirmed.lock().unwrap_or_else(PoisonError::into_inner);
        let times = held.as_ref().map_or(0, |held| held.times) + 1;
        *held = Some(Unconfirmed { times, error: text });
    }

    /// The editions that are in force at this moment, whatever is held: for what must not rest on an older one.
    ///
    /// # Errors
    /// [`EditionError`] when they cannot be had; nothing older stands in for them.
    pub async fn in_force(&self, now: Timestamp) -> Result<Arc<EditionSet>, EditionError> {
        let set = self.newest().await?;
        Ok(self.hold(set, now))
    }

    /// As [`Self::in_force`], seeking what `set` seeks.
    ///
    /// # Errors
    /// [`EditionError`].
    pub async fn in_force_for(
        &self,
        set: &EditionSet,
        now: Timestamp,
    ) -> Result<Arc<EditionSet>, EditionError> {
        let newest = self.in_force(now).await?;
        if set.sought.is_empty() {
            return Ok(newest);
        }
        Ok(Arc::new(newest.seeking(set.sought.clone())))
    }

    /// The editions to screen with once a list has moved to `index`: the ones held when they have it, else the ones in
    /// force, which have it or a later one.
    ///
    /// # Errors
    /// [`EditionError`].
    pub async fn since(
        &self,
        list: &str,
        index: &str,
        now: Timestamp,
    ) -> Result<Arc<EditionSet>, EditionError> {
        match self.held() {
            Some(held) if held.set.is_at(list, index) => self.current(now).await,
            _ => self.in_force(now).await,
        }
    }

    /// A delta with its index, opened; the last few are kept.
    ///
    /// # Errors
    /// [`EditionError`].
    pub async fn delta(&self, name: &str) -> Result<Arc<OpenDelta>, EditionError> {
        let known = |deltas: &Vec<Arc<OpenDelta>>| {
            deltas.iter().find(|delta| delta.name == name).map(Arc::clone)
        };
        if let Some(delta) = known(&self.deltas.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(delta);
        }
        let key = delta_key(name);
        let bytes = self.object(&key).await?;
        if screening::sha256_hex(&bytes) != name {
            return Err(EditionError::Forged(key));
        }
        let delta: ListDelta = serde_json::from_slice(&bytes)
            .map_err(|source| EditionError::Malformed { object: key, source })?;
        let index = match &delta.index {
            Some(index) => Some(self.open(index).await?),
            None => None,
        };
        let opened = Arc::new(OpenDelta::new(name.to_owned(), delta, index));
        let mut deltas = self.deltas.lock().unwrap_or_else(PoisonError::into_inner);
        if deltas.len() >= DELTAS_HELD {
            deltas.remove(0);
        }
        deltas.push(Arc::clone(&opened));
        Ok(opened)
    }

    fn held(&self) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Holds a set that the manifest names now.
    fn hold(&self, set: Arc<EditionSet>, now: Timestamp) -> Arc<EditionSet> {
        self.replace(Held { set: Arc::clone(&set), looked_at: now, confirmed_at: now });
        set
    }

    fn replace(&self, held: Held) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }

    /// The set that the manifest names; the one held when that is it.
    async fn newest(&self) -> Result<Arc<EditionSet>, EditionError> {
        let manifest = match (self.read)(self.manifest_key.clone()).await {
            Ok(Some(bytes)) => serde_json::from_slice(&bytes).map_err(|source| {
                EditionError::Malformed { object: self.manifest_key.clone(), source }
            })?,
            Ok(None) => Manifest::default(),
            Err(source) => {
                return Err(EditionError::Unavailable {
                    object: self.manifest_key.clone(),
                    source,
                });
            }
        };
        let known = self.held().map(|held| held.set);
        if manifest.lists.is_empty() {
            return Err(EditionError::NoneYet);
        }
        let awaited = manifest.awaited();
        let is_it = |known: &&Arc<EditionSet>| {
            known.names() == manifest.indexes() && known.awaited == awaited
        };
        if let Some(known) = known.as_ref().filter(is_it) {
            return Ok(Arc::clone(known));
        }
        let mut set = EditionSet { awaited, ..EditionSet::default() };
        for (list, entry) in &manifest.lists {
            let same = known.as_ref().and_then(|known| known.opened.get(list));
            let index = match same.filter(|(name, _)| *name == entry.index) {
                Some((_, index)) => Arc::clone(index),
                None => self.open(&entry.index).await?,
            };
            set.opened.insert(list.clone(), (entry.index.clone(), index));
        }
        if let Some(known) = known {
            self.sweep_scratch(&known, &set);
        }
        Ok(Arc::new(set))
    }

    /// An index of the bucket by its name. A file on the scratch disk that is not what its name says is fetched once more.
    /// Whoever opens an index holds it, so that a process reads the file whole only once.
    async fn open(&self, name: &str) -> Result<Arc<Index>, EditionError> {
        let path = self.scratch.join(format!("{name}.gwi"));
        if std::fs::read(&path).is_ok_and(|bytes| screening::sha256_hex(&bytes) == name)
            && let Ok(index) = Index::open(&path)
        {
            return Ok(Arc::new(index));
        }
        let key = index_key(name);
        let bytes = self.object(&key).await?;
        if screening::sha256_hex(&bytes) != name {
            return Err(EditionError::Forged(key));
        }
        write_whole(&path, &bytes).map_err(EditionError::Scratch)?;
        match Index::open(&path) {
            Ok(index) => Ok(Arc::new(index)),
            Err(source) => Err(EditionError::Index { name: name.to_owned(), source }),
        }
    }

    async fn object(&self, key: &str) -> Result<Vec<u8>, EditionError> {
        let found = (self.read)(key.to_owned()).await;
        found
            .map_err(|source| EditionError::Unavailable { object: key.to_owned(), source })?
            .ok_or_else(|| EditionError::Absent(key.to_owned()))
    }

    /// Removes the files of indexes that are no longer in force; whoever still has one mapped keeps it until it is
    /// dropped. What cannot be removed is left to the end of the sandbox.
    fn sweep_scratch(&self, before: &EditionSet, after: &EditionSet) {
        for (list, (name, _)) in &before.opened {
            if !after.is_at(list, name) {
                let _left = std::fs::remove_file(self.scratch.join(format!("{name}.gwi")));
            }
        }
    }
}

/// Writes beside and renames, so that a killed process never leaves half a file under the final name.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = path.with_extension(format!("part-{}", std::process::id()));
    let mut file = std::fs::File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&part, path)
}

#[cfg(test)]
mod tests;
