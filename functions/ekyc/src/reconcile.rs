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
use runtime::{Metric, failpoint, note};
use serde_json::{Value, json};
use store::Transaction;
use store::customers::Commit;
use store::ekyc::{Penny, PennyPhase, Place, Slot};

use crate::app::{broken, session_event};
use crate::bank::{PaymentId, PaymentQuery, PaymentState, Rejection};
use crate::opening::{Parts, Released, release, was_told, write};
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
pub(crate) const RETURNED: &str = "paymentReturned";

/// What became of one penny.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Settled,
    Pending,
    Returned,
    NotPaid,
    Unclear,
    /// As unclear, because the provider said nothing at all.
    Unseen,
    GivenUp,
}

impl Found {
    const ALL: [(&'static str, &'static [Self]); 6] = [
        ("settled", &[Self::Settled]),
        ("pending", &[Self::Pending]),
        ("returned", &[Self::Returned]),
        ("notPaid", &[Self::NotPaid]),
        ("unclear", &[Self::Unclear, Self::Unseen]),
        ("givenUp", &[Self::GivenUp]),
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
    let mut pennies = app.core.ekyc.pennies(began, AT_ONCE).await?;
    // Somebody waits for a penny of which nothing is known; the others are only followed.
    pennies.sort_by_key(|read| read.as_ref().is_ok_and(|penny| penny.phase != PennyPhase::Unknown));
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
                failed = Some(failure);
                if is_too_old(app, &penny) && Box::pin(give_up(app, &penny)).await.is_ok() {
                    found.push(Found::GivenUp);
                } else {
                    // Behind the others: what fails each time keeps nobody waiting.
                    let _still_first = follow(app, &penny, |_| {}).await.is_err();
                }
            }
        }
    }
    let many = |kinds: &[Found]| found.iter().filter(|found| kinds.contains(found)).count();
    let given_up = many(&[Found::GivenUp]);
    if given_up > 0 {
        (app.report)(Metric::PenniesGivenUp, u64::try_from(given_up).unwrap_or(u64::MAX));
    }
    if !found.is_empty() && many(&[Found::Unseen]) == found.len() {
        // Returns and lost payments are found by nobody as long as this lasts.
        (app.report)(Metric::PennyLooksBlind, 1);
        tracing::warn!("the bank's provider said nothing of any penny");
    }
    if let Some(failure) = failed {
        return Err(failure.into());
    }
    let counts = Found::ALL.iter().map(|(name, kinds)| ((*name).to_owned(), json!(many(kinds))));
    Ok(Value::Object(counts.collect()))
}

async fn settle(app: &PennyDropApp, penny: &Penny) -> Result<Found, Failure> {
    use PennyPhase::{Accepted, Settled, Unknown};
    let place = penny.place().ok_or_else(|| broken("a penny is not as written"))?;
    let payment = penny.payment.as_deref().map(PaymentId::parse).transpose();
    let payment = payment.map_err(|_| broken("a penny's payment is not as written"))?;
    let (auth, begun_at) = (penny.auth.uuid(), penny.since);
    let query = PaymentQuery { auth, begun_at, payment, settled_at: penny.settled_at };
    let looked = tokio::time::timeout(app.look, app.bank.provider.find_payment(&query)).await;
    let (state, seen_to) = match looked {
        Ok(sighting) => (sighting.state, sighting.seen_to),
        Err(_too_slow) => (PaymentState::Unavailable, begun_at),
    };
    failpoint("pennydrop.found");
    let now = app.core.now();
    let age = now.duration_since(penny.since);
    match (state, penny.phase) {
        (PaymentState::Settled { .. }, Accepted | Settled) if age >= FOLLOWED => {
            drop_penny(app, penny).await?;
            Ok(Found::Settled)
        }
        (PaymentState::Settled { payment }, _) => {
            let known = Known { phase: Settled, payment: &payment, settled_at: Some(seen_to) };
            Box::pin(note_paid(app, &place, penny, known)).await?;
            Ok(Found::Settled)
        }
        (PaymentState::Returned | PaymentState::Rejected(_), Accepted | Settled) => {
            Box::pin(returned(app, &place, penny)).await?;
            Ok(Found::Returned)
        }
        (state @ (PaymentState::Returned | PaymentState::Rejected(_)), Unknown) => {
            let ours = state == PaymentState::Rejected(Rejection::Provider);
            let reason = if ours { "notPaid" } else { "payment" };
            match not_paid(app, &place, penny, reason).await? {
                Released::Yes => Ok(Found::NotPaid),
                // Whoever sent its code back has seen it, whatever was noted.
                Released::Proved => {
                    Box::pin(returned(app, &place, penny)).await?;
                    Ok(Found::Returned)
                }
            }
        }
        _ if is_too_old(app, penny) => {
            give_up(app, penny).await?;
            Ok(Found::GivenUp)
        }
        (PaymentState::Pending { payment }, Unknown) => {
            let known = Known { phase: Accepted, payment: &payment, settled_at: None };
            Box::pin(note_paid(app, &place, penny, known)).await?;
            Ok(Found::Pending)
        }
        (PaymentState::Pending { .. }, Accepted | Settled) => {
            follow(app, penny, |_| {}).await?;
            Ok(Found::Pending)
        }
        (PaymentState::NotFound, Unknown) => missing(app, &place, penny, now).await,
        (PaymentState::NotFound, Accepted | Settled) => {
            follow(app, penny, |_| {}).await?;
            Ok(Found::Unclear)
        }
        (PaymentState::Unavailable, _) => {
            follow(app, penny, |_| {}).await?;
            Ok(Found::Unseen)
        }
    }
}

/// The provider has none: believed when it is still said after a while.
async fn missing(
    app: &PennyDropApp,
    place: &Place,
    penny: &Penny,
    now: Timestamp,
) -> Result<Found, Failure> {
    if penny.missing_since.is_some_and(|since| now.duration_since(since) >= APART) {
        if not_paid(app, place, penny, "notPaid").await? == Released::Yes {
            return Ok(Found::NotPaid);
        }
        // Its code has come back, so there was one: it is followed as long as any other.
        follow(app, penny, |_| {}).await?;
        return Ok(Found::Unclear);
    }
    follow(app, penny, |next| {
        let since = *next.missing_since.get_or_insert(now);
        next.due = since.saturating_add(APART).unwrap_or(next.due).max(now + SOON);
    })
    .await?;
    Ok(Found::Unclear)
}

fn is_too_old(app: &PennyDropApp, penny: &Penny) -> bool {
    app.core.now().duration_since(penny.since) >= GIVEN_UP
}

/// Nobody asks any more; people have to look into it.
async fn give_up(app: &PennyDropApp, penny: &Penny) -> Result<(), Failure> {
    drop_penny(app, penny).await?;
    note("penny_given_up", penny.auth.to_string());
    tracing::error!("what became of a penny is not known and is not asked any more");
    Ok(())
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
    entry(app, penny, async |transaction, _| {
        app.core.ekyc.move_penny(transaction, penny, next).map_err(broken)
    })
    .await
}

/// What is known of a penny that was paid.
struct Known<'a> {
    phase: PennyPhase,
    payment: &'a PaymentId,
    /// Up to when it has been looked for, once it has arrived: the next look begins there.
    settled_at: Option<Timestamp>,
}

/// It was paid: a session that was not noted as sent moves on as if its own function had noted it.
async fn note_paid(
    app: &PennyDropApp,
    place: &Place,
    penny: &Penny,
    known: Known<'_>,
) -> Result<(), Failure> {
    let core = &app.core;
    let slot = slot(place, penny);
    let payment = known.payment;
    let next = Penny {
        due: next_look(penny, core.now()),
        phase: known.phase,
        payment: Some(payment.as_str().to_owned()),
        missing_since: None,
        settled_at: known.settled_at,
        ..penny.clone()
    };
    entry(app, penny, async |transaction, parts| {
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
    entry(app, penny, async |transaction, _| {
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

/// Adds that the customer has not proved the account after all, when anything is left of this session's proof.
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
) -> Result<Released, Failure> {
    let (slot, customer) = (slot(place, penny), Some(penny.customer));
    Box::pin(release(&app.core, &slot, reason, Some(penny), customer)).await
}

async fn drop_penny(app: &PennyDropApp, penny: &Penny) -> Result<(), Failure> {
    entry(app, penny, async |transaction, _| {
        app.core.ekyc.drop_penny(transaction, penny);
        Ok(())
    })
    .await
}

/// Writes what `fill` makes together with the penny's entry; nothing when another run has moved that. A penny whose
/// session is gone belongs to an erased customer: it is off the list, and nothing is told.
async fn entry(
    app: &PennyDropApp,
    penny: &Penny,
    fill: impl AsyncFn(&mut Transaction, Parts) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let written = write(&app.core, None, async |transaction, parts| {
        if parts.penny && !parts.session {
            app.core.ekyc.drop_penny(transaction, penny);
        } else if parts.penny {
            fill(transaction, parts).await?;
        }
        Ok(())
    });
    Box::pin(written).await.map(|_| ())
}
