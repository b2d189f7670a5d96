//! Doing a change exactly once: apply, write, and when something was in the way, find out what.
//!
//! Invariants: the idempotency record is in the transaction of the effect; a request that was answered before gets that
//! answer whatever has happened to the customer since, even when it would be refused today; a change that meets another
//! one is computed anew from the new state, never written over it.

use domain::customer::{Change, Customer, Refused};
use domain::ids::CustomerId;
use domain::problem::Problem;
use http_api::{Caller, CosCode, Failure, Reply, Request};
use jiff::Timestamp;
use runtime::{Idempotency, pause};
use store::Item;
use store::customers::{Commit, CommitRefused};

use crate::app::{App, actor, broken};

/// How often a change is applied again to a newer state, with growing pauses, before the caller is told to retry: enough
/// for a dozen writers at once, within two seconds.
pub(crate) const RETRIES: u32 = 8;

/// A change computed from one state of a customer, ready to be written.
pub(crate) struct Attempt {
    /// The state it was computed from; `None` for a new customer.
    pub before: Option<Customer>,
    /// The state after it.
    pub after: Customer,
    /// What changed.
    pub change: Change,
    /// A customer that must be Personal, and the field that named it.
    pub owner: Option<(CustomerId, &'static str)>,
    /// Further items to write along.
    pub evidence: Vec<Item>,
    /// What to answer when it is written.
    pub reply: Reply,
}

/// Runs `attempt` until its change is written, or something definite stands against it.
pub(crate) async fn settle(
    app: &App,
    caller: &Caller,
    request: &Request,
    attempt: impl AsyncFn(Timestamp) -> Result<Attempt, Failure>,
) -> Result<Reply, Failure> {
    let idempotency = Idempotency::of(request, caller)?;
    let table = app.customers.table();
    let actor = actor(caller, request);
    for round in 0..=RETRIES {
        if round > 0 {
            pause(round, &*app.random).await;
        }
        let now = app.clock.now();
        // Boxed: nested futures down to the SDK are deeper than the compiler follows in one type.
        let made = match (Box::pin(attempt(now)).await, &idempotency) {
            (Ok(made), _) => made,
            (Err(failure), None) => return Err(failure),
            (Err(failure), Some(idempotency)) => {
                let earlier = Box::pin(idempotency.replay(table, &app.ring, now)).await?;
                return earlier.ok_or(failure);
            }
        };
        // One item can stand in a transaction only once; and nothing owns itself.
        if let Some((_, field)) = made.owner.filter(|(owner, _)| *owner == made.after.id) {
            return Err(unknown_owner(field));
        }
        let commit = Commit {
            before: made.before.as_ref(),
            after: &made.after,
            change: &made.change,
            actor: &actor,
            now,
            owner: made.owner.map(|(owner, _)| owner),
            evidence: made.evidence,
        };
        let mut transaction = Box::pin(app.customers.prepare(commit)).await.map_err(broken)?;
        if let Some(idempotency) = &idempotency {
            idempotency.record(&mut transaction, table, &app.ring, &made.reply, now).await?;
        }
        if transaction.is_empty() {
            return Ok(made.reply);
        }
        let Err(refused) = Box::pin(transaction.commit(table)).await else { return Ok(made.reply) };
        if let Some(idempotency) = &idempotency
            && let Some(earlier) = idempotency.replay_of(&refused, &app.ring).await?
        {
            return Ok(earlier);
        }
        match CommitRefused::from(refused) {
            CommitRefused::Stale | CommitRefused::CifTaken => {}
            CommitRefused::UnknownOwner => {
                return Err(unknown_owner(
                    made.owner.map_or("ownerCustomerId", |(_, field)| field),
                ));
            }
            CommitRefused::Failed(error) => return Err(broken(error)),
        }
    }
    Err(Failure::Conflict)
}

fn unknown_owner(field: &'static str) -> Failure {
    Failure::field(field, Problem::UnknownReference { expected: "a Personal customer" })
}

/// A rule of the domain in the words and codes of the API.
pub(crate) fn refused(refused: Refused) -> Failure {
    match refused {
        Refused::Inactive => {
            Failure::rule(CosCode::StateForbids, "The customer is inactive and cannot be changed")
        }
        Refused::OwnerOfPerson => {
            Failure::rule(CosCode::RuleViolated, "Only a Business customer has beneficial owners")
        }
        Refused::OwnerTwice => {
            Failure::rule(CosCode::AlreadyExists, "This customer is already a beneficial owner")
        }
        Refused::Overowned => Failure::rule(
            CosCode::RuleViolated,
            "The ownership percentages would exceed 100 in total",
        ),
        Refused::TooMany => Failure::rule(
            CosCode::RuleViolated,
            "The customer has 50 of this kind, the most allowed",
        ),
        Refused::Primary(_) => Failure::rule(
            CosCode::PrimaryInUse,
            "There must be a primary one; make another one primary first",
        ),
        Refused::Decision(_) => Failure::rule(
            CosCode::StateForbids,
            "The scan's present status does not allow this decision",
        ),
    }
}
