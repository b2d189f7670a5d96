//! The history of a customer's reviews.
//!
//! Invariant: an entry is put under a number of its own and never written over.

use compliance::review::{Decision, IdentityDetails, Review};
use domain::customer::Customer;
use domain::ids::{CustomerId, PartnerId};
use domain::verification::Verdict;
use jiff::Timestamp;
use serde_json::Value;
use store::reviews::{Reviews, review_item};
use store::{StoreError, Table, Transaction};
use tokio::sync::OnceCell;

use crate::{VettingError, stands_at};

/// The latest review of a customer, read when it is first asked for, and once. 1 query; none of a new customer, who has no
/// history.
#[derive(Debug)]
pub struct Latest<'a> {
    reviews: &'a Reviews,
    partner: PartnerId,
    customer: CustomerId,
    read: OnceCell<Option<Review>>,
}

impl<'a> Latest<'a> {
    pub(crate) fn of(reviews: &'a Reviews, customer: &Customer) -> Self {
        let has_history = customer.version > 1 || customer.was_screened();
        let read = if has_history { OnceCell::new() } else { OnceCell::new_with(Some(None)) };
        Self { reviews, partner: customer.partner, customer: customer.id, read }
    }

    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn get(&self) -> Result<Option<&Review>, StoreError> {
        let read = || Box::pin(self.reviews.current(self.partner, self.customer));
        Ok(self.read.get_or_try_init(read).await?.as_ref())
    }
}

/// A number that another change has taken meanwhile refuses the transaction, which is then tried again.
pub(crate) fn put_review(
    transaction: &mut Transaction,
    table: &Table,
    customer: &Customer,
    review: &Review,
) -> Result<(), StoreError> {
    let item = review_item(customer.partner, customer.id, review.number, review)?;
    transaction.put_new("review", table, item);
    Ok(())
}

/// The latest review in the contract's words, `None` when there was none.
///
/// # Errors
/// [`VettingError`].
pub async fn latest_review(
    table: &Table,
    partner: PartnerId,
    customer: CustomerId,
) -> Result<Option<Value>, VettingError> {
    let review: Option<Review> =
        Box::pin(Reviews::new(table.clone()).current(partner, customer)).await?;
    let shown = review.map(|review| serde_json::to_value(IdentityDetails::from(&review)));
    Ok(shown.transpose()?)
}

/// Adds a person's decision to the history of reviews, and answers the number of the entry that it is about. `verdict` is what
/// it means for the customer, as the decision has left it; `None` where a scan was decided and something else goes on. A
/// customer that is in review by its scans alone, never having been reviewed, has no history to add to. 1 query.
///
/// # Errors
/// [`StoreError`].
pub async fn add_decision(
    table: &Table,
    transaction: &mut Transaction,
    customer: &Customer,
    verdict: Option<Verdict>,
    by: &str,
    now: Timestamp,
) -> Result<Option<u32>, StoreError> {
    let (partner, id) = (customer.partner, customer.id);
    let earlier: Option<Review> =
        Box::pin(Reviews::new(table.clone()).current(partner, id)).await?;
    let Some(earlier) = earlier else { return Ok(None) };
    let scans = [&customer.ofac, &customer.pep_scan, &customer.adverse_media];
    let entry = match verdict {
        Some(Verdict::Verified) => earlier.decided(Decision::Accept, by, &scans, now),
        Some(Verdict::Rejected) => earlier.decided(Decision::Reject, by, &scans, now),
        None => earlier.scan_decided(stands_at(customer), by, &scans, now),
    };
    put_review(transaction, table, customer, &entry)?;
    Ok(Some(earlier.number))
}
