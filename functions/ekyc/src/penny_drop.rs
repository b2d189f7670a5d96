//! The penny drop: is it a bank account, is it this person's, and one penny with a code in its reference.
//!
//! Round trips of an initiate: 1 BatchGetItem (+ 1 GetItem when it goes on with the journey before), 1 TransactWriteItems
//! that counts the name check, the provider's name check, 1 TransactWriteItems that reserves, the payment, 1
//! TransactWriteItems that notes it.
//!
//! Whose account it is, is asked so often and no more per subject: whoever could go on asking would learn which accounts
//! are whose. A check is counted before it is asked for, and given back only when it told nothing, or when the penny after
//! it was surely not paid because of us or the provider.
//!
//! Never paid twice: the session's id is the payment's idempotency key, it is drawn once and its code with it, and a
//! payment is asked for only by the process whose transaction reserved the session. A payment whose outcome is unknown
//! stays on the list that [`crate::reconcile`] works through, and is never asked for again.
//!
//! Kill points: `pennydrop.checking`, `pennydrop.reserved`, `pennydrop.paid`, `pennydrop.initiated`.

use std::time::Duration;

use domain::bank_account::{AccountNumber, SortCode};
use domain::ekyc::{JourneyId, Method, SessionState, Subject};
use http_api::{Caller, Failure, ObjectReader, Reply, Request};
use runtime::{Clients, Metric, Missing, Settings, count, failpoint, pause};
use store::ekyc::{Place, Session, Slot};

use crate::answer::Answer;
use crate::app::{Core, RETRIES, broken, indexed_account};
use crate::bank::{
    AccountKind, AccountName, Bank, BankAccount, BankRefusal, NameDecision, NameQuery,
    PaymentReference, Penny, PennyOutcome, ReferencePrefix, Rejection, decide as decide_name,
};
use crate::configuration::Configuration;
use crate::opening::{
    Decided, Drawn, Look, Note, Once, Opening, Reserved, Wish, count_check, decide, draw, look,
    note_sent, penny, perhaps, release, reserve,
};
use crate::path;

/// When to try a provider again that is in trouble.
const LATER_SECONDS: u32 = 30;

/// How long one look at a penny may take: with it the last look of a run ends before the function's time does.
const LONGEST_LOOK: Duration = Duration::from_secs(60);

/// What paying pennies needs.
pub struct PennyDropApp {
    pub(crate) core: Core,
    pub(crate) bank: Bank,
    /// How long one look at a penny may take.
    pub(crate) look: Duration,
    /// Tells operators.
    pub(crate) report: fn(Metric, u64),
}

impl PennyDropApp {
    /// The app of a deployed function; nothing is called yet.
    ///
    /// # Errors
    /// [`Missing`] with every missing setting.
    pub fn start(clients: &Clients) -> Result<Self, Missing> {
        let core = Core::start(clients)?;
        let bank = Settings::read(|settings| Bank::from_settings(settings, clients))?;
        Ok(Self::new(core, bank))
    }

    /// The app with any bank.
    #[must_use]
    pub const fn new(core: Core, bank: Bank) -> Self {
        Self { core, bank, look: LONGEST_LOOK, report: count }
    }
}

struct PennyDropRequest {
    account: BankAccount,
    journey: Option<JourneyId>,
}

fn read_request(object: &ObjectReader<'_>) -> Option<PennyDropRequest> {
    let sort_code = object.required("sortCode", SortCode::parse);
    let account = object.required("bankAccount", AccountNumber::parse);
    let journey = object.optional("journeyId", JourneyId::parse);
    let standard = BankAccount::standardise(sort_code?, &account?);
    Some(PennyDropRequest { account: object.take("bankAccount", standard)?, journey })
}

fn refused(reason: BankRefusal, journey: &JourneyId) -> Result<Reply, Failure> {
    Answer::of("invalidBankDetails").journey(Some(journey)).info("reason", reason.as_str()).reply()
}

/// What the checks before the payment found.
enum Checked<T> {
    /// Nothing speaks against it.
    Good(T),
    /// This is the answer.
    Answer(Reply),
}

/// A name as it was checked, and the provider's id of the check.
type Holder = (AccountName, Option<String>);

/// What can be said without asking anybody's bank: address, modulus, directory, and the name to ask for.
async fn presume(
    app: &PennyDropApp,
    subject: &Subject,
    account: &BankAccount,
    journey: &JourneyId,
) -> Result<Checked<AccountName>, Failure> {
    if !subject.particulars.address.suffices() {
        let missing = Answer::of("addressDetailsMissing").journey(Some(journey)).reply()?;
        return Ok(Checked::Answer(missing));
    }
    let examined = app.bank.examine(account, app.core.clock.now()).await;
    let examined = examined.map_err(|error| Failure::unavailable(LATER_SECONDS, error))?;
    if let Some(reason) = examined {
        return refused(reason, journey).map(Checked::Answer);
    }
    let name = &subject.particulars.name;
    match AccountName::of_person(name.given.as_str(), name.family.as_str()) {
        Ok(name) => Ok(Checked::Good(name)),
        // A name that no bank could hold matches none.
        Err(_) => refused(BankRefusal::NameMismatch, journey).map(Checked::Answer),
    }
}

/// Asks the account's bank. The check is counted; one that told nothing is not.
async fn ask(
    app: &PennyDropApp,
    slot: &Slot<'_>,
    account: BankAccount,
    name: AccountName,
    configuration: &Configuration,
) -> Result<Checked<Holder>, Failure> {
    let kind = AccountKind::Personal;
    let query = NameQuery { auth: slot.auth.uuid(), account, name: name.clone(), kind };
    let answer = app.bank.provider.check_name(&query).await;
    match decide_name(&answer.check, &name, kind, configuration.penny_drop.policy()) {
        NameDecision::Proceed => Ok(Checked::Good((name, answer.id))),
        NameDecision::Refuse(reason) => refused(reason, slot.journey).map(Checked::Answer),
        NameDecision::TryLater { retry_after_seconds } => {
            give_check_back(&app.core, slot).await;
            Err(Failure::unavailable(retry_after_seconds, "the name check gave no answer"))
        }
    }
}

/// A check that led to nothing because of us or of a provider is not counted. When that cannot be written it stays
/// counted: the answer to the caller comes first.
async fn give_check_back(core: &Core, slot: &Slot<'_>) {
    for round in 0..=RETRIES {
        if round > 0 {
            pause(round, &*core.random).await;
        }
        match Box::pin(core.ekyc.drop_check(slot)).await {
            Ok(()) => return,
            Err(error) if error.is_conflict() => {}
            Err(error) => {
                tracing::warn!(error = %error, "a name check stays counted");
                return;
            }
        }
    }
    tracing::warn!("a name check stays counted");
}

/// `POST …/kycauthentications/pennydrop`.
///
/// # Errors
/// [`Failure`].
pub async fn initiate(
    app: &PennyDropApp,
    caller: &Caller,
    request: &Request,
) -> Result<Reply, Failure> {
    // Boxed: nested futures down to the SDK are deeper than the compiler follows in one type.
    Box::pin(open(app, caller, request)).await
}

async fn open(app: &PennyDropApp, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let core = &app.core;
    let (asked, merchant) = request.read(|object| {
        path::check_key(object, request);
        let merchant = object.take(path::MERCHANT, path::merchant(request));
        read_request(object).zip(merchant)
    })?;
    let method = Method::PennyDrop;
    let configuration = core.configuration(caller.partner, &merchant, method).await?;
    let place = path::place(core, caller, request).await?;
    let once = match Once::of(core, caller, request).await? {
        Ok(once) => once,
        Err(earlier) => return Ok(earlier),
    };
    let limits = &configuration.limits;
    let auth = core.new_auth();
    let mut good: Option<Holder> = None;
    for round in 0..=RETRIES {
        if round > 0 {
            pause(round, &*core.random).await;
        }
        let now = core.now();
        let must = configuration.require_known_journey;
        let mut look = Box::pin(look(core, &place, method, asked.journey.as_ref(), must)).await?;
        let wish = Wish { method, destination: None, once: &once };
        let free = match Box::pin(decide(core, &place, &look, &wish, limits, now)).await? {
            Decided::Free(free) => free,
            Decided::Answer(reply) => return once.answered(core, reply).await,
            Decided::UnderWay(reply) => return Ok(reply),
            Decided::Again => continue,
        };
        let (name, name_check) = match &good {
            Some(found) => found.clone(),
            None => {
                let item = look.subject.clone();
                let subject = core.ekyc.open_subject(&place, item).await.map_err(broken)?;
                let journey = look.journey_id.clone();
                let presumed = presume(app, &subject, &asked.account, &journey);
                let name = match Box::pin(presumed).await? {
                    Checked::Answer(reply) => return once.answered(core, reply).await,
                    Checked::Good(name) => name,
                };
                let slot = Slot { place: &place, method, journey: &journey, auth };
                if !Box::pin(count_check(core, &slot, &mut look, limits, now)).await? {
                    continue;
                }
                failpoint("pennydrop.checking");
                match Box::pin(ask(app, &slot, asked.account, name, &configuration)).await? {
                    Checked::Answer(reply) => return once.answered(core, reply).await,
                    Checked::Good(holder) => good.insert(holder).clone(),
                }
            }
        };
        let drawn = draw(core, &place, method, limits, &look.issues, now);
        let Drawn::Fresh(code) = Box::pin(drawn).await? else {
            return Err(broken("a penny drop's code is never refused for equalling another"));
        };
        let reference = reference(&configuration, code.reveal())?;
        let session = session(core, &place, &asked, &configuration, &look, auth, now).await?;
        let merchant = merchant.as_str().to_owned();
        let session = Session { merchant, limits: free.limits, ..session };
        let place = &place;
        let opening = Opening { place, look: &look, session, code: &code, once: &once, now };
        let Reserved::Yes(_) = Box::pin(reserve(core, &opening)).await? else { continue };
        failpoint("pennydrop.reserved");
        let account = asked.account;
        let penny = Penny { auth: auth.uuid(), account, name, reference, name_check };
        return Box::pin(pay(app, &opening, &penny, free.remaining)).await;
    }
    Err(Failure::Conflict)
}

fn reference(configuration: &Configuration, code: &str) -> Result<PaymentReference, Failure> {
    let prefix = ReferencePrefix::parse(&configuration.penny_drop.reference_prefix);
    let reference = prefix.and_then(|prefix| PaymentReference::compose(&prefix, code));
    reference.map_err(|problem| broken(format!("the payment's reference: {problem}")))
}

async fn session(
    core: &Core,
    place: &Place,
    asked: &PennyDropRequest,
    configuration: &Configuration,
    look: &Look,
    auth: domain::ids::AuthId,
    now: jiff::Timestamp,
) -> Result<Session, Failure> {
    let account = &asked.account;
    let plain = indexed_account(account);
    let index = core.fingerprint(place.partner, &plain).await?;
    let sealed = core.ekyc.seal_destination(place.partner, auth, &plain).await;
    Ok(Session {
        auth,
        method: Method::PennyDrop,
        journey: look.journey_id.clone(),
        state: SessionState::Sending,
        channel: None,
        masked: account.masked(),
        destination: format!("bank.{index}"),
        sealed: sealed.map_err(broken)?,
        limits: configuration.limits.clone(),
        locale: None,
        created_at: now,
        merchant: String::new(),
        guard: None,
        provider: None,
        reason: None,
    })
}

async fn pay(
    app: &PennyDropApp,
    opening: &Opening<'_>,
    money: &Penny,
    remaining: i64,
) -> Result<Reply, Failure> {
    let (core, session, place) = (&app.core, &opening.session, opening.place);
    let (method, journey, auth) = (Method::PennyDrop, &session.journey, session.auth);
    let slot = Slot { place, method, journey, auth };
    let listed = penny(opening);
    let outcome = app.bank.provider.pay_penny(money).await;
    failpoint("pennydrop.paid");
    match outcome {
        PennyOutcome::Accepted { payment } => {
            let reply = Answer::of("initiated")
                .session(auth, journey)
                .passcodes(remaining)
                .info("destination", session.masked.as_str())
                .reply()?;
            let note = Note {
                first: Some(opening.look.head.customer),
                provider: Some(payment.as_str()),
                guard: None,
                penny: Some(&listed),
            };
            let reply = Box::pin(note_sent(core, &slot, &note, opening.once, reply)).await?;
            failpoint("pennydrop.initiated");
            Ok(reply)
        }
        PennyOutcome::Rejected(Rejection::Account) => {
            Box::pin(release(core, &slot, "payment", Some(&listed), None)).await?;
            opening.once.answered(core, refused(BankRefusal::Payment, journey)?).await
        }
        PennyOutcome::Rejected(Rejection::Provider | Rejection::NotSent) => {
            let released = Box::pin(release(core, &slot, "notPaid", Some(&listed), None)).await;
            // Our trouble, and to be tried again: it takes none of the customer's checks.
            give_check_back(core, &slot).await;
            released?;
            Err(Failure::unavailable(LATER_SECONDS, "the penny was not paid"))
        }
        PennyOutcome::Unknown => Err(perhaps(&slot, "whether the penny was paid is not known yet")),
    }
}
