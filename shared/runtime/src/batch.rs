//! Drivers for queues and table streams: each record is handled on its own, and exactly the records that were not done
//! are given back.
//!
//! Rules kept here (AWS Lambda developer guide, "partial batch responses"): an empty list means all done; an identifier
//! must never be empty, or the whole batch counts as failed; a panic costs its record only; a record that was not begun
//! before the deadline is given back rather than lost.
//!
//! A stream consumer fails the invocation at the first failed record instead of naming it: Lambda then retries the batch,
//! bisects it and in the end parks it at the mapping's failure destination. Records are idempotent, so the ones done
//! before cost a repetition; in return nothing depends on a mapping option being set.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use lambda_runtime::{Context, LambdaEvent, service_fn};
use serde_json::{Value, json};
use store::Meter;

use crate::MainResult;
use crate::log::{Invocation, chain, panic_text};
use crate::metrics::{Metric, count};

/// What is kept back of an invocation's time to report what was not done.
const MARGIN: Duration = Duration::from_millis(1_500);

/// A message of a queue.
#[derive(Debug, Clone)]
pub struct QueueMessage {
    /// SQS's id of this message. A re-sent message has a new one, so it is no idempotency key.
    pub id: String,
    /// The text that was sent.
    pub body: String,
    /// How often it has been received, this time included.
    pub receive_count: u32,
}

/// A record of a table's stream.
#[derive(Debug, Clone)]
pub struct StreamRecord {
    /// `INSERT`, `MODIFY` or `REMOVE`.
    pub change: String,
    /// The item after the change, in DynamoDB's JSON.
    pub new_image: Option<Value>,
    /// The item before the change.
    pub old_image: Option<Value>,
}

/// Why a record was not done; it will come again.
#[derive(Debug, thiserror::Error)]
#[error("the record could not be handled")]
pub struct RecordError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl RecordError {
    /// A record failed for this reason.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

/// A record that the deadline kept from being begun.
#[derive(Debug, thiserror::Error)]
#[error("out of time")]
pub struct Deferred;

/// Serves a queue, up to `concurrency` messages of a batch at a time.
///
/// # Errors
/// When the runtime API cannot be reached.
pub async fn serve_queue<A>(
    function: &'static str,
    meter: Arc<Meter>,
    app: A,
    concurrency: usize,
    handle: impl AsyncFn(&A, &QueueMessage) -> Result<(), RecordError>,
) -> MainResult {
    let (app, meter, handle) = (&app, &*meter, &handle);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let mut line = Invocation::start(function, &event.context.request_id);
        let records = records_of(event.payload);
        let context = &event.context;
        let outcomes = stream::iter(records)
            .map(|record| async move {
                let message = read_message(&record);
                let identifier = message.as_ref().map(|message| message.id.clone());
                let outcome = match message {
                    Some(message) => contained(context, handle(app, &message)).await,
                    None => Err("not an SQS record".to_owned()),
                };
                (identifier, outcome)
            })
            .buffered(concurrency.max(1))
            .collect::<Vec<_>>()
            .await;
        let answer = report(&mut line, outcomes);
        let failed = answer.is_err();
        line.finish(if failed { "failed" } else { "ok" }, failed, meter.take());
        answer
    }))
    .await
}

/// Serves a table's stream, record by record in order, stopping at the first failure.
///
/// # Errors
/// When the runtime API cannot be reached.
pub async fn serve_stream<A>(
    function: &'static str,
    meter: Arc<Meter>,
    app: A,
    handle: impl AsyncFn(&A, &StreamRecord) -> Result<(), RecordError>,
) -> MainResult {
    let (app, meter, handle) = (&app, &*meter, &handle);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let mut line = Invocation::start(function, &event.context.request_id);
        let mut outcomes = Vec::new();
        for record in records_of(event.payload) {
            let (identifier, outcome) = match read_stream_record(&record) {
                Some((identifier, record)) => {
                    (Some(identifier), contained(&event.context, handle(app, &record)).await)
                }
                None => (None, Err("not a stream record".to_owned())),
            };
            let failed = outcome.is_err();
            outcomes.push((identifier, outcome));
            if failed {
                break;
            }
        }
        let failed = outcomes.iter().any(|(_, outcome)| outcome.is_err());
        let answer = report(&mut line, outcomes);
        line.finish(if failed { "failed" } else { "ok" }, failed, meter.take());
        if failed { Err("a stream record was not handled".to_owned()) } else { answer }
    }))
    .await
}

/// Runs one record's work within the invocation's time, keeping a panic to itself.
async fn contained(
    context: &Context,
    work: impl Future<Output = Result<(), RecordError>>,
) -> Result<(), String> {
    let left = context.deadline().duration_since(SystemTime::now()).unwrap_or(Duration::ZERO);
    let Some(budget) = left.checked_sub(MARGIN).filter(|budget| !budget.is_zero()) else {
        return Err(Deferred.to_string());
    };
    match tokio::time::timeout(budget, AssertUnwindSafe(work).catch_unwind()).await {
        Err(_) => Err(Deferred.to_string()),
        Ok(Err(_)) => Err(panic_text()),
        Ok(Ok(Err(error))) => Err(chain(&error)),
        Ok(Ok(Ok(()))) => Ok(()),
    }
}

/// The partial-batch answer. A failed record without an identifier cannot be named, so the whole batch must come again:
/// that is an error of the invocation.
fn report(
    line: &mut Invocation,
    outcomes: Vec<(Option<String>, Result<(), String>)>,
) -> Result<Value, String> {
    let mut failures = Vec::new();
    let mut reasons = Vec::new();
    let total = outcomes.len();
    for (identifier, outcome) in outcomes {
        let Err(reason) = outcome else { continue };
        reasons.push(Value::from(reason));
        match identifier.filter(|identifier| !identifier.is_empty()) {
            Some(identifier) => failures.push(json!({ "itemIdentifier": identifier })),
            None => {
                line.note("errors", reasons);
                return Err("a record has no identifier".to_owned());
            }
        }
    }
    line.note("records", total);
    count(Metric::RecordsHandled, (total - failures.len()) as u64);
    if !failures.is_empty() {
        count(Metric::RecordsFailed, failures.len() as u64);
        line.note("errors", reasons);
    }
    Ok(json!({ "batchItemFailures": failures }))
}

fn records_of(event: Value) -> Vec<Value> {
    match event {
        Value::Object(mut event) => match event.remove("Records") {
            Some(Value::Array(records)) => records,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn read_message(record: &Value) -> Option<QueueMessage> {
    let receive_count = record["attributes"]["ApproximateReceiveCount"].as_str();
    Some(QueueMessage {
        id: record["messageId"].as_str()?.to_owned(),
        body: record["body"].as_str()?.to_owned(),
        receive_count: receive_count.and_then(|count| count.parse().ok()).unwrap_or(1),
    })
}

fn read_stream_record(record: &Value) -> Option<(String, StreamRecord)> {
    let change = &record["dynamodb"];
    let image = |name: &str| change.get(name).filter(|image| image.is_object()).cloned();
    let identifier = change["SequenceNumber"].as_str()?.to_owned();
    Some((
        identifier,
        StreamRecord {
            change: record["eventName"].as_str()?.to_owned(),
            new_image: image("NewImage"),
            old_image: image("OldImage"),
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(cases: &[(Option<&str>, bool)]) -> Vec<(Option<String>, Result<(), String>)> {
        cases
            .iter()
            .map(|(id, done)| {
                (id.map(str::to_owned), if *done { Ok(()) } else { Err("no".to_owned()) })
            })
            .collect()
    }

    #[test]
    fn exactly_the_undone_records_are_given_back() {
        let mut line = Invocation::start("scan-worker", "r");
        let answer = report(&mut line, outcomes(&[(Some("a"), true), (Some("b"), false)]));
        assert_eq!(answer.unwrap(), json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] }));
        let answer = report(&mut line, outcomes(&[(Some("a"), true)]));
        assert_eq!(answer.unwrap(), json!({ "batchItemFailures": [] }));
    }

    #[test]
    fn a_failure_that_cannot_be_named_fails_the_batch() {
        for id in [None, Some("")] {
            let mut line = Invocation::start("scan-worker", "r");
            assert!(report(&mut line, outcomes(&[(id, false)])).is_err());
        }
    }

    #[tokio::test]
    async fn a_panic_or_a_passed_deadline_costs_its_record_only() {
        let soon = SystemTime::now() + Duration::from_secs(60);
        let mut context = Context::default();
        context.deadline = soon
            .duration_since(SystemTime::UNIX_EPOCH)
            .map(|since| since.as_millis() as u64)
            .unwrap();
        assert_eq!(contained(&context, async { Ok(()) }).await, Ok(()));
        let panicking = contained(&context, async { panic!("boom") }).await;
        assert_eq!(panicking, Err("panicked".to_owned()), "the text stays inside");
        context.deadline = 1;
        assert_eq!(contained(&context, async { Ok(()) }).await, Err("out of time".to_owned()));
    }

    #[test]
    fn records_are_read_leniently_and_identified_strictly() {
        let message = read_message(&json!({ "messageId": "m", "body": "{}", "attributes": {} }));
        assert_eq!(message.unwrap().receive_count, 1);
        assert!(read_message(&json!({ "body": "{}" })).is_none());
        let record =
            json!({ "eventName": "INSERT", "dynamodb": { "SequenceNumber": "1", "NewImage": {} } });
        let (identifier, record) = read_stream_record(&record).unwrap();
        assert_eq!((identifier.as_str(), record.old_image.is_none()), ("1", true));
        assert!(read_stream_record(&json!({ "dynamodb": {} })).is_none());
        assert!(records_of(json!("x")).is_empty());
    }
}
