//! From the scan queue to the customer: screens the customer as it is now and writes what follows in one transaction.
//!
//! The worker reads the customer rather than trust the message, so the order of messages does not matter; a result for a
//! subject that has changed since is dropped, because the change asked for a screening of its own. The evidence of a run
//! that changed anything is put under the condition that it is new: a message that comes twice finds it standing and is
//! done. A run that withdraws a hit is made with the editions that are in force after the customer was read, whatever the
//! worker held.
//!
//! A customer whose identity review is due is reviewed in the same run and transaction. When it is written, the network of
//! partners is told; that is repeatable, and repeated when the process dies before it. When a customer has proved a bank
//! account, what the network knows of it is looked at once; where it speaks against the customer, it is reviewed again.
//!
//! Cost: 1 GetItem and 1 Query side by side, with a review 1 BatchGetItem and 1 Query more, then 1 TransactWriteItems, and
//! 1 Query, 1 or 2 BatchGetItem and 1 TransactWriteItems for the network to remember it; 1 Query more when the lists say
//! anything new; when nothing changed, 1 GetItem and 1 UpdateItem instead, and nothing at all when a sweep
//! asked. Remembering alone is 1 GetItem and the calls named for it; a newly proved account costs 1 UpdateItem more, or, when
//! others have it as well, 1 Query and 1 GetItem side by side, and then what a review costs. Pages of sweeps: see `sweep`.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use compliance::review::Review;
use compliance::{EditionError, EditionSet, Findings, OpenDelta, Screening, Subject};
use domain::audit::Actor;
use domain::contact::{Contact, ContactKind};
use domain::customer::{Change, Customer};
use domain::event::Work;
use domain::ids::{ClientId, EventId};
use domain::problem::Problem;
use domain::scan::ScanKind;
use domain::time::{Clock, Random};
use jiff::Timestamp;
use runtime::{
    Clients, Metric, Missing, QueueMessage, RecordError, Settings, SystemClock, SystemRandom,
    count, failpoint, note,
};
use store::StoreError;
use store::customers::{Commit, CommitRefused, Customers, CustomersError, evidence};
use vetting::{Evidence, Vetted, Vetter, VettingError, Weighed};

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
    pub(crate) vetter: Vetter,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
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
    /// Nothing to review with, or the network of partners was busy.
    #[error(transparent)]
    Vetting(#[from] VettingError),
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
        let (table, key, queue) = Settings::read(|settings| {
            (
                settings.required("CUSTOMER_TABLE"),
                settings.required("DATA_KEY_ID"),
                settings.required("SCAN_QUEUE_URL"),
            )
        })?;
        let table = clients.table(&table);
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) =
            (Arc::new(SystemClock), Arc::new(SystemRandom));
        let ring = clients.key_ring(table.clone(), key);
        let customers =
            Customers::new(table, Arc::new(ring), Arc::clone(&clock), Arc::clone(&random));
        let vetter =
            Settings::read(|settings| Vetter::from_settings(settings, clients, &customers))?;
        let (queue, page_size) = (ScanQueue::new(clients, queue), page::PAGE);
        Ok(Self { customers, vetter, clock, random, queue, page_size })
    }

    #[cfg(test)]
    pub(crate) fn for_test(
        customers: Customers,
        vetter: Vetter,
        (clock, random): (Arc<dyn Clock>, Arc<dyn Random>),
        queue: ScanQueue,
    ) -> Self {
        // Small pages, so that a test's few customers fill several.
        Self { customers, vetter, clock, random, queue, page_size: 2 }
    }
}

/// Handles one message of the scan queue.
///
/// # Errors
/// [`RecordError`] when it has to come again.
pub async fn handle(app: &App, message: &QueueMessage) -> Result<(), RecordError> {
    let outcome = run(app, &message.body, message.receive_count).await;
    if let Some(unconfirmed) = app.vetter.editions().take_unconfirmed() {
        count(Metric::WatchlistUnconfirmed, unconfirmed.times);
        note("watchlist_unconfirmed", unconfirmed.error);
    }
    outcome.map(drop).map_err(RecordError::new)
}

/// Does what a message asks for. `receives` says how often it was delivered, this time included.
///
/// # Errors
/// [`ScanError`].
pub async fn run(app: &App, body: &str, receives: u32) -> Result<Outcome, ScanError> {
    match serde_json::from_str(body).map_err(ScanError::Malformed)? {
        ScanMessage::Page(message) => Box::pin(page::handle(app, &message, receives)).await,
        ScanMessage::Customer(request) => match request.work {
            Work::Screen => Box::pin(settle(app, &request)).await,
            Work::Remember => Box::pin(remember(app, &request)).await,
        },
    }
}

/// Lets the network of partners remember the customer that a request names, and reviews it again when what the network
/// knows of its bank account asks for it.
async fn remember(app: &App, request: &ScanRequest) -> Result<Outcome, ScanError> {
    for _ in 0..TRIES {
        let found = app.customers.get(request.partner, request.customer).await?;
        let Some(customer) = found else { return gone(app, request).await };
        let now = app.clock.now();
        // First: of several that prove one account at once, the last to be remembered sees all the others.
        let recorded = Box::pin(app.vetter.remember(&customer, now)).await?;
        let Some(known) = recorded else { continue };
        failpoint("scan-worker:remembered");
        match Box::pin(app.vetter.weigh(&customer, &known, now)).await? {
            Weighed::NotNow => {}
            Weighed::NoNews => app.vetter.note_weighed(&customer, &known).await?,
            // The review says what it has looked at. Its run is its own: this message may have led to one for another account.
            Weighed::News => {
                let run = EventId::new(&*app.clock, &*app.random);
                return Box::pin(settle(app, &ScanRequest { run, ..request.clone() })).await;
            }
        }
        return Ok(Outcome::Remembered);
    }
    Err(ScanError::KeptChanging)
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

/// Screens the customer that a request names, and reviews it where that is due.
async fn settle(app: &App, request: &ScanRequest) -> Result<Outcome, ScanError> {
    let editions = app.vetter.editions();
    let mut set = match &request.since {
        None => editions.current(app.clock.now()).await?,
        Some(since) => editions.since(&since.list, &since.index, app.clock.now()).await?,
    };
    let delta = delta_of(app, request).await?;
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
        if let Some(delta) = &delta {
            let subject = Subject::of(&before, &addresses);
            set = Arc::new(set.seeking(delta.hitting(&subject, app.vetter.config())));
        }
        let mut after = before.clone();
        let Some(made) =
            Box::pin(apply(app, request, &mut after, &addresses, &mut set, now)).await?
        else {
            continue;
        };
        let record = Evidence::of(request.run, made.screening(), before.subject_revision, now);
        if let Found::Screened { found, .. } = &made.found
            && made.change.is_empty()
        {
            return unchanged(app, request, &before, found, &record, now).await;
        }
        failpoint("scan-worker:before-commit");
        let commit = Commit {
            before: Some(&before),
            after: &after,
            change: &made.change,
            actor: &actor,
            now,
            owner: None,
            evidence: vec![evidence(partner, id, request.run, &record)?],
        };
        let mut transaction = app.customers.prepare(commit).await?;
        if let Some(review) = made.review() {
            app.vetter.add_review(&mut transaction, &after, review)?;
        }
        match Box::pin(transaction.commit(app.customers.table())).await {
            Ok(()) => {
                failpoint("scan-worker:after-commit");
                count_outcome(made.screening());
                // The event of a new standing brings the customer back for the network to remember; twice at once
                // would only have one wait for the other.
                if Customer::standing_change(Some(&before), &after).is_none() {
                    Box::pin(app.vetter.remember(&after, now)).await?;
                }
                return Ok(Outcome::Stored);
            }
            Err(refused) if refused.refusal(EVIDENCE).is_some() => {
                return repeated(app, &before, now).await;
            }
            Err(refused) => match CommitRefused::from(refused) {
                CommitRefused::Failed(error) => return Err(error.into()),
                _ => continue,
            },
        }
    }
    Err(ScanError::KeptChanging)
}

/// What is new in the edition because of which a sweep asks.
async fn delta_of(
    app: &App,
    request: &ScanRequest,
) -> Result<Option<Arc<OpenDelta>>, EditionError> {
    match request.since.as_ref().and_then(|since| since.delta.as_deref()) {
        Some(name) => Ok(Some(app.vetter.editions().delta(name).await?)),
        None => Ok(None),
    }
}

/// What a run found of a customer.
enum Found {
    /// A screening alone, and the entry that it adds to the history of reviews when it names somebody new.
    Screened { found: Findings, review: Option<Review> },
    /// A screening and a review.
    Vetted(Vetted),
}

/// What a run makes of a customer.
struct Made {
    change: Change,
    found: Found,
}

impl Made {
    const fn screening(&self) -> &Screening {
        match &self.found {
            Found::Screened { found, .. } => &found.screening,
            Found::Vetted(vetted) => &vetted.screening,
        }
    }

    const fn review(&self) -> Option<&Review> {
        match &self.found {
            Found::Screened { review, .. } => review.as_ref(),
            Found::Vetted(vetted) => Some(&vetted.review),
        }
    }
}

/// Applies a screening to the customer, and a review where one is due; `None` when it was made of an older customer.
async fn apply(
    app: &App,
    request: &ScanRequest,
    customer: &mut Customer,
    addresses: &[Contact],
    set: &mut Arc<EditionSet>,
    now: Timestamp,
) -> Result<Option<Made>, ScanError> {
    let revision = customer.subject_revision;
    let latest = app.vetter.latest(customer);
    let is_due = Vetter::is_due(customer, set)
        || (request.work == Work::Remember
            && app.vetter.has_unreviewed_accounts(customer, &latest).await?);
    if is_due {
        let vetted = app.vetter.vet(customer, addresses, (set, &latest), now).await?;
        let change = customer.vetted(revision, &vetted.vetting, now);
        return Ok(change.ok().map(|change| Made { change, found: Found::Vetted(vetted) }));
    }
    let mut found = app.vetter.screen(customer, addresses, set, now).await?;
    let is_media_news = app.vetter.weigh_media(customer, &mut found, &latest).await?;
    let (ofac, pep_scan, media) = (&found.ofac, &found.pep_scan, found.adverse_media.as_ref());
    let Ok(change) = customer.screened(revision, ofac, pep_scan, media, now) else {
        return Ok(None);
    };
    // What the lists say anew of a scan is news for the review as well, also of a case that goes on; so is what adverse media
    // say anew, and what the lists have withdrawn.
    let of_scan = |field: &String| {
        ScanKind::ALL.iter().any(|kind| field == domain::customer::scan_field(*kind))
    };
    let is_news = is_media_news || !change.events.is_empty() || change.fields.iter().any(of_scan);
    let review = if is_news || found.withdraws() {
        app.vetter.rescreened(customer, &found, (set, &latest), now).await?
    } else {
        None
    };
    Ok(Some(Made { change, found: Found::Screened { found, review } }))
}

/// A run whose answer is the one that is known. That the run itself made the answer, and its message has come again, is
/// seen by its evidence.
async fn unchanged(
    app: &App,
    request: &ScanRequest,
    customer: &Customer,
    found: &Findings,
    record: &Evidence<'_>,
    now: Timestamp,
) -> Result<Outcome, ScanError> {
    let (partner, id, run) = (request.partner, request.customer, request.run);
    if request.since.is_some() {
        return Ok(Outcome::Unchanged);
    }
    if app.customers.has_run(partner, id, run).await? {
        return repeated(app, customer, now).await;
    }
    let digest = found.digest().map_err(ScanError::Evidence)?;
    if !app.customers.repeat_evidence((partner, id), &digest, run, record, now).await? {
        return Ok(Outcome::Repeated);
    }
    count_outcome(&found.screening);
    Ok(Outcome::Stored)
}

/// The run was written before, and may have ended before the network of partners was told.
async fn repeated(app: &App, customer: &Customer, now: Timestamp) -> Result<Outcome, ScanError> {
    Box::pin(app.vetter.remember(customer, now)).await?;
    Ok(Outcome::Repeated)
}

fn count_outcome(screening: &Screening) {
    let hits = screening.hit_count() > 0;
    count(if hits { Metric::ScansHit } else { Metric::ScansCleared }, 1);
}
