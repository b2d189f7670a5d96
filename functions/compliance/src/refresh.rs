//! Keeps the watchlists current: fetches each source, compiles it, tests it, and only then moves the manifest.
//!
//! Invariants: an index under a name never changes (the name is the hash of its bytes); the manifest names only indexes
//! that were written before and passed their self-test; a source that cannot be fetched, read or trusted keeps its last
//! good edition, is reported and raises the alarm, and the other sources go on; a list that suddenly has far fewer
//! entities is refused, because that is what a truncated download looks like.
//!
//! Two runs at once (the schedule and an operator) each put their own lists into the newest manifest. Killed anywhere, it leaves at most an index that nothing names,
//! which the next run writes again under the same name.
//!
//! An edition that this build's engine cannot open, because a deployment brought another index format, is made anew from
//! its sources even when those have not changed. So the function is invoked after each deployment (`docs/runbook.md`).

use std::collections::BTreeMap;
use std::time::Duration;

use domain::time::Clock as _;
use jiff::Timestamp;
use runtime::{
    Clients, FetchError, HttpsGet, Metric, Missing, Settings, SystemClock, count, failpoint,
};
use screening::{
    Config, Format, Index, ListEdition, ListInfo, ParseError, Source, Topic, compile, parse,
    self_test, sha256_hex,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::edition::{Bucket, EditionError, ManifestEntry, index_key};

/// The object that says which lists there are and where they come from.
const SOURCES_KEY: &str = "sources.json";

/// The largest published list file today has some 30 MB.
const MAX_FILE_BYTES: usize = 128 * 1024 * 1024;

/// Publishers' servers are slow at times; the function's own time-out is well above all files of one source.
const FETCH_DEADLINE: Duration = Duration::from_secs(60);

/// A list and where its files are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListSource {
    /// Stable id, for example `ofac-sdn`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// What being on it means.
    pub topic: Topic,
    /// A format of [`Format::parse`].
    pub format: String,
    /// The publisher's files.
    pub files: Vec<FileSource>,
}

/// One file of a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileSource {
    /// The publisher's file name, by which files of one format are told apart.
    pub name: String,
    /// An `https://` URL, or `bucket:` and a key of the watchlist bucket.
    pub location: String,
}

/// Why a source kept its last edition.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The bucket failed.
    #[error(transparent)]
    Bucket(#[from] EditionError),
    /// The publisher's server failed.
    #[error("{file}")]
    Fetch {
        /// Which file.
        file: String,
        /// Why.
        #[source]
        source: FetchError,
    },
    /// The publisher's server gave something else than the file.
    #[error("{file}: status {status}")]
    Status {
        /// Which file.
        file: String,
        /// The HTTP status.
        status: u16,
    },
    /// There is no such file.
    #[error("{0} is not there")]
    NoFile(String),
    /// The list of sources is not as documented.
    #[error("sources.json is not as documented: {0}")]
    Sources(#[source] serde_json::Error),
    /// A format that nobody reads.
    #[error("unknown format {0}")]
    UnknownFormat(String),
    /// The files are not a whole list.
    #[error("the list is refused")]
    Parse(#[from] ParseError),
    /// The list does not compile.
    #[error("the list does not compile")]
    Compile(#[from] screening::CompileError),
    /// The compiled index does not open.
    #[error("the new index does not open")]
    Open(#[from] screening::IndexError),
    /// The compiled index does not find its own entries.
    #[error("the new index misses {missed} of its own {tried} sampled names")]
    SelfTest {
        /// How many were not found.
        missed: usize,
        /// How many were tried.
        tried: usize,
    },
}

/// What became of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "result")]
pub enum Refreshed {
    /// The publisher's files have not changed.
    Unchanged,
    /// A new edition is current.
    Published {
        /// How many entities it has.
        entities: u64,
        /// How many rows the parser passed over.
        rejected_rows: usize,
        /// The index's name.
        index: String,
    },
    /// The last good edition stays.
    Failed {
        /// Why, without any of the list's content.
        reason: String,
    },
}

/// What the function needs.
pub struct App {
    bucket: Bucket,
    manifest_key: String,
    https: HttpsGet,
}

impl App {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`Missing`].
    pub fn from_settings(clients: &Clients) -> Result<Self, Missing> {
        let (bucket, manifest_key) = Settings::read(|settings| {
            (settings.required("WATCHLIST_BUCKET"), settings.required("WATCHLIST_MANIFEST_KEY"))
        })?;
        let bucket = Bucket::new(clients, bucket);
        Ok(Self { bucket, manifest_key, https: HttpsGet::new() })
    }
}

/// Refreshes every source and answers what became of each.
///
/// # Errors
/// When the bucket, the list of sources or the manifest cannot be read or written: then nothing was done.
pub async fn handle(
    app: &App,
    _event: Value,
) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
    let results = run(app, SystemClock.now()).await?;
    Ok(serde_json::to_value(results)?)
}

async fn run(app: &App, now: Timestamp) -> Result<BTreeMap<String, Refreshed>, RefreshError> {
    let (sources, _) = app
        .bucket
        .get(SOURCES_KEY)
        .await?
        .ok_or_else(|| RefreshError::NoFile(SOURCES_KEY.to_owned()))?;
    let sources: Vec<ListSource> =
        serde_json::from_slice(&sources).map_err(RefreshError::Sources)?;
    let mut manifest = app.bucket.manifest(&app.manifest_key).await?;
    let mut results = BTreeMap::new();
    for source in &sources {
        let last = manifest.lists.get(&source.id);
        let result = match refresh(app, source, last, now).await {
            Ok(None) => Refreshed::Unchanged,
            Ok(Some((entry, rejected_rows))) => {
                let published = Refreshed::Published {
                    entities: entry.entities,
                    rejected_rows,
                    index: entry.index.clone(),
                };
                // After each source: a later one that takes too long must not cost this one its edition. Read again,
                // because another run may have moved other lists meanwhile.
                manifest = app.bucket.manifest(&app.manifest_key).await?;
                manifest.lists.insert(source.id.clone(), entry);
                let bytes = serde_json::to_vec(&manifest).map_err(RefreshError::Sources)?;
                app.bucket.put(&app.manifest_key, bytes).await?;
                failpoint("watchlist-refresh:after-manifest");
                count(Metric::WatchlistRefreshed, 1);
                published
            }
            Err(error) => {
                count(Metric::WatchlistRefreshFailed, 1);
                Refreshed::Failed { reason: with_causes(&error) }
            }
        };
        results.insert(source.id.clone(), result);
    }
    Ok(results)
}

/// Fetches, compiles, tests and writes one source; `None` when its files are the ones of the last edition.
async fn refresh(
    app: &App,
    source: &ListSource,
    last: Option<&ManifestEntry>,
    now: Timestamp,
) -> Result<Option<(ManifestEntry, usize)>, RefreshError> {
    let format = Format::parse(&source.format)
        .ok_or_else(|| RefreshError::UnknownFormat(source.format.clone()))?;
    // Unchanged files matter only while the edition that was made of them can be used.
    let usable = match last {
        Some(last) if opens(app, &last.index).await? => Some(last),
        _ => None,
    };
    let Some((files, tags)) = fetch(app, source, usable).await? else { return Ok(None) };
    let sources: Vec<Source<'_>> =
        files.iter().map(|(name, bytes)| Source::new(name, bytes)).collect();
    let parsed = parse(format, &sources)?;
    if let Some(last) = last {
        parsed.check_against(usize::try_from(last.entities).unwrap_or(usize::MAX))?;
    }
    let (entities, rejected) = (parsed.entities.len() as u64, parsed.rejected.len());
    let info = ListInfo::new(&source.id, &source.name, source.topic);
    let bytes = compile(&[ListEdition { info, entities: parsed.entities }])?;
    let name = sha256_hex(&bytes);
    let index = Index::from_bytes(bytes.clone())?;
    let test = self_test(&index, &Config::default());
    if !test.missed.is_empty() {
        return Err(RefreshError::SelfTest { missed: test.missed.len(), tried: test.tried });
    }
    app.bucket.put(&index_key(&name), bytes).await?;
    failpoint("watchlist-refresh:after-index");
    Ok(Some((ManifestEntry { index: name, entities, sources: tags, made_at: now }, rejected)))
}

/// Whether this build's engine can open an index.
async fn opens(app: &App, name: &str) -> Result<bool, RefreshError> {
    let found = app.bucket.get(&index_key(name)).await?;
    Ok(found.is_some_and(|(bytes, _)| Index::from_bytes(bytes).is_ok()))
}

type Files = Vec<(String, Vec<u8>)>;

/// All files of a source with what identifies their content; `None` when nothing changed. A file that is unchanged while
/// another changed is fetched again without a condition, since the last copy is not kept.
async fn fetch(
    app: &App,
    source: &ListSource,
    last: Option<&ManifestEntry>,
) -> Result<Option<(Files, BTreeMap<String, String>)>, RefreshError> {
    let (mut files, mut tags, mut unchanged) = (Vec::new(), BTreeMap::new(), Vec::new());
    for file in &source.files {
        let known = last.and_then(|last| last.sources.get(&file.name)).map(String::as_str);
        match fetch_one(app, file, known).await? {
            Some((bytes, tag)) => {
                if known == Some(tag.as_str()) {
                    unchanged.push((file, Some(bytes)));
                } else {
                    files.push((file.name.clone(), bytes));
                }
                tags.insert(file.name.clone(), tag);
            }
            None => unchanged.push((file, None)),
        }
    }
    if files.is_empty() && last.is_some_and(|last| last.sources.len() == source.files.len()) {
        return Ok(None);
    }
    for (file, bytes) in unchanged {
        let bytes = match bytes {
            Some(bytes) => bytes,
            None => {
                let fetched = fetch_one(app, file, None).await?;
                let (bytes, tag) =
                    fetched.ok_or_else(|| RefreshError::NoFile(file.name.clone()))?;
                tags.insert(file.name.clone(), tag);
                bytes
            }
        };
        files.push((file.name.clone(), bytes));
    }
    Ok(Some((files, tags)))
}

/// One file, `None` when the server says that it is the known one.
async fn fetch_one(
    app: &App,
    file: &FileSource,
    known: Option<&str>,
) -> Result<Option<(Vec<u8>, String)>, RefreshError> {
    if let Some(key) = file.location.strip_prefix("bucket:") {
        let (bytes, tag) =
            app.bucket.get(key).await?.ok_or_else(|| RefreshError::NoFile(file.name.clone()))?;
        return Ok(Some((bytes, tag)));
    }
    let condition: Vec<(&str, &str)> = match known.and_then(|tag| tag.split_once('=')) {
        Some(("etag", tag)) => vec![("if-none-match", tag)],
        Some(("date", date)) => vec![("if-modified-since", date)],
        _ => Vec::new(),
    };
    let fetched = app
        .https
        .get(&file.location, &condition, MAX_FILE_BYTES, FETCH_DEADLINE)
        .await
        .map_err(|source| RefreshError::Fetch { file: file.name.clone(), source })?;
    match fetched.status {
        304 if known.is_some() => Ok(None),
        200 => {
            let tag = match (fetched.etag, fetched.last_modified) {
                (Some(tag), _) => format!("etag={tag}"),
                (None, Some(date)) => format!("date={date}"),
                (None, None) => format!("sha256={}", sha256_hex(&fetched.body)),
            };
            Ok(Some((fetched.body, tag)))
        }
        status => Err(RefreshError::Status { file: file.name.clone(), status }),
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
