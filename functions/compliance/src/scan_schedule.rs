//! Screens everybody again, once a night: walks all customers in parts side by side and asks for a screening of each.
//!
//! Invariants: a night has one sweep, named by its date, and each customer one run in it, so that whatever is repeated
//! leaves one piece of evidence; how far each part has come is stored after each page, so that an invocation that was
//! killed or ran out of time is taken up where it stood by the next one of the same night. The progress items can be
//! looked at while it runs.
//!
//! Cost: the index `by-partner` once (0.5 units per 4 KB), one write per page, one SQS call per 10 customers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use crypto::sha256;
use domain::event::Work;
use domain::ids::{CustomerId, EventId};
use domain::time::Clock;
use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use runtime::{Clients, Metric, Missing, Settings, SystemClock, count, failpoint};
use serde::Serialize;
use serde_json::Value;
use store::customers::{BY_PARTNER, Watched};
use store::keys::{Key, SweepKey};
use store::{Item, StoreError, Table, number};
use uuid::Uuid;

use crate::scan_queue::{QueueError, ScanQueue, ScanRequest};

/// How many parts walk side by side.
const PARTS: u16 = 4;
/// Customers per page; a killed invocation repeats at most one page per part.
const PAGE: u16 = 200;
/// Below the function's time-out of 300 seconds by more than a page takes.
const TIME: Duration = Duration::from_secs(270);
/// How long progress can be looked at.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What the function needs.
pub struct App {
    table: Table,
    queue: ScanQueue,
    clock: Arc<dyn Clock>,
}

/// Why a sweep is not finished; the next invocation of the same night goes on.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// There were more customers than time.
    #[error("out of time; the next invocation goes on")]
    OutOfTime,
}

/// How far one part has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Customers asked for so far.
    pub customers: u64,
    /// Whether the part is through.
    pub done: bool,
    #[serde(skip)]
    after: Option<Item>,
}

impl App {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`Missing`].
    pub fn from_settings(clients: &Clients) -> Result<Self, Missing> {
        let (table, queue) = Settings::read(|settings| {
            (settings.required("CUSTOMER_TABLE"), settings.required("SCAN_QUEUE_URL"))
        })?;
        let (table, queue) = (clients.table(&table), ScanQueue::new(clients, queue));
        Ok(Self { table, queue, clock: Arc::new(SystemClock) })
    }
}

/// Handles the schedule's event. Its `time` names the night, so that a retry after midnight still belongs to it.
///
/// # Errors
/// [`SweepError`].
pub async fn handle(
    app: &App,
    event: Value,
) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
    let fired_at = event["time"].as_str().and_then(|time| time.parse().ok());
    let sweep = sweep_of(fired_at.unwrap_or_else(|| app.clock.now()));
    let started = Instant::now();
    let parts = try_join_all((0..PARTS).map(|part| walk(app, sweep, part, started))).await?;
    Ok(serde_json::json!({ "sweep": sweep, "parts": parts }))
}

/// The sweep of a day: an id that every invocation of that day makes the same.
fn sweep_of(at: Timestamp) -> EventId {
    let day = u64::try_from(at.as_millisecond()).unwrap_or(0) / 86_400_000 * 86_400_000;
    EventId::from(uuid::Builder::from_unix_timestamp_millis(day, &[0; 10]).into_uuid())
}

/// The run of a customer within a sweep.
pub(crate) fn run_of(sweep: EventId, customer: CustomerId) -> EventId {
    let digest = sha256(Uuid::as_bytes(&customer.uuid()));
    let mut bits = [0; 10];
    bits.copy_from_slice(&digest[..10]);
    sweep.derive(&bits)
}

async fn walk(
    app: &App,
    sweep: EventId,
    part: u16,
    started: Instant,
) -> Result<Progress, SweepError> {
    let key = SweepKey::new(sweep, part);
    let mut progress =
        app.table.get(&key).await?.map_or_else(Progress::default, |item| read(&item));
    while !progress.done {
        if started.elapsed() > TIME {
            return Err(SweepError::OutOfTime);
        }
        let page = app.table.walk(BY_PARTNER, (part, PARTS), progress.after.take(), PAGE).await?;
        let requests: Vec<ScanRequest> =
            page.items.iter().filter_map(|item| request_for(sweep, item)).collect();
        app.queue.send(&requests, 0).await?;
        failpoint("scan-schedule:after-send");
        count(Metric::ScansRequested, requests.len() as u64);
        progress.customers += requests.len() as u64;
        progress.done = page.next.is_none();
        progress.after = page.next;
        app.table.replace(write(&key, &progress, app.clock.now())).await?;
        failpoint("scan-schedule:after-progress");
    }
    Ok(progress)
}

fn request_for(sweep: EventId, item: &Item) -> Option<ScanRequest> {
    let (partner, customer) = Watched::ids_of(item)?;
    let run = run_of(sweep, customer);
    Some(ScanRequest { partner, customer, run, work: Work::Screen, since: None })
}

fn read(item: &Item) -> Progress {
    Progress {
        customers: number(item, "customers").and_then(|count| count.try_into().ok()).unwrap_or(0),
        done: item.get("done").and_then(|done| done.as_bool().ok()).copied().unwrap_or(false),
        after: item.get("after").and_then(|after| after.as_m().ok()).cloned(),
    }
}

fn write(key: &SweepKey, progress: &Progress, now: Timestamp) -> Item {
    let mut item = key.to_item();
    let numeric = |value: String| AttributeValue::N(value);
    item.insert("customers".to_owned(), numeric(progress.customers.to_string()));
    item.insert("done".to_owned(), AttributeValue::Bool(progress.done));
    item.insert("expiresAt".to_owned(), numeric((now + KEPT).as_second().to_string()));
    if let Some(after) = &progress.after {
        item.insert("after".to_owned(), AttributeValue::M(after.clone()));
    }
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_has_one_sweep_and_a_customer_one_run_in_it() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let tonight = sweep_of(at("2026-01-25T01:00:00Z"));
        assert_eq!(tonight, sweep_of(at("2026-01-25T23:59:59.999Z")));
        assert_ne!(tonight, sweep_of(at("2026-01-26T00:00:00Z")));
        let customer = |text: &str| CustomerId::parse(text).unwrap();
        let one = customer("0190b2c4-0000-7000-8000-000000000001");
        let two = customer("0190b2c4-0000-7000-8000-000000000002");
        assert_eq!(run_of(tonight, one), run_of(tonight, one));
        assert_ne!(run_of(tonight, one), run_of(tonight, two));
        assert_ne!(run_of(tonight, one), run_of(sweep_of(at("2026-01-26T00:00:00Z")), one));
    }

    #[tokio::test]
    async fn progress_is_taken_up_where_it_stood() {
        let database = store::testing::TestDatabase::new();
        let table = database.customers();
        let key = SweepKey::new(sweep_of("2026-01-25T01:00:00Z".parse().unwrap()), 1);
        let after = Item::from([("pk".to_owned(), AttributeValue::S("P#1#C#2".to_owned()))]);
        let progress = Progress { customers: 400, done: false, after: Some(after) };
        table.replace(write(&key, &progress, Timestamp::UNIX_EPOCH)).await.unwrap();
        assert_eq!(read(&table.get(&key).await.unwrap().unwrap()), progress);
    }

    #[test]
    fn only_customers_are_asked_for() {
        let sweep = sweep_of(Timestamp::UNIX_EPOCH);
        let item = |pk: &str| Item::from([("pk".to_owned(), AttributeValue::S(pk.to_owned()))]);
        let pk = "P#11111111-2222-3333-4444-555555555555#C#0190b2c4-0000-7000-8000-000000000001";
        assert!(request_for(sweep, &item(pk)).is_some());
        assert!(request_for(sweep, &item("CIF#30000000017")).is_none());
    }
}
