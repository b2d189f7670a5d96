//! Tables that are read at run time: from an S3 object, from a file beside the function, or packaged with it.
//!
//! Invariant: what is in use was read whole. A place that does not answer, a table that is refused and one that is far
//! smaller than the one in use all leave the one in use in its place; only a process that never read one fails.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use crypto::BoxError;
use jiff::{SignedDuration, Timestamp};
use runtime::{Clients, Metric, count, note};

/// How long a table is used without looking for a newer one.
const BELIEVED: SignedDuration = SignedDuration::from_secs(300);

/// Vocalink's table has 90 kB; a directory of every branch a few megabytes.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Where a text is.
#[derive(Debug, Clone)]
pub enum TextPlace {
    /// Part of the program.
    Packaged(&'static str),
    /// A file that was deployed with the function.
    File(PathBuf),
    /// An S3 object.
    Object {
        /// The clients it is read with.
        clients: Clients,
        /// Its bucket.
        bucket: String,
        /// Its key.
        key: String,
    },
}

/// Why there is no table.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The place did not give it.
    #[error("{place}: {reason}")]
    Unavailable {
        /// The object's key or the file's path.
        place: String,
        /// S3's code or the system's words.
        reason: String,
    },
    /// It is not what it should be.
    #[error("the table is refused: {0}")]
    Refused(#[source] BoxError),
    /// It has lost more than a tenth of its rows.
    #[error("the table has {read} rows where {held} are in use")]
    Shrunk {
        /// Rows of the one in use.
        held: usize,
        /// Rows of the new one.
        read: usize,
    },
}

impl TextPlace {
    /// The text and the tag of this edition of it; `None` when it still is the edition `known`.
    async fn fetch(&self, known: Option<&str>) -> Result<Option<(Vec<u8>, String)>, SourceError> {
        match self {
            Self::Packaged(_) if known.is_some() => Ok(None),
            Self::Packaged(text) => Ok(Some((text.as_bytes().to_vec(), "packaged".to_owned()))),
            Self::File(path) => from_file(path, known),
            Self::Object { clients, bucket, key } => {
                from_s3(&clients.s3(), bucket, key, known).await
            }
        }
    }
}

fn from_file(
    path: &PathBuf,
    known: Option<&str>,
) -> Result<Option<(Vec<u8>, String)>, SourceError> {
    let unavailable = |error: std::io::Error| SourceError::Unavailable {
        place: path.display().to_string(),
        reason: error.to_string(),
    };
    let facts = std::fs::metadata(path).map_err(unavailable)?;
    let changed = facts.modified().map_err(unavailable)?.duration_since(UNIX_EPOCH);
    let tag = format!("{:?} {}", changed.ok(), facts.len());
    if known == Some(tag.as_str()) {
        return Ok(None);
    }
    Ok(Some((std::fs::read(path).map_err(unavailable)?, tag)))
}

async fn from_s3(
    client: &Client,
    bucket: &str,
    key: &str,
    known: Option<&str>,
) -> Result<Option<(Vec<u8>, String)>, SourceError> {
    let unavailable = |reason: &str| SourceError::Unavailable {
        place: key.to_owned(),
        reason: reason.to_owned(),
    };
    let get = client.get_object().bucket(bucket).key(key);
    let answer = match get.set_if_none_match(known.map(str::to_owned)).send().await {
        Ok(answer) => answer,
        Err(error) => {
            // "Not modified" is an error to the client, because it is no object.
            if error.raw_response().is_some_and(|raw| raw.status().as_u16() == 304) {
                return Ok(None);
            }
            return Err(unavailable(error.into_service_error().code().unwrap_or("no answer")));
        }
    };
    let length = answer.content_length().and_then(|length| usize::try_from(length).ok());
    if length.is_none_or(|length| length > MAX_BYTES) {
        return Err(unavailable("the object is too large"));
    }
    let tag = answer.e_tag().unwrap_or("untagged").to_owned();
    let body = answer.body.collect().await.map_err(|error| unavailable(&error.to_string()))?;
    Ok(Some((body.to_vec(), tag)))
}

/// The edition in use goes on; an operator must know that it is not the newest.
fn report(error: &SourceError) {
    count(Metric::BankTablesRefused, 1);
    note("bank_table_refused", error.to_string());
    tracing::warn!(error = %error, "a table of the bank checks is not taken over");
}

struct Held<T> {
    value: Arc<T>,
    tags: Vec<String>,
    looked_at: Timestamp,
}

/// Reads a value out of the bytes of each place.
type Read<T> = fn(&[Vec<u8>]) -> Result<T, BoxError>;

/// A value made of one or more texts, kept in the process and looked up again every five minutes.
pub struct Source<T> {
    places: Vec<TextPlace>,
    read: Read<T>,
    rows: fn(&T) -> usize,
    report: fn(&SourceError),
    held: Mutex<Option<Held<T>>>,
}

impl<T> Source<T> {
    /// A source that has read nothing yet.
    #[must_use]
    pub const fn new(places: Vec<TextPlace>, read: Read<T>, rows: fn(&T) -> usize) -> Self {
        Self { places, read, rows, report, held: Mutex::new(None) }
    }

    /// The value to use now. Costs nothing within five minutes, and one conditional read of each place after them.
    ///
    /// # Errors
    /// [`SourceError`] when nothing was ever read and nothing can be.
    pub async fn current(&self, now: Timestamp) -> Result<Arc<T>, SourceError> {
        let known = {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            match &*held {
                Some(held) if now.duration_since(held.looked_at) < BELIEVED => {
                    return Ok(Arc::clone(&held.value));
                }
                Some(held) => Some((Arc::clone(&held.value), held.tags.clone())),
                None => None,
            }
        };
        match (self.newest(known.as_ref()).await, known) {
            (Ok(Some((value, tags))), _) => Ok(self.hold(Arc::new(value), tags, now)),
            (Ok(None), Some((value, tags))) => Ok(self.hold(value, tags, now)),
            (Err(error), Some((value, tags))) => {
                (self.report)(&error);
                Ok(self.hold(value, tags, now))
            }
            (Ok(None), None) => Err(SourceError::Refused("nothing to read".into())),
            (Err(error), None) => {
                (self.report)(&error);
                Err(error)
            }
        }
    }

    fn hold(&self, value: Arc<T>, tags: Vec<String>, looked_at: Timestamp) -> Arc<T> {
        let held = Held { value: Arc::clone(&value), tags, looked_at };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        value
    }

    /// The newest edition, or `None` when it is the one in use.
    async fn newest(
        &self,
        known: Option<&(Arc<T>, Vec<String>)>,
    ) -> Result<Option<(T, Vec<String>)>, SourceError> {
        let mut found = Vec::with_capacity(self.places.len());
        for (index, place) in self.places.iter().enumerate() {
            let tag = known.and_then(|(_, tags)| tags.get(index)).map(String::as_str);
            found.push(place.fetch(tag).await?);
        }
        if found.iter().all(Option::is_none) {
            return Ok(None);
        }
        // The texts belong together: when one has changed, all are read.
        let (mut texts, mut tags) = (Vec::new(), Vec::new());
        for (place, found) in self.places.iter().zip(found) {
            let whole = match found {
                Some(whole) => Some(whole),
                None => place.fetch(None).await?,
            };
            let Some((text, tag)) = whole else { return Ok(None) };
            texts.push(text);
            tags.push(tag);
        }
        let value = (self.read)(&texts).map_err(SourceError::Refused)?;
        if let Some((held, _)) = known {
            let (held, read) = ((self.rows)(held), (self.rows)(&value));
            if read < held - held / 10 {
                return Err(SourceError::Shrunk { held, read });
            }
        }
        Ok(Some((value, tags)))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_types::region::Region;

    use super::*;
    use crate::bank::testing::{Act, Server};

    fn lines(path: &std::path::Path) -> Source<Vec<String>> {
        Source::new(
            vec![TextPlace::File(path.to_owned()), TextPlace::Packaged("fixed\n")],
            |texts| {
                let text = String::from_utf8(texts.concat())?;
                if text.contains("wrong") {
                    return Err("wrong".into());
                }
                Ok(text.lines().map(str::to_owned).collect())
            },
            Vec::len,
        )
    }

    #[tokio::test]
    async fn a_table_is_kept_until_a_better_one_is_there() {
        let path = std::env::temp_dir().join(format!("gatehouse-source-{}", std::process::id()));
        fs::write(&path, "1\n2\n").unwrap();
        let source = lines(&path);
        let start: Timestamp = "2026-01-25T10:00:00Z".parse().unwrap();
        let at = |seconds| start + SignedDuration::from_secs(seconds);
        let now = async |seconds| source.current(at(seconds)).await.unwrap().join(" ");
        assert_eq!(now(0).await, "1 2 fixed");
        fs::write(&path, "1\n2\n3\n").unwrap();
        assert_eq!(now(299).await, "1 2 fixed", "believed for five minutes");
        assert_eq!(now(300).await, "1 2 3 fixed");
        for (seconds, bad) in [(900, "wrong 1\n2\n3\n4\n"), (1_300, "1\n")] {
            fs::write(&path, bad).unwrap();
            assert_eq!(now(seconds).await, "1 2 3 fixed", "{bad}");
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(now(1_700).await, "1 2 3 fixed");
        let first = lines(&path).current(at(0)).await;
        assert!(matches!(first, Err(SourceError::Unavailable { .. })), "{first:?}");
    }

    #[tokio::test]
    async fn a_table_that_is_not_taken_over_is_reported() {
        static REPORTED: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
        let path = std::env::temp_dir().join(format!("gatehouse-report-{}", std::process::id()));
        fs::write(&path, "1\n2\n").unwrap();
        let mut source = lines(&path);
        source.report = |error| REPORTED.lock().unwrap().push(error.to_string());
        let start: Timestamp = "2026-01-25T10:00:00Z".parse().unwrap();
        for (round, text) in ["1\n2\n", "1\n2\n3\n", "wrong\n", "\n"].into_iter().enumerate() {
            fs::write(&path, text).unwrap();
            let now = start + SignedDuration::from_secs(300 * i64::try_from(round).unwrap());
            source.current(now).await.unwrap();
        }
        fs::remove_file(&path).unwrap();
        source.current(start + SignedDuration::from_hours(1)).await.unwrap();
        let reported = REPORTED.lock().unwrap().clone();
        assert_eq!(
            reported[..2],
            ["the table is refused: wrong", "the table has 2 rows where 4 are in use"]
        );
        assert!(reported[2].contains("No such file") && reported.len() == 3, "{reported:?}");
    }

    #[tokio::test]
    async fn the_first_table_must_be_right() {
        let path = std::env::temp_dir().join(format!("gatehouse-first-{}", std::process::id()));
        fs::write(&path, "wrong\n").unwrap();
        let refused = lines(&path).current(Timestamp::UNIX_EPOCH).await;
        assert!(matches!(refused, Err(SourceError::Refused(_))), "{refused:?}");
        fs::remove_file(&path).unwrap();
    }

    /// S3 as far as one object of it goes.
    fn client(url: &str) -> Client {
        let credentials = Credentials::new("id", "secret", None, None, "test");
        let config = aws_sdk_s3::config::Builder::from(Clients::new().config())
            .endpoint_url(url)
            .region(Region::new("eu-west-2"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .force_path_style(true)
            .build();
        Client::from_conf(config)
    }

    #[tokio::test]
    async fn an_object_is_read_again_only_when_its_tag_has_changed() {
        let server = Server::start(vec![
            Act::Answer(200, b"1\n".to_vec(), "etag: \"a\"\r\n"),
            Act::Answer(304, Vec::new(), "etag: \"a\"\r\n"),
            Act::Answer(404, b"<Error><Code>NoSuchKey</Code></Error>".to_vec(), ""),
        ]);
        let client = client(&server.url);
        let get = async |known| from_s3(&client, "tables", "modulus/w.txt", known).await;
        assert_eq!(get(None).await.unwrap(), Some((b"1\n".to_vec(), "\"a\"".to_owned())));
        assert_eq!(get(Some("\"a\"")).await.unwrap(), None);
        let error = get(None).await.unwrap_err();
        assert_eq!(error.to_string(), "modulus/w.txt: NoSuchKey");
        let arrived = server.arrived();
        assert!(arrived[0].line.starts_with("GET /tables/modulus/w.txt"), "{}", arrived[0].line);
        let asked = |number: usize| arrived[number].headers.get("if-none-match").cloned();
        assert_eq!((asked(0), asked(1)), (None, Some("\"a\"".to_owned())));
    }
}
