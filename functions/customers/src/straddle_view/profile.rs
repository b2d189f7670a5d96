//! The compliance profile: a person's tax number and birth date, a company's tax number, legal name, site and people.
//!
//! Rule kept here: a tax number of a kind that this contract does not show (foreign, none) is not lost by a write that
//! gives no number; one of a shown kind is replaced or removed.

use domain::calendar::BirthDate;
use domain::choices::Classification;
use domain::email::EmailAddress;
use domain::enrolment::{MOST_REPRESENTATIVES, Representative};
use domain::name::EntityName;
use domain::phone::PhoneNumber;
use domain::problem::Problem;
use domain::profile::{BusinessDueDiligence, BusinessProfile, PersonProfile, WebAddress};
use domain::tax::{TaxId, TaxIdType, TaxIdentity};
use domain::text::Text;
use http_api::ObjectReader;
use jiff::civil::Date;

/// What a request says, whichever variant it has.
#[derive(Debug, Clone, Default)]
pub(super) struct Profile {
    pub tax: Option<TaxIdentity>,
    pub birth_date: Option<BirthDate>,
    pub legal_name: Option<EntityName>,
    pub website: Option<WebAddress>,
    pub representatives: Option<Vec<Representative>>,
}

/// Reads `compliance_profile` of a customer of this kind; `shown` is how the present one shows itself.
pub(super) fn read_profile(
    object: &ObjectReader<'_>,
    kind: Classification,
    shown: Option<&straddle::Profile>,
    today: Date,
) -> Profile {
    let Some(given) = object.optional_object("compliance_profile") else {
        return Profile::default();
    };
    match kind {
        Classification::Personal => {
            need_keys(&given, &["ssn", "dob"]);
            let birth_date = given.optional("dob", |text| BirthDate::parse(text, today));
            Profile { tax: given.optional("ssn", ssn), birth_date, ..Profile::default() }
        }
        Classification::Business => {
            need_keys(&given, &["ein", "legal_business_name"]);
            let held = match shown {
                Some(straddle::Profile::Business(shown)) => shown.website.as_deref(),
                _ => None,
            };
            Profile {
                tax: given.optional("ein", ein),
                birth_date: None,
                legal_name: given.optional("legal_business_name", Text::parse),
                website: given.optional("website", |text| website(text, held)),
                representatives: read_representatives(&given),
            }
        }
    }
}

/// The contract wants both keys there, though either may be null.
fn need_keys(given: &ObjectReader<'_>, keys: &[&str]) {
    for key in keys {
        if !given.fields().contains_key(*key) {
            given.reject(key, Problem::Required);
        }
    }
}

/// `^[0-9]{3}-[0-9]{2}-[0-9]{4}$`
fn ssn(text: &str) -> Result<TaxIdentity, Problem> {
    number(text, &[3, 6], 11, TaxIdType::Ssn, "a social security number (123-45-6789)")
}

/// `^[0-9]{2}-[0-9]{7}$`
fn ein(text: &str) -> Result<TaxIdentity, Problem> {
    number(text, &[2], 10, TaxIdType::Ein, "an employer identification number (12-3456789)")
}

fn number(
    text: &str,
    hyphens: &[usize],
    length: usize,
    kind: TaxIdType,
    expected: &'static str,
) -> Result<TaxIdentity, Problem> {
    let shaped = text.len() == length
        && text.bytes().enumerate().all(|(at, byte)| {
            if hyphens.contains(&at) { byte == b'-' } else { byte.is_ascii_digit() }
        });
    if !shaped {
        return Err(Problem::Malformed { expected });
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    TaxIdentity::new(kind, Some(TaxId::of_form(&digits, kind)?))
}

/// A URI of the web. One that is held already may have come through a contract that takes less.
fn website(text: &str, held: Option<&str>) -> Result<WebAddress, Problem> {
    let lower = text.to_ascii_lowercase();
    let has_scheme = lower.starts_with("https://") || lower.starts_with("http://");
    if has_scheme || held == Some(text) {
        WebAddress::parse(text)
    } else {
        Err(Problem::Malformed { expected: "a URI that begins with https:// or http://" })
    }
}

fn read_representatives(given: &ObjectReader<'_>) -> Option<Vec<Representative>> {
    let all = given.optional_list("representatives")?;
    if all.len() > MOST_REPRESENTATIVES {
        given.reject("representatives", Problem::TooMany { max: MOST_REPRESENTATIVES });
        return None;
    }
    let read = |one: &ObjectReader<'_>| {
        let name = one.required("name", Text::parse);
        let email = one.optional("email", EmailAddress::parse);
        let phone = one.optional("phone", PhoneNumber::of_form);
        Some(Representative { name: name?, email, phone })
    };
    all.iter().map(read).collect()
}

/// What the tax identity is to be.
fn new_tax(
    held: Option<&TaxIdentity>,
    given: Option<&TaxIdentity>,
    shown: &[TaxIdType],
) -> Option<TaxIdentity> {
    let is_shown = held.is_some_and(|held| shown.contains(&held.kind()));
    match (held, given) {
        // The same digits keep their finer kind (an individual taxpayer number is shown as `ssn`).
        (Some(held), Some(given)) if is_shown && held.number() == given.number() => {
            Some(held.clone())
        }
        (_, Some(given)) => Some(given.clone()),
        (Some(held), None) if !is_shown => Some(held.clone()),
        (_, None) => None,
    }
}

/// A person's profile with what the request says.
pub(super) fn with_person_profile(held: &PersonProfile, given: &Profile) -> PersonProfile {
    let mut profile = held.clone();
    let shown = [TaxIdType::Ssn, TaxIdType::Itin];
    profile.common.tax = new_tax(held.common.tax.as_ref(), given.tax.as_ref(), &shown);
    profile.birth_date = given.birth_date;
    profile
}

/// A company's profile and due diligence (which holds the site) with what the request says.
pub(super) fn with_business_profile(
    held: &BusinessProfile,
    asked: Option<&BusinessDueDiligence>,
    given: &Profile,
) -> (BusinessProfile, Option<BusinessDueDiligence>) {
    let mut profile = held.clone();
    profile.common.tax = new_tax(held.common.tax.as_ref(), given.tax.as_ref(), &[TaxIdType::Ein]);
    let mut due_diligence = asked.cloned();
    if given.website.is_some() || due_diligence.as_ref().is_some_and(|asked| asked.url.is_some()) {
        let mut changed = due_diligence.unwrap_or_default();
        changed.url.clone_from(&given.website);
        due_diligence = Some(changed).filter(|asked| *asked != BusinessDueDiligence::default());
    }
    (profile, due_diligence)
}
