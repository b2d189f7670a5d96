//! What a list's new edition brought: the part that everybody is held against.
//!
//! Invariant: named by the SHA-256 of its bytes, as the index that it points to is, so it never changes and whoever reads
//! it can tell that it is whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::scan::ListedEntity;
use screening::{CompileError, Config, EntityKey, Index, Scratch, compile_delta, diff};
use serde::{Deserialize, Serialize};

use crate::screen::Subject;

/// The bucket's folder of deltas.
pub const DELTA_FOLDER: &str = "delta";

/// The object key of a delta.
#[must_use]
pub fn delta_key(sha256: &str) -> String {
    format!("{DELTA_FOLDER}/{sha256}.json")
}

/// The bytes of a delta's own index, when anything was added or altered.
type IndexBytes = Option<Vec<u8>>;

/// The difference between two editions of one list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListDelta {
    /// Which list.
    pub list: String,
    /// The index before; absent when there was none or it cannot be read.
    pub from: Option<String>,
    /// The index after.
    pub to: String,
    /// The index of what was added or altered, to stream customers past: a small one of its own, or the whole list when
    /// there was nothing before. Absent when entries only left.
    pub index: Option<String>,
    /// How many entries are new.
    pub added: u64,
    /// The list's keys of the entries that are in both editions with another content.
    pub altered: BTreeSet<String>,
    /// The list's keys of the entries that are gone.
    pub removed: BTreeSet<String>,
}

impl ListDelta {
    /// Compares the editions of a list and compiles what was added or altered, if anything. `None` when the two differ in
    /// no entry.
    ///
    /// # Errors
    /// [`CompileError`].
    pub fn between(
        list: &str,
        (from_name, from): (&str, &Index),
        (to_name, to): (&str, &Index),
    ) -> Result<Option<(Self, IndexBytes)>, CompileError> {
        let delta = diff(from, to);
        if delta.is_empty() {
            return Ok(None);
        }
        let new = delta.added.len() + delta.altered.len();
        let bytes = if new == 0 { None } else { Some(compile_delta(to, &delta)?) };
        let uids = |keys: Vec<EntityKey>| keys.into_iter().map(|key| key.uid).collect();
        let found = Self {
            list: list.to_owned(),
            from: Some(from_name.to_owned()),
            to: to_name.to_owned(),
            index: bytes.as_deref().map(screening::sha256_hex),
            added: delta.added.len() as u64,
            altered: uids(delta.altered),
            removed: uids(delta.removed),
        };
        Ok(Some((found, bytes)))
    }

    /// A list's first edition: everything in it is new.
    #[must_use]
    pub fn first(list: &str, to: &str, entities: u64) -> Self {
        Self {
            list: list.to_owned(),
            from: None,
            to: to.to_owned(),
            index: Some(to.to_owned()),
            added: entities,
            altered: BTreeSet::new(),
            removed: BTreeSet::new(),
        }
    }
}

/// A delta whose index is open.
#[derive(Debug)]
pub struct OpenDelta {
    pub(crate) name: String,
    pub(crate) delta: ListDelta,
    pub(crate) index: Option<Arc<Index>>,
}

impl OpenDelta {
    /// This delta, with its index.
    #[must_use]
    pub const fn new(name: String, delta: ListDelta, index: Option<Arc<Index>>) -> Self {
        Self { name, delta, index }
    }

    /// What changed.
    #[must_use]
    pub const fn delta(&self) -> &ListDelta {
        &self.delta
    }

    /// The entries of it that hit a subject: a screening because of this delta looks for them, whatever else it finds. None
    /// for a list's first edition, which is searched as a whole.
    #[must_use]
    pub fn hitting(&self, subject: &Subject, config: &Config) -> Vec<EntityKey> {
        let Some(index) = self.index.as_ref().filter(|_| self.delta.from.is_some()) else {
            return Vec::new();
        };
        // A search without an end is one of the screening's own, which then waits for a person.
        let (found, _) = subject.matches(index, &mut Scratch::default(), config);
        found
            .into_iter()
            .map(|found| EntityKey { list_id: found.list_id, uid: found.uid })
            .collect()
    }

    /// Whether an entry that was known is gone or altered.
    pub(crate) fn touches(&self, entity: &ListedEntity) -> bool {
        entity.list() == self.delta.list
            && (self.delta.removed.contains(entity.uid())
                || self.delta.altered.contains(entity.uid()))
    }
}
