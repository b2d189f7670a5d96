//! One S3 bucket: reading, writing, and writing on a condition.
//!
//! Invariant: a conditional write either happened as asked or answers `false`; it never overwrites what somebody else
//! wrote in between (S3 `If-Match` and `If-None-Match`).

use std::pin::Pin;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use crypto::Lazy;

use crate::Clients;

/// S3 did not do it.
#[derive(Debug, thiserror::Error)]
#[error("{object}: {reason}")]
pub struct BucketError {
    /// Which object.
    pub object: String,
    /// S3's code or the transport's words.
    pub reason: String,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// An object being read, as crates that know no S3 take it.
pub type ObjectReading = Pin<Box<dyn Future<Output = Result<Option<Vec<u8>>, BoxError>> + Send>>;

/// A bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    backend: Backend,
}

#[derive(Debug, Clone)]
enum Backend {
    S3 {
        client: Lazy<Client>,
        name: String,
    },
    #[cfg(feature = "test-support")]
    Memory(Arc<memory::Objects>),
}

impl Bucket {
    /// The bucket called `name`, reached through these clients.
    pub fn new(clients: &Clients, name: String) -> Self {
        Self { backend: Backend::S3 { client: clients.s3(), name } }
    }

    /// A bucket in memory.
    #[cfg(feature = "test-support")]
    pub fn in_memory() -> Self {
        Self { backend: Backend::Memory(Arc::default()) }
    }

    /// An object and its entity tag; `None` when there is none.
    ///
    /// # Errors
    /// [`BucketError`].
    pub async fn get(&self, key: &str) -> Result<Option<(Vec<u8>, String)>, BucketError> {
        match &self.backend {
            Backend::S3 { client, name } => get(client, name, key).await,
            #[cfg(feature = "test-support")]
            Backend::Memory(objects) => Ok(objects.get(key)),
        }
    }

    /// Whether there is an object of this key.
    ///
    /// # Errors
    /// [`BucketError`].
    pub async fn has(&self, key: &str) -> Result<bool, BucketError> {
        match &self.backend {
            Backend::S3 { client, name } => {
                match client.head_object().bucket(name).key(key).send().await {
                    Ok(_) => Ok(true),
                    Err(error) => match error.into_service_error() {
                        error if error.is_not_found() => Ok(false),
                        error => Err(failed(key, error.code())),
                    },
                }
            }
            #[cfg(feature = "test-support")]
            Backend::Memory(objects) => Ok(objects.get(key).is_some()),
        }
    }

    /// Writes an object whatever stands there: for names that say what the content is.
    ///
    /// # Errors
    /// [`BucketError`].
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), BucketError> {
        match &self.backend {
            Backend::S3 { client, name } => {
                let put = client.put_object().bucket(name).key(key).body(bytes.into());
                let answer = put.send().await;
                answer.map(drop).map_err(|error| failed(key, error.into_service_error().code()))
            }
            #[cfg(feature = "test-support")]
            Backend::Memory(objects) => {
                objects.put(key, bytes);
                Ok(())
            }
        }
    }

    /// Writes an object when the one that stands there has this entity tag, or when none stands there. Answers whether
    /// it was written.
    ///
    /// # Errors
    /// [`BucketError`].
    pub async fn put_if(
        &self,
        key: &str,
        bytes: Vec<u8>,
        standing: Option<&str>,
    ) -> Result<bool, BucketError> {
        match &self.backend {
            Backend::S3 { client, name } => {
                let put = client.put_object().bucket(name).key(key).body(bytes.into());
                let put = match standing {
                    Some(tag) => put.if_match(tag),
                    None => put.if_none_match("*"),
                };
                match put.send().await {
                    Ok(_) => Ok(true),
                    Err(error) => match error.into_service_error().code() {
                        // The second: another conditional write was under way. The third: what should match is gone.
                        Some("PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey") => {
                            Ok(false)
                        }
                        code => Err(failed(key, code)),
                    },
                }
            }
            #[cfg(feature = "test-support")]
            Backend::Memory(objects) => Ok(objects.put_if(key, bytes, standing)),
        }
    }

    /// This bucket as a function that reads objects.
    pub fn reader(&self) -> Arc<dyn Fn(String) -> ObjectReading + Send + Sync> {
        let bucket = self.clone();
        Arc::new(move |key| {
            let bucket = bucket.clone();
            Box::pin(async move {
                Ok(bucket.get(&key).await.map_err(BoxError::from)?.map(|(bytes, _)| bytes))
            })
        })
    }
}

async fn get(
    client: &Client,
    bucket: &str,
    key: &str,
) -> Result<Option<(Vec<u8>, String)>, BucketError> {
    let answer = match client.get_object().bucket(bucket).key(key).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let error = error.into_service_error();
            return if error.is_no_such_key() { Ok(None) } else { Err(failed(key, error.code())) };
        }
    };
    let tag = answer.e_tag.clone().unwrap_or_else(|| "untagged".to_owned());
    let body = answer
        .body
        .collect()
        .await
        .map_err(|error| BucketError { object: key.to_owned(), reason: error.to_string() })?;
    Ok(Some((body.to_vec(), tag)))
}

fn failed(key: &str, code: Option<&str>) -> BucketError {
    BucketError { object: key.to_owned(), reason: code.unwrap_or("no answer").to_owned() }
}

#[cfg(feature = "test-support")]
mod memory {
    //! Objects with entity tags, as S3 keeps them.

    use std::collections::BTreeMap;
    use std::sync::{Mutex, PoisonError};

    /// Content and entity tag, by key.
    type Held = BTreeMap<String, (Vec<u8>, String)>;

    #[derive(Debug, Default)]
    pub(super) struct Objects(Mutex<(u64, Held)>);

    impl Objects {
        pub(super) fn get(&self, key: &str) -> Option<(Vec<u8>, String)> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).1.get(key).cloned()
        }

        pub(super) fn put(&self, key: &str, bytes: Vec<u8>) {
            let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            held.0 += 1;
            // The same content has the same tag, as in S3.
            let tag = match held.1.get(key) {
                Some((standing, tag)) if *standing == bytes => tag.clone(),
                _ => format!("\"{}\"", held.0),
            };
            held.1.insert(key.to_owned(), (bytes, tag));
        }

        pub(super) fn put_if(&self, key: &str, bytes: Vec<u8>, standing: Option<&str>) -> bool {
            let holds = self.get(key).map(|(_, tag)| tag).as_deref() == standing;
            if holds {
                self.put(key, bytes);
            }
            holds
        }
    }
}
