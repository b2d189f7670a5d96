//! Making a list's edition: compiled, tested, compared with the one before, and written, but not yet in force.

use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;
use std::time::Instant;

use compliance::{ListChange, ListDelta, ManifestEntry, Unread, delta_key, index_key};
use jiff::Timestamp;
use runtime::failpoint;
use screening::{
    Config, ENGINE_VERSION, Entity, EntityType, Format, Index, ListEdition, ListInfo, Lost, Parsed,
    Source, Topic, compile, parse, self_test, sha256_hex, sha256_hex_of,
};

use super::fetch::fetch;
use super::{App, ListSource, RefreshError, malformed};

/// What became of a source's files.
pub(super) enum Made {
    /// They are the ones of the edition in force.
    Nothing,
    /// They are others, or the engine is; the edition is the same.
    SameEdition(ManifestEntry),
    /// A new edition is written.
    Edition {
        entry: ManifestEntry,
        /// Absent when no entry differs.
        change: Option<ListChange>,
        rejected_rows: usize,
        /// Entries that stand as they were last read, because their row, or one that may be theirs, cannot be read.
        kept: usize,
    },
}

/// What a source is made anew from.
pub(super) struct Asked<'a> {
    pub(super) source: &'a ListSource,
    /// The edition in force.
    pub(super) last: Option<&'a ManifestEntry>,
    /// Whether a person knows that the list has become smaller.
    pub(super) accepted: bool,
    /// When the source's share of the time is used up.
    pub(super) until: Instant,
    pub(super) now: Timestamp,
}

/// Fetches, compiles, tests and writes one source.
pub(super) async fn make(app: &App, asked: Asked<'_>) -> Result<Made, RefreshError> {
    let Asked { source, last, accepted, until, now } = asked;
    // The star stands for hits that are kept under no list's name.
    if source.id.is_empty() || source.id.contains('/') || source.id == "*" {
        return Err(RefreshError::ListId(source.id.clone()));
    }
    let format = Format::parse(&source.format)
        .ok_or_else(|| RefreshError::UnknownFormat(source.format.clone()))?;
    let engine = engine()?;
    let tested = last.is_some_and(|last| last.engine.as_deref() == Some(engine));
    // Unchanged files matter only while the edition that was made of them can be used.
    let usable = match last {
        Some(last) if tested && app.bucket.has(&index_key(&last.index)).await? => Some(last),
        Some(last) if !tested && passes(app, &last.index).await? => Some(last),
        _ => None,
    };
    let Some((files, tags)) = fetch(app, source, usable, until).await? else {
        return Ok(match usable.filter(|_| !tested) {
            Some(last) => {
                let engine = Some(engine.to_owned());
                Made::SameEdition(ManifestEntry { engine, ..last.clone() })
            }
            None => Made::Nothing,
        });
    };
    let source_hash = source_hash(&files);
    let sources: Vec<Source<'_>> =
        files.iter().map(|(name, bytes)| Source::new(name, bytes)).collect();
    let mut parsed = parse(format, &sources)?;
    drop(files);
    let before = match last {
        Some(last) => open(app, &last.index).await?.map(|index| (last, index)),
        None => None,
    };
    if let Some(last) = last.filter(|_| !accepted) {
        parsed.check_against(&last.extent)?;
    }
    let rejected_rows = parsed.rejected.len();
    let held = parsed.entities.len();
    let known = before.as_ref().filter(|_| !accepted);
    let unread = keep_unread(&source.id, &mut parsed, known)?;
    let kept = parsed.entities.len() - held;
    let (extent, edition) = (parsed.extent(), parsed.edition.take());
    let info = ListInfo::new(&source.id, &source.name, source.topic);
    let bytes = compile(&[ListEdition { info, entities: parsed.entities }])?;
    let name = sha256_hex(&bytes);
    let index = Index::from_bytes(bytes.clone())?;
    let test = self_test(&index, &Config::default());
    if !test.passed() {
        let (found, missed, tried) = (test.found, test.missed.len(), test.tried);
        return Err(RefreshError::SelfTest { found, missed, tried });
    }
    app.bucket.put(&index_key(&name), bytes).await?;
    failpoint("watchlist-refresh:after-index");
    let entry = ManifestEntry {
        index: name.clone(),
        extent,
        edition,
        source_hash: Some(source_hash),
        sources: tags,
        unread,
        made_at: now,
        engine: Some(engine.to_owned()),
    };
    if let Some(last) = last.filter(|last| last.index == name) {
        return Ok(Made::SameEdition(ManifestEntry { made_at: last.made_at, ..entry }));
    }
    let before = before.as_ref().map(|(last, index)| (last.index.as_str(), index));
    let change = compare(app, source, before, (&name, &index), now).await?;
    failpoint("watchlist-refresh:after-delta");
    Ok(Made::Edition { entry, change, rejected_rows, kept })
}

/// Names the files together, whatever order they were fetched in.
fn source_hash(files: &[(String, Vec<u8>)]) -> String {
    let mut ordered: Vec<&(String, Vec<u8>)> = files.iter().collect();
    ordered.sort_by(|one, other| one.0.cmp(&other.0));
    sha256_hex_of(ordered.into_iter().map(|(_, bytes)| bytes.as_slice()))
}

/// Adds the entries of the edition before whose rows cannot be read now: a misprint removes nobody from a list. Where a row
/// does not even say which entry it is of, every entry that is missing may be the one, until that row is gone or read.
fn keep_unread(
    list: &str,
    parsed: &mut Parsed,
    before: Option<&(&ManifestEntry, Index)>,
) -> Result<Unread, RefreshError> {
    let mut rows = BTreeSet::new();
    let mut named = BTreeSet::new();
    for row in &parsed.rejected {
        match &row.lost {
            Lost::Entry(uid) => {
                named.insert(uid.as_str());
            }
            Lost::SomeEntry => {
                rows.insert(row.digest.clone());
            }
            Lost::Nothing => {}
        }
    }
    let Some((last, index)) = before.filter(|_| !(rows.is_empty() && named.is_empty())) else {
        return Ok(Unread { rows, kept: BTreeSet::new() });
    };
    let there: HashSet<&str> = parsed.entities.iter().map(|entity| entity.uid.as_str()).collect();
    let missing = index.uids(list).filter(|uid| !there.contains(uid));
    let is_new = rows.difference(&last.unread.rows).next().is_some();
    let is_doubtful = |uid: &str| is_new || (!rows.is_empty() && last.unread.kept.contains(uid));
    let (mut kept, mut again) = (BTreeSet::new(), Vec::new());
    for uid in missing {
        let doubtful = is_doubtful(uid);
        if doubtful {
            kept.insert(uid.to_owned());
        }
        if doubtful || named.contains(uid) {
            let entity = index.entity(list, uid);
            again.push(entity.ok_or_else(|| RefreshError::LastEdition(uid.to_owned()))?);
        }
    }
    parsed.entities.extend(again);
    Ok(Unread { rows, kept })
}

/// Writes what differs from the edition in force. Everything does when there is none that this engine reads.
async fn compare(
    app: &App,
    source: &ListSource,
    before: Option<(&str, &Index)>,
    (to, index): (&str, &Index),
    now: Timestamp,
) -> Result<Option<ListChange>, RefreshError> {
    let delta = match &before {
        None => ListDelta::first(&source.id, to, index.entity_count() as u64),
        Some((from, before)) => {
            let found = ListDelta::between(&source.id, (from, before), (to, index))?;
            let Some((delta, bytes)) = found else { return Ok(None) };
            if let (Some(name), Some(bytes)) = (&delta.index, bytes) {
                app.bucket.put(&index_key(name), bytes).await?;
            }
            delta
        }
    };
    let bytes = serde_json::to_vec(&delta).map_err(|source| malformed("the delta", source))?;
    let name = sha256_hex(&bytes);
    app.bucket.put(&delta_key(&name), bytes).await?;
    Ok(Some(ListChange {
        list: delta.list,
        from: delta.from,
        to: delta.to,
        delta: name,
        made_at: now,
    }))
}

/// An index of the bucket; `None` when it is not there, is not what its name says, or is another engine's.
async fn open(app: &App, name: &str) -> Result<Option<Index>, RefreshError> {
    let found = app.bucket.get(&index_key(name)).await?;
    let whole = found.map(|(bytes, _)| bytes).filter(|bytes| sha256_hex(bytes) == name);
    Ok(whole.and_then(|bytes| Index::from_bytes(bytes).ok()))
}

/// Whether this build's engine opens an index and finds its names.
async fn passes(app: &App, name: &str) -> Result<bool, RefreshError> {
    let index = open(app, name).await?;
    Ok(index.is_some_and(|index| self_test(&index, &Config::default()).passed()))
}

/// Names this build's engine: its version, its configuration, and the bytes that it compiles a list of one entry to, which
/// carry the index's layout and the hash of the word tables.
fn engine() -> Result<&'static str, RefreshError> {
    static NAME: OnceLock<String> = OnceLock::new();
    if let Some(name) = NAME.get() {
        return Ok(name);
    }
    let info = ListInfo::new("probe", "Probe", Topic::Sanctions);
    let entities = vec![Entity::new("1", EntityType::Person, "Probe")];
    let mut bytes = compile(&[ListEdition { info, entities }])?;
    bytes.extend_from_slice(ENGINE_VERSION.as_bytes());
    bytes.extend_from_slice(Config::default().version.as_bytes());
    Ok(NAME.get_or_init(|| sha256_hex(&bytes)))
}
