//! Applications and accounts: created, read and changed by partners; they are what eKYC is about.
//!
//! Invariants: each belongs to an active customer of the same partner, and every change of one is a link of that
//! customer's audit chain, written in the same transaction; an account's number and everything about the person is
//! sealed; destinations leave masked.
//!
//! Round trips: create 1 GetItem + 1 TransactWriteItems; get 1 GetItem; change 2 GetItem + 1 TransactWriteItems.

use domain::customer::{Customer, Refused};
use domain::ekyc::{
    AccountNumber, Address, Contact, Line, Name, Particulars, Subject, SubjectKind,
};
use domain::email::EmailAddress;
use domain::ids::{ApplicationId, CustomerId};
use domain::phone::PhoneNumber;
use domain::problem::Problem;
use domain::text::Text;
use http_api::{Caller, Failure, ObjectReader, Operation, Reply, Request, Stated};
use jiff::Timestamp;
use runtime::{Idempotency, pause};
use serde_json::{Map, Value, json};
use store::customers::{Commit, CommitRefused};
use store::ekyc::{Ekyc, Place, SUBJECT};

use crate::app::{Core, RETRIES, actor, broken};
use crate::line;
use crate::path::{self, unknown_subject};

/// Any number that exists; whether a code may go there is asked when one should.
fn read_phone(object: &ObjectReader<'_>, name: &str) -> Option<PhoneNumber> {
    object.optional(name, |text| match line::Line::parse(text) {
        Ok(line) => Ok(line.phone().clone()),
        Err(_) => Err(Problem::Malformed { expected: "a valid telephone number" }),
    })
}

fn read_particulars(object: &ObjectReader<'_>) -> Option<Particulars> {
    let name = object.required_object("name").and_then(|name| {
        let title = name.optional("title", Text::parse);
        let given = name.required("givenName", Line::parse);
        let middle = name.optional("middleNames", Line::parse);
        let family = name.required("familyName", Line::parse);
        Some(Name { title, given: given?, middle, family: family? })
    });
    let contact = object.optional_object("contact").map_or_else(Contact::default, |contact| {
        let mobile = read_phone(&contact, "mobileNumber");
        let home = read_phone(&contact, "homeNumber");
        Contact { mobile, home, email: contact.optional("email", EmailAddress::parse) }
    });
    let address = object.optional_object("address").map_or_else(Address::default, |address| {
        let line = |name: &str| address.optional(name, Line::parse);
        Address {
            flat_number: line("flatNumber"),
            house_number: line("houseNumber"),
            house_name: line("houseName"),
            street: line("street"),
            address_line1: line("addressLine1"),
            address_line2: line("addressLine2"),
            town_or_city: line("townOrCity"),
            county: line("county"),
            postcode: line("postcode"),
            country_code: line("countryCode"),
        }
    });
    Some(Particulars { name: name?, contact, address })
}

/// What the path or the body calls the subject.
enum Named {
    Application(ApplicationId),
    Account(AccountNumber),
}

impl Named {
    fn field(&self) -> (&'static str, String) {
        match self {
            Self::Application(id) => ("applicationId", id.to_string()),
            Self::Account(number) => ("accountNumber", number.reveal().to_owned()),
        }
    }
}

fn put(map: &mut Map<String, Value>, name: &str, value: Option<String>) {
    if let Some(value) = value {
        map.insert(name.to_owned(), value.into());
    }
}

fn view(named: &Named, subject: &Subject) -> Result<Reply, Failure> {
    fn of<const MAX: usize>(text: Option<&Text<MAX>>) -> Option<String> {
        text.map(|text| text.as_str().to_owned())
    }
    use domain::ekyc::Channel::{Email, Sms, Voice};
    let (person, mut name) = (&subject.particulars, Map::new());
    put(&mut name, "title", of(person.name.title.as_ref()));
    put(&mut name, "givenName", of(Some(&person.name.given)));
    put(&mut name, "middleNames", of(person.name.middle.as_ref()));
    put(&mut name, "familyName", of(Some(&person.name.family)));
    let (held, mut contact) = (&person.contact, Map::new());
    for (field, channel) in [("mobileNumber", Sms), ("homeNumber", Voice), ("email", Email)] {
        put(&mut contact, field, held.at(channel).map(|at| at.masked()));
    }
    let (at, mut address) = (&person.address, Map::new());
    for (field, line) in [
        ("flatNumber", &at.flat_number),
        ("houseNumber", &at.house_number),
        ("houseName", &at.house_name),
        ("street", &at.street),
        ("addressLine1", &at.address_line1),
        ("addressLine2", &at.address_line2),
        ("townOrCity", &at.town_or_city),
        ("county", &at.county),
        ("postcode", &at.postcode),
        ("countryCode", &at.country_code),
    ] {
        put(&mut address, field, of(line.as_ref()));
    }
    let mut shown = json!({
        "customerId": subject.customer,
        "name": name,
        "contact": contact,
        "address": address,
        "createdAt": subject.created_at.to_string(),
        "modifiedAt": subject.modified_at.to_string(),
        "version": subject.version,
    });
    let (field, id) = named.field();
    shown[field] = id.into();
    Reply::ok(&shown)
}

/// `POST`, `GET` and `PUT` of applications and accounts.
///
/// # Errors
/// [`Failure`].
pub async fn subjects(core: &Core, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    // Boxed: nested futures down to the SDK are deeper than the compiler follows in one type.
    match request.route.operation {
        Operation::ApplicationCreate | Operation::AccountCreate => {
            Box::pin(create(core, caller, request)).await
        }
        Operation::ApplicationUpdate | Operation::AccountUpdate => {
            Box::pin(update(core, caller, request)).await
        }
        _ => Box::pin(get(core, caller, request)).await,
    }
}

fn named(request: &Request) -> Result<Named, Failure> {
    let kind = path::kind(request);
    let named = match kind {
        SubjectKind::Application => {
            request.path("id", "application", ApplicationId::parse).map(Named::Application)
        }
        SubjectKind::Account => {
            request.path("id", "account", AccountNumber::parse).map(Named::Account)
        }
    };
    named.map_err(|_| unknown_subject(kind))
}

async fn get(core: &Core, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let named = named(request)?;
    let place = path::place(core, caller, request).await?;
    let subject = core.ekyc.subject(&place).await.map_err(broken)?;
    view(&named, &subject.ok_or_else(|| unknown_subject(path::kind(request)))?)
}

async fn create(core: &Core, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let kind = path::kind(request);
    let (number, customer, particulars) = request.read(|object| {
        path::check_key(object, request);
        let number = match kind {
            SubjectKind::Account => Some(object.required("accountNumber", AccountNumber::parse)),
            SubjectKind::Application => None,
        };
        let customer = object.required("customerId", CustomerId::parse);
        let particulars = read_particulars(object);
        let number = match number {
            None => None,
            Some(read) => Some(read?),
        };
        Some((number, customer?, particulars?))
    })?;
    let named = match number {
        Some(number) => Named::Account(number),
        None => Named::Application(ApplicationId::new(&*core.clock, &*core.random)),
    };
    let place = match &named {
        Named::Application(id) => Ekyc::application(caller.partner, *id),
        Named::Account(number) => {
            core.ekyc.account(caller.partner, number).await.map_err(broken)?
        }
    };
    let fields = vec![kind.to_string()];
    write(core, caller, request, &place, &named, fields, async |now| {
        let (created_at, modified_at) = (now, now);
        let particulars = particulars.clone();
        Ok((Subject { kind, customer, particulars, created_at, modified_at, version: 1 }, None))
    })
    .await
}

async fn update(core: &Core, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let kind = path::kind(request);
    let (customer, version, particulars) = request.read(|object| {
        path::check_key(object, request);
        let customer = object.optional("customerId", CustomerId::parse);
        let whole = |text: &str| {
            text.parse::<u64>().map_err(|_| Problem::Malformed { expected: "a whole number" })
        };
        let version = object.optional_number("version", false, whole);
        Some((customer, version, read_particulars(object)?))
    })?;
    let named = named(request)?;
    let place = path::place(core, caller, request).await?;
    let fields = ["name", "contact", "address"].map(|part| format!("{kind}.{part}")).to_vec();
    write(core, caller, request, &place, &named, fields, async |now| {
        let before = core.ekyc.subject(&place).await.map_err(broken)?;
        let mut after = before.ok_or_else(|| unknown_subject(kind))?;
        if customer.is_some_and(|named| named != after.customer) {
            let reason = "a subject does not move to another customer";
            return Err(Failure::field("customerId", Problem::NotApplicable { reason }));
        }
        let before = after.version;
        if version.is_some_and(|seen| seen != before) {
            return Err(Failure::VersionMismatch);
        }
        after.particulars = particulars.clone();
        after.modified_at = now;
        after.version += 1;
        Ok((after, Some(before)))
    })
    .await
}

/// Writes a subject together with the link of its customer's audit chain, exactly once.
async fn write(
    core: &Core,
    caller: &Caller,
    request: &Request,
    place: &Place,
    named: &Named,
    fields: Vec<String>,
    attempt: impl AsyncFn(Timestamp) -> Result<(Subject, Option<u64>), Failure>,
) -> Result<Reply, Failure> {
    let idempotency = Idempotency::of(request, caller)?;
    let actor = actor(caller, request);
    if let Some(idempotency) = &idempotency {
        let earlier = idempotency.replay(core.table(), &core.ring, core.clock.now()).await?;
        if let Some(earlier) = earlier {
            return Ok(earlier);
        }
    }
    for round in 0..=RETRIES {
        if round > 0 {
            pause(round, &*core.random).await;
        }
        let now = core.clock.now();
        let (subject, before_version) = Box::pin(attempt(now)).await?;
        let before = customer(core, place, subject.customer).await?;
        let mut after = before.clone();
        let change = after.note_subject(fields.clone(), now).map_err(refused)?;
        let reply = view(named, &subject)?;
        let commit = Commit {
            before: Some(&before),
            after: &after,
            change: &change,
            actor: &actor,
            now,
            owner: None,
            evidence: Vec::new(),
        };
        let mut transaction = Box::pin(core.customers.prepare(commit)).await.map_err(broken)?;
        core.ekyc
            .put_subject(&mut transaction, place, &subject, before_version)
            .await
            .map_err(broken)?;
        if let Some(idempotency) = &idempotency {
            idempotency.record(&mut transaction, core.table(), &core.ring, &reply, now).await?;
        }
        let Err(stood) = Box::pin(transaction.commit(core.table())).await else {
            return Ok(reply);
        };
        if let Some(idempotency) = &idempotency
            && let Some(earlier) = idempotency.replay_of(&stood, &core.ring).await?
        {
            return Ok(earlier);
        }
        if before_version.is_none() && stood.refusal(SUBJECT).is_some() {
            return Err(Failure::Stated(Stated {
                status: 409,
                state: "alreadyExists",
                detail: "There is a subject with this id",
            }));
        }
        if let CommitRefused::Failed(error) = CommitRefused::from(stood) {
            return Err(broken(error));
        }
    }
    Err(Failure::Conflict)
}

async fn customer(core: &Core, place: &Place, id: CustomerId) -> Result<Customer, Failure> {
    let found = core.customers.get(place.partner, id).await.map_err(broken)?;
    found.ok_or_else(|| refused(Refused::Inactive))
}

/// An unknown customer, another partner's and an inactive one answer alike.
fn refused(_: Refused) -> Failure {
    Failure::field("customerId", Problem::UnknownReference { expected: "an active customer" })
}
