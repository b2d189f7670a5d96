//! Taking the slot of a new session: a code that equals no live one, and the transaction that writes everything before
//! anything leaves.

use domain::ekyc::{Code, Issued, Issues, Limits, Method};
use http_api::Failure;
use jiff::{SignedDuration, Timestamp};
use store::ekyc::{ACTIVE, Penny, PennyPhase, Place, Session, Slot};
use store::{CommitError, Transaction};

use super::{Look, Once, inactive};
use crate::app::{Core, broken};
use crate::passcode::{Challenge, Passcode};

/// How often a code that equals a live one is drawn again.
const REDRAWS: usize = 5;

/// A penny of this age is looked into whoever reserved it: younger ones may still be in that function's hands, and a
/// request on its way looks like none.
const HANDS_OFF: SignedDuration = SignedDuration::from_secs(180);

/// A code that no live code of the subject equals, or the live one that it keeps equalling.
pub(crate) enum Drawn {
    Fresh(Passcode),
    Equal(Box<Issued>),
}

/// Draws a code.
pub(crate) async fn draw(
    core: &Core,
    place: &Place,
    method: Method,
    limits: &Limits,
    issues: &Issues,
    now: Timestamp,
) -> Result<Drawn, Failure> {
    let length = u8::try_from(limits.code_length).map_err(broken)?;
    let mut code = core.passcodes.draw(length);
    let mut equal = equal(core, place, method, issues, &code, now).await?;
    for _ in 0..REDRAWS {
        if equal.is_none() {
            break;
        }
        code = core.passcodes.draw(length);
        equal = self::equal(core, place, method, issues, &code, now).await?;
    }
    // A code is bound to its session, so an equal one does no harm; only the passcodes' contract minds.
    Ok(match equal.filter(|_| method == Method::Otp) {
        None => Drawn::Fresh(code),
        Some(issued) => Drawn::Equal(Box::new(issued)),
    })
}

async fn equal(
    core: &Core,
    place: &Place,
    method: Method,
    issues: &Issues,
    code: &Passcode,
    now: Timestamp,
) -> Result<Option<Issued>, Failure> {
    for issued in issues.live_codes(now) {
        let challenge = Challenge {
            auth: issued.auth,
            partner: place.partner,
            purpose: method,
            destination: &issued.destination,
        };
        let same = core.passcodes.matches(&challenge, code, &issued.digest).await;
        if same.map_err(broken)? {
            return Ok(Some(issued.clone()));
        }
    }
    Ok(None)
}

/// A session about to be reserved.
pub(crate) struct Opening<'a> {
    pub place: &'a Place,
    pub look: &'a Look,
    pub session: Session,
    pub code: &'a Passcode,
    pub once: &'a Once,
    pub now: Timestamp,
}

/// Whether the slot was taken.
pub(crate) enum Reserved {
    /// It was, by this code.
    Yes(Code),
    /// Another request came first: look again.
    No,
}

/// Takes the slot: the codes made so far, the journey, the session (and the penny), all or nothing. 1 round trip.
pub(crate) async fn reserve(core: &Core, opening: &Opening<'_>) -> Result<Reserved, Failure> {
    let Opening { place, look, session, code, once, now } = opening;
    let (limits, method) = (&session.limits, session.method);
    let expires_at = life_of(limits, *now);
    let challenge = Challenge {
        auth: session.auth,
        partner: place.partner,
        purpose: method,
        destination: &session.destination,
    };
    let digest = core.passcodes.protect(&challenge, code).await.map_err(broken)?;
    let code = Code { digest, expires_at };
    let slot = Slot { place, method, journey: &look.journey_id, auth: session.auth };
    let issued = Issued {
        at: *now,
        auth: session.auth,
        journey: look.journey_id.clone(),
        destination: session.destination.clone(),
        digest: code.digest.clone(),
        expires_at,
        request: once.name.clone(),
    };
    let mut issues = look.issues.clone();
    let before = issues.version;
    issues.version += 1;
    issues.add(slot.code_name(1), issued);
    let mut transaction = Transaction::new();
    core.ekyc.put_issues(&mut transaction, &slot, &issues, before).map_err(broken)?;
    core.ekyc.begin(&mut transaction, &slot, &code);
    core.ekyc.put_session(&mut transaction, place, session).map_err(broken)?;
    if method == Method::PennyDrop {
        core.ekyc.put_penny(&mut transaction, &penny(opening)).map_err(broken)?;
    }
    core.ekyc.must_be_active(&mut transaction, place.partner, look.head.customer);
    match Box::pin(transaction.commit(core.table())).await {
        Ok(()) => Ok(Reserved::Yes(code)),
        Err(refused) => stood(&refused).map(|()| Reserved::No),
    }
}

/// What stood in the way of a slot: the customer's state, which is an answer, or another request, after which to look
/// again.
pub(crate) fn stood(refused: &CommitError) -> Result<(), Failure> {
    match refused {
        refused if refused.refusal(ACTIVE).is_some() => Err(inactive()),
        CommitError::Refused(_) | CommitError::Conflict => Ok(()),
        CommitError::Store(error) => Err(broken(error.to_string())),
    }
}

/// Counts a name check before the bank is asked, whoever else counts one at the same time. `false` when another request
/// wrote first: look again. 1 round trip.
///
/// # Errors
/// [`Failure::Busy`] when the window is full; [`inactive`].
pub(crate) async fn count_check(
    core: &Core,
    slot: &Slot<'_>,
    look: &mut Look,
    limits: &Limits,
    now: Timestamp,
) -> Result<bool, Failure> {
    let mut issues = look.issues.clone();
    issues.check_name(slot.auth, limits, now).map_err(|seconds| Failure::Busy {
        retry_after: u32::try_from(seconds).unwrap_or(u32::MAX),
    })?;
    let before = issues.version;
    issues.version += 1;
    let mut transaction = Transaction::new();
    core.ekyc.put_issues(&mut transaction, slot, &issues, before).map_err(broken)?;
    core.ekyc.must_be_active(&mut transaction, slot.place.partner, look.head.customer);
    match Box::pin(transaction.commit(core.table())).await {
        Ok(()) => {
            look.issues = issues;
            Ok(true)
        }
        Err(refused) => stood(&refused).map(|()| false),
    }
}

/// The end of a code that is made now.
pub(crate) fn life_of(limits: &Limits, now: Timestamp) -> Timestamp {
    let life = SignedDuration::from_millis(limits.passcode_expiry_in_milliseconds);
    now.saturating_add(life).unwrap_or(Timestamp::MAX)
}

/// The entry of a session's payment.
pub(crate) fn penny(opening: &Opening<'_>) -> Penny {
    Penny {
        partner: opening.place.partner,
        subject: opening.place.subject.as_str().to_owned(),
        customer: opening.look.head.customer,
        journey: opening.look.journey_id.clone(),
        auth: opening.session.auth,
        since: opening.now,
        due: opening.now.saturating_add(HANDS_OFF).unwrap_or(opening.now),
        phase: PennyPhase::Unknown,
        payment: None,
        missing_since: None,
        settled_at: None,
    }
}
