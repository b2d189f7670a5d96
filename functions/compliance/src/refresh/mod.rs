//! Keeps the watchlists current: fetches each source, compiles it, tests it, and only then moves the manifest.
//!
//! Invariants: an index under a name never changes (the name is the hash of its bytes); the manifest names only indexes
//! that were written before and passed their self-test; a source that cannot be fetched, read or trusted keeps its last
//! good edition, is reported and raises the alarm, and the other sources go on, each with its share of the time; a list
//! that suddenly has far fewer entities is refused, because that is what a truncated download looks like; an entry whose
//! row cannot be read stays as it was last read.
//!
//! A new edition is compared with the one before. What was added or altered is compiled to a small index of its own, and
//! the manifest moves to the edition and names the change in one conditional write: two runs at once (the schedule and an
//! operator) cannot overwrite each other, and of two that move the same list from the same edition one does. The sweep
//! over all customers (`sweep`) is begun from what the manifest names, by this run or, should it be killed, by the next;
//! Lambda repeats a killed run within minutes. Killed before that, a run leaves at most objects that nothing names, which
//! the next one writes again under the same names.
//!
//! An edition that this build's engine cannot open, because a deployment brought another index format, is made anew from
//! its sources even when those have not changed. So the function is invoked after each deployment (`docs/runbook.md`).
//! The index in force is read back only then: the manifest says which engine opened and tested it.

mod edition;
mod fetch;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use compliance::{ListChange, Manifest, ManifestEntry};
use domain::time::Clock;
use jiff::{SignedDuration, Timestamp};
use runtime::{
    Bucket, BucketError, Clients, FetchError, HttpsGet, Metric, Missing, Settings, SystemClock,
    count, failpoint,
};
use screening::{ParseError, Topic};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Table;

use self::edition::{Asked as ToBeMade, Made, make};
use crate::scan_queue::ScanQueue;
use crate::sweep::start::{StartError, SweepState, ensure};

/// The object that says which lists there are and where they come from.
const SOURCES_KEY: &str = "sources.json";

/// How often a manifest that moved meanwhile is read again.
const TRIES: usize = 5;

/// How long the manifest names a change, so that its sweep can be taken up. Nightly screenings have covered it by then.
const CHANGES_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long all sources together may take to be fetched: below the function's time-out of 900 seconds by what compiling
/// the largest list takes. Each has its part of what the ones before it left.
const TIME: Duration = Duration::from_secs(600);

/// The default of `SWEEP_DELAY_SECONDS`: for how long a worker believes a manifest, and how long a message may take.
const SWEEP_DELAY_SECONDS: u16 = 75;

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
    /// A format of [`screening::Format::parse`].
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

/// Why a source kept its last edition, or nothing was done at all.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The bucket failed.
    #[error(transparent)]
    Bucket(#[from] BucketError),
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
    /// The list of sources or the manifest is not as documented.
    #[error("{object} is not as documented: {source}")]
    Malformed {
        /// Which of the two.
        object: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Hits name entries as list/key, so that a list's own id must not hold the separator.
    #[error("the list id {0:?} is empty, a star, or holds a slash")]
    ListId(String),
    /// Two sources of one id would take turns in force.
    #[error("the list of sources names {0:?} twice")]
    RepeatedListId(String),
    /// An entry that has to be kept cannot be read from the edition in force.
    #[error("the entry {0} of the edition in force cannot be read")]
    LastEdition(String),
    /// Rows cannot be read, and nor can the edition in force, whose entries they may be.
    #[error(
        "{0} rows cannot be read, and the edition in force, which has their entries, cannot be opened"
    )]
    Unread(usize),
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
    #[error(
        "the new index finds {found} of {tried} samples of its own names, and misses {missed} as printed"
    )]
    SelfTest {
        /// How many were found.
        found: usize,
        /// How many were not found as printed.
        missed: usize,
        /// How many were tried.
        tried: usize,
    },
    /// The manifest moved with every try.
    #[error("the manifest kept moving")]
    KeptMoving,
    /// A sweep could not be begun.
    #[error("a sweep could not be begun")]
    Sweep(#[from] StartError),
}

/// What became of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "result")]
pub enum Refreshed {
    /// The list has not changed, or another run has just published it.
    Unchanged,
    /// A new edition is in force.
    #[serde(rename_all = "camelCase")]
    Published {
        /// How many entities it has.
        entities: u64,
        /// How many rows the parser passed over.
        rejected_rows: usize,
        /// File, line and reason of the first of these.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        unread: Vec<String>,
        /// How many entries stand as they were last read, or with the names of then, because of such rows.
        kept: usize,
        /// The index's name.
        index: String,
    },
    /// The last good edition stays.
    Failed {
        /// Why, without any of the list's content.
        reason: String,
    },
}

/// One source and the sweeps past its latest editions, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What became of it.
    #[serde(flatten)]
    pub result: Refreshed,
    /// How far the sweeps are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sweeps: Vec<SweepState>,
}

/// What the function needs.
pub struct App {
    bucket: Bucket,
    manifest_key: String,
    https: HttpsGet,
    table: Table,
    queue: ScanQueue,
    sweep_delay_seconds: u16,
    clock: Arc<dyn Clock>,
    time: Duration,
}

impl App {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`Missing`].
    pub fn from_settings(clients: &Clients) -> Result<Self, Missing> {
        Settings::read(|settings| Self {
            bucket: Bucket::new(clients, settings.required("WATCHLIST_BUCKET")),
            manifest_key: settings.required("WATCHLIST_MANIFEST_KEY"),
            https: HttpsGet::new(),
            table: clients.table(&settings.required("CUSTOMER_TABLE")),
            queue: ScanQueue::new(clients, settings.required("SCAN_QUEUE_URL")),
            sweep_delay_seconds: settings
                .optional("SWEEP_DELAY_SECONDS")
                .and_then(|seconds| seconds.parse().ok())
                .unwrap_or(SWEEP_DELAY_SECONDS),
            clock: Arc::new(SystemClock),
            time: TIME,
        })
    }
}

#[cfg(test)]
impl App {
    pub(crate) fn for_test(
        bucket: Bucket,
        manifest_key: &str,
        table: Table,
        queue: ScanQueue,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let manifest_key = manifest_key.to_owned();
        let (https, sweep_delay_seconds) = (HttpsGet::new(), SWEEP_DELAY_SECONDS);
        Self { bucket, manifest_key, https, table, queue, sweep_delay_seconds, clock, time: TIME }
    }
}

/// Refreshes every source and answers what became of each.
///
/// # Errors
/// When the bucket, the list of sources or the manifest cannot be read or written, or a sweep cannot be begun; what was
/// done stays, and the next run does the rest.
pub async fn handle(
    app: &App,
    event: Value,
) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
    let asked = Asked::deserialize(event)?;
    Ok(serde_json::to_value(Box::pin(run(app, &asked)).await?)?)
}

/// What an operator may ask of a run. The schedule's own event says nothing of it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    /// Lists that have truly become smaller by more than 5 %, and are to be taken as they are.
    #[serde(default)]
    accept: Vec<String>,
}

pub(crate) async fn run(
    app: &App,
    asked: &Asked,
) -> Result<BTreeMap<String, Report>, RefreshError> {
    let (mut manifest, tag) = read_manifest(app).await?;
    // First, so that a source that uses up the time cannot keep a sweep from being taken up; and whatever it comes to,
    // the lists are refreshed.
    let mut begun = begin(app, &manifest.changes).await;
    let sources = read_sources(app).await?;
    manifest = name_lists(app, &sources, (manifest, tag)).await?;
    let mut results = BTreeMap::new();
    let ends = Instant::now() + app.time;
    for (at, source) in sources.iter().enumerate() {
        let last = manifest.lists.get(&source.id);
        let accepted = asked.accept.contains(&source.id);
        let until = share(ends, sources.len() - at);
        let retired = manifest.retired.get(&source.id);
        let now = app.clock.now();
        let to_be_made = ToBeMade { source, last, retired, accepted, until, now };
        let result = match Box::pin(refresh(app, to_be_made)).await {
            Ok((result, moved)) => {
                if let Some(moved) = moved {
                    let change = moved.changes.iter().filter(|change| change.list == source.id);
                    let states = begin(app, &change.cloned().collect::<Vec<_>>()).await;
                    begun = merge(begun, states);
                    manifest = moved;
                }
                result
            }
            Err(error) => {
                count(Metric::WatchlistRefreshFailed, 1);
                Refreshed::Failed { reason: with_causes(&error) }
            }
        };
        results.insert(source.id.clone(), Report { result, sweeps: Vec::new() });
    }
    for (list, states) in begun? {
        if let Some(report) = results.get_mut(&list) {
            report.sweeps = states.into_values().collect();
        }
    }
    Ok(results)
}

/// When the first of so many sources has had its part of the time that is left.
fn share(ends: Instant, sources: usize) -> Instant {
    let now = Instant::now();
    let parts = u32::try_from(sources).unwrap_or(u32::MAX).max(1);
    now + ends.saturating_duration_since(now) / parts
}

/// Writes into the manifest which lists are to be searched, so that nobody is cleared before all of a kind are there; and
/// takes out those that the list of sources does not name any more, so that nobody is screened with an edition that
/// nothing refreshes; how much they held is remembered. What these have caused stays for a person to decide; a list that is not at hand withdraws nothing.
async fn name_lists(
    app: &App,
    sources: &[ListSource],
    as_read: (Manifest, Option<String>),
) -> Result<Manifest, RefreshError> {
    let named: BTreeMap<String, Topic> =
        sources.iter().map(|source| (source.id.clone(), source.topic)).collect();
    let is_named = |list: &String| named.contains_key(list);
    let (mut manifest, mut tag) = as_read;
    for _ in 0..TRIES {
        if manifest.named == named && manifest.lists.keys().all(is_named) {
            return Ok(manifest);
        }
        manifest.named = named.clone();
        let out = manifest.lists.extract_if(.., |list, _| !is_named(list));
        let out: Vec<(String, ManifestEntry)> = out.collect();
        manifest.retired.extend(out.into_iter().map(|(list, entry)| (list, entry.extent)));
        manifest.changes.retain(|change| is_named(&change.list));
        let bytes =
            serde_json::to_vec(&manifest).map_err(|source| malformed(&app.manifest_key, source))?;
        if app.bucket.put_if(&app.manifest_key, bytes, tag.as_deref()).await? {
            return Ok(manifest);
        }
        (manifest, tag) = read_manifest(app).await?;
    }
    Err(RefreshError::KeptMoving)
}

type States = BTreeMap<String, BTreeMap<domain::ids::EventId, SweepState>>;

/// Sees to it that the sweeps for these changes are under way. The manifest goes on naming a change until it moves again;
/// once nights enough have passed it begins nothing any more, also when the sweep's progress is forgotten.
async fn begin(app: &App, changes: &[ListChange]) -> Result<States, RefreshError> {
    let mut states = States::new();
    let (delay, now) = (app.sweep_delay_seconds, app.clock.now());
    for change in changes.iter().filter(|change| is_recent(change, now)) {
        let state = ensure(&app.table, &app.queue, change, delay, now).await?;
        states.entry(change.list.clone()).or_default().insert(state.sweep, state);
    }
    Ok(states)
}

fn is_recent(change: &ListChange, now: Timestamp) -> bool {
    now.duration_since(change.made_at) < CHANGES_KEPT
}

/// The later states win; the first failure stays.
fn merge(
    earlier: Result<States, RefreshError>,
    later: Result<States, RefreshError>,
) -> Result<States, RefreshError> {
    let mut merged = earlier?;
    for (list, states) in later? {
        merged.entry(list).or_default().extend(states);
    }
    Ok(merged)
}

/// Refreshes one source; the manifest when it moved.
async fn refresh(
    app: &App,
    asked: ToBeMade<'_>,
) -> Result<(Refreshed, Option<Manifest>), RefreshError> {
    let (source, now) = (asked.source, asked.now);
    let base = asked.last.map(|last| last.index.as_str());
    let made = make(app, asked).await?;
    let (entry, change, rejected_rows, unread, kept) = match made {
        Made::Nothing => return Ok((Refreshed::Unchanged, None)),
        Made::SameEdition(entry) => {
            let moved = publish(app, &source.id, base, entry, None, now).await?;
            return Ok((Refreshed::Unchanged, moved));
        }
        Made::Edition { entry, change, rejected_rows, unread, kept } => {
            (entry, change, rejected_rows, unread, kept)
        }
    };
    let (entities, index) = (entry.extent.entries, entry.index.clone());
    let moved = publish(app, &source.id, base, entry, change, now).await?;
    if moved.is_none() {
        return Ok((Refreshed::Unchanged, None));
    }
    failpoint("watchlist-refresh:after-manifest");
    count(Metric::WatchlistRefreshed, 1);
    Ok((Refreshed::Published { entities, rejected_rows, unread, kept, index }, moved))
}

/// Moves the manifest for one list, on condition that it stands where the list's new entry was made from. `None` when
/// another run has moved that list meanwhile: its edition is as new as this one, and the next run compares with it.
async fn publish(
    app: &App,
    list: &str,
    base: Option<&str>,
    entry: ManifestEntry,
    change: Option<ListChange>,
    now: Timestamp,
) -> Result<Option<Manifest>, RefreshError> {
    for _ in 0..TRIES {
        let (mut manifest, tag) = read_manifest(app).await?;
        if manifest.lists.get(list).map(|entry| entry.index.as_str()) != base {
            return Ok(None);
        }
        manifest.lists.insert(list.to_owned(), entry.clone());
        manifest.retired.remove(list);
        manifest.changes.retain(|change| is_recent(change, now));
        manifest.changes.extend(change.clone());
        let bytes =
            serde_json::to_vec(&manifest).map_err(|source| malformed(&app.manifest_key, source))?;
        if app.bucket.put_if(&app.manifest_key, bytes, tag.as_deref()).await? {
            return Ok(Some(manifest));
        }
    }
    Err(RefreshError::KeptMoving)
}

async fn read_manifest(app: &App) -> Result<(Manifest, Option<String>), RefreshError> {
    match app.bucket.get(&app.manifest_key).await? {
        Some((bytes, tag)) => {
            let manifest = serde_json::from_slice(&bytes)
                .map_err(|source| malformed(&app.manifest_key, source))?;
            Ok((manifest, Some(tag)))
        }
        None => Ok((Manifest::default(), None)),
    }
}

async fn read_sources(app: &App) -> Result<Vec<ListSource>, RefreshError> {
    let (bytes, _) = app
        .bucket
        .get(SOURCES_KEY)
        .await?
        .ok_or_else(|| RefreshError::NoFile(SOURCES_KEY.to_owned()))?;
    let sources: Vec<ListSource> =
        serde_json::from_slice(&bytes).map_err(|source| malformed(SOURCES_KEY, source))?;
    let mut seen = BTreeSet::new();
    match sources.iter().find(|source| !seen.insert(source.id.as_str())) {
        Some(repeated) => Err(RefreshError::RepeatedListId(repeated.id.clone())),
        None => Ok(sources),
    }
}

fn malformed(object: &str, source: serde_json::Error) -> RefreshError {
    RefreshError::Malformed { object: object.to_owned(), source }
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
