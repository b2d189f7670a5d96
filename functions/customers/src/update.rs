//! Changing a customer's name, profile or due diligence, and deactivating it.

use domain::audit::AuditAction;
use domain::customer::{Customer, Party};
use domain::ids::CustomerId;
use http_api::{Caller, Failure, Operation, Reply, Request};
use jiff::Timestamp;

use crate::app::{App, CUSTOMER, broken, customer_id};
use crate::cos::{self, Mask};
use crate::settle::{Attempt, refused, settle};

/// `PUT /customers/{customerId}/name`, `/profile`, `/due-diligence` and `/business-due-diligence`: the part is replaced.
///
/// # Errors
/// [`Failure`].
pub async fn update_customer(
    app: &App,
    caller: &Caller,
    request: &Request,
) -> Result<Reply, Failure> {
    let id = customer_id(request)?;
    settle(app, caller, request, async |now| {
        let before = load(app, caller, id).await?;
        let (party, action) = changed_party(request, &before, now)?;
        let owner = changed_owner(&before.party, &party);
        let mut after = before.clone();
        let change = after.change_party(party, action, now).map_err(refused)?;
        let reply = Reply::ok(&cos::customer(&after, Mask::Starred))?;
        Ok(Attempt { owner, ..Attempt::change(Some(before), after, change, reply) })
    })
    .await
}

fn changed_party(
    request: &Request,
    before: &Customer,
    now: Timestamp,
) -> Result<(Party, AuditAction), Failure> {
    let today = cos::today(now);
    let party = &before.party;
    match request.route.operation {
        Operation::NameUpdate => {
            let party = request.read(|object| cos::read_name_change(object, party))?;
            Ok((party, AuditAction::ChangeName))
        }
        Operation::ProfileUpdate => {
            let party = request.read(|object| cos::read_profile_change(object, party, today))?;
            Ok((party, AuditAction::ChangeProfile))
        }
        Operation::DueDiligenceUpdate => {
            let party = request.read(|object| cos::read_diligence_change(object, party))?;
            Ok((party, AuditAction::ChangeDueDiligence))
        }
        Operation::BusinessDueDiligenceUpdate => {
            let party =
                request.read(|object| cos::read_business_diligence_change(object, party, today))?;
            Ok((party, AuditAction::ChangeDueDiligence))
        }
        _ => Err(Failure::NotFound("resource")),
    }
}

/// An owner that was named before has been checked before.
fn changed_owner(before: &Party, after: &Party) -> Option<(CustomerId, &'static str)> {
    let owner =
        cos::primary_owner(after).filter(|owner| cos::primary_owner(before) != Some(*owner));
    owner.map(|(id, _)| (id, "primaryOwnerCustomerId"))
}

/// `DELETE /customers/{customerId}`: the customer becomes Inactive; doing it again answers the same.
///
/// # Errors
/// [`Failure`].
pub async fn deactivate_customer(
    app: &App,
    caller: &Caller,
    request: &Request,
) -> Result<Reply, Failure> {
    let id = customer_id(request)?;
    settle(app, caller, request, async |now| {
        let before = load(app, caller, id).await?;
        let mut after = before.clone();
        let change = after.deactivate(now);
        let reply = Reply::ok(&cos::customer(&after, Mask::Starred))?;
        Ok(Attempt::change(Some(before), after, change, reply))
    })
    .await
}

/// The caller's customer.
pub(crate) async fn load(app: &App, caller: &Caller, id: CustomerId) -> Result<Customer, Failure> {
    let customer = app.customers.get(caller.partner, id).await.map_err(broken)?;
    customer.ok_or(Failure::NotFound(CUSTOMER))
}
