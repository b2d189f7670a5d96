//! Vetting a customer: its screening and its identity review, with everything that both need fetched.
//!
//! Used where a customer is vetted within the request and where the worker does it. Invariants: nobody is vetted without
//! a watchlist; what is found of a customer is written by the transaction that changes the customer, or not at all; a
//! review is added to the history, never written over another, and says what the customer stands at by that transaction.
//!
//! Cost: 1 BatchGetItem (what the network of partners knows of the customer, and the partner's policy) and, for a
//! customer that was reviewed before, 1 Query of the latest review, side by side.

mod applicant;
mod evidence;
mod history;
mod memory;
mod providers;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::BTreeSet;
use std::sync::Arc;

use compliance::review::provider::{
    AddressProvider, DeliveryAnswer, IdentityAnswer, IdentityProvider,
};
use compliance::review::{
    Applicant, Decision, Inputs, Policy, PolicyError, Review, WatchList, assess,
    watch_list::{self, Held},
};
use compliance::{EditionError, EditionSet, Editions, Findings, Screening, screen_customer};
use domain::choices::CustomerStatus;
use domain::contact::Contact;
use domain::customer::{Customer, Vetting};
use domain::enrolment::SandboxOutcome;
use domain::ids::{EventId, ReviewId};
use domain::network::{Attributes, Fingerprint, History, MOST_SIGHTINGS, View};
use domain::scan::{Finding, Scan, ScanStatus};
use domain::time::{Clock, Random};
use domain::verification::{Standing, Verification};
use jiff::Timestamp;
use runtime::{Bucket, Clients, Metric, Settings, SystemClock, SystemRandom, count};
use screening::{Config, Topic};
use store::customers::Customers;
use store::network::{Gathered, Network, NetworkError};
use store::reviews::Reviews;
use store::{StoreError, Table, Transaction};

use crate::applicant::applicant_of;
pub use crate::evidence::Evidence;
use crate::history::put_review;
pub use crate::history::{Latest, add_decision, latest_review};
pub use crate::memory::Weighed;
use crate::providers::ConfiguredProvider;
use crate::verdict::verification;

/// What it is called in the log, and the settings with its URL and its key's secret.
const IDENTITY_PROVIDER: (&str, &str, &str) =
    ("identity", "IDENTITY_PROVIDER_URL", "IDENTITY_PROVIDER_SECRET_ID");
const ADDRESS_PROVIDER: (&str, &str, &str) =
    ("address", "ADDRESS_PROVIDER_URL", "ADDRESS_PROVIDER_SECRET_ID");

/// Vets customers.
pub struct Vetter {
    table: Table,
    network: Network,
    reviews: Reviews,
    editions: Editions,
    config: Config,
    identity: Option<Arc<dyn IdentityProvider>>,
    delivery: Option<Arc<dyn AddressProvider>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// Why a customer was not vetted.
#[derive(Debug, thiserror::Error)]
pub enum VettingError {
    /// No watchlist to screen against.
    #[error(transparent)]
    Edition(#[from] EditionError),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the network knows could not be read.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The partner's policy is none.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A review is not as written.
    #[error("a review is not as written")]
    Malformed(#[from] serde_json::Error),
}

impl VettingError {
    /// Whether the same customer may well be vetted a little later.
    #[must_use]
    pub const fn is_for_later(&self) -> bool {
        matches!(self, Self::Edition(_))
    }
}

/// What vetting found, to be applied to the customer and written with it.
#[derive(Debug, Clone)]
pub struct Vetted {
    /// What follows for the customer.
    pub vetting: Vetting,
    /// The screening itself.
    pub screening: Screening,
    /// The review.
    pub review: Review,
    run: EventId,
    revision: u64,
}

impl std::fmt::Debug for Vetter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vetter")
    }
}

impl Vetter {
    /// Reads the settings. Nothing is fetched yet.
    pub fn from_settings(
        settings: &mut Settings,
        clients: &Clients,
        customers: &Customers,
    ) -> Self {
        let bucket = Bucket::new(clients, settings.required("WATCHLIST_BUCKET"));
        let manifest_key = settings.required("WATCHLIST_MANIFEST_KEY");
        let editions = Editions::new(bucket.reader(), manifest_key, std::env::temp_dir());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut provider =
            |names| ConfiguredProvider::from_settings(settings, clients, &clock, names);
        let identity = provider(IDENTITY_PROVIDER);
        let delivery = provider(ADDRESS_PROVIDER);
        let mut vetter = Self::new(customers, editions, clock, Arc::new(SystemRandom));
        vetter.identity = identity.map(|it| Arc::new(it) as Arc<dyn IdentityProvider>);
        vetter.delivery = delivery.map(|it| Arc::new(it) as Arc<dyn AddressProvider>);
        vetter
    }

    /// A vetter over any editions, without providers.
    #[must_use]
    pub fn new(
        customers: &Customers,
        editions: Editions,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let table = customers.table().clone();
        Self {
            network: Network::new(table.clone(), Arc::clone(customers.ring())),
            reviews: Reviews::new(table.clone()),
            table,
            editions,
            config: Config::default(),
            identity: None,
            delivery: None,
            clock,
            random,
        }
    }

    /// The same vetter, asking this provider about identities.
    #[must_use]
    pub fn with_identity(mut self, provider: Arc<dyn IdentityProvider>) -> Self {
        self.identity = Some(provider);
        self
    }

    /// The same vetter, asking this provider about addresses.
    #[must_use]
    pub fn with_delivery(mut self, provider: Arc<dyn AddressProvider>) -> Self {
        self.delivery = Some(provider);
        self
    }

    /// Whether anybody outside is asked.
    #[must_use]
    pub const fn asks_providers(&self) -> bool {
        self.identity.is_some() || self.delivery.is_some()
    }

    /// The editions that it screens with.
    #[must_use]
    pub const fn editions(&self) -> &Editions {
        &self.editions
    }

    /// The configuration that it screens with.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Screens a customer as it is by the editions of `set`. A screening that withdraws a hit is made again with the
    /// ones that are in force now, which then stand in `set`: an older edition does not have the entry that a newer one
    /// brought, and must not take its hit away.
    ///
    /// # Errors
    /// [`EditionError`].
    pub async fn screen(
        &self,
        customer: &Customer,
        addresses: &[Contact],
        set: &mut Arc<EditionSet>,
        now: Timestamp,
    ) -> Result<Findings, EditionError> {
        let found = screen_customer(customer, addresses, set, &self.config);
        if !found.withdraws() {
            return Ok(found);
        }
        *set = self.editions.in_force_for(set, now).await?;
        Ok(screen_customer(customer, addresses, set, &self.config))
    }

    /// Whether a customer's review is due: it was asked for; or the last one had to wait for a list that is there now, and
    /// nobody has decided meanwhile.
    #[must_use]
    pub fn is_due(customer: &Customer, set: &EditionSet) -> bool {
        let came = |scan: &Scan, topic| scan.status == ScanStatus::Pending && set.covers(topic);
        customer.status == CustomerStatus::Active
            && match customer.verification {
                Verification::Pending => true,
                Verification::Review => {
                    came(&customer.ofac, Topic::Sanctions) || came(&customer.pep_scan, Topic::Pep)
                }
                Verification::NotAsked | Verification::Verified | Verification::Rejected => false,
            }
    }

    /// Screens a customer as it is, see [`Self::screen`], and reviews it after the latest review that there is.
    ///
    /// # Errors
    /// [`VettingError`].
    pub async fn vet(
        &self,
        customer: &Customer,
        addresses: &[Contact],
        (set, latest): (&mut Arc<EditionSet>, &Latest<'_>),
        now: Timestamp,
    ) -> Result<Vetted, VettingError> {
        let Findings { screening, ofac, pep_scan, adverse_media } =
            self.screen(customer, addresses, set, now).await?;
        let (partner, id) = (customer.partner, customer.id);
        let applicant = applicant_of(customer);
        let attributes = attributes_of(customer);
        let (known, earlier, identity, delivery) = tokio::join!(
            Box::pin(self.network.gather(partner, id, &attributes)),
            latest.get(),
            self.ask_identity(&applicant),
            self.ask_delivery(&applicant),
        );
        let Gathered { view, policy } = known?;
        let policy = Policy::stored(policy.as_ref().map(|(policy, version)| (policy, *version)))?;
        let earlier = earlier?;
        let forced = forced(customer);
        let prescribed = forced == Some(Decision::Accept);
        let adverse_media = adverse_media.filter(|_| !watch_list::lets_media_pass(&policy));
        let after = |scan: &Scan, finding: &Finding| scan.after_vetting(finding, prescribed);
        let (ofac_after, pep_after) =
            (after(&customer.ofac, &ofac), after(&customer.pep_scan, &pep_scan));
        let media_after =
            adverse_media.as_ref().map(|media| (after(&customer.adverse_media, media), media));
        let mut scans = vec![
            held(Topic::Sanctions, &ofac_after, &ofac),
            held(Topic::Pep, &pep_after, &pep_scan),
        ];
        scans.extend(
            media_after.as_ref().map(|(scan, media)| held(Topic::AdverseMedia, scan, media)),
        );
        let searched = searched(customer, &screening, &scans, set);
        let mut assessment = assess(&Inputs {
            applicant: &applicant,
            network: &view,
            watch_list: Some(&searched),
            identity: &identity,
            delivery: &delivery,
            policy: &policy,
            forced,
            now,
        });
        assessment.accounts = looked_at(&view);
        let verified = verification(&assessment, forced);
        let barred = forced.is_none() && earlier.is_some_and(Review::bars);
        if barred {
            assessment.bar();
        }
        let verification = match verified {
            Verification::Verified if barred => Verification::Review,
            other => other,
        };
        let vetting = Vetting { verification, ofac, pep_scan, adverse_media, prescribed };
        let review_id = ReviewId::new(&*self.clock, &*self.random);
        let review = match earlier {
            None => Review::opened(review_id, assessment, now),
            Some(earlier) => earlier.renewed(review_id, assessment, now),
        };
        count(Metric::ReviewsMade, 1);
        let run = EventId::new(&*self.clock, &*self.random);
        let revision = customer.subject_revision;
        Ok(Vetted { vetting, screening, review, run, revision })
    }

    /// The latest review of a customer, for what may ask for it.
    #[must_use]
    pub fn latest(&self, customer: &Customer) -> Latest<'_> {
        Latest::of(&self.reviews, customer)
    }

    /// Weighs what adverse media say that is new, by the latest review, and answers whether anything of it is left. Nobody
    /// reads it of a customer that was never reviewed; a policy may make nothing of it; and what is named by a latest review
    /// that was accepted is accepted, also where a release has written it that kept no more than the review. Asks for the
    /// latest review when there is anything.
    ///
    /// # Errors
    /// [`VettingError`].
    pub async fn weigh_media(
        &self,
        customer: &mut Customer,
        found: &mut Findings,
        latest: &Latest<'_>,
    ) -> Result<bool, VettingError> {
        let is_news = |finding: &Finding| customer.adverse_media.is_news(finding);
        let Some(finding) = found.adverse_media.as_ref().filter(|finding| is_news(finding)) else {
            return Ok(false);
        };
        let latest = latest.get().await?;
        let Some(latest) =
            latest.filter(|latest| !watch_list::lets_media_pass(&latest.assessment.policy))
        else {
            found.adverse_media = None;
            return Ok(false);
        };
        if let Some(searched) = &latest.assessment.watch_list.searched
            && latest.decision == Decision::Accept
            && !searched.keeps_media
        {
            for (entity, content) in &finding.hits {
                if searched.names(entity, content) {
                    customer.adverse_media.take_over(entity.clone(), content.clone());
                }
            }
        }
        Ok(customer.adverse_media.is_news(finding))
    }

    /// The entry that these editions add to the history of reviews of the customer, as the screening has left it: one when
    /// they name somebody who was not named at the latest review, or have withdrawn one who was, or the customer stands
    /// elsewhere by it.
    ///
    /// # Errors
    /// [`VettingError`].
    pub async fn rescreened(
        &self,
        customer: &Customer,
        found: &Findings,
        (set, latest): (&EditionSet, &Latest<'_>),
        now: Timestamp,
    ) -> Result<Option<Review>, VettingError> {
        let Some(latest) = latest.get().await? else { return Ok(None) };
        let (ofac, pep_scan) = (&found.ofac, &found.pep_scan);
        let mut scans = vec![
            held(Topic::Sanctions, &customer.ofac, ofac),
            held(Topic::Pep, &customer.pep_scan, pep_scan),
        ];
        let media = found.adverse_media.as_ref();
        scans.extend(media.map(|media| held(Topic::AdverseMedia, &customer.adverse_media, media)));
        let searched = searched(customer, &found.screening, &scans, set);
        Ok(latest.rescreened(searched, &found.withdrawn().collect(), stands_at(customer), now))
    }

    async fn ask_identity(&self, applicant: &Applicant) -> IdentityAnswer {
        match &self.identity {
            Some(provider) => provider.confirm(applicant).await,
            None => IdentityAnswer::NotConfigured,
        }
    }

    async fn ask_delivery(&self, applicant: &Applicant) -> DeliveryAnswer {
        match (&self.delivery, &applicant.address) {
            (Some(provider), Some(address)) => provider.delivery(address).await,
            _ => DeliveryAnswer::NotConfigured,
        }
    }

    /// Adds an entry to the history of reviews to the transaction that changes the customer.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_review(
        &self,
        transaction: &mut Transaction,
        customer: &Customer,
        review: &Review,
    ) -> Result<(), StoreError> {
        put_review(transaction, &self.table, customer, review)
    }
}

const fn held<'a>(topic: Topic, scan: &'a Scan, found: &'a Finding) -> Held<'a> {
    Held { topic, scan, found }
}

/// What the lists say of a customer, and what the scans make of it. Of an invented customer, whose good end a sandbox partner
/// prescribed, nobody has decided anything: it is told what is found.
fn searched(
    customer: &Customer,
    screening: &Screening,
    scans: &[Held<'_>],
    set: &EditionSet,
) -> WatchList {
    let searched = WatchList::of(screening, set);
    if forced(customer) == Some(Decision::Accept) {
        return searched;
    }
    searched.settled_by(scans, set)
}

/// What a review says of a customer that stands there; `None` where it is nothing that a review comes to.
fn stands_at(customer: &Customer) -> Option<Decision> {
    match customer.standing() {
        Standing::Verified => Some(Decision::Accept),
        Standing::Review => Some(Decision::Review),
        Standing::Rejected => Some(Decision::Reject),
        Standing::Pending | Standing::Inactive => None,
    }
}

/// By what the network knows a customer.
fn attributes_of(customer: &Customer) -> Attributes {
    let attributes = applicant_of(customer).attributes();
    let accounts = customer.accounts.clone();
    Attributes { sandbox: customer.sandbox == Some(true), accounts, ..attributes }
}

/// The accounts that count as looked at: those whose history has the customer already. Whoever comes after sees the customer
/// there; of an account that the network has not heard of yet, others may come before it does. A history that is full of one
/// day takes nobody in.
fn looked_at(known: &View) -> BTreeSet<Fingerprint> {
    let is_heard_of = |history: &History| {
        let is_full = history.sightings.len() + 1 >= MOST_SIGHTINGS;
        is_full || history.sightings.contains_key(&known.contributor)
    };
    let looked_at = known.accounts.iter().filter(|(_, history)| is_heard_of(history));
    looked_at.map(|(account, _)| account.clone()).collect()
}

/// The end that a sandbox partner prescribed.
fn forced(customer: &Customer) -> Option<Decision> {
    match customer.enrolment.as_ref()?.sandbox_outcome? {
        SandboxOutcome::Standard => None,
        SandboxOutcome::Verified => Some(Decision::Accept),
        SandboxOutcome::Rejected => Some(Decision::Reject),
        SandboxOutcome::Review => Some(Decision::Review),
    }
}
