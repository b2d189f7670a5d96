//! Vetting within the request: what `inline` means.

use domain::customer::{Change, Customer};
use domain::enrolment::Processing;
use domain::verification::Verification;
use http_api::Failure;
use jiff::Timestamp;
use runtime::{Metric, count};
use vetting::Vetted;

use crate::app::App;

/// Screens and reviews a customer that is due, when it wants that within the request. Where there is nothing to screen
/// with, nobody is cleared and the request does not fail either: the customer stays pending, and the event of its change
/// brings it to the worker, which waits for a watchlist.
pub(super) async fn vet_inline(
    app: &App,
    customer: &mut Customer,
    change: &mut Change,
    now: Timestamp,
) -> Result<Option<Vetted>, Failure> {
    let due = customer.verification == Verification::Pending
        && customer.processing() == Processing::Inline
        && !change.is_empty();
    let Some(vetter) = app.vetter.as_ref().filter(|_| due) else { return Ok(None) };
    let addresses: Vec<_> =
        customer.primary(domain::contact::ContactKind::Address).cloned().into_iter().collect();
    let vetted = async {
        let mut set = vetter.editions().current(now).await?;
        vetter.vet(customer, &addresses, &mut set, now).await
    };
    match Box::pin(vetted).await {
        Ok(vetted) => {
            customer.reviewed(&vetted.vetting, change);
            Ok(Some(vetted))
        }
        Err(error) if error.is_for_later() => {
            count(Metric::ReviewsPostponed, 1);
            Ok(None)
        }
        Err(error) => Err(Failure::internal(error)),
    }
}
