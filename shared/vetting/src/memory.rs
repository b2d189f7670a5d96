//! What the network of partners remembers of a customer, and its forgetting.
//!
//! Invariant: only what a person or a provider has confirmed speaks for anybody else, and nobody invented does; repeating
//! any of it changes nothing.

use compliance::review::{Cause, Policy, Review, speaks_against};
use domain::choices::CustomerStatus;
use domain::customer::Customer;
use domain::ids::{CustomerId, PartnerId};
use domain::network::{AttributeKind, Outcome};
use domain::verification::Verification;
use jiff::Timestamp;
use runtime::pause;
use store::network::{Gathered, NetworkError, Seen};

use crate::{Vetter, VettingError, attributes_of, forced};

/// How often a busy network is tried again, with growing pauses.
const PATIENCE: u32 = 8;

impl Vetter {
    /// Lets the network of partners remember the customer as it is. Repeating it changes nothing. An invented customer,
    /// whose end a sandbox partner prescribed, is nothing to remember.
    ///
    /// # Errors
    /// [`VettingError`].
    pub async fn remember(&self, customer: &Customer, now: Timestamp) -> Result<(), VettingError> {
        if forced(customer).is_some() {
            return Ok(());
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

    /// Whether the customer has proved an account since its latest review, and what the network knows of that account speaks
    /// against it: the review is due again then. Nobody reviews an invented customer again, whose end is prescribed, nor one
    /// whom nobody has reviewed. No round trip without such an account, else 1 query and 1 batch read side by side.
    ///
    /// # Errors
    /// [`VettingError`].
    pub async fn account_is_news(
        &self,
        customer: &Customer,
        now: Timestamp,
    ) -> Result<bool, VettingError> {
        let is_settled = match customer.verification {
            Verification::Verified | Verification::Review | Verification::Rejected => true,
            Verification::NotAsked | Verification::Pending => false,
        };
        let attributes = attributes_of(customer);
        let Some(account) = &attributes.bank_account else { return Ok(false) };
        let is_active = customer.status == CustomerStatus::Active;
        if !is_settled || !is_active || forced(customer).is_some() {
            return Ok(false);
        }
        let (partner, id) = (customer.partner, customer.id);
        let (latest, known) = tokio::join!(
            Box::pin(self.reviews.current(partner, id)),
            Box::pin(self.network.gather(partner, id, &attributes)),
        );
        let (latest, Gathered { view, policy }): (Option<Review>, _) = (latest?, known?);
        // What a person or the lists have added since, the modules have not seen.
        if latest.is_none_or(|latest| latest.created_at >= account.at) {
            return Ok(false);
        }
        let policy = Policy::stored(policy.as_ref().map(|(policy, version)| (policy, *version)))?;
        Ok(speaks_against(&view, AttributeKind::BankAccount, &policy, now))
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
    async fn patiently(
        &self,
        act: impl AsyncFn() -> Result<(), NetworkError>,
    ) -> Result<(), VettingError> {
        for round in 1..=PATIENCE {
            match act().await {
                Err(NetworkError::Busy) => pause(round, &*self.random).await,
                answer => return Ok(answer?),
            }
        }
        Ok(act().await?)
    }
}
