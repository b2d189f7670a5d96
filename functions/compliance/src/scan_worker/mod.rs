//! From the scan queue to the customer: screens the customer as it is now and writes what follows in one transaction.
//!
//! The worker reads the customer rather than trust the message, so the order of messages does not matter; a result for a
//! subject that has changed since is dropped, because the change asked for a screening of its own. The evidence of a run
//! is put under the condition that it is new: a message that comes twice finds it standing and is done.
//!
//! A customer whose identity review is due is reviewed in the same run and transaction. When it is written, the network of
//! partners is told; that is repeatable, and repeated when the process dies before it.
//!
//! Cost: 1 GetItem and 1 Query side by side, with a review 1 BatchGetItem and 1 Query more, 1 TransactWriteItems; a repeated
//! message the same, refused. Then one conditional write per attribute that the network remembers.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use compliance::Screening;
use domain::audit::Actor;
use domain::choices::CustomerStatus;
use domain::contact::{Contact, ContactKind};
use domain::customer::{Change, Customer};
use domain::event::Work;
use domain::ids::ClientId;
use domain::problem::Problem;
use domain::time::{Clock, Random};
use domain::verification::Verification;
use jiff::Timestamp;
use runtime::{
    Clients, Metric, Missing, QueueMessage, RecordError, Settings, SystemClock, SystemRandom,
    count, failpoint,
};
use store::StoreError;
use store::customers::{Commit, CommitRefused, Customers, CustomersError};
use vetting::{Found, Vetter, VettingError, evidence};

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
    vetter: Vetter,
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
    /// No watchlist to screen against, or nothing to review with.
    #[error(transparent)]
    Vetting(#[from] VettingError),
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
    /// There is no such customer; what an erased one left is removed.
    NoCustomer,
    /// The network remembers the customer as it is.
    Remembered,
}

impl App {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`Missing`].
    pub fn from_settings(clients: &Clients) -> Result<Self, Missing> {
        let (table, key) = Settings::read(|settings| {
            (settings.required("CUSTOMER_TABLE"), settings.required("DATA_KEY_ID"))
        })?;
        let table = clients.table(&table);
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) =
            (Arc::new(SystemClock), Arc::new(SystemRandom));
        let ring = clients.key_ring(table.clone(), key);
        let customers = Customers::new(table, Arc::new(ring), Arc::clone(&clock), random);
        let vetter =
            Settings::read(|settings| Vetter::from_settings(settings, clients, &customers))?;
        Ok(Self { customers, vetter, clock })
    }

    #[cfg(test)]
    pub(crate) const fn for_test(
        customers: Customers,
        vetter: Vetter,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { customers, vetter, clock }
    }
}

/// Handles one message of the scan queue.
///
/// # Errors
/// [`RecordError`] when it has to come again.
pub async fn handle(app: &App, message: &QueueMessage) -> Result<(), RecordError> {
    run(app, &message.body).await.map(drop).map_err(RecordError::new)
}

/// Does what a message asks of the customer that it names.
///
/// # Errors
/// [`ScanError`].
pub async fn run(app: &App, body: &str) -> Result<Outcome, ScanError> {
    let request: ScanRequest = serde_json::from_str(body).map_err(ScanError::Malformed)?;
    match request.work {
        Work::Screen => Box::pin(screen(app, &request)).await,
        Work::Remember => match app.customers.get(request.partner, request.customer).await? {
            Some(customer) => {
                Box::pin(app.vetter.remember(&customer, app.clock.now())).await?;
                Ok(Outcome::Remembered)
            }
            None => gone(app, &request).await,
        },
    }
}

/// Removes what an erased customer left: first from the network's memory, whose trail lies among the rest. A customer
/// that never was left nothing.
async fn gone(app: &App, request: &ScanRequest) -> Result<Outcome, ScanError> {
    let (partner, id) = (request.partner, request.customer);
    if app.customers.was_erased(partner, id).await? {
        Box::pin(app.vetter.forget(partner, id, app.clock.now())).await?;
        failpoint("scan-worker:before-purge");
        app.customers.purge(partner, id).await?;
    }
    Ok(Outcome::NoCustomer)
}

/// Screens a customer, and reviews it where that is due.
async fn screen(app: &App, request: &ScanRequest) -> Result<Outcome, ScanError> {
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
            return gone(app, request).await;
        };
        let now = app.clock.now();
        let mut after = before.clone();
        let Some(made) = Box::pin(change(app, &mut after, &addresses, now)).await? else {
            continue;
        };
        failpoint("scan-worker:before-commit");
        let told = Customer::standing_change(Some(&before), &after).is_some();
        let screening = made.screening();
        let hit = !(screening.ofac.is_empty() && screening.pep_scan.is_empty());
        let revision = before.subject_revision;
        let commit = Commit {
            before: Some(&before),
            after: &after,
            change: &made.change,
            actor: &actor,
            now,
            owner: None,
            evidence: vec![evidence(&before, request.run, screening, revision, now)?],
        };
        let mut transaction = app.customers.prepare(commit).await?;
        app.vetter.add_review(&mut transaction, &after, &made.found)?;
        let outcome = match Box::pin(transaction.commit(app.customers.table())).await {
            Ok(()) => {
                failpoint("scan-worker:after-commit");
                count(if hit { Metric::ScansHit } else { Metric::ScansCleared }, 1);
                Outcome::Stored
            }
            Err(refused) if refused.refusal(EVIDENCE).is_some() => {
                after = before;
                Outcome::Repeated
            }
            Err(refused) => match CommitRefused::from(refused) {
                CommitRefused::Failed(error) => return Err(error.into()),
                _ => continue,
            },
        };
        // The event of a new standing brings the customer back for the network to remember; twice at once would only
        // have one wait for the other.
        if outcome == Outcome::Repeated || !told {
            Box::pin(app.vetter.remember(&after, now)).await?;
        }
        return Ok(outcome);
    }
    Err(ScanError::KeptChanging)
}

/// What a run makes of a customer.
struct Made {
    change: Change,
    found: Found,
}

impl Made {
    const fn screening(&self) -> &Screening {
        self.found.screening()
    }
}

/// Applies a screening to the customer, and a review where one is due; `None` when it was made of an older customer.
async fn change(
    app: &App,
    customer: &mut Customer,
    addresses: &[Contact],
    now: Timestamp,
) -> Result<Option<Made>, ScanError> {
    let revision = customer.subject_revision;
    let due =
        customer.verification == Verification::Pending && customer.status == CustomerStatus::Active;
    if due {
        let vetted = app.vetter.vet(customer, addresses, now).await?;
        let change = customer.vetted(revision, &vetted.finding, now);
        let found = Found::Vetted(Box::new(vetted));
        return Ok(change.ok().map(|change| Made { change, found }));
    }
    let screening = app.vetter.screen(customer, addresses, now).await?;
    let (ofac, pep) = (screening.ofac_hits(), screening.pep_hits());
    let Ok(change) = customer.screened(revision, &ofac, &pep, now) else { return Ok(None) };
    // A scan that moves by what the lists say now is news for the review as well.
    let review =
        if change.events.is_empty() { None } else { app.vetter.rescreened(customer, now).await? };
    Ok(Some(Made { change, found: Found::Screened(Box::new(screening), review.map(Box::new)) }))
}
