//! Doing a change exactly once: apply, write, and when something was in the way, find out what.
//!
//! Invariants: the idempotency record is in the transaction of the effect; a request that was answered before gets that
//! answer whatever has happened to the customer since, even when it would be refused today; a change that meets another
//! one is computed anew from the new state, never written over it.

use std::sync::{Arc, OnceLock};

use domain::choices::CustomerStatus;
use domain::customer::{Change, Customer, Refused};
use domain::ids::CustomerId;
use domain::problem::Problem;
use domain::verification::{NotInReview, Standing, Verdict};
use http_api::{Caller, Contract, CosCode, Environment, Failure, Reply, Request, Stamp};
use jiff::Timestamp;
use runtime::{Idempotency, pause};
use store::customers::{Commit, CommitRefused};
use store::{Item, Transaction};
use vetting::Vetted;

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
    /// The screening and review that the change rests on.
    pub vetted: Option<Vetted>,
    /// What a person decided.
    pub decided: Option<Decided>,
    /// What to answer when it is written.
    pub reply: Reply,
}

/// A person's decision.
pub(crate) struct Decided {
    /// What it means for the customer; `None` where it is about a scan and something else goes on.
    pub verdict: Option<Verdict>,
    /// The number of the review that it is about, from the first round on.
    pub review: Arc<OnceLock<Option<u32>>>,
}

impl Attempt {
    /// A change with nothing beside.
    pub(crate) fn change(
        before: Option<Customer>,
        after: Customer,
        change: Change,
        reply: Reply,
    ) -> Self {
        let (owner, evidence, vetted, decided) = (None, Vec::new(), None, None);
        Self { before, after, change, owner, evidence, vetted, decided, reply }
    }
}

/// A transaction ready to be committed.
pub(crate) struct Prepared {
    /// What to write.
    pub transaction: Transaction,
    /// The field that names a customer that must be Personal, when there is one.
    pub owner: Option<&'static str>,
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
    let actor = actor(caller, request);
    settle_prepared(app, caller, request, async |now| {
        let mut made = Box::pin(attempt(now)).await?;
        // One item can stand in a transaction only once; and nothing owns itself.
        if let Some((_, field)) = made.owner.filter(|(owner, _)| *owner == made.after.id) {
            return Err(unknown_owner(field));
        }
        if let Some(before) = made.before.as_ref().filter(|_| !made.change.is_empty()) {
            check_environment(caller, before, made.after.status)?;
        }
        if let Some(vetted) = &made.vetted {
            let evidence = vetted.evidence(&made.after, now).map_err(Failure::internal)?;
            made.evidence.push(evidence);
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
        if let (Some(vetter), Some(vetted)) = (&app.vetter, &made.vetted) {
            let added = vetter.add_review(&mut transaction, &made.after, &vetted.review);
            added.map_err(Failure::internal)?;
        }
        if let Some(Decided { verdict, review }) = made.decided {
            let (table, by) = (app.customers.table(), actor.who.as_str());
            let added =
                vetting::add_decision(table, &mut transaction, &made.after, verdict, by, now);
            let number = Box::pin(added).await.map_err(Failure::internal)?;
            // Two reviewers may each settle a scan of their own: about the customer, nobody decides by an older review.
            if verdict.is_some() && *review.get_or_init(|| number) != number {
                return Err(Failure::Overtaken);
            }
        }
        Ok(Prepared { transaction, owner: made.owner.map(|(_, field)| field), reply: made.reply })
    })
    .await
}

/// A partner's clients of the sandbox and of production work on one set of customers: what is invented in the one must not
/// become real in the other, nor what is real be altered from where anybody may try things out.
///
/// # Errors
/// [`Failure::Rule`].
pub(crate) fn check_environment(
    caller: &Caller,
    customer: &Customer,
    becomes: CustomerStatus,
) -> Result<(), Failure> {
    let refused = match caller.environment {
        Environment::Sandbox if customer.sandbox == Some(false) => {
            "The customer is a real one; a token of the sandbox may not change it"
        }
        // To end it is no harm.
        Environment::Production
            if customer.is_prescribed() && becomes == CustomerStatus::Active =>
        {
            "The customer's outcome was prescribed in the sandbox; only a token of the sandbox may change it"
        }
        Environment::Sandbox | Environment::Production => return Ok(()),
    };
    Err(Failure::rule(CosCode::StateForbids, refused))
}

/// The same for a transaction that is more than a change of one customer.
pub(crate) async fn settle_prepared(
    app: &App,
    caller: &Caller,
    request: &Request,
    prepare: impl AsyncFn(Timestamp) -> Result<Prepared, Failure>,
) -> Result<Reply, Failure> {
    let idempotency = Idempotency::of(request, caller)?;
    let table = app.customers.table();
    if let Some(idempotency) = idempotency.as_ref().filter(|_| asks_providers(app, request)) {
        // A repeated request has been told who somebody is; nobody is asked that again.
        let now = app.clock.now();
        if let Some(earlier) = Box::pin(idempotency.replay(table, &app.ring, now)).await? {
            return Ok(earlier);
        }
    }
    for round in 0..=RETRIES {
        if round > 0 {
            pause(round, &*app.random).await;
        }
        let now = app.clock.now();
        // Boxed: nested futures down to the SDK are deeper than the compiler follows in one type.
        let mut made = match Box::pin(prepare(now)).await {
            Ok(made) => made,
            Err(failure) => return refuse(app, request, idempotency.as_ref(), failure, now).await,
        };
        if let Some(idempotency) = &idempotency {
            idempotency.record(&mut made.transaction, table, &app.ring, &made.reply, now).await?;
        }
        if made.transaction.is_empty() {
            return Ok(made.reply);
        }
        let Err(refused) = Box::pin(made.transaction.commit(table)).await else {
            return Ok(made.reply);
        };
        if let Some(idempotency) = &idempotency
            && let Some(earlier) = idempotency.replay_of(&refused, &app.ring).await?
        {
            return Ok(earlier);
        }
        let failure = match CommitRefused::from(refused) {
            CommitRefused::Stale | CommitRefused::CifTaken => continue,
            CommitRefused::UnknownOwner => unknown_owner(made.owner.unwrap_or("ownerCustomerId")),
            CommitRefused::EmailTaken => Failure::rule(
                CosCode::AlreadyExists,
                "Another customer has this email; it must be unique within the account",
            ),
            CommitRefused::Failed(error) => return Err(broken(error)),
        };
        return refuse(app, request, idempotency.as_ref(), failure, now).await;
    }
    Err(Failure::Conflict)
}

/// Whether the request may ask somebody outside before it is written.
fn asks_providers(app: &App, request: &Request) -> bool {
    request.route.contract == Contract::Straddle
        && app.vetter.as_ref().is_some_and(|vetter| vetter.asks_providers())
}

/// The answer to a request that was refused: what it was answered before, when it was; and where the contract counts a
/// refusal as an answer, it is kept.
async fn refuse(
    app: &App,
    request: &Request,
    idempotency: Option<&Idempotency>,
    failure: Failure,
    now: Timestamp,
) -> Result<Reply, Failure> {
    let Some(idempotency) = idempotency else { return Err(failure) };
    let table = app.customers.table();
    if let Some(earlier) = Box::pin(idempotency.replay(table, &app.ring, now)).await? {
        return Ok(earlier);
    }
    if !idempotency.keeps(&failure) {
        return Err(failure);
    }
    let stamp = Stamp { request_id: &request.id, at: now };
    let reply = failure.into_reply_at(request.route.contract, &stamp);
    Ok(Box::pin(idempotency.keep(table, &app.ring, reply, now)).await?)
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
        Refused::NotInReview(NotInReview(standing)) => Failure::rule(
            CosCode::StateForbids,
            match standing {
                Standing::Pending => "A customer whose status is pending cannot be decided",
                Standing::Verified => "A customer whose status is verified cannot be decided",
                Standing::Rejected => "A customer whose status is rejected cannot be decided",
                Standing::Inactive => "A customer whose status is inactive cannot be decided",
                Standing::Review => "The customer cannot be decided",
            },
        ),
        Refused::Decision(_) => Failure::rule(
            CosCode::StateForbids,
            "The scan's present status does not allow this decision",
        ),
    }
}
