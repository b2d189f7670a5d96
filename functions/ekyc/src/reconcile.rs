//! Finds out what became of pennies: paid, on their way, returned, or never asked for.
//!
//! Runs every few minutes over the list of pennies whose story is not over, those first that have waited longest. Every
//! step may be repeated: whatever somebody else has moved meanwhile (the code came back, another run was here) is left as
//! it is. Nothing is ever paid here.
//!
//! A penny that has arrived is looked at for two weeks more, because it may come back; then its code proves nothing any
//! more, and what it has proved is taken back. That the provider has no such payment is believed when it has said so twice
//! with time between.
//!
//! Round trips: 4 Query, and for each penny the provider's answer and 1 TransactWriteItems; one that came back costs a
//! GetItem of its journey and, when its code had come back as well, one of its customer.

use domain::audit::Actor;
use domain::ekyc::{Ended, Method, SessionState};
use domain::event::EkycStep;
use domain::ids::ClientId;
use domain::proof::ProofKind;
use http_api::Failure;
use jiff::{SignedDuration, Timestamp};
use runtime::{failpoint, note};
use serde_json::{Value, json};
use store::Transaction;
use store::customers::Commit;
use store::ekyc::{Penny, PennyPhase, Place, Slot};

use crate::app::{broken, session_event};
use crate::bank::{PaymentId, PaymentQuery, PaymentState, Rejection};
use crate::opening::{Parts, release, was_told, write};
use crate::penny_drop::PennyDropApp;

/// Pennies of one shard in one run.
const AT_ONCE: u32 = 100;
/// No look begins later than this in a run, so that it ends before its function's time does. The others come first in the
/// next one.
const BUDGET: SignedDuration = SignedDuration::from_secs(200);
/// "There is no such payment" is final when it is still said after this.
const APART: SignedDuration = SignedDuration::from_mins(10);
/// The shortest time between two looks, and the longest.
const SOON: SignedDuration = SignedDuration::from_mins(5);
const LATE: SignedDuration = SignedDuration::from_hours(12);
/// How long a penny is followed that has arrived. Neither provider documents when a return comes at the latest; twice the
/// longest life of a code, so that no code outlives the looks at its penny.
const FOLLOWED: SignedDuration = SignedDuration::from_hours(14 * 24);
/// What is not known after this is given up; people have to look into it.
const GIVEN_UP: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Why a session failed whose penny came back.
const RETURNED: &str = "paymentReturned";

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

/// Works through what is due. Takes any event.
///
/// # Errors
/// When a penny could not be settled; the others are settled all the same, and that one comes again.
pub async fn reconcile(
    app: &PennyDropApp,
    _: Value,
) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
    let began = app.core.now();
    let pennies = app.core.ekyc.pennies(began, AT_ONCE).await?;
    let mut found = Vec::new();
    let mut failed = None;
    for penny in pennies {
        if app.core.now().duration_since(began) > BUDGET {
            break;
        }
        let penny = match penny {
            Ok(penny) => penny,
            Err(error) => {
                failed = Some(broken(error));
                continue;
            }
        };
        match Box::pin(settle(app, &penny)).await {
            Ok(one) => found.push(one),
            Err(failure) => {
                // Behind the others: what fails each time keeps nobody waiting.
                let _still_first = follow(app, &penny, |_| {}).await.is_err();
                failed = Some(failure);
            }
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
    use PennyPhase::{Accepted, Settled, Unknown};
    let place = penny.place().ok_or_else(|| broken("a penny is not as written"))?;
    let payment = penny.payment.as_deref().map(PaymentId::parse).transpose();
    let payment = payment.map_err(|_| broken("a penny's payment is not as written"))?;
    let (auth, begun_at) = (penny.auth.uuid(), penny.since);
    let query = PaymentQuery { auth, begun_at, payment, settled_at: penny.settled_at };
    let state = app.bank.provider.find_payment(&query).await;
    failpoint("pennydrop.found");
    let now = app.core.now();
    let age = now.duration_since(penny.since);
    match (state, penny.phase) {
        (PaymentState::Settled { .. }, Accepted | Settled) if age >= FOLLOWED => {
            drop_penny(app, penny).await?;
            Ok(Found::Settled)
        }
        (PaymentState::Settled { payment }, _) => {
            Box::pin(note_paid(app, &place, penny, &payment, Settled)).await?;
            Ok(Found::Settled)
        }
        (PaymentState::Pending { payment }, Unknown) => {
            Box::pin(note_paid(app, &place, penny, &payment, Accepted)).await?;
            Ok(Found::Pending)
        }
        (PaymentState::Returned | PaymentState::Rejected(_), Accepted | Settled) => {
            Box::pin(returned(app, &place, penny)).await?;
            Ok(Found::Returned)
        }
        (state @ (PaymentState::Returned | PaymentState::Rejected(_)), Unknown) => {
            // Whoever sent its code back has seen it, whatever was noted.
            if has_proved(app, &place, penny).await? {
                Box::pin(returned(app, &place, penny)).await?;
                return Ok(Found::Returned);
            }
            let ours = state == PaymentState::Rejected(Rejection::Provider);
            not_paid(app, &place, penny, if ours { "notPaid" } else { "payment" }).await
        }
        (PaymentState::NotFound, Unknown) => match penny.missing_since {
            Some(since) if now.duration_since(since) >= APART => {
                not_paid(app, &place, penny, "notPaid").await
            }
            _ => {
                follow(app, penny, |next| {
                    let since = *next.missing_since.get_or_insert(now);
                    next.due = since.saturating_add(APART).unwrap_or(next.due).max(now + SOON);
                })
                .await?;
                Ok(Found::Unclear)
            }
        },
        (PaymentState::NotFound | PaymentState::Unavailable, Settled) if age >= FOLLOWED => {
            drop_penny(app, penny).await?;
            Ok(Found::Settled)
        }
        (PaymentState::NotFound | PaymentState::Unavailable, _) if age >= GIVEN_UP => {
            note("penny_given_up", penny.auth.to_string());
            tracing::error!("what became of a penny is not known and is not asked any more");
            drop_penny(app, penny).await?;
            Ok(Found::Unclear)
        }
        (PaymentState::Pending { .. }, Accepted | Settled) => {
            follow(app, penny, |_| {}).await?;
            Ok(Found::Pending)
        }
        (PaymentState::NotFound | PaymentState::Unavailable, _) => {
            follow(app, penny, |_| {}).await?;
            Ok(Found::Unclear)
        }
    }
}

const fn slot<'a>(place: &'a Place, penny: &'a Penny) -> Slot<'a> {
    Slot { place, method: Method::PennyDrop, journey: &penny.journey, auth: penny.auth }
}

/// The next look: soon for a young penny, and the later the older it is.
fn next_look(penny: &Penny, now: Timestamp) -> Timestamp {
    let age = now.duration_since(penny.since);
    now.saturating_add((age / 2).clamp(SOON, LATE)).unwrap_or(Timestamp::MAX)
}

/// Nothing has happened; the next look will tell.
async fn follow(
    app: &PennyDropApp,
    penny: &Penny,
    change: impl Fn(&mut Penny),
) -> Result<(), Failure> {
    let mut next = Penny { due: next_look(penny, app.core.now()), ..penny.clone() };
    change(&mut next);
    let next = &next;
    entry(app, async |transaction, _| {
        app.core.ekyc.move_penny(transaction, penny, next).map_err(broken)
    })
    .await
}

/// It was paid: a session that was not noted as sent moves on as if its own function had noted it.
async fn note_paid(
    app: &PennyDropApp,
    place: &Place,
    penny: &Penny,
    payment: &PaymentId,
    phase: PennyPhase,
) -> Result<(), Failure> {
    let core = &app.core;
    let slot = slot(place, penny);
    let now = core.now();
    let next = Penny {
        due: next_look(penny, now),
        phase,
        payment: Some(payment.as_str().to_owned()),
        missing_since: None,
        settled_at: (phase == PennyPhase::Settled).then_some(now),
        ..penny.clone()
    };
    entry(app, async |transaction, parts| {
        if penny.phase == PennyPhase::Unknown {
            if parts.moves {
                core.ekyc.sent(transaction, &slot);
            }
            core.ekyc.note_send(transaction, place, penny.auth, Some(payment.as_str()), None);
            if parts.moves || !was_told(core, &slot).await? {
                core.tell(transaction, &slot, penny.customer, EkycStep::Initiated, None)?;
            }
        }
        core.ekyc.move_penny(transaction, penny, &next).map_err(broken)
    })
    .await
}

/// It came back after it was accepted: its code proves nothing any more, and what it has proved is taken back.
async fn returned(app: &PennyDropApp, place: &Place, penny: &Penny) -> Result<(), Failure> {
    let core = &app.core;
    let slot = slot(place, penny);
    entry(app, async |transaction, _| {
        let journey = core.ekyc.journey(place, slot.method, slot.journey).await.map_err(broken)?;
        let state = journey.as_ref().and_then(|held| held.live(penny.auth)).map(|live| live.state);
        match state {
            Some(from) if from.is_open() => {
                core.ekyc.fail(transaction, &slot, Ended::Session, from);
                core.tell_failed(transaction, &slot, penny.customer, from, RETURNED)?;
            }
            Some(SessionState::Authenticated) => {
                core.ekyc.revoke(transaction, &slot);
                take_proof_back(app, transaction, &slot, penny).await?;
            }
            // Superseded, or ended by wrong codes: it can prove nothing.
            _ => {
                core.ekyc.drop_penny(transaction, penny);
                return Ok(());
            }
        }
        let failed = SessionState::Failed;
        core.ekyc.end_session(transaction, place, penny.auth, failed, Some(RETURNED));
        core.ekyc.drop_penny(transaction, penny);
        Ok(())
    })
    .await
}

async fn has_proved(app: &PennyDropApp, place: &Place, penny: &Penny) -> Result<bool, Failure> {
    let slot = slot(place, penny);
    let journey = app.core.ekyc.journey(place, slot.method, slot.journey).await.map_err(broken)?;
    let live = journey.as_ref().and_then(|held| held.live(penny.auth));
    Ok(live.is_some_and(|live| live.state == SessionState::Authenticated))
}

/// Adds that the customer has not proved the account after all, when it is this session's proof that shows.
async fn take_proof_back(
    app: &PennyDropApp,
    transaction: &mut Transaction,
    slot: &Slot<'_>,
    penny: &Penny,
) -> Result<(), Failure> {
    let (core, now) = (&app.core, app.core.clock.now());
    let event = session_event(slot, EkycStep::Failed, Some(RETURNED));
    let found = core.customers.get(penny.partner, penny.customer).await.map_err(broken)?;
    let changed = found.and_then(|before| {
        let mut after = before.clone();
        let change = after.disprove(ProofKind::BankAccount, penny.auth, event, now)?;
        Some((before, after, change))
    });
    let Some((before, after, change)) = changed else {
        return core.tell(transaction, slot, penny.customer, EkycStep::Failed, Some(RETURNED));
    };
    let commit = Commit {
        before: Some(&before),
        after: &after,
        change: &change,
        actor: &system()?,
        now,
        owner: None,
        evidence: Vec::new(),
    };
    transaction.append(Box::pin(core.customers.prepare(commit)).await.map_err(broken)?);
    Ok(())
}

/// Nobody's request takes a proof back.
fn system() -> Result<Actor, Failure> {
    const NAME: &str = "penny-drop-reconcile";
    let client = ClientId::parse(NAME).map_err(|problem| broken(problem.to_string()))?;
    let (who, request_id) = (NAME.to_owned(), NAME.to_owned());
    Ok(Actor { client, who, source_ip: None, request_id })
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
    entry(app, async |transaction, _| {
        app.core.ekyc.drop_penny(transaction, penny);
        Ok(())
    })
    .await
}

/// Writes what `fill` makes together with the penny's entry; nothing when another run has moved that.
async fn entry(
    app: &PennyDropApp,
    fill: impl AsyncFn(&mut Transaction, Parts) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let written =
        write(
            &app.core,
            None,
            async |transaction, parts| {
                if parts.penny { fill(transaction, parts).await } else { Ok(()) }
            },
        );
    Box::pin(written).await.map(|_| ())
}
