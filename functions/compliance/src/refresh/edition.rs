//! Making a list's edition: compiled, tested, compared with the one before, and written, but not yet in force.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use compliance::{ListChange, ListDelta, ManifestEntry, delta_key, index_key};
use jiff::Timestamp;
use runtime::failpoint;
use screening::{
    Config, ENGINE_VERSION, Entity, EntityType, Extent, Format, Index, ListEdition, ListInfo,
    Source, Topic, compile, parse, self_test, sha256_hex,
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
    },
}

/// Fetches, compiles, tests and writes one source. `accepted` says that a person knows that the list has become smaller.
pub(super) async fn make(
    app: &App,
    source: &ListSource,
    last: Option<&ManifestEntry>,
    accepted: bool,
    now: Timestamp,
) -> Result<Made, RefreshError> {
    if source.id.is_empty() || source.id.contains('/') {
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
    let Some((files, tags)) = fetch(app, source, usable).await? else {
        return Ok(match usable.filter(|_| !tested) {
            Some(last) => {
                let engine = Some(engine.to_owned());
                Made::SameEdition(ManifestEntry { engine, ..last.clone() })
            }
            None => Made::Nothing,
        });
    };
    let sources: Vec<Source<'_>> =
        files.iter().map(|(name, bytes)| Source::new(name, bytes)).collect();
    let parsed = parse(format, &sources)?;
    if let Some(last) = last.filter(|_| !accepted) {
        let entries = Extent { entries: last.entities, ..Extent::default() };
        parsed.check_against(&last.extent.unwrap_or(entries))?;
    }
    let (extent, rejected_rows) = (parsed.extent(), parsed.rejected.len());
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
    let entry = entry_of(&name, extent, tags, engine, now);
    if let Some(last) = last.filter(|last| last.index == name) {
        return Ok(Made::SameEdition(ManifestEntry { made_at: last.made_at, ..entry }));
    }
    let change = compare(app, source, last, (&name, &index), now).await?;
    failpoint("watchlist-refresh:after-delta");
    Ok(Made::Edition { entry, change, rejected_rows })
}

fn entry_of(
    index: &str,
    extent: Extent,
    sources: BTreeMap<String, String>,
    engine: &str,
    made_at: Timestamp,
) -> ManifestEntry {
    ManifestEntry {
        index: index.to_owned(),
        entities: extent.entries,
        extent: Some(extent),
        sources,
        made_at,
        engine: Some(engine.to_owned()),
    }
}

/// Writes what differs from the edition in force. Everything does when there is none that this engine reads.
async fn compare(
    app: &App,
    source: &ListSource,
    last: Option<&ManifestEntry>,
    (to, index): (&str, &Index),
    now: Timestamp,
) -> Result<Option<ListChange>, RefreshError> {
    let before = match last {
        Some(last) => {
            let found = app.bucket.get(&index_key(&last.index)).await?;
            let open = found.and_then(|(bytes, _)| Index::from_bytes(bytes).ok());
            open.map(|open| (last.index.as_str(), open))
        }
        None => None,
    };
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

/// Whether this build's engine opens an index and finds its names.
async fn passes(app: &App, name: &str) -> Result<bool, RefreshError> {
    let found = app.bucket.get(&index_key(name)).await?;
    let open = found.and_then(|(bytes, _)| Index::from_bytes(bytes).ok());
    Ok(open.is_some_and(|index| self_test(&index, &Config::default()).passed()))
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
