//! Erasing a customer for good; see `store::customers` for what goes and what stays.

use domain::choices::CustomerStatus;
use http_api::{Caller, Failure, Reply, Request};
use store::customers::Erasure;

use super::envelope::{load, object};
use crate::app::{App, actor, broken};
use crate::settle::{Prepared, check_environment, settle_prepared};

/// `DELETE /v1/customers/{customerId}`: answers the customer as it last was, then there is none.
///
/// # Errors
/// [`Failure`].
pub async fn erase(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let actor = actor(caller, request);
    settle_prepared(app, caller, request, async |now| {
        let customer = load(app, caller, request).await?;
        check_environment(caller, &customer, CustomerStatus::Inactive)?;
        let reply = object(200, &straddle::masked(&customer), request, now)?;
        let erasure = Erasure { customer: &customer, actor: &actor, now };
        let transaction = app.customers.prepare_erasure(&erasure).await.map_err(broken)?;
        Ok(Prepared { transaction, reply, owner: None })
    })
    .await
}
