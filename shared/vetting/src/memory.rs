//! What the network of partners remembers of a customer, and its forgetting.
//!
//! Invariant: only what a person or a provider has confirmed speaks for anybody else, and nobody invented does; repeating
//! any of it changes nothing.

use compliance::review::{Cause, Decision, Policy, Review, speaks_against};
use domain::customer::Customer;
use domain::ids::{CustomerId, PartnerId};
use domain::network::{AttributeKind, Fingerprint, Outcome, View};
use domain::scan::ScanStatus;
use domain::verification::{Standing, Verification};
use jiff::Timestamp;
use runtime::pause;
use store::network::{NetworkError, Seen};

use crate::{Latest, Vetter, VettingError, attributes_of, forced};

/// How often a busy network is tried again, with growing pauses.
const PATIENCE: u32 = 8;

/// What looking at the network's knowledge of a customer's accounts came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weighed {
    /// The customer is to be reviewed again.
    News,
    /// Nothing follows.
    NoNews,
    /// Something might follow, and the customer is at a point where nothing can: its review is still to come, somebody has
    /// turned it away, or nobody is to review it. It is looked at again when that changes.
    NotNow,
}

/// Whom a person or the modules have turned away is not reviewed again for what speaks against it as well, nor is anybody whom
/// nobody is to review, or whose end is prescribed.
fn may_be_reviewed_again(customer: &Customer) -> bool {
    let is_open = match customer.standing() {
        Standing::Verified | Standing::Review => true,
        Standing::Pending | Standing::Rejected | Standing::Inactive => false,
    };
    is_open && customer.is_reviewed() && forced(customer).is_none()
}

impl Vetter {
    /// Lets the network of partners remember the customer as it is. Repeating it changes nothing. An invented customer,
    /// whose end a sandbox partner prescribed, is nothing to remember. Answers what the network knows of the proved accounts
    /// alone that nobody has [looked at](Self::note_weighed); `None` when a later version is remembered already.
    ///
    /// # Errors
    /// [`VettingError`].
    pub async fn remember(
        &self,
        customer: &Customer,
        now: Timestamp,
    ) -> Result<Option<View>, VettingError> {
        if forced(customer).is_some() {
            return Ok(Some(View::default()));
        }
        let scans = [customer.ofac.status, customer.pep_scan.status];
        let outcome = match customer.verification {
            // Whatever the identity came to.
            _ if scans.contains(&ScanStatus::Positive) => Some(Outcome::Declined),
            Verification::Verified => {
                self.is_vouched_for(customer).await?.then_some(Outcome::Approved)
            }
            Verification::Rejected => Some(Outcome::Declined),
            Verification::NotAsked | Verification::Pending | Verification::Review => None,
        };
        let attributes = attributes_of(customer);
        let (partner, id) = (customer.partner, customer.id);
        let seen = Seen { version: customer.version, at: customer.created_at, outcome };
        self.patiently(async || {
            Box::pin(self.network.record(partner, id, &attributes, seen, now)).await
        })
        .await
    }

    /// What the network's knowledge of the customer's accounts, as [`Self::remember`] answered it, leads to. No round trip where
    /// nobody else is known by them and nobody warns of them, else 1 query and 1 GetItem side by side.
    ///
    /// # Errors
    /// [`VettingError`].
    pub async fn weigh(
        &self,
        customer: &Customer,
        known: &View,
        now: Timestamp,
    ) -> Result<Weighed, VettingError> {
        let is_shared = !known.by_others(AttributeKind::BankAccount, now).is_empty();
        if !is_shared && known.accounts.values().all(|history| history.alerts.is_empty()) {
            return Ok(Weighed::NoNews);
        }
        if !may_be_reviewed_again(customer) {
            return Ok(Weighed::NotNow);
        }
        let (latest, policy) = tokio::join!(
            Box::pin(self.reviews.current(customer.partner, customer.id)),
            Box::pin(self.reviews.policy(customer.partner)),
        );
        let (latest, policy): (Option<Review>, _) = (latest?, policy?);
        let Some(latest) = latest else { return Ok(Weighed::NoNews) };
        let policy = Policy::stored(policy.as_ref().map(|(policy, version)| (policy, *version)))?;
        // What a review has looked at, and perhaps a person decided, is no news beside what is.
        let mut news = known.clone();
        news.accounts.retain(|account, _| !latest.assessment.accounts.contains(account));
        let speaks = speaks_against(&news, &policy, now);
        Ok(if speaks { Weighed::News } else { Weighed::NoNews })
    }

    /// Whether the customer may be reviewed again, and has proved an account that the latest review has not looked at. Asks for
    /// the latest review when there is an account.
    ///
    /// # Errors
    /// [`VettingError`].
    pub async fn has_unreviewed_accounts(
        &self,
        customer: &Customer,
        latest: &Latest<'_>,
    ) -> Result<bool, VettingError> {
        if customer.accounts.is_empty() || !may_be_reviewed_again(customer) {
            return Ok(false);
        }
        Ok(latest.get().await?.is_some_and(|latest| {
            let looked_at = &latest.assessment.accounts;
            customer.accounts.iter().any(|account| !looked_at.contains(&account.fingerprint))
        }))
    }

    /// Notes that somebody has looked at what the network knows of these accounts of the customer as it was read.
    ///
    /// # Errors
    /// [`VettingError`].
    pub async fn note_weighed(
        &self,
        customer: &Customer,
        known: &View,
    ) -> Result<(), VettingError> {
        let (partner, id) = (customer.partner, customer.id);
        let accounts: Vec<Fingerprint> = known.accounts.keys().cloned().collect();
        let note =
            async || Box::pin(self.network.weighed(partner, id, customer.version, &accounts)).await;
        self.patiently(note).await
    }

    /// Whether a person or an identity provider has confirmed a verified customer, and no match holds it: the latest review
    /// says what it stands at. What the network alone confirmed, or a policy let pass, confirms nobody else: else applying
    /// would be a way to be vouched for. 1 query.
    async fn is_vouched_for(&self, customer: &Customer) -> Result<bool, VettingError> {
        let current = Box::pin(self.reviews.current(customer.partner, customer.id)).await?;
        let Some(latest): Option<Review> = current else { return Ok(false) };
        let by_provider = latest.assessment.kyc.as_ref().is_some_and(|kyc| kyc.by_provider);
        let by_person = matches!(latest.cause, Cause::Decided { .. });
        Ok(latest.decision == Decision::Accept && (by_provider || by_person))
    }

    /// Takes an erased customer out of the network's memory. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`VettingError`].
    pub async fn forget(
        &self,
        partner: PartnerId,
        customer: CustomerId,
        now: Timestamp,
    ) -> Result<(), VettingError> {
        self.patiently(async || Box::pin(self.network.forget(partner, customer, now)).await).await
    }

    /// Messages about people with something in common come at once; each waits its turn for a few seconds before it has
    /// to come again.
    async fn patiently<T>(
        &self,
        act: impl AsyncFn() -> Result<T, NetworkError>,
    ) -> Result<T, VettingError> {
        for round in 1..=PATIENCE {
            match act().await {
                Err(NetworkError::Busy) => pause(round, &*self.random).await,
                answer => return Ok(answer?),
            }
        }
        Ok(act().await?)
    }
}
