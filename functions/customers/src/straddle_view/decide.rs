//! A person's decision about a customer in review, and asking for another review.

use http_api::{Caller, Failure, Reply, Request};

use super::envelope::{load, object};
use super::request::read_verdict;
use crate::app::App;
use crate::settle::{Attempt, refused, settle};

/// `PATCH /v1/customers/{customerId}/review`.
///
/// # Errors
/// [`Failure`].
pub async fn decide(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    settle(app, caller, request, async |now| {
        let before = load(app, caller, request).await?;
        let verdict = request.read(read_verdict)?;
        let mut after = before.clone();
        let change = after.decide_standing(verdict, now).map_err(refused)?;
        let reply = object(200, &straddle::masked(&after), request, now)?;
        Ok(Attempt {
            verdict: Some(verdict),
            ..Attempt::change(Some(before), after, change, reply)
        })
    })
    .await
}

/// `PUT /v1/customers/{customerId}/refresh_review`: 202; the review follows, and its result is an event.
///
/// # Errors
/// [`Failure`].
pub async fn refresh(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    settle(app, caller, request, async |now| {
        let before = load(app, caller, request).await?;
        let mut after = before.clone();
        let change = after.request_review(now).map_err(refused)?;
        let reply = object(202, &straddle::masked(&after), request, now)?;
        Ok(Attempt::change(Some(before), after, change, reply))
    })
    .await
}
