//! From the scan queue to the customer: screens the customer as it is now and writes what follows in one transaction.
//!
//! The worker reads the customer rather than trust the message, so the order of messages does not matter; a result for a
//! subject that has changed since is dropped, because the change asked for a screening of its own. The evidence of a run
//! is put under the condition that it is new: a message that comes twice finds it standing and is done.
//!
//! Cost: 1 GetItem and 1 Query side by side, 1 TransactWriteItems; a repeated message the same, refused.

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

use compliance::{Screening, Subject, screen};
use screening::Config;
use store::customers::{Commit, CommitRefused, Customers, CustomersError};
use store::keys::{Key, ScreeningKey};
use store::{Item, StoreError, to_item};

use crate::edition::{EditionError, Editions};
use crate::scan_request::ScanRequest;

/// How often a change that came between is met by reading again; then the message comes again.
const TRIES: usize = 4;

/// The audit chain's name for this function.
const ACTOR: &str = "scan-worker";

/// The label under which [`Customers::prepare`] puts evidence.
const EVIDENCE: &str = "evidence";

/// What the function needs.
pub struct App {
    customers: Customers,
    editions: Editions,
    config: Config,
    clock: Arc<dyn Clock>,
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
    /// Evidence that does not serialise.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The name of this function is no client id.
    #[error("the actor's name {0}")]
    Actor(Problem),
}

/// What a message led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Screened and stored.
    Stored,
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
        let (table, key, editions) = Settings::read(|settings| {
            (
                settings.required("CUSTOMER_TABLE"),
                settings.required("DATA_KEY_ID"),
                Editions::from_settings(settings, clients),
            )
        })?;
        let table = clients.table(&table);
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) =
            (Arc::new(SystemClock), Arc::new(SystemRandom));
        let ring = clients.key_ring(table.clone(), key);
        let customers = Customers::new(table, Arc::new(ring), Arc::clone(&clock), random);
        Ok(Self { customers, editions, config: Config::default(), clock })
    }

    #[cfg(test)]
    pub(crate) fn for_test(
        customers: Customers,
        editions: Editions,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { customers, editions, config: Config::default(), clock }
    }
}

/// Handles one message of the scan queue.
///
/// # Errors
/// [`RecordError`] when it has to come again.
pub async fn handle(app: &App, message: &QueueMessage) -> Result<(), RecordError> {
    run(app, &message.body).await.map(drop).map_err(RecordError::new)
}

/// Screens the customer that a message names.
///
/// # Errors
/// [`ScanError`].
pub async fn run(app: &App, body: &str) -> Result<Outcome, ScanError> {
    let request: ScanRequest = serde_json::from_str(body).map_err(ScanError::Malformed)?;
    let indexes = app.editions.current(app.clock.now()).await?;
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
        let screening = screen(&Subject::of(&before, &addresses), &indexes, &app.config);
        let now = app.clock.now();
        let mut after = before.clone();
        let revision = before.subject_revision;
        let (ofac, pep) = (screening.ofac_hits(), screening.pep_hits());
        let Ok(change) = after.screened(revision, &ofac, &pep, now) else { continue };
        failpoint("scan-worker:before-commit");
        let commit = Commit {
            before: Some(&before),
            after: &after,
            change: &change,
            actor: &actor,
            now,
            owner: None,
            evidence: vec![evidence(&request, &screening, revision, now)?],
        };
        let transaction = app.customers.prepare(commit).await?;
        match transaction.commit(app.customers.table()).await {
            Ok(()) => {
                failpoint("scan-worker:after-commit");
                let hit = !(ofac.is_empty() && pep.is_empty());
                count(if hit { Metric::ScansHit } else { Metric::ScansCleared }, 1);
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

/// The evidence of a run, hits or none, with the versions of everything that took part.
fn evidence(
    request: &ScanRequest,
    screening: &Screening,
    revision: u64,
    now: Timestamp,
) -> Result<Item, StoreError> {
    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Evidence<'a> {
        run: String,
        screened_at: Timestamp,
        subject_revision: u64,
        #[serde(flatten)]
        screening: &'a Screening,
    }
    let evidence = Evidence {
        run: request.run.to_string(),
        screened_at: now,
        subject_revision: revision,
        screening,
    };
    let mut item = to_item(&evidence)?;
    ScreeningKey::new(request.partner, request.customer, request.run).stamp(&mut item);
    Ok(item)
}
