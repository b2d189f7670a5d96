//! Reading one customer. Secrets in clear only to a token with the scope, and never without an audit entry before.

use domain::customer::Customer;
use http_api::{Caller, Failure, Reply, Request};
use runtime::pause;
use store::customers::CommitRefused;

use crate::app::{App, CUSTOMER, actor, broken, customer_id};
use crate::cos::{self, Mask};
use crate::settle::RETRIES;

/// `GET /customers/{customerId}`.
///
/// # Errors
/// [`Failure`].
pub async fn get_customer(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let id = customer_id(request)?;
    let mask = Mask::for_caller(caller);
    for round in 0..=RETRIES {
        if round > 0 {
            pause(round, &*app.random).await;
        }
        let customer = app.customers.get(caller.partner, id).await.map_err(broken)?;
        let customer = customer.ok_or(Failure::NotFound(CUSTOMER))?;
        let fields = if mask == Mask::Shown { cos::secrets_of(&customer) } else { Vec::new() };
        if note_read(app, caller, request, &customer, fields).await? {
            return Reply::ok(&cos::customer(&customer, mask));
        }
    }
    Err(Failure::Conflict)
}

/// Leaves an audit entry for the secret fields about to be shown; `false` when the customer changed meanwhile and has to
/// be read again. Nothing to show, nothing to note.
pub(crate) async fn note_read(
    app: &App,
    caller: &Caller,
    request: &Request,
    customer: &Customer,
    fields: Vec<String>,
) -> Result<bool, Failure> {
    if fields.is_empty() {
        return Ok(true);
    }
    let actor = actor(caller, request);
    match Box::pin(app.customers.record_read(customer, &actor, fields, app.clock.now())).await {
        Ok(()) => Ok(true),
        Err(CommitRefused::Failed(error)) => Err(broken(error)),
        Err(_) => Ok(false),
    }
}
