//! Taking a customer on and verifying it. One transaction; before it at most the one read of what the network knows.

use domain::contact::ContactId;
use domain::customer::{Customer, Onboarding};
use domain::ids::{CifNumber, CustomerId};
use http_api::{Caller, Environment, Failure, Reply, Request};

use super::envelope::object;
use super::request::read_create;
use super::vet::{VettedOnce, vet_inline};
use crate::app::App;
use crate::cos::today;
use crate::settle::{Attempt, settle};

/// `POST /v1/customers`.
///
/// # Errors
/// [`Failure`].
pub async fn create(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let account = request.account()?;
    let sandbox = caller.environment == Environment::Sandbox;
    // The same customer in each round: what was found is about this one.
    let (id, once) = (CustomerId::new(&*app.clock, &*app.random), VettedOnce::default());
    settle(app, caller, request, async |now| {
        let asked = request.read(|object| read_create(object, sandbox, today(now)))?;
        let identify = |body: domain::contact::ContactBody| {
            (ContactId::new(body.kind(), &*app.clock, &*app.random), body)
        };
        let start = Onboarding {
            id,
            partner: caller.partner,
            cif: CifNumber::draw(&*app.random),
            party: asked.party,
            client_identifier: asked.client_identifier,
            primaries: asked.primaries.into_iter().map(identify).collect(),
        };
        let (mut after, mut change) = Customer::onboard(start, now);
        after.sandbox = Some(sandbox);
        after.enrol(account, asked.enrolment, &mut change);
        let vetted = vet_inline(app, (&once, None), &mut after, &mut change, now).await?;
        let reply = object(201, &straddle::masked(&after), request, now)?;
        Ok(Attempt { vetted, ..Attempt::change(None, after, change, reply) })
    })
    .await
}
