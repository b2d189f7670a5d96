//! What the tests of this crate stand on: a key service that really signs, an empty database, a clock that obeys.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aws_lc_rs::digest::{Digest, SHA256};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use crypto::KeyRing;
use crypto::test_support::MemoryWrapper;
use domain::time::{FixedClock, SequenceRandom};
use http_api::Request;
use serde_json::{Value, json};
use store::DataKeyTable;
use store::clients::Clients;
use store::testing::TestDatabase;

use crate::keys::signing::{KeyError, SigningKeys};

/// Signs as KMS does, with keys that live here.
pub struct FakeKms {
    keys: BTreeMap<String, EcdsaKeyPair>,
    broken: AtomicBool,
    /// How many signatures were made.
    pub signed: AtomicUsize,
    /// How many public keys were asked for.
    pub asked: AtomicUsize,
}

impl FakeKms {
    pub fn with_keys(names: &[&str]) -> Self {
        let keys = names
            .iter()
            .map(|name| {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
                ((*name).to_owned(), pair)
            })
            .collect();
        Self {
            keys,
            broken: AtomicBool::default(),
            signed: AtomicUsize::default(),
            asked: AtomicUsize::default(),
        }
    }

    pub fn break_down(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }

    pub fn spki(&self, name: &str) -> Vec<u8> {
        self.keys[name].public_key().as_der().unwrap().as_ref().to_vec()
    }

    fn key(&self, name: &str) -> Result<&EcdsaKeyPair, KeyError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(KeyError::Unavailable("down".into()));
        }
        self.keys.get(name).ok_or_else(|| KeyError::Gone(name.to_owned()))
    }
}

type Pending<'a, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, KeyError>> + Send + 'a>>;

impl SigningKeys for FakeKms {
    fn sign<'a>(&'a self, key: &'a str, digest: [u8; 32]) -> Pending<'a, Vec<u8>> {
        Box::pin(async move {
            self.signed.fetch_add(1, Ordering::SeqCst);
            let digest = Digest::import_less_safe(&digest, &SHA256).unwrap();
            Ok(self.key(key)?.sign_digest(&digest).unwrap().as_ref().to_vec())
        })
    }

    fn public_key<'a>(&'a self, key: &'a str) -> Pending<'a, Vec<u8>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.key(key)?;
            Ok(self.spki(key))
        })
    }
}

/// One deployment with two live signing keys.
pub struct House {
    pub database: TestDatabase,
    pub clients: Clients,
    pub kms: Arc<FakeKms>,
    pub wrapper: Arc<MemoryWrapper>,
    pub clock: Arc<FixedClock>,
    pub random: Arc<SequenceRandom>,
}

impl House {
    pub fn new() -> Self {
        let database = TestDatabase::new();
        let clients = Clients::new(database.auth());
        Self {
            database,
            clients,
            kms: Arc::new(FakeKms::with_keys(&["current", "former"])),
            wrapper: Arc::default(),
            clock: Arc::new(FixedClock::at_text("2026-03-01T09:00:00Z")),
            random: Arc::default(),
        }
    }

    pub fn signing_key_ids(&self) -> Vec<String> {
        ["current", "former"].map(str::to_owned).to_vec()
    }

    pub fn issuer(&self) -> String {
        "https://gatehouse.test".to_owned()
    }

    pub fn audience(&self) -> String {
        "https://api.gatehouse.test/".to_owned()
    }

    /// A key ring of its own, as every function has one.
    pub fn ring(&self) -> Arc<KeyRing> {
        let stored = Arc::new(DataKeyTable::new(self.database.auth()));
        let (clock, random) = (self.clock.clone(), self.random.clone());
        Arc::new(KeyRing::new(self.wrapper.clone(), stored, clock, random))
    }
}

fn request(event: Value, function: &str) -> Request {
    Request::from_event(serde_json::from_value(event).unwrap(), function).unwrap()
}

/// A GET without anything.
pub fn get(path: &str, function: &str) -> Request {
    request(json!({ "resource": path, "httpMethod": "GET" }), function)
}

/// A token request; `headers` beside the content type.
pub fn token_request(body: &str, headers: &[(&str, &str)]) -> Request {
    token_request_from("198.51.100.7", body, headers)
}

/// A token request from an address.
pub fn token_request_from(source_ip: &str, body: &str, headers: &[(&str, &str)]) -> Request {
    let mut all = json!({ "Content-Type": "application/x-www-form-urlencoded" });
    for (name, value) in headers {
        all[*name] = Value::from(*value);
    }
    let event = json!({
        "resource": "/connect/token",
        "httpMethod": "POST",
        "headers": all,
        "requestContext": { "requestId": "r-1", "identity": { "sourceIp": source_ip } },
        "body": body,
    });
    request(event, "token-issue")
}

/// The sample events of a function, with the running bundle's values filled in.
pub fn sample_events(function: &str) -> Vec<(String, Value)> {
    let folder = format!("{}/../../events/{function}", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path)
            .unwrap()
            .replace("{{client.partnerId}}", "11111111-2222-3333-4444-555555555555")
            .replace("{{client.clientId}}", "sandbox-1")
            .replace("{{client.clientSecret}}", "ghs_one");
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, serde_json::from_str(&text).unwrap())
    };
    let events: Vec<(String, Value)> = files.map(read).collect();
    assert!(!events.is_empty(), "no sample events of {function}");
    events
}
