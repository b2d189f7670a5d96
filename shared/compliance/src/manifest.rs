//! The manifest: which edition of each list is in force, and how it came to be.
//!
//! Invariant: it is one object that moves as a whole. The changes in it are the record from which sweeps are started:
//! an edition and the duty to look at everybody because of it come into force in the same write, so neither can be lost
//! without the other.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use screening::{Extent, Topic};
use serde::{Deserialize, Serialize};

/// The bucket's folder of indexes.
pub const INDEX_FOLDER: &str = "index";

/// The object key of an index.
#[must_use]
pub fn index_key(sha256: &str) -> String {
    format!("{INDEX_FOLDER}/{sha256}.gwi")
}

/// The object key of what is to be known of an index for as long as any evidence names it.
#[must_use]
pub fn origin_key(sha256: &str) -> String {
    format!("{INDEX_FOLDER}/{sha256}.json")
}

/// Where an index comes from. Written once, beside the first index of this content; the manifest moves on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The list.
    pub list: String,
    /// Its entry in the manifest, which says of which edition of the publisher it is, and of which files.
    #[serde(flatten)]
    pub entry: ManifestEntry,
}

/// Which index of each list is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// By list id.
    pub lists: BTreeMap<String, ManifestEntry>,
    /// The lists that are to be searched, in force or not yet, and what being on them means.
    #[serde(default)]
    pub named: BTreeMap<String, Topic>,
    /// How much the last editions held of lists that were taken out: should one come back, it must not hold far less.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub retired: BTreeMap<String, Extent>,
    /// The latest moves from one edition to the next, oldest first.
    #[serde(default)]
    pub changes: Vec<ListChange>,
}

/// The edition of one list that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestEntry {
    /// SHA-256 of the index's bytes, in hexadecimal: its name in the bucket.
    pub index: String,
    /// How much it holds; the next edition must not hold far less. Nothing in manifests from before this was recorded.
    #[serde(default)]
    pub extent: Extent,
    /// The date or version that the publisher states in its files, where it states one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
    /// SHA-256 of the publisher's files, one after another in the order of their names, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_hash: Option<String>,
    /// What the list of sources said of the list, as a digest of name, topic, format and locations. Absent in manifests from
    /// before this was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub described: Option<String>,
    /// What the publisher's files were when it was made: their names with their entity tags or digests.
    pub sources: BTreeMap<String, String>,
    /// What could not be read of them.
    #[serde(default, skip_serializing_if = "Unread::is_empty")]
    pub unread: Unread,
    /// When it was made.
    pub made_at: Timestamp,
    /// The engine that opened it and passed its self-test; absent in manifests from before this was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
}

/// Rows that could not be read and do not say which entry they are of, and the entries that are kept, whole or the names
/// that they have lost, because they may be in those rows. An entry leaves a list because its publisher removed it, and not because of a misprint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    /// Digests of the rows.
    #[serde(default)]
    pub rows: BTreeSet<String>,
    /// The list's keys of the entries that are kept as they were last read, or with the names that they had then.
    #[serde(default)]
    pub kept: BTreeSet<String>,
}

impl Unread {
    /// Whether everything was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.kept.is_empty()
    }
}

/// A list moved to a new edition; everybody has to be held against what is new in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListChange {
    /// Which list.
    pub list: String,
    /// From which index; absent for a list's first edition, or when the engine cannot read the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// To which index.
    pub to: String,
    /// What changed: the name of a [`ListDelta`](crate::ListDelta) in the bucket.
    pub delta: String,
    /// When.
    pub made_at: Timestamp,
}

impl Manifest {
    /// What lists of which no edition is in force are about: nobody is clear of these.
    pub(crate) fn awaited(&self) -> BTreeSet<Topic> {
        let awaited = self.named.iter().filter(|(list, _)| !self.lists.contains_key(*list));
        awaited.map(|(_, topic)| *topic).collect()
    }

    /// The names of the indexes in force, by list.
    pub(crate) fn indexes(&self) -> BTreeMap<&str, &str> {
        self.lists.iter().map(|(list, entry)| (list.as_str(), entry.index.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One list of a kind does not stand for the others of it.
    #[test]
    fn a_list_without_an_edition_is_awaited() {
        let mut manifest = Manifest::default();
        for (list, topic) in
            [("sdn", Topic::Sanctions), ("un", Topic::Sanctions), ("peps", Topic::Pep)]
        {
            manifest.named.insert(list.to_owned(), topic);
        }
        let entry = ManifestEntry {
            index: "a".to_owned(),
            extent: Extent::default(),
            edition: None,
            source_hash: None,
            described: None,
            sources: BTreeMap::new(),
            unread: Unread::default(),
            made_at: Timestamp::UNIX_EPOCH,
            engine: None,
        };
        manifest.lists.insert("sdn".to_owned(), entry.clone());
        manifest.lists.insert("peps".to_owned(), entry.clone());
        assert_eq!(manifest.awaited(), BTreeSet::from([Topic::Sanctions]));
        manifest.lists.insert("un".to_owned(), entry);
        assert!(manifest.awaited().is_empty());
    }
}
