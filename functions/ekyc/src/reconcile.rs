//! Finds out what became of pennies: paid, on their way, returned, or never asked for.
//!
//! Runs every few minutes over the list of pennies that are not final. Every step may be repeated: whatever somebody
//! else has moved meanwhile (the code came back, another run was here) is left as it is. Nothing is ever paid here.
//!
//! Round trips: 4 Query, and for each penny the provider's answer and at most 1 TransactWriteItems.

use domain::ekyc::{Ended, Method, SessionState};
use domain::event::EkycStep;
use http_api::Failure;
use jiff::SignedDuration;
use runtime::failpoint;
use serde_json::{Value, json};
use store::ekyc::{JOURNEY, PENNY, Penny, PennyPhase, Place, Slot};
use store::{CommitError, Transaction};

use crate::app::{RETRIES, broken};
use crate::bank::{PaymentId, PaymentQuery, PaymentState, Rejection};
use crate::opening::{release, was_told};
use crate::penny_drop::PennyDropApp;

/// Younger pennies may still be in the hands of the function that reserved them; a request on its way looks like none.
const HANDS_OFF: SignedDuration = SignedDuration::from_secs(180);
/// Pennies of one shard in one run.
const AT_ONCE: u32 = 100;
/// Faster Payments are final within hours; what is not final by then stays for people to look into.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What became of one penny.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Settled,
    Pending,
    Returned,
    NotPaid,
    Unclear,
}

impl Found {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Settled, "settled"),
        (Self::Pending, "pending"),
        (Self::Returned, "returned"),
        (Self::NotPaid, "notPaid"),
        (Self::Unclear, "unclear"),
    ];
}

/// Works through the list once. Takes any event.
///
/// # Errors
/// When a penny could not be settled; the others are settled all the same, and that one comes again.
pub async fn reconcile(
    app: &PennyDropApp,
    _: Value,
) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
    let now = app.core.now();
    let until = now.saturating_sub(HANDS_OFF).unwrap_or(now);
    let pennies = app.core.ekyc.pennies(until, AT_ONCE).await?;
    let mut found = Vec::new();
    let mut failed = None;
    for penny in &pennies {
        match Box::pin(settle(app, penny)).await {
            Ok(one) => found.push(one),
            Err(failure) => failed = Some(failure),
        }
    }
    if let Some(failure) = failed {
        return Err(failure.into());
    }
    let mut counts = serde_json::Map::new();
    for (kind, name) in Found::ALL {
        let count = found.iter().filter(|found| **found == kind).count();
        counts.insert(name.to_owned(), json!(count));
    }
    Ok(Value::Object(counts))
}

async fn settle(app: &PennyDropApp, penny: &Penny) -> Result<Found, Failure> {
    let place = penny.place().ok_or_else(|| broken("a penny is not as written"))?;
    let payment = penny.payment.as_deref().map(PaymentId::parse).transpose();
    let payment = payment.map_err(|_| broken("a penny's payment is not as written"))?;
    let query = PaymentQuery { auth: penny.auth.uuid(), begun_at: penny.since, payment };
    let state = app.bank.provider.find_payment(&query).await;
    failpoint("pennydrop.found");
    let known = penny.phase == PennyPhase::Accepted;
    let old = app.core.now().duration_since(penny.since) > FORGOTTEN;
    match state {
        PaymentState::Settled { payment } => {
            Box::pin(note(app, &place, penny, &payment, true)).await?;
            Ok(Found::Settled)
        }
        PaymentState::Pending { .. } if known => Ok(Found::Pending),
        PaymentState::Pending { payment } => {
            Box::pin(note(app, &place, penny, &payment, false)).await?;
            Ok(Found::Pending)
        }
        PaymentState::Rejected(_) if known => {
            Box::pin(returned(app, &place, penny)).await?;
            Ok(Found::Returned)
        }
        PaymentState::Rejected(Rejection::Account) => not_paid(app, &place, penny, "payment").await,
        PaymentState::Rejected(_) => not_paid(app, &place, penny, "notPaid").await,
        PaymentState::NotFound if !known => not_paid(app, &place, penny, "notPaid").await,
        PaymentState::NotFound | PaymentState::Unavailable if old => {
            drop_penny(app, penny).await?;
            Ok(Found::Unclear)
        }
        PaymentState::NotFound | PaymentState::Unavailable => Ok(Found::Unclear),
    }
}

const fn slot<'a>(place: &'a Place, penny: &'a Penny) -> Slot<'a> {
    Slot { place, method: Method::PennyDrop, journey: &penny.journey, auth: penny.auth }
}

/// It was paid after all: the session moves on as if its own function had noted it.
async fn note(
    app: &PennyDropApp,
    place: &Place,
    penny: &Penny,
    payment: &PaymentId,
    settled: bool,
) -> Result<(), Failure> {
    let core = &app.core;
    let slot = slot(place, penny);
    let first = penny.phase == PennyPhase::Unknown;
    write(app, async |transaction, moves| {
        if first {
            if moves {
                core.ekyc.sent(transaction, &slot);
            }
            core.ekyc.note_send(transaction, place, penny.auth, Some(payment.as_str()), None);
            let journey = match moves {
                true => None,
                false => {
                    core.ekyc.journey(place, slot.method, slot.journey).await.map_err(broken)?
                }
            };
            if !journey.is_some_and(|journey| was_told(&journey, slot.auth)) {
                core.tell(transaction, &slot, penny.customer, EkycStep::Initiated, None)?;
            }
        }
        if settled {
            core.ekyc.drop_penny(transaction, penny);
        } else {
            core.ekyc.accept_penny(transaction, penny, payment.as_str());
        }
        Ok(())
    })
    .await
}

/// It came back after it was accepted: its code proves nothing any more, unless it has come back already.
async fn returned(app: &PennyDropApp, place: &Place, penny: &Penny) -> Result<(), Failure> {
    const REASON: &str = "paymentReturned";
    let core = &app.core;
    let slot = slot(place, penny);
    write(app, async |transaction, moves| {
        if moves {
            let auth = penny.auth;
            core.ekyc.fail(transaction, &slot, Ended::Session);
            core.ekyc.end_session(transaction, place, auth, SessionState::Failed, Some(REASON));
            core.tell(transaction, &slot, penny.customer, EkycStep::Failed, Some(REASON))?;
        }
        core.ekyc.drop_penny(transaction, penny);
        Ok(())
    })
    .await
}

async fn not_paid(
    app: &PennyDropApp,
    place: &Place,
    penny: &Penny,
    reason: &str,
) -> Result<Found, Failure> {
    let (slot, customer) = (slot(place, penny), Some(penny.customer));
    Box::pin(release(&app.core, &slot, reason, Some(penny), customer)).await?;
    Ok(Found::NotPaid)
}

async fn drop_penny(app: &PennyDropApp, penny: &Penny) -> Result<(), Failure> {
    write(app, async |transaction, _| {
        app.core.ekyc.drop_penny(transaction, penny);
        Ok(())
    })
    .await
}

/// Writes what `fill` makes, without the journey's move when that has been made by somebody else.
async fn write(
    app: &PennyDropApp,
    fill: impl AsyncFn(&mut Transaction, bool) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let core = &app.core;
    let mut moves = true;
    for round in 0..=RETRIES {
        if round > 0 {
            runtime::pause(round, &*core.random).await;
        }
        let mut transaction = Transaction::new();
        fill(&mut transaction, moves).await?;
        match Box::pin(transaction.commit(core.table())).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Conflict) => {}
            // Another run has done it.
            Err(refused) if refused.refusal(PENNY).is_some() => return Ok(()),
            Err(refused) if refused.refusal(JOURNEY).is_some() => moves = false,
            Err(error) => return Err(broken(error)),
        }
    }
    Err(Failure::Conflict)
}
