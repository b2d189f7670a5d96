//! The watchlist editions that a function screens with.
//!
//! The bucket holds immutable indexes named by the SHA-256 of their bytes, and one manifest that names the current one of
//! each list. A function fetches an index once to its scratch disk, checks it against its name and maps it into memory.
//! The manifest is looked at between messages, at most every half minute; when it has moved, the new indexes are opened
//! beside the old ones and the whole set is exchanged at once.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use jiff::{SignedDuration, Timestamp};
use runtime::{Clients, Settings};
use screening::Index;
use serde::{Deserialize, Serialize};

/// How long a manifest is believed without looking again.
const BELIEVED: SignedDuration = SignedDuration::from_secs(30);

/// The bucket's folder of indexes.
pub const INDEX_FOLDER: &str = "index";

/// Which index of each list is current.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// By list id.
    pub lists: BTreeMap<String, ManifestEntry>,
}

/// The current edition of one list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestEntry {
    /// SHA-256 of the index's bytes, in hexadecimal: its name in the bucket.
    pub index: String,
    /// How many entities it has; the next edition must not have far fewer.
    pub entities: u64,
    /// What the publisher's files were when it was made: their names with their entity tags or digests.
    pub sources: BTreeMap<String, String>,
    /// When it was made.
    pub made_at: Timestamp,
}

/// Why there is nothing to screen with.
#[derive(Debug, thiserror::Error)]
pub enum EditionError {
    /// S3 did not give the object.
    #[error("{object}: {reason}")]
    Unavailable {
        /// Which object.
        object: String,
        /// S3's code or the transport's words.
        reason: String,
    },
    /// The manifest names no list, or there is none.
    #[error("no watchlist has been published")]
    NoneYet,
    /// The manifest is not ours.
    #[error("the manifest is not as written")]
    Manifest(#[source] serde_json::Error),
    /// An index is not what its name says.
    #[error("the index {0} does not have the content that its name says")]
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

/// The bucket of indexes.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Built when it is first used: a start must not wait for it.
    client: Arc<LazyLock<Client, Box<dyn FnOnce() -> Client + Send>>>,
    name: String,
}

impl Bucket {
    /// The bucket called `name`, reached through these clients.
    pub fn new(clients: &Clients, name: String) -> Self {
        let clients = clients.clone();
        let client = move || clients.s3();
        Self { client: Arc::new(LazyLock::new(Box::new(client))), name }
    }

    /// An object and its entity tag; `None` when there is none.
    ///
    /// # Errors
    /// [`EditionError::Unavailable`].
    pub async fn get(&self, key: &str) -> Result<Option<(Vec<u8>, String)>, EditionError> {
        let unavailable =
            |reason: String| EditionError::Unavailable { object: key.to_owned(), reason };
        let answer = match self.client.get_object().bucket(&self.name).key(key).send().await {
            Ok(answer) => answer,
            Err(error) => {
                let error = error.into_service_error();
                return if error.is_no_such_key() {
                    Ok(None)
                } else {
                    Err(unavailable(error.code().unwrap_or("no answer").to_owned()))
                };
            }
        };
        let tag = answer.e_tag.clone().unwrap_or_else(|| "untagged".to_owned());
        let body = answer.body.collect().await.map_err(|error| unavailable(error.to_string()))?;
        Ok(Some((body.to_vec(), tag)))
    }

    /// Writes an object.
    ///
    /// # Errors
    /// [`EditionError::Unavailable`].
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), EditionError> {
        let put = self.client.put_object().bucket(&self.name).key(key).body(bytes.into());
        put.send().await.map(drop).map_err(|error| EditionError::Unavailable {
            object: key.to_owned(),
            reason: error.into_service_error().code().unwrap_or("no answer").to_owned(),
        })
    }

    /// The manifest, empty when there is none yet.
    ///
    /// # Errors
    /// [`EditionError`].
    pub async fn manifest(&self, key: &str) -> Result<Manifest, EditionError> {
        match self.get(key).await? {
            Some((bytes, _)) => serde_json::from_slice(&bytes).map_err(EditionError::Manifest),
            None => Ok(Manifest::default()),
        }
    }
}

/// The object key of an index.
pub fn index_key(sha256: &str) -> String {
    format!("{INDEX_FOLDER}/{sha256}.gwi")
}

struct Held {
    manifest: Manifest,
    indexes: Arc<Vec<Index>>,
    looked_at: Timestamp,
}

/// The current editions, opened.
pub struct Editions {
    bucket: Bucket,
    manifest_key: String,
    scratch: PathBuf,
    held: Mutex<Option<Held>>,
}

impl Editions {
    /// Reads the settings.
    pub fn from_settings(settings: &mut Settings, clients: &Clients) -> Self {
        let bucket = settings.required("WATCHLIST_BUCKET");
        let manifest_key = settings.required("WATCHLIST_MANIFEST_KEY");
        Self::new(Bucket::new(clients, bucket), manifest_key, std::env::temp_dir())
    }

    /// Editions named by `manifest_key`, their indexes kept in `scratch`.
    pub const fn new(bucket: Bucket, manifest_key: String, scratch: PathBuf) -> Self {
        Self { bucket, manifest_key, scratch, held: Mutex::new(None) }
    }

    /// Editions that hold these indexes until a time far enough away, for tests.
    #[cfg(feature = "test-support")]
    pub fn holding(indexes: Vec<Index>, until: Timestamp) -> Self {
        let held =
            Held { manifest: Manifest::default(), indexes: Arc::new(indexes), looked_at: until };
        let bucket = Bucket::new(&Clients::new(), "nowhere".to_owned());
        let editions = Self::new(bucket, "manifest.json".to_owned(), std::env::temp_dir());
        *editions.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        editions
    }

    /// The indexes to screen one message with. Costs nothing within half a minute, one small S3 read after it, and one
    /// read per index that is new.
    ///
    /// # Errors
    /// [`EditionError`] when nothing was ever opened and nothing can be. While something is held, a bucket that does not
    /// answer or a damaged new edition leaves it in use.
    pub async fn current(&self, now: Timestamp) -> Result<Arc<Vec<Index>>, EditionError> {
        let known = {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            match &*held {
                Some(held) if now.duration_since(held.looked_at) < BELIEVED => {
                    return Ok(Arc::clone(&held.indexes));
                }
                Some(held) => Some((held.manifest.clone(), Arc::clone(&held.indexes))),
                None => None,
            }
        };
        match (self.newest(known.as_ref().map(|(manifest, _)| manifest)).await, known) {
            (Ok(Some((manifest, indexes))), _) => Ok(self.hold(manifest, Arc::new(indexes), now)),
            (Ok(None), Some((manifest, indexes))) => Ok(self.hold(manifest, indexes, now)),
            (Ok(None), None) => Err(EditionError::NoneYet),
            (Err(_), Some((manifest, indexes))) => Ok(self.hold(manifest, indexes, now)),
            (Err(error), None) => Err(error),
        }
    }

    fn hold(
        &self,
        manifest: Manifest,
        indexes: Arc<Vec<Index>>,
        now: Timestamp,
    ) -> Arc<Vec<Index>> {
        let held = Held { manifest, indexes: Arc::clone(&indexes), looked_at: now };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        indexes
    }

    /// The newest set, or `None` when it is the known one.
    async fn newest(
        &self,
        known: Option<&Manifest>,
    ) -> Result<Option<(Manifest, Vec<Index>)>, EditionError> {
        let manifest = self.bucket.manifest(&self.manifest_key).await?;
        if manifest.lists.is_empty() {
            return if known.is_some() { Ok(None) } else { Err(EditionError::NoneYet) };
        }
        if known == Some(&manifest) {
            return Ok(None);
        }
        let mut indexes = Vec::with_capacity(manifest.lists.len());
        for entry in manifest.lists.values() {
            indexes.push(self.open(&entry.index).await?);
        }
        Ok(Some((manifest, indexes)))
    }

    async fn open(&self, name: &str) -> Result<Index, EditionError> {
        let path = self.scratch.join(format!("{name}.gwi"));
        if !path.exists() {
            let key = index_key(name);
            let (bytes, _) = self.bucket.get(&key).await?.ok_or_else(|| {
                EditionError::Unavailable { object: key, reason: "NoSuchKey".to_owned() }
            })?;
            if screening::sha256_hex(&bytes) != name {
                return Err(EditionError::Forged(name.to_owned()));
            }
            write_whole(&path, &bytes).map_err(EditionError::Scratch)?;
        }
        Index::open(&path).map_err(|source| EditionError::Index { name: name.to_owned(), source })
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
