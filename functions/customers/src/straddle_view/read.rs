//! Reading one customer, masked or in clear, and its latest review.

use http_api::{Caller, Failure, Reply, Request};
use runtime::pause;
use serde::Serialize;
use serde_json::Value;

use super::envelope::{load, object};
use crate::app::{App, customer_id};
use crate::read::note_read;
use crate::settle::RETRIES;

/// `GET /v1/customers/{customerId}`.
///
/// # Errors
/// [`Failure`].
pub async fn get(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let customer = load(app, caller, request).await?;
    object(200, &straddle::masked(&customer), request, app.clock.now())
}

/// `GET /v1/customers/{customerId}/unmasked`: never without an audit entry before.
///
/// # Errors
/// [`Failure`].
pub async fn unmasked(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    for round in 0..=RETRIES {
        if round > 0 {
            pause(round, &*app.random).await;
        }
        let customer = load(app, caller, request).await?;
        let secrets = straddle::clear_secrets(&customer);
        if note_read(app, caller, request, &customer, secrets).await? {
            return object(200, &straddle::unmasked(&customer), request, app.clock.now());
        }
    }
    Err(Failure::Conflict)
}

#[derive(Serialize)]
struct CustomerReview {
    customer_details: straddle::CustomerObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_details: Option<Value>,
}

/// `GET /v1/customers/{customerId}/review`. A customer that was never reviewed has no identity details.
///
/// # Errors
/// [`Failure`].
pub async fn review(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let id = customer_id(request)?;
    let (customer, latest) = tokio::join!(
        Box::pin(load(app, caller, request)),
        Box::pin(vetting::latest_review(app.customers.table(), caller.partner, id)),
    );
    let customer_details = straddle::masked(&customer?);
    let identity_details = latest.map_err(Failure::internal)?;
    object(200, &CustomerReview { customer_details, identity_details }, request, app.clock.now())
}
