//! Making a list's edition: compiled, tested, compared with the one before, and written, but not yet in force.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;
use std::time::Instant;

use compliance::{
    ListChange, ListDelta, ManifestEntry, Origin, Unread, delta_key, index_key, origin_key,
};
use jiff::Timestamp;
use runtime::{Metric, count, failpoint, note};
use screening::{
    Config, ENGINE_VERSION, Entity, EntityType, Extent, Format, Index, ListEdition, ListInfo, Lost,
    Parsed, RejectedRow, Source, Topic, compile, parse, self_test, sha256_hex, sha256_hex_of,
};

use super::fetch::fetch;
use super::{App, ListSource, RefreshError, SOURCES_KEY, malformed};

/// How many unreadable rows are reported each.
const MOST_LINES: usize = 20;

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
        /// File, line and reason of the first of these.
        unread: Vec<String>,
        /// Entries that stand as they were last read, or with the names of then, because a row that is theirs or may be
        /// cannot be read.
        kept: usize,
    },
}

/// What a source is made anew from.
pub(super) struct Asked<'a> {
    pub(super) source: &'a ListSource,
    /// The edition in force.
    pub(super) last: Option<&'a ManifestEntry>,
    /// How much the list held when it was taken out, if it was.
    pub(super) retired: Option<&'a Extent>,
    /// Whether a person knows that the list has become smaller.
    pub(super) accepted: bool,
    /// When the source's share of the time is used up.
    pub(super) until: Instant,
    pub(super) now: Timestamp,
}

/// Fetches, compiles, tests and writes one source.
pub(super) async fn make(app: &App, asked: Asked<'_>) -> Result<Made, RefreshError> {
    let Asked { source, last, retired, accepted, until, now } = asked;
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
    let described = described(source)?;
    // Said of the same files, another topic or format is another list.
    let said_otherwise =
        last.and_then(|last| last.described.as_ref()).is_some_and(|before| *before != described);
    let unchanged = usable.filter(|_| !said_otherwise);
    let Some((files, tags)) = fetch(app, source, unchanged, until).await? else {
        let is_noted = |last: &ManifestEntry| tested && last.described.is_some();
        return Ok(match usable.filter(|last| !is_noted(last)) {
            Some(last) => {
                let (engine, described) = (Some(engine.to_owned()), Some(described));
                Made::SameEdition(ManifestEntry { engine, described, ..last.clone() })
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
    let rejected_rows = parsed.rejected.len();
    let lines = report_unread(&source.id, &parsed.rejected);
    if let Some(extent) = last.map(|last| &last.extent).or(retired).filter(|_| !accepted) {
        parsed.check_against(extent)?;
    }
    // Whom an unreadable row was of, only the edition in force could say.
    let is_lost = parsed.rejected.iter().any(|row| row.lost != Lost::Nothing);
    if is_lost && last.is_some() && before.is_none() && !accepted {
        return Err(RefreshError::Unread(rejected_rows));
    }
    let known = before.as_ref().filter(|_| !accepted);
    let (unread, kept) = keep_unread(&source.id, &mut parsed, known)?;
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
        described: Some(described),
        index: name.clone(),
        extent,
        edition,
        source_hash: Some(source_hash),
        sources: tags,
        unread,
        made_at: now,
        engine: Some(engine.to_owned()),
    };
    let origin = Origin { list: source.id.clone(), entry: entry.clone() };
    let bytes = serde_json::to_vec(&origin).map_err(|source| malformed("the origin", source))?;
    // Once written it stays; another edition of the same content changes nothing about the first.
    app.bucket.put_if(&origin_key(&name), bytes, None).await?;
    if let Some(last) = last.filter(|last| last.index == name) {
        return Ok(Made::SameEdition(ManifestEntry { made_at: last.made_at, ..entry }));
    }
    let before = before.as_ref().filter(|_| !said_otherwise);
    let before = before.map(|(last, index)| (last.index.as_str(), index));
    let change = compare(app, source, before, (&name, &index), now).await?;
    failpoint("watchlist-refresh:after-delta");
    Ok(Made::Edition { entry, change, rejected_rows, unread: lines, kept })
}

/// Names the files together, whatever order they were fetched in.
fn source_hash(files: &[(String, Vec<u8>)]) -> String {
    let mut ordered: Vec<&(String, Vec<u8>)> = files.iter().collect();
    ordered.sort_by(|one, other| one.0.cmp(&other.0));
    sha256_hex_of(ordered.into_iter().map(|(_, bytes)| bytes.as_slice()))
}

/// What the list of sources says of a list, as a digest.
fn described(source: &ListSource) -> Result<String, RefreshError> {
    let bytes = serde_json::to_vec(source).map_err(|source| malformed(SOURCES_KEY, source))?;
    Ok(sha256_hex(&bytes))
}

/// Says which rows cannot be read: file, line and reason of the first of them.
fn report_unread(list: &str, rejected: &[RejectedRow]) -> Vec<String> {
    let line = |row: &RejectedRow| format!("{}:{}: {}", row.file, row.line, row.reason);
    let lines: Vec<String> = rejected.iter().take(MOST_LINES).map(line).collect();
    if !lines.is_empty() {
        count(Metric::WatchlistRowsUnread, rejected.len() as u64);
        note("watchlist_unread", format!("{list}: {}", lines.join("; ")));
    }
    lines
}

/// Adds the entries of the edition before whose rows cannot be read now, and the names that the others have lost with such
/// a row: a misprint removes nobody from a list. Where a row does not even say which entry it is of, every entry that is
/// missing or has fewer names may be the one, until that row is gone or read. Answers also how many entries were added or
/// completed.
fn keep_unread(
    list: &str,
    parsed: &mut Parsed,
    before: Option<&(&ManifestEntry, Index)>,
) -> Result<(Unread, usize), RefreshError> {
    let mut rows = BTreeSet::new();
    let mut named = BTreeSet::new();
    for row in &parsed.rejected {
        match &row.lost {
            Lost::Entry(uid) => {
                named.insert(uid.clone());
            }
            Lost::SomeEntry => {
                rows.insert(row.digest.clone());
            }
            Lost::Nothing => {}
        }
    }
    let Some((last, index)) = before.filter(|_| !(rows.is_empty() && named.is_empty())) else {
        return Ok((Unread { rows, kept: BTreeSet::new() }, 0));
    };
    let there: HashMap<String, usize> =
        (parsed.entities.iter().enumerate()).map(|(at, entity)| (entity.uid.clone(), at)).collect();
    let is_new = rows.difference(&last.unread.rows).next().is_some();
    let is_doubtful = |uid: &str| is_new || (!rows.is_empty() && last.unread.kept.contains(uid));
    let (mut kept, mut changed) = (BTreeSet::new(), 0);
    for uid in index.uids(list) {
        let doubtful = is_doubtful(uid);
        if !doubtful && !named.contains(uid) {
            continue;
        }
        let known = index.entity(list, uid);
        let known = known.ok_or_else(|| RefreshError::LastEdition(uid.to_owned()))?;
        let is_kept = match there.get(uid).and_then(|at| parsed.entities.get_mut(*at)) {
            Some(entity) => {
                let names = entity.names.len();
                for name in &known.names {
                    entity.add_name(&name.text, name.kind);
                }
                entity.names.len() > names
            }
            None => {
                parsed.entities.push(known);
                true
            }
        };
        if is_kept {
            changed += 1;
            if doubtful {
                kept.insert(uid.to_owned());
            }
        }
    }
    Ok((Unread { rows, kept }, changed))
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
