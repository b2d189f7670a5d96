//! Another code for the same session: its life starts again, its failure counts do not, and it takes a slot like any other.
//!
//! When the new code surely could not be sent, the one before counts again and the slot is given back. Round trips: 2
//! BatchGetItem, 1 TransactWriteItems that takes the slot, the fraud guard's updates, the send, 1 TransactWriteItems that
//! notes it.
//!
//! Kill points: `otp.renewed`, `otp.resent`.

use std::sync::Arc;

use domain::ekyc::{
    Ask, Channel, Code, Destination, Issued, MerchantId, Method, SessionState, Start, Verdict,
    judge, start,
};
use domain::email::EmailAddress;
use domain::phone::PhoneNumber;
use http_api::{Caller, Failure, Reply, Request};
use jiff::Timestamp;
use runtime::{failpoint, pause};
use store::Transaction;
use store::ekyc::{Session, Slot};

use crate::answer::Answer;
use crate::app::{Core, RETRIES, broken, indexed};
use crate::configuration::Configuration;
use crate::opening::{
    Drawn, Look, Note, Once, draw, fail, free_alone, life_of, look, note_sent, perhaps, stood,
    write,
};
use crate::otp::{OtpApp, Parcel, Posted, initiated, post};
use crate::passcode::{Challenge, Passcode};
use crate::path::{self, not_active};

/// `POST …/kycauthentications/otp/{authId}/resend`: a new code for the same session, whose life starts again and whose
/// failure counts do not.
///
/// # Errors
/// [`Failure`].
pub async fn resend(app: &OtpApp, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    // Boxed: nested futures down to the SDK are deeper than the compiler follows in one type.
    Box::pin(renew_session(app, caller, request)).await
}

async fn renew_session(app: &OtpApp, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let core = &app.core;
    let auth = path::auth(request)?;
    let place = path::place(core, caller, request).await?;
    let once = match Once::of(core, caller, request).await? {
        Ok(once) => once,
        Err(earlier) => return Ok(earlier),
    };
    let (head, session) = path::session(core, &place, Method::Otp, auth).await?;
    let slot = Slot { place: &place, method: Method::Otp, journey: &session.journey, auth };
    for round in 0..=RETRIES {
        if round > 0 {
            pause(round, &*core.random).await;
        }
        let now = core.now();
        let journey_id = Some(&session.journey);
        let look = Box::pin(look(core, &place, Method::Otp, journey_id, false)).await?;
        let journey = look.journey.as_ref().ok_or_else(not_active)?;
        let answer = Answer::of;
        match judge(session.state, auth, journey, &session.limits, now) {
            Verdict::Authenticated => {
                let done = answer("authenticated").session(auth, &session.journey);
                return once.answered(core, done.reply()?).await;
            }
            Verdict::Failed(ended) => {
                let failed = answer("failed").session(auth, &session.journey);
                return once.answered(core, failed.info("scope", ended.as_str()).reply()?).await;
            }
            Verdict::Overdue(ended) => {
                let from = journey.live(auth).map_or(session.state, |live| live.state);
                fail(core, &slot, head.customer, from, ended).await?;
                continue;
            }
            Verdict::NotActive => return Err(not_active()),
            Verdict::Expired => {
                let expired = answer("expired").session(auth, &session.journey);
                return once.answered(core, expired.reply()?).await;
            }
            Verdict::Crowded | Verdict::Open => {}
        }
        let ask = Ask {
            kind: place.subject.kind(),
            method: Method::Otp,
            destination: None,
            request: once.name.as_deref(),
            resend: true,
        };
        let remaining = match start(&ask, &look.issues, Some(journey), &session.limits, now) {
            Start::Free(remaining) => remaining,
            Start::NoMoreCodes { retry_after, .. } => {
                let none = answer("noMoreCodes").session(auth, &session.journey);
                return none.passcodes(0).retry_after(retry_after).reply();
            }
            // The same request is under way, or its process died: nothing is sent again.
            _ => {
                let left = look.issues.remaining(&session.limits, now);
                let same = answer("duplicate").session(auth, &session.journey);
                return same.passcodes(left).reply();
            }
        };
        let sends = journey.live(auth).map_or(1, |live| live.sends);
        let limits = &session.limits;
        let drawn = draw(core, &place, Method::Otp, limits, &look.issues, now);
        let code = match Box::pin(drawn).await? {
            Drawn::Fresh(code) => code,
            Drawn::Equal(equal) => {
                let same = answer("duplicate").session(equal.auth, &equal.journey);
                let same = same.passcodes(look.issues.remaining(limits, now));
                return once.answered(core, same.reply()?).await;
            }
        };
        // Everything that can fail before the code that the customer holds gives way to a new one.
        let envelope = Box::pin(envelope(core, &slot, &session)).await?;
        let renewal = Renewal { slot: &slot, session: &session, look: &look, once: &once, now };
        let Some(made) = Box::pin(renew(core, &renewal, sends, &code)).await? else {
            continue;
        };
        failpoint("otp.renewed");
        let parcel = Parcel {
            session: &session,
            destination: &envelope.destination,
            index: &envelope.index,
            code: &code,
            digest: &made.digest,
            templates: &envelope.configuration.otp.message_templates,
            now,
        };
        let again = Box::pin(send_again(app, &slot, &parcel, sends + 1));
        let state = journey.live(auth).map(|live| live.state);
        let (message, ticket) = again.await?;
        failpoint("otp.resent");
        let reply = initiated(&session, remaining, sends + 1, made.expires_at)?;
        let note = Note {
            // A session whose first send was never noted is noted now.
            first: (state == Some(SessionState::Sending)).then_some(head.customer),
            provider: message.as_deref(),
            guard: ticket.as_deref(),
            penny: None,
        };
        return Box::pin(note_sent(core, &slot, &note, &once, reply)).await;
    }
    Err(Failure::Conflict)
}

struct Renewal<'a> {
    slot: &'a Slot<'a>,
    session: &'a Session,
    look: &'a Look,
    once: &'a Once,
    now: Timestamp,
}

/// Takes a slot for a new code of the same session. `None` when another request came first.
async fn renew(
    core: &Core,
    renewal: &Renewal<'_>,
    sends: i64,
    code: &Passcode,
) -> Result<Option<Code>, Failure> {
    let Renewal { slot, session, look, once, now } = renewal;
    let expires_at = life_of(&session.limits, *now);
    let challenge = Challenge {
        auth: session.auth,
        partner: slot.place.partner,
        purpose: Method::Otp,
        destination: &session.destination,
    };
    let digest = core.passcodes.protect(&challenge, code).await.map_err(broken)?;
    let issued = Issued {
        at: *now,
        auth: session.auth,
        journey: session.journey.clone(),
        destination: session.destination.clone(),
        digest: digest.clone(),
        expires_at,
        request: once.name.clone(),
    };
    let mut issues = look.issues.clone();
    let before = issues.version;
    issues.version += 1;
    issues.add(slot.code_name(sends + 1), issued);
    let mut transaction = Transaction::new();
    core.ekyc.put_issues(&mut transaction, slot, &issues, before).map_err(broken)?;
    let code = Code { digest, expires_at };
    core.ekyc.renew(&mut transaction, slot, sends, &code);
    core.ekyc.must_be_active(&mut transaction, slot.place.partner, look.head.customer);
    match Box::pin(transaction.commit(core.table())).await {
        Ok(()) => Ok(Some(code)),
        Err(refused) => stood(&refused).map(|()| None),
    }
}

type Told = (Option<String>, Option<String>);

/// Where a session's codes go, and in which words.
struct Envelope {
    destination: Destination,
    index: String,
    configuration: Arc<Configuration>,
}

async fn envelope(core: &Core, slot: &Slot<'_>, session: &Session) -> Result<Envelope, Failure> {
    let partner = slot.place.partner;
    let plain = core.ekyc.open_destination(partner, session).await.map_err(broken)?;
    let malformed = |_| broken("a stored destination is not as written");
    let destination = match session.channel {
        Some(Channel::Email) => Destination::Email(EmailAddress::parse(&plain).map_err(malformed)?),
        _ => Destination::Phone(PhoneNumber::parse(&plain).map_err(malformed)?),
    };
    let index = core.fingerprint(partner, &indexed(&destination)).await?;
    let merchant = MerchantId::parse(&session.merchant).map_err(malformed)?;
    let configuration = core.configuration(partner, &merchant, Method::Otp).await?;
    Ok(Envelope { destination, index, configuration })
}

/// Sends the new code; when that surely failed, the one before counts again and the slot is given back.
async fn send_again(
    app: &OtpApp,
    slot: &Slot<'_>,
    parcel: &Parcel<'_>,
    sends: i64,
) -> Result<Told, Failure> {
    match Box::pin(post(app, slot.place, parcel)).await? {
        Posted::Done { message, ticket } => Ok((message, ticket)),
        Posted::Perhaps(error) => Err(perhaps(slot, error)),
        Posted::Not(failure, _) => {
            Box::pin(take_back(&app.core, slot, sends)).await?;
            Err(failure)
        }
    }
}

async fn take_back(core: &Core, slot: &Slot<'_>, sends: i64) -> Result<(), Failure> {
    let written = write(core, None, async |transaction, parts| {
        if parts.counts {
            core.ekyc.drop_issued(transaction, slot, sends);
        }
        if parts.moves {
            core.ekyc.fall_back(transaction, slot, sends);
        }
        Ok(())
    });
    match Box::pin(written).await {
        Ok(_) => Ok(()),
        Err(Failure::Conflict) => {
            free_alone(core, slot, sends).await?;
            Err(perhaps(slot, Failure::Conflict))
        }
        Err(failure) => Err(failure),
    }
}
