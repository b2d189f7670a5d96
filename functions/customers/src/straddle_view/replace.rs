//! Replacing a customer. The identity that differs is verified again.

use domain::contact::{ContactBody, ContactId, ContactKind};
use domain::customer::{Customer, Replacement};
use domain::problem::Problem;
use domain::verification::Standing;
use http_api::{Caller, Failure, Reply, Request};

use super::envelope::{load, object};
use super::request::{UpdateRequest, read_update};
use super::vet::{VettedOnce, vet_inline};
use crate::app::App;
use crate::cos::today;
use crate::settle::{Attempt, refused, settle};

/// `PUT /v1/customers/{customerId}`.
///
/// # Errors
/// [`Failure`].
pub async fn replace(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let once = VettedOnce::default();
    settle(app, caller, request, async |now| {
        let before = load(app, caller, request).await?;
        let asked = request.read(|object| read_update(object, &before, today(now)))?;
        check_status(&before, asked.status)?;
        let mut after = before.clone();
        let mut change = after.replace(replacement(app, asked), now).map_err(refused)?;
        let vetted = match after.standing() {
            Standing::Inactive => None,
            _ => vet_inline(app, (&once, Some(&before)), &mut after, &mut change, now).await?,
        };
        let reply = object(200, &straddle::masked(&after), request, now)?;
        Ok(Attempt { vetted, ..Attempt::change(Some(before), after, change, reply) })
    })
    .await
}

/// What a customer stands at follows from its verification. A request repeats it, or deactivates the customer.
fn check_status(before: &Customer, asked: Standing) -> Result<(), Failure> {
    if asked == before.standing() || asked == Standing::Inactive {
        return Ok(());
    }
    let reason = "the status follows from the verification; only inactive can be set";
    Err(Failure::field("status", Problem::NotApplicable { reason }))
}

fn replacement(app: &App, asked: UpdateRequest) -> Replacement {
    let id = |kind| ContactId::new(kind, &*app.clock, &*app.random);
    Replacement {
        party: asked.party,
        client_identifier: asked.client_identifier,
        enrolment: asked.enrolment,
        primaries: vec![
            (id(ContactKind::Address), asked.address.map(ContactBody::Address)),
            (id(ContactKind::Phone), Some(asked.phone)),
            (id(ContactKind::Email), Some(asked.email)),
        ],
        deactivate: asked.status == Standing::Inactive,
    }
}
