//! The module `kyc`: is this a person, and this one?
//!
//! Only when a number or a birth date was given to be checked. Three sources, in falling weight: what an identity provider
//! confirms, what the network has seen at other partners, and what the rules exclude. Invariant: a flag is `true` only where
//! one of the first two confirms it, `false` only where one contradicts it or the rules exclude it, and absent otherwise;
//! an identity that nothing confirms is never accepted as if it were.

use domain::network::{AttributeKind, View};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::applicant::{Applicant, PersonFacts, digits_of};
use super::code::Code;
use super::ein;
use super::finding::{Decision, Finding, Signals};
use super::names::states_legal_form;
use super::phone::line;
use super::policy::Policy;
use super::provider::{Confirmed, IdentityAnswer};
use super::ssn::{RAILROAD_CLOSED, Structure, structure};
use super::weights::floor;
use super::zip_codes::{Zip, zip};

/// The contract's ten flags.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each flag is named by what it is about")]
pub struct Validations {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zip: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dob: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssn: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<bool>,
}

impl std::fmt::Debug for Validations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Validations(…)")
    }
}

/// What the module found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kyc {
    /// Decision and codes.
    #[serde(flatten)]
    pub finding: Finding,
    /// The flags.
    pub validations: Validations,
    /// Whether an identity provider alone would have settled it.
    #[serde(default)]
    pub by_provider: bool,
}

/// Checks an identity. `None` when nothing was given that could be checked.
#[must_use]
pub fn check(
    applicant: &Applicant,
    network: &View,
    answer: &IdentityAnswer,
    policy: &Policy,
    now: Timestamp,
) -> Option<Kyc> {
    let mut signals = Signals::default();
    let mut flags = Validations::default();
    let confirmed = match answer {
        IdentityAnswer::Answered(confirmed) => Some(&**confirmed),
        IdentityAnswer::NotConfigured | IdentityAnswer::Unavailable => None,
    };
    signals.add_if(*answer == IdentityAnswer::Unavailable, Code::G003);
    let known = known_elsewhere(network, now);
    exclude_contacts(applicant, &mut flags);
    let settled = if let Some(person) = applicant.person() {
        if person.ssn.is_none() && person.birth_date.is_none() {
            return None;
        }
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        exclude_by_rules(person, today, &mut signals, &mut flags);
        signals.add_if(applicant.address.is_none(), Code::I903);
        confirm(confirmed, known, &mut flags);
        name_what_is_open(person, applicant, confirmed, &flags, &mut signals)
    } else {
        let business = applicant.business()?;
        let number = business.ein.as_deref()?;
        let possible = digits_of(number).map(|digits| ein::structure(&digits));
        confirm(confirmed, None, &mut flags);
        let settled = possible == Some(ein::Structure::Possible)
            && confirmed.is_some_and(|it| it.business == Some(true) && it.tax_id == Some(true));
        signals.add_if(!settled, Code::BR012);
        settled
    };
    let unconfirmed = if settled { Decision::Accept } else { policy.unconfirmed_identity };
    let decision = open_floor(&signals, policy).max(unconfirmed);
    let finding = Finding { decision, codes: signals.codes, ..Finding::default() };
    let by_provider = settled && confirmed.is_some_and(|it| settles(it, applicant));
    Some(Kyc { finding, validations: flags, by_provider })
}

/// Whether a provider has confirmed the name and whatever else was given to be checked.
fn settles(confirmed: &Confirmed, applicant: &Applicant) -> bool {
    let is_true = |flag: Option<bool>| flag == Some(true);
    match applicant.person() {
        Some(person) => {
            is_true(confirmed.first_name)
                && is_true(confirmed.last_name)
                && (person.ssn.is_none() || is_true(confirmed.tax_id))
                && (person.birth_date.is_none() || is_true(confirmed.birth_date))
        }
        None => is_true(confirmed.business) && is_true(confirmed.tax_id),
    }
}

/// Codes that only say "not confirmed" lead to what the policy says of that, and not to the table's floor.
fn open_floor(signals: &Signals, policy: &Policy) -> Decision {
    const OPEN: [Code; 3] = [Code::BR012, Code::R216, Code::R222];
    let codes = signals
        .codes
        .iter()
        .copied()
        .filter(|code| !OPEN.contains(code) || policy.floors.contains_key(code))
        .collect();
    floor(&codes, policy)
}

/// What of the same name, birth date and number was approved at other partners. An application that nobody approved confirms
/// nothing, or applying twice would be a way to confirm oneself.
#[derive(Debug, Clone, Copy)]
struct Known {
    address: bool,
    email: bool,
    phone: bool,
}

fn known_elsewhere(network: &View, now: Timestamp) -> Option<Known> {
    let own = &network.own;
    let same: Vec<_> = network
        .by_witnesses(AttributeKind::TaxId, now)
        .into_iter()
        .filter(|seen| seen.facts.same_name(own))
        .filter(|seen| own.birth_date.is_some() && seen.facts.birth_date == own.birth_date)
        .collect();
    if same.is_empty() || own.tax_id.is_none() {
        return None;
    }
    let any = |matches: &dyn Fn(&domain::network::Facts) -> bool| {
        same.iter().any(|seen| matches(&seen.facts))
    };
    Some(Known {
        address: any(&|facts| own.address.is_some() && facts.address == own.address),
        email: any(&|facts| own.email.is_some() && facts.email == own.email),
        phone: any(&|facts| own.phone.is_some() && facts.phone == own.phone),
    })
}

/// What cannot be anybody's is not this person's.
fn exclude_contacts(applicant: &Applicant, flags: &mut Validations) {
    if let Some(phone) = applicant.phone.as_deref() {
        flags.phone = line(phone).is_none().then_some(false);
    }
    if let Some(email) = applicant.email.as_deref() {
        flags.email = domain::email::EmailAddress::parse(email.trim()).is_err().then_some(false);
    }
    let Some(address) = applicant.address.as_ref().filter(|address| address.country == "US") else {
        return;
    };
    let found = zip(address.postal_code.as_deref().unwrap_or(""));
    flags.zip = matches!(found, Zip::Malformed | Zip::Unassigned).then_some(false);
    let state = address.state.as_deref().unwrap_or("");
    flags.state = (matches!(found, Zip::In(_)) && !found.is_in(state)).then_some(false);
}

fn exclude_by_rules(
    person: &PersonFacts,
    today: Date,
    signals: &mut Signals,
    flags: &mut Validations,
) {
    signals.add_if(
        states_legal_form(&format!("{} {}", person.first_name, person.last_name)),
        Code::I931,
    );
    match person.birth_date {
        None => signals.add(Code::I906),
        Some(born) => look_at_age(born, today, signals, flags),
    }
    let Some(ssn) = person.ssn.as_deref() else {
        signals.add(Code::I904);
        return;
    };
    match digits_of(ssn).map_or(Structure::Impossible, |digits| structure(&digits)) {
        Structure::Impossible | Structure::Published => {
            signals.add(Code::R201);
            signals.add(Code::R913);
            flags.ssn = Some(false);
        }
        Structure::Taxpayer => signals.add(Code::I202),
        Structure::Placeholder => signals.add(Code::G005),
        Structure::Possible { random, railroad } => {
            signals.add_if(random, Code::I912);
            signals.add_if(random, Code::R217);
            if railroad && person.birth_date.is_some_and(|born| born >= RAILROAD_CLOSED) {
                signals.add(Code::R206);
                signals.add(Code::R911);
                flags.ssn = Some(false);
            }
        }
    }
}

/// Ages at which nobody, or nobody by themselves, becomes a customer.
fn look_at_age(born: Date, today: Date, signals: &mut Signals, flags: &mut Validations) {
    let age = age(born, today);
    match age {
        ..0 => signals.add(Code::R355),
        0..=12 => signals.add(Code::R351),
        13..=15 => signals.add(Code::R352),
        16..=17 => signals.add(Code::R353),
        18..=120 => {}
        _ => signals.add(Code::R355),
    }
    signals.add_if((0..16).contains(&age) || age > 100, Code::R350);
    if !(0..=120).contains(&age) {
        flags.dob = Some(false);
    }
}

/// Completed years; negative before birth.
#[must_use]
pub fn age(born: Date, today: Date) -> i16 {
    let had_birthday = (today.month(), today.day()) >= (born.month(), born.day());
    let years = today.year() - born.year() - i16::from(!had_birthday);
    if born > today { -1 } else { years }
}

/// What a provider or the network says, where the rules have not excluded it.
fn confirm(confirmed: Option<&Confirmed>, known: Option<Known>, flags: &mut Validations) {
    fn settle(flag: &mut Option<bool>, provider: Option<bool>, network: bool) {
        if flag.is_none() {
            *flag = provider.or(network.then_some(true));
        }
    }
    let from = |read: fn(&Confirmed) -> Option<bool>| confirmed.and_then(read);
    let seen = |read: fn(&Known) -> bool| known.as_ref().is_some_and(read);
    settle(&mut flags.first_name, from(|it| it.first_name), seen(|_| true));
    settle(&mut flags.last_name, from(|it| it.last_name), seen(|_| true));
    settle(&mut flags.dob, from(|it| it.birth_date), seen(|_| true));
    settle(&mut flags.ssn, from(|it| it.tax_id), seen(|_| true));
    settle(&mut flags.address, from(|it| it.address), seen(|it| it.address));
    settle(&mut flags.city, from(|it| it.city), seen(|it| it.address));
    settle(&mut flags.state, from(|it| it.state), seen(|it| it.address));
    settle(&mut flags.zip, from(|it| it.zip), seen(|it| it.address));
    settle(&mut flags.phone, from(|it| it.phone), seen(|it| it.phone));
    settle(&mut flags.email, from(|it| it.email), seen(|it| it.email));
}

/// The codes of what is confirmed, contradicted and open; whether the identity counts as confirmed.
fn name_what_is_open(
    person: &PersonFacts,
    applicant: &Applicant,
    confirmed: Option<&Confirmed>,
    flags: &Validations,
    signals: &mut Signals,
) -> bool {
    if let Some(confirmed) = confirmed {
        signals.add_if(confirmed.deceased, Code::R202);
        signals.add_if(confirmed.deceased, Code::R907);
        signals.add_if(confirmed.issued_before_birth, Code::R206);
        signals.add_if(confirmed.issued_before_birth, Code::R911);
        let number_known = confirmed.tax_id == Some(true);
        signals.add_if(number_known && confirmed.last_name == Some(false), Code::R212);
        signals.add_if(number_known && confirmed.first_name == Some(false), Code::R215);
        signals.add_if(confirmed.tax_id == Some(false), Code::R901);
        signals.add_if(confirmed.address == Some(false), Code::R919);
        signals.add_if(confirmed.birth_date == Some(false), Code::R922);
        let name = [confirmed.first_name, confirmed.last_name];
        signals.add_if(!number_known && name.contains(&Some(false)), Code::R902);
    }
    let is_true = |flag: Option<bool>| flag == Some(true);
    let name = is_true(flags.first_name) && is_true(flags.last_name);
    let number_open = person.ssn.is_some() && flags.ssn.is_none();
    let date_open = person.birth_date.is_some() && flags.dob.is_none();
    signals.add_if(number_open, Code::R222);
    signals.add_if(date_open, Code::R216);
    let number = person.ssn.is_none() || is_true(flags.ssn);
    let date = person.birth_date.is_none() || is_true(flags.dob);
    let address = applicant.address.is_some() && is_true(flags.address);
    signals.add_if(name && address && is_true(flags.ssn), Code::I919);
    signals.add_if(name && address && is_true(flags.ssn) && confirmed.is_some(), Code::I201);
    name && number && date
}

#[cfg(test)]
#[path = "kyc_tests.rs"]
mod tests;
