//! How a function starts and serves.
//!
//! Invariants: settings are read once and every missing name is reported together; clients are built once and nothing is
//! called before a request needs it; a panic or a malformed message costs that one invocation or record and nothing
//! else; each invocation leaves exactly one log line, without personal data.

mod api;
mod batch;
mod bucket;
mod clients;
mod clock;
mod failpoint;
mod fetch;
mod idempotency;
mod invoke;
mod log;
mod metrics;
mod pause;
mod secret;
mod send;
mod settings;
mod signed;

pub use api::{serve_api, serve_public_api};
pub use batch::{Deferred, QueueMessage, RecordError, StreamRecord, serve_queue, serve_stream};
pub use bucket::{Bucket, BucketError, ObjectReading};
pub use clients::Clients;
pub use clock::{SystemClock, SystemRandom};
pub use failpoint::failpoint;
pub use fetch::{FetchError, Fetched, HttpsGet};
pub use idempotency::{Idempotency, IdempotencyError};
pub use invoke::{Refused, serve};
pub use log::{note, start_logging};
pub use metrics::{Metric, count};
pub use pause::pause;
pub use secret::{ManagedSecret, SecretError};
pub use send::{HttpsSend, Outgoing, Received};
pub use settings::{Missing, Settings, VARIABLES};
pub use signed::{AwsService, SignedAnswer, SignedPost, SignedPostError};

/// What a function's `main` returns.
pub type MainResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;
