//! Vetting within the request: what `inline` means.

use std::sync::{Mutex, PoisonError};

use domain::contact::{Contact, ContactKind};
use domain::customer::{Change, Customer};
use domain::enrolment::Processing;
use domain::verification::Verification;
use http_api::Failure;
use jiff::Timestamp;
use runtime::{Metric, count};
use vetting::Vetted;

use crate::app::{App, broken};

/// What vetting found within one request, for one version of the customer: a change that meets another one is written
/// again without asking anybody again, unless the customer is another one now.
#[derive(Debug, Default)]
pub(super) struct VettedOnce(Mutex<Option<(u64, Vetted)>>);

impl VettedOnce {
    fn of(&self, version: u64) -> Option<Vetted> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().filter(|(of, _)| *of == version).map(|(_, vetted)| vetted.clone())
    }

    fn keep(&self, version: u64, vetted: Vetted) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((version, vetted));
    }
}

/// Screens and reviews a customer that is due, when it wants that within the request. Where there is nothing to screen
/// with, nobody is cleared and the request does not fail either: the customer stays pending, and the event of its change
/// brings it to the worker, which waits for a watchlist.
pub(super) async fn vet_inline(
    app: &App,
    (once, before): (&VettedOnce, Option<&Customer>),
    customer: &mut Customer,
    change: &mut Change,
    now: Timestamp,
) -> Result<Option<Vetted>, Failure> {
    let due = customer.verification == Verification::Pending
        && customer.processing() == Processing::Inline
        && !change.is_empty();
    let Some(vetter) = app.vetter.as_ref().filter(|_| due) else { return Ok(None) };
    let version = before.map_or(0, |before| before.version);
    if let Some(vetted) = once.of(version) {
        customer.reviewed(&vetted.vetting, change);
        return Ok(Some(vetted));
    }
    let addresses = Box::pin(all_addresses(app, customer)).await?;
    let vetted = async {
        let mut set = vetter.editions().current(now).await?;
        let latest = vetter.latest(customer);
        vetter.vet(customer, &addresses, (&mut set, &latest), now).await
    };
    match Box::pin(vetted).await {
        Ok(vetted) => {
            customer.reviewed(&vetted.vetting, change);
            once.keep(version, vetted.clone());
            Ok(Some(vetted))
        }
        Err(error) if error.is_for_later() => {
            count(Metric::ReviewsPostponed, 1);
            Ok(None)
        }
        Err(error) => Err(Failure::internal(error)),
    }
}

/// Every address, as the worker screens them: the primary one as it is to be, the others as they are stored. 1 query where
/// there are others.
async fn all_addresses(app: &App, customer: &Customer) -> Result<Vec<Contact>, Failure> {
    let primary = customer.primary(ContactKind::Address);
    if customer.count(ContactKind::Address) <= 1 {
        return Ok(primary.cloned().into_iter().collect());
    }
    let (partner, id) = (customer.partner, customer.id);
    let mut all =
        app.customers.contacts(partner, id, ContactKind::Address).await.map_err(broken)?;
    all.retain(|address| primary.is_none_or(|primary| primary.id != address.id));
    all.extend(primary.cloned());
    Ok(all)
}
