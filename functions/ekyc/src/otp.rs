//! One-time passcodes: choosing where to, reserving, sending, and sending again.
//!
//! Round trips of an initiate: 1 BatchGetItem (+ 1 GetItem when it goes on with the journey before), 1
//! TransactWriteItems that reserves, the fraud guard's updates, the send, 1 TransactWriteItems that notes it. With an
//! idempotency key 1 GetItem more, and the record rides along. A configuration that is not remembered costs 1
//! BatchGetItem.
//!
//! Unknown and known destinations take the same way: whether anybody answers at a number is not asked anywhere, and what
//! the guard holds back is answered like what was sent, after as long a time.
//!
//! Kill points: `otp.reserved`, `otp.sent`, `otp.initiated`.

use std::sync::Arc;

use domain::ekyc::{Channel, Contact, Destination, JourneyId, MerchantId, Method, SessionState};
use domain::email::EmailAddress;
use domain::problem::Problem;
use http_api::{Caller, Failure, ObjectReader, Reply, Request};
use jiff::{SignedDuration, Timestamp};
use runtime::{Clients, Metric, Settings, count, failpoint, pause};
use store::ekyc::{Moved, Place, Session, Slot};

use crate::answer::Answer;
use crate::app::{Core, RETRIES, broken, indexed};
use crate::configuration::Configuration;
use crate::guard::{Admission, Attempt, Guard, GuardError, Policy};
use crate::line::{Asked, Countries, Line, sms_or_voice};
use crate::opening::{
    Decided, Drawn, Note, Once, Opening, Reserved, Wish, decide, destination_rejected, draw, look,
    no_destination, note_sent, perhaps, release, reserve,
};
use crate::passcode::{Challenge, Passcode};
use crate::path;
use crate::senders::{self, Message, PasscodeSender, SendError};
use crate::templates::Templates;

/// When to try a service again that is down.
const LATER_SECONDS: u32 = 30;

/// What sending passcodes needs.
pub struct OtpApp {
    pub(crate) core: Core,
    pub(crate) sender: Arc<dyn PasscodeSender>,
    pub(crate) guard: Guard,
    pub(crate) countries: Countries,
    /// Tells operators that a service is not set up as it must be.
    pub(crate) report: fn(&SendError),
}

fn report_misconfigured(error: &SendError) {
    count(Metric::PasscodeSendersMisconfigured, 1);
    tracing::error!(error = %error, "passcodes cannot be sent until the sender's setup is mended");
}

impl OtpApp {
    /// The app of a deployed function; nothing is called yet.
    ///
    /// # Errors
    /// Every missing setting, or the first that cannot be used.
    pub fn start(clients: &Clients) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let core = Core::start(clients)?;
        let policy = Policy::from_settings(&mut Settings::default())?;
        let guard = Guard::start(core.table().clone(), &policy);
        Ok(Self::new(core, senders::start(clients)?, guard, policy.countries))
    }

    /// The app with any sender.
    #[must_use]
    pub fn new(
        core: Core,
        sender: Arc<dyn PasscodeSender>,
        guard: Guard,
        countries: Countries,
    ) -> Self {
        Self { core, sender, guard, countries, report: report_misconfigured }
    }
}

type Target = (Channel, Destination);

/// Where a request wants its code.
enum Wanted {
    /// To what it names.
    There(Target),
    /// To what is held, by this channel or by the first that can be used.
    Held(Option<Channel>),
}

struct OtpRequest {
    wanted: Wanted,
    journey: Option<JourneyId>,
}

/// A telephone number of the request, and how a code reaches it.
fn read_line(
    object: &ObjectReader<'_>,
    name: &'static str,
    asked: Asked,
    rules: &Rules<'_>,
) -> Option<Target> {
    object.optional(name, |text| {
        let malformed = |_| Problem::Malformed { expected: "a valid telephone number" };
        let line = Line::parse(text).map_err(malformed)?;
        let fallback = rules.configuration.otp.allow_voice_fallback;
        let channel = sms_or_voice(&line, asked, fallback, rules.countries)
            .map_err(|wrong| Problem::NotApplicable { reason: wrong.rule() })?;
        Ok((channel, Destination::Phone(line.phone().clone())))
    })
}

/// What a destination is judged by.
struct Rules<'a> {
    configuration: &'a Configuration,
    countries: &'a Countries,
}

/// At most one destination; the details of a transaction are read so that they are sound, and go nowhere: a message
/// carries nothing but the code, its purpose and its life.
fn read_request(object: &ObjectReader<'_>, rules: &Rules<'_>) -> Option<OtpRequest> {
    const FIELDS: [&str; 3] = ["mobileNumber", "homeNumber", "email"];
    let mobile = read_line(object, FIELDS[0], Asked::MobileNumber, rules);
    let home = read_line(object, FIELDS[1], Asked::HomeNumber, rules);
    let email = object.optional(FIELDS[2], EmailAddress::parse);
    let given: Vec<&str> = FIELDS.into_iter().filter(|name| object.has(name)).collect();
    for more in given.iter().skip(1) {
        object.reject(more, Problem::NotApplicable { reason: "at most one destination is given" });
    }
    let hint = object.optional("channel", Channel::parse);
    if let Some(details) = object.optional_object("transactionDetails") {
        details.optional("merchantName", domain::text::Text::<100>::parse);
        details.optional_number("transactionValue", true, |text| {
            let amount = text.parse::<f64>().ok().filter(|amount| amount.is_finite());
            amount.ok_or(Problem::Malformed { expected: "an amount" })
        });
        details.optional("transactionCurrency", |text| {
            let code = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
            if code { Ok(()) } else { Err(Problem::Malformed { expected: "an ISO 4217 code" }) }
        });
    }
    let journey = object.optional("journeyId", JourneyId::parse);
    let email = email.map(|address| (Channel::Email, Destination::Email(address)));
    let wanted = match mobile.or(home).or(email) {
        Some(target) => Wanted::There(target),
        None if given.is_empty() => Wanted::Held(hint),
        None => return None,
    };
    Some(OtpRequest { wanted, journey })
}

/// The first destination held that can be used: mobile, landline, e-mail, or only what the hint says.
fn held_target(contact: &Contact, hint: Option<Channel>, rules: &Rules<'_>) -> Option<Target> {
    let fallback = rules.configuration.otp.allow_voice_fallback;
    [Channel::Sms, Channel::Voice, Channel::Email]
        .into_iter()
        .filter(|channel| hint.is_none_or(|hint| hint == *channel))
        .find_map(|channel| {
            let destination = contact.at(channel)?;
            let Destination::Phone(number) = &destination else {
                return Some((channel, destination));
            };
            let line = Line::parse(number.e164()).ok()?;
            let asked =
                if channel == Channel::Sms { Asked::MobileNumber } else { Asked::HomeNumber };
            let channel = sms_or_voice(&line, asked, fallback, rules.countries).ok()?;
            Some((channel, destination))
        })
}

/// `POST …/kycauthentications/otp`.
///
/// # Errors
/// [`Failure`].
pub async fn initiate(app: &OtpApp, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    // Boxed: nested futures down to the SDK are deeper than the compiler follows in one type.
    Box::pin(open(app, caller, request)).await
}

async fn open(app: &OtpApp, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let core = &app.core;
    let named = path::merchant(request);
    // A merchant that is none is named together with whatever else is wrong, which the general rules tell.
    let merchant = named.clone().unwrap_or_else(|_| MerchantId::unnamed());
    let configuration = core.configuration(caller.partner, &merchant, Method::Otp).await?;
    let rules = Rules { configuration: &configuration, countries: &app.countries };
    let asked = if request.body().trim().is_empty() {
        named.map_err(|problem| Failure::field(path::MERCHANT, problem))?;
        OtpRequest { wanted: Wanted::Held(None), journey: None }
    } else {
        request.read(|object| {
            path::check_key(object, request);
            let merchant = object.take(path::MERCHANT, named);
            let asked = read_request(object, &rules);
            merchant.and(asked)
        })?
    };
    let place = path::place(core, caller, request).await?;
    let once = match Once::of(core, caller, request).await? {
        Ok(once) => once,
        Err(earlier) => return Ok(earlier),
    };
    for round in 0..=RETRIES {
        if round > 0 {
            pause(round, &*core.random).await;
        }
        let now = core.now();
        let must = configuration.require_known_journey;
        let look = Box::pin(look(core, &place, Method::Otp, asked.journey.as_ref(), must)).await?;
        let target = match &asked.wanted {
            Wanted::There(target) => Some(target.clone()),
            Wanted::Held(hint) => {
                let item = look.subject.clone();
                let subject = core.ekyc.open_subject(&place, item).await.map_err(broken)?;
                held_target(&subject.particulars.contact, *hint, &rules)
            }
        };
        let at = match &target {
            None => None,
            Some((channel, destination)) => {
                let index = core.fingerprint(caller.partner, &indexed(destination)).await?;
                Some((format!("{channel}.{index}"), index))
            }
        };
        let wish = Wish {
            method: Method::Otp,
            destination: at.as_ref().map(|(channelled, _)| channelled.as_str()),
            once: &once,
        };
        let limits = &configuration.limits;
        let free = match Box::pin(decide(core, &place, &look, &wish, limits, now)).await? {
            Decided::Free(free) => free,
            Decided::Answer(reply) => return once.answered(core, reply).await,
            Decided::UnderWay(reply) => return Ok(reply),
            Decided::Again => continue,
        };
        let (Some((channel, destination)), Some((channelled, index))) = (target, at) else {
            return Err(no_destination());
        };
        let drawn = draw(core, &place, Method::Otp, limits, &look.issues, now);
        let code = match Box::pin(drawn).await? {
            Drawn::Fresh(code) => code,
            Drawn::Equal(equal) => {
                let equal = Answer::of("duplicate")
                    .session(equal.auth, &equal.journey)
                    .passcodes(look.issues.remaining(limits, now));
                return once.answered(core, equal.reply()?).await;
            }
        };
        let auth = core.new_auth();
        let sealed = core.ekyc.seal_destination(caller.partner, auth, destination.reveal()).await;
        let session = Session {
            auth,
            method: Method::Otp,
            journey: look.journey_id.clone(),
            state: SessionState::Sending,
            channel: Some(channel),
            masked: destination.masked(),
            destination: channelled,
            sealed: sealed.map_err(broken)?,
            limits: free.limits,
            locale: configuration.otp.locale.as_ref().map(|locale| locale.as_str().to_owned()),
            created_at: now,
            merchant: merchant.as_str().to_owned(),
            guard: None,
            provider: None,
            reason: None,
        };
        let place = &place;
        let opening = Opening { place, look: &look, session, code: &code, once: &once, now };
        let Reserved::Yes(made) = Box::pin(reserve(core, &opening)).await? else { continue };
        failpoint("otp.reserved");
        let parcel = Parcel {
            session: &opening.session,
            destination: &destination,
            index: &index,
            code: &code,
            digest: &made.digest,
            templates: &configuration.otp.message_templates,
            now,
        };
        let (remaining, expires_at) = (free.remaining, made.expires_at);
        return Box::pin(send_first(app, &parcel, &opening, remaining, expires_at)).await;
    }
    Err(Failure::Conflict)
}

/// A code, where it goes, and how.
pub(crate) struct Parcel<'a> {
    pub session: &'a Session,
    pub destination: &'a Destination,
    pub index: &'a str,
    pub code: &'a Passcode,
    /// What is stored of the code.
    pub digest: &'a str,
    pub templates: &'a Templates,
    pub now: Timestamp,
}

/// How a send ended.
pub(crate) enum Posted {
    /// The service took it, or it was held back and must look as if.
    Done { message: Option<String>, ticket: Option<String> },
    /// It was surely not sent.
    Not(Failure, &'static str),
    /// It may have been sent.
    Perhaps(senders::BoxError),
}

pub(crate) async fn post(
    app: &OtpApp,
    place: &Place,
    parcel: &Parcel<'_>,
) -> Result<Posted, Failure> {
    let session = parcel.session;
    let channel = session.channel.ok_or_else(|| broken("a passcode without a channel"))?;
    let attempt = Attempt {
        partner: place.partner,
        channel,
        destination: parcel.destination,
        fingerprint: parcel.index,
        now: parcel.now,
    };
    let ticket = match Box::pin(app.guard.admit(&attempt)).await {
        Ok(Admission::Send(ticket)) => ticket,
        Ok(Admission::Suppress) => {
            // While the message would be on its way, so that it takes no longer.
            let (voided, ()) = tokio::join!(void(app, place, parcel), app.sender.pace(channel));
            return Ok(match voided {
                Ok(()) => Posted::Done { message: None, ticket: None },
                Err(failure) => Posted::Not(failure, "guard"),
            });
        }
        Err(GuardError::PartnerBusy { retry_after_seconds }) => {
            let busy = Failure::Busy { retry_after: retry_after_seconds };
            return Ok(Posted::Not(busy, "partnerBusy"));
        }
        Err(GuardError::Store(error)) => return Ok(Posted::Not(broken(error), "guard")),
    };
    let life = SignedDuration::from_millis(session.limits.passcode_expiry_in_milliseconds);
    let message = Message {
        partner: place.partner,
        auth: session.auth,
        channel,
        destination: parcel.destination,
        code: parcel.code,
        valid_for: life,
        locale: session.locale.as_deref(),
        templates: parcel.templates,
    };
    let refused = match app.sender.send(message).await {
        Ok(sent) => {
            failpoint("otp.sent");
            let ticket = serde_json::to_string(&ticket).map_err(broken)?;
            return Ok(Posted::Done { message: Some(sent.message_id), ticket: Some(ticket) });
        }
        Err(SendError::Unknown(error)) => return Ok(Posted::Perhaps(error)),
        Err(refused) => refused,
    };
    // A counter too high is harmless, and the answer to the caller comes first.
    let _counted_too_high = Box::pin(app.guard.withdraw(&ticket)).await.is_err();
    if matches!(refused, SendError::Misconfigured(_)) {
        (app.report)(&refused);
    }
    Ok(match refused {
        SendError::Rejected(_) => Posted::Not(destination_rejected(), "destinationRejected"),
        SendError::Throttled => Posted::Not(Failure::unavailable(1, refused), "throttled"),
        other => Posted::Not(Failure::unavailable(LATER_SECONDS, other), "unavailable"),
    })
}

/// A code that nobody was sent is nobody's to guess.
async fn void(app: &OtpApp, place: &Place, parcel: &Parcel<'_>) -> Result<(), Failure> {
    let (core, session) = (&app.core, parcel.session);
    let challenge = Challenge {
        auth: session.auth,
        partner: place.partner,
        purpose: session.method,
        destination: &session.destination,
    };
    let never = core.passcodes.unmatchable(&challenge).await.map_err(broken)?;
    let journey = &session.journey;
    let slot = Slot { place, method: session.method, journey, auth: session.auth };
    for round in 0..=RETRIES {
        if round > 0 {
            pause(round, &*core.random).await;
        }
        let moved = core.ekyc.void(&slot, parcel.digest, &never).await.map_err(broken)?;
        // Refused: another session or a third code has taken its place.
        if !matches!(moved, Moved::Conflict) {
            return Ok(());
        }
    }
    Err(Failure::Conflict)
}

async fn send_first(
    app: &OtpApp,
    parcel: &Parcel<'_>,
    opening: &Opening<'_>,
    remaining: i64,
    expires_at: Timestamp,
) -> Result<Reply, Failure> {
    let (core, session, place) = (&app.core, &opening.session, opening.place);
    let slot = Slot { place, method: Method::Otp, journey: &session.journey, auth: session.auth };
    match Box::pin(post(app, place, parcel)).await? {
        Posted::Done { message, ticket } => {
            let reply = initiated(session, remaining, 1, expires_at)?;
            let note = Note {
                first: Some(opening.look.head.customer),
                provider: message.as_deref(),
                guard: ticket.as_deref(),
                penny: None,
            };
            let reply = Box::pin(note_sent(core, &slot, &note, opening.once, reply)).await?;
            failpoint("otp.initiated");
            Ok(reply)
        }
        Posted::Not(failure, reason) => {
            Box::pin(release(core, &slot, reason, None, None)).await?;
            Err(failure)
        }
        Posted::Perhaps(error) => Err(perhaps(&slot, error)),
    }
}

pub(crate) fn initiated(
    session: &Session,
    remaining: i64,
    send: i64,
    expires_at: Timestamp,
) -> Result<Reply, Failure> {
    Answer::of("initiated")
        .session(session.auth, &session.journey)
        .passcodes(remaining)
        .info("channel", session.channel.map_or("", Channel::as_str))
        .info("destination", session.masked.as_str())
        .info("sendNumber", send)
        .info("expiresAt", expires_at.to_string())
        .reply()
}
