//! A source's files, by conditional requests, within the source's share of the run's time.
//!
//! A download that ends before its `Content-Length` is an error of the client below; what a server cuts without stating a
//! length, the list's parser notices where the format allows it.

use std::collections::BTreeMap;
use std::time::Instant;

use compliance::ManifestEntry;
use screening::sha256_hex;

use super::{App, FileSource, ListSource, RefreshError};

/// The largest published list is the one of politically exposed persons, some 700 000 rows of 250 bytes.
const MAX_FILE_BYTES: usize = 512 * 1024 * 1024;

pub(super) type Files = Vec<(String, Vec<u8>)>;

/// All files of a source with what identifies their content; `None` when nothing changed. A file that is unchanged while
/// another changed is fetched again without a condition, since the last copy is not kept.
pub(super) async fn fetch(
    app: &App,
    source: &ListSource,
    last: Option<&ManifestEntry>,
    until: Instant,
) -> Result<Option<(Files, BTreeMap<String, String>)>, RefreshError> {
    let (mut files, mut tags, mut unchanged) = (Vec::new(), BTreeMap::new(), Vec::new());
    for file in &source.files {
        let known = last.and_then(|last| last.sources.get(&file.name)).map(String::as_str);
        match fetch_one(app, file, known, until).await? {
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
                let fetched = fetch_one(app, file, None, until).await?;
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
    until: Instant,
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
    let left = until.saturating_duration_since(Instant::now());
    let fetched = app
        .https
        .get_following(&file.location, &condition, MAX_FILE_BYTES, left)
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
