//! From the scan queue to the customer: screens the customer as it is now and writes what follows in one transaction.
//!
//! The worker reads the customer rather than trust the message, so the order of messages does not matter; a result for a
//! subject that has changed since is dropped, because the change asked for a screening of its own. The evidence of a run
//! that changed anything is put under the condition that it is new: a message that comes twice finds it standing and is
//! done. A run that withdraws a hit is made with the editions that are in force after the customer was read, whatever the
//! worker held: an older edition does not have the entry that a newer one brought, and must not take its hit away.
//!
//! Cost: 1 GetItem and 1 Query side by side, then 1 TransactWriteItems; when nothing changed, 1 GetItem and 1 UpdateItem
//! instead, and nothing at all when a sweep asked. Pages of sweeps: see `sweep`.

#[cfg(test)]
mod tests;

use domain::audit::Actor;
use domain::contact::ContactKind;
use domain::ids::ClientId;
use domain::problem::Problem;
use domain::time::{Clock, Random};
use jiff::Timestamp;
use runtime::{
    Clients, Metric, Missing, QueueMessage, RecordError, Settings, SystemClock, SystemRandom,
    count, failpoint,
};
use std::sync::Arc;

use compliance::{EditionError, Editions, Review, Screening, review};
use screening::Config;
use store::StoreError;
use store::customers::{Commit, CommitRefused, Customers, CustomersError, evidence};

use crate::editions;
use crate::scan_queue::{QueueError, ScanMessage, ScanQueue, ScanRequest};
use crate::sweep::page;

/// How often a change that came between is met by reading again; then the message comes again.
const TRIES: usize = 4;

/// The audit chain's name for this function.
const ACTOR: &str = "scan-worker";

/// The label under which [`Customers::prepare`] puts evidence.
const EVIDENCE: &str = "evidence";

/// What the function needs.
pub struct App {
    pub(crate) customers: Customers,
    pub(crate) editions: Editions,
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) queue: ScanQueue,
    pub(crate) page_size: u16,
}

/// Why a message was not done.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The body is none of ours.
    #[error("the message is not a scan request")]
    Malformed(#[source] serde_json::Error),
    /// The customer changed with every try.
    #[error("the customer kept changing")]
    KeptChanging,
    /// No watchlist to screen against.
    #[error(transparent)]
    Edition(#[from] EditionError),
    /// The table or the keys failed.
    #[error(transparent)]
    Customers(#[from] CustomersError),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// Evidence that does not serialise.
    #[error("the evidence does not serialise")]
    Evidence(#[source] serde_json::Error),
    /// The name of this function is no client id.
    #[error("the actor's name {0}")]
    Actor(Problem),
}

/// What a message led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Screened and stored.
    Stored,
    /// Screened for a sweep; the answer is the one that is known.
    Unchanged,
    /// A page of a sweep was handled.
    Swept,
    /// This run's evidence was there already.
    Repeated,
    /// There is no such customer.
    NoCustomer,
}

impl App {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`Missing`].
    pub fn from_settings(clients: &Clients) -> Result<Self, Missing> {
        let (table, key, editions, queue) = Settings::read(|settings| {
            (
                settings.required("CUSTOMER_TABLE"),
                settings.required("DATA_KEY_ID"),
                editions(settings, clients),
                settings.required("SCAN_QUEUE_URL"),
            )
        })?;
        let table = clients.table(&table);
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) =
            (Arc::new(SystemClock), Arc::new(SystemRandom));
        let ring = clients.key_ring(table.clone(), key);
        let customers = Customers::new(table, Arc::new(ring), Arc::clone(&clock), random);
        let (queue, page_size) = (ScanQueue::new(clients, queue), page::PAGE);
        Ok(Self { customers, editions, config: Config::default(), clock, queue, page_size })
    }

    #[cfg(test)]
    pub(crate) fn for_test(
        customers: Customers,
        editions: Editions,
        clock: Arc<dyn Clock>,
        queue: ScanQueue,
    ) -> Self {
        // Small pages, so that a test's few customers fill several.
        Self { customers, editions, config: Config::default(), clock, queue, page_size: 2 }
    }
}

/// Handles one message of the scan queue.
///
/// # Errors
/// [`RecordError`] when it has to come again.
pub async fn handle(app: &App, message: &QueueMessage) -> Result<(), RecordError> {
    run(app, &message.body, message.receive_count).await.map(drop).map_err(RecordError::new)
}

/// Does what a message asks for. `receives` says how often it was delivered, this time included.
///
/// # Errors
/// [`ScanError`].
pub async fn run(app: &App, body: &str, receives: u32) -> Result<Outcome, ScanError> {
    match serde_json::from_str(body).map_err(ScanError::Malformed)? {
        ScanMessage::Page(message) => Box::pin(page::handle(app, &message, receives)).await,
        ScanMessage::Customer(request) => Box::pin(settle(app, &request)).await,
    }
}

/// Screens the customer that a request names.
async fn settle(app: &App, request: &ScanRequest) -> Result<Outcome, ScanError> {
    let mut set = match &request.since {
        None => app.editions.current(app.clock.now()).await?,
        Some(since) => app.editions.since(&since.list, &since.index, app.clock.now()).await?,
    };
    let actor = Actor {
        client: ClientId::parse(ACTOR).map_err(ScanError::Actor)?,
        who: ACTOR.to_owned(),
        source_ip: None,
        request_id: request.run.to_string(),
    };
    for _ in 0..TRIES {
        let (partner, id) = (request.partner, request.customer);
        let (customer, addresses) = tokio::join!(
            app.customers.get(partner, id),
            app.customers.contacts(partner, id, ContactKind::Address),
        );
        let (Some(before), addresses) = (customer?, addresses?) else {
            return Ok(Outcome::NoCustomer);
        };
        let now = app.clock.now();
        let mut found = review(&before, &addresses, &set, &app.config);
        if found.withdraws() {
            set = app.editions.in_force(now).await?;
            found = review(&before, &addresses, &set, &app.config);
        }
        let mut after = before.clone();
        let revision = before.subject_revision;
        let Ok(change) = after.screened(revision, &found.ofac, &found.pep_scan, now) else {
            continue;
        };
        let record = Evidence::of(request, &found, revision, now);
        if change.is_empty() {
            return unchanged(app, request, &found, &record, now).await;
        }
        failpoint("scan-worker:before-commit");
        let commit = Commit {
            before: Some(&before),
            after: &after,
            change: &change,
            actor: &actor,
            now,
            owner: None,
            evidence: vec![evidence(partner, id, request.run, &record)?],
        };
        let transaction = app.customers.prepare(commit).await?;
        match transaction.commit(app.customers.table()).await {
            Ok(()) => {
                failpoint("scan-worker:after-commit");
                count_outcome(&found);
                return Ok(Outcome::Stored);
            }
            Err(refused) if refused.refusal(EVIDENCE).is_some() => return Ok(Outcome::Repeated),
            Err(refused) => match CommitRefused::from(refused) {
                CommitRefused::Failed(error) => return Err(error.into()),
                _ => continue,
            },
        }
    }
    Err(ScanError::KeptChanging)
}

/// A run whose answer is the one that is known. That the run itself made the answer, and its message has come again, is
/// seen by its evidence.
async fn unchanged(
    app: &App,
    request: &ScanRequest,
    found: &Review,
    record: &Evidence<'_>,
    now: Timestamp,
) -> Result<Outcome, ScanError> {
    let (partner, id, run) = (request.partner, request.customer, request.run);
    if request.since.is_some() {
        return Ok(Outcome::Unchanged);
    }
    if app.customers.has_run(partner, id, run).await? {
        return Ok(Outcome::Repeated);
    }
    let digest = found.digest().map_err(ScanError::Evidence)?;
    if !app.customers.repeat_evidence((partner, id), &digest, run, record, now).await? {
        return Ok(Outcome::Repeated);
    }
    count_outcome(found);
    Ok(Outcome::Stored)
}

fn count_outcome(found: &Review) {
    count(if found.hits() { Metric::ScansHit } else { Metric::ScansCleared }, 1);
}

/// The evidence of a run, hits or none, with the versions of everything that took part.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Evidence<'a> {
    run: String,
    screened_at: Timestamp,
    subject_revision: u64,
    #[serde(flatten)]
    screening: &'a Screening,
}

impl<'a> Evidence<'a> {
    fn of(request: &ScanRequest, found: &'a Review, revision: u64, now: Timestamp) -> Self {
        Self {
            run: request.run.to_string(),
            screened_at: now,
            subject_revision: revision,
            screening: &found.screening,
        }
    }
}
