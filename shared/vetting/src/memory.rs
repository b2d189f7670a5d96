//! What the network of partners remembers of a customer, and its forgetting.
//!
//! Invariant: only what a person or a provider has confirmed speaks for anybody else, and nobody invented does; repeating
//! any of it changes nothing.

use compliance::review::{Cause, Policy, Review, speaks_against};
use domain::customer::Customer;
use domain::ids::{CustomerId, PartnerId};
use domain::network::{AttributeKind, Outcome, View};
use domain::verification::{Standing, Verification};
use jiff::Timestamp;
use runtime::pause;
use store::network::{NetworkError, Seen};

use crate::{Vetter, VettingError, attributes_of, forced};

/// How often a busy network is tried again, with growing pauses.
const PATIENCE: u32 = 8;

impl Vetter {
    /// Lets the network of partners remember the customer as it is. Repeating it changes nothing. An invented customer,
    /// whose end a sandbox partner prescribed, is nothing to remember. Answers what the network knows of a proved account
    /// alone, as long as nobody has [looked at](Self::account_is_weighed) it.
    ///
    /// # Errors
    /// [`VettingError`].
    pub async fn remember(
        &self,
        customer: &Customer,
        now: Timestamp,
    ) -> Result<Option<View>, VettingError> {
        if forced(customer).is_some() {
            return Ok(None);
        }
        let outcome = match customer.verification {
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

    /// Whether what the network knows of the customer's account, as [`Self::remember`] answered it, makes a review due: it speaks
    /// against the customer, and the latest review did not know it. Nobody reviews an invented customer again, whose end is
    /// prescribed. No round trip where nobody else is known by the account and nobody warns of it, else 1 query and 1 GetItem side by
    /// side.
    ///
    /// # Errors
    /// [`VettingError`].
    pub async fn account_is_news(
        &self,
        customer: &Customer,
        known: &View,
        now: Timestamp,
    ) -> Result<bool, VettingError> {
        let history = known.histories.get(&AttributeKind::BankAccount);
        let is_shared = !known.by_others(AttributeKind::BankAccount, now).is_empty();
        if !is_shared && history.is_none_or(|history| history.alerts.is_empty()) {
            return Ok(false);
        }
        let (is_unreviewed, policy) = tokio::join!(
            Box::pin(self.account_is_unreviewed(customer)),
            Box::pin(self.reviews.policy(customer.partner)),
        );
        let policy = policy?;
        let policy = Policy::stored(policy.as_ref().map(|(policy, version)| (policy, *version)))?;
        Ok(is_unreviewed? && speaks_against(known, &policy, now))
    }

    /// Whether the customer is settled, has been reviewed, and has proved an account that the latest review did not know. Whom
    /// somebody has turned away is not reviewed again for what speaks against it as well. 1 query, none without an account.
    ///
    /// # Errors
    /// [`VettingError`].
    pub async fn account_is_unreviewed(&self, customer: &Customer) -> Result<bool, VettingError> {
        let is_settled = match customer.standing() {
            Standing::Verified | Standing::Review => true,
            Standing::Pending | Standing::Rejected | Standing::Inactive => false,
        };
        let account = attributes_of(customer).bank_account;
        let Some(account) = account.filter(|_| is_settled && forced(customer).is_none()) else {
            return Ok(false);
        };
        let latest = Box::pin(self.reviews.current(customer.partner, customer.id)).await?;
        let latest: Option<Review> = latest;
        let knows =
            |latest: Review| latest.assessment.account.as_ref() == Some(&account.fingerprint);
        Ok(latest.is_some_and(|latest| !knows(latest)))
    }

    /// Notes that somebody has looked at what the network knows of the customer's account.
    ///
    /// # Errors
    /// [`VettingError`].
    pub async fn account_is_weighed(&self, customer: &Customer) -> Result<(), VettingError> {
        if let Some(account) = attributes_of(customer).bank_account {
            let (partner, id) = (customer.partner, customer.id);
            let note =
                async || Box::pin(self.network.weighed(partner, id, &account.fingerprint)).await;
            self.patiently(note).await?;
        }
        Ok(())
    }

    /// Whether a person or an identity provider has confirmed a verified customer. What the network alone confirmed, or a
    /// policy let pass, confirms nobody else: else applying would be a way to be vouched for. 1 query.
    async fn is_vouched_for(&self, customer: &Customer) -> Result<bool, VettingError> {
        let current = Box::pin(self.reviews.current(customer.partner, customer.id)).await?;
        let Some(latest): Option<Review> = current else { return Ok(false) };
        let by_provider = latest.assessment.kyc.as_ref().is_some_and(|kyc| kyc.by_provider);
        Ok(by_provider || matches!(latest.cause, Cause::Decided { .. }))
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
