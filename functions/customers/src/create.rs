//! Onboarding. One transaction and no read before it: every precondition is a condition of the transaction.

use domain::contact::ContactId;
use domain::customer::{Customer, Onboarding};
use domain::ids::{CifNumber, CustomerId};
use http_api::{Caller, Environment, Failure, Reply, Request};

use crate::app::App;
use crate::cos::{self, Mask};
use crate::settle::{Attempt, settle};

/// `POST /customers`.
///
/// # Errors
/// [`Failure`].
pub async fn create_customer(
    app: &App,
    caller: &Caller,
    request: &Request,
) -> Result<Reply, Failure> {
    let today = cos::today(app.clock.now());
    let asked = request.read(|object| cos::read_onboarding(object, caller.partner, today))?;
    // The answer shows no more than the request said, so it needs no audit entry of its own.
    let mask = Mask::for_caller(caller);
    let reply = settle(app, caller, request, async |now| {
        let asked = asked.clone();
        let mut primaries = Vec::with_capacity(asked.primaries.len());
        for body in asked.primaries {
            primaries.push((ContactId::new(body.kind(), &*app.clock, &*app.random), body));
        }
        let start = Onboarding {
            id: CustomerId::new(&*app.clock, &*app.random),
            partner: caller.partner,
            cif: CifNumber::draw(&*app.random),
            party: asked.party,
            client_identifier: asked.client_identifier,
            primaries,
        };
        let owner = cos::primary_owner(&start.party);
        let (mut after, change) = Customer::onboard(start, now);
        after.sandbox = Some(caller.environment == Environment::Sandbox);
        let reply = Reply::ok(&cos::customer(&after, mask))?;
        Ok(Attempt { owner, ..Attempt::change(None, after, change, reply) })
    })
    .await?;
    // An answer that is given again was made for the first caller, who may have had the scope that this one lacks.
    Ok(match mask {
        Mask::Shown => reply,
        Mask::Starred => cos::starred(reply),
    })
}
