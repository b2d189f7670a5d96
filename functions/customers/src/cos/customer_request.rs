//! Onboarding a customer, and changing parts of it.

use domain::choices::Classification;
use domain::contact::{ContactBody, ContactKind};
use domain::customer::{Business, ClientIdentifier, Party, Person};
use domain::ids::PartnerId;
use domain::name::{EntityName, PersonName};
use domain::problem::Problem;
use domain::text::Text;
use http_api::ObjectReader;
use jiff::civil::Date;

use super::profile_request::{
    read_business_diligence, read_business_profile, read_diligence, read_person_profile,
};
use super::{ONLY_BUSINESS, ONLY_PERSONAL, read_contact, refuse};

/// A parsed onboarding request.
#[derive(Debug, Clone)]
pub(crate) struct OnboardingRequest {
    pub party: Party,
    pub client_identifier: Option<ClientIdentifier>,
    pub primaries: Vec<ContactBody>,
}

const PRIMARIES: [(&str, ContactKind); 4] = [
    ("primaryAddress", ContactKind::Address),
    ("primaryPhone", ContactKind::Phone),
    ("primaryEmail", ContactKind::Email),
    ("primaryIdentification", ContactKind::Identification),
];

/// `POST /customers`.
pub(crate) fn read_onboarding(
    object: &ObjectReader<'_>,
    partner: PartnerId,
    today: Date,
) -> Option<OnboardingRequest> {
    // Another partner's id gets the same answer as one that does not exist.
    object.required("partnerId", |text| {
        if PartnerId::parse(text)? == partner {
            Ok(())
        } else {
            Err(Problem::UnknownReference { expected: "the partner of the token" })
        }
    });
    let classification = object.required("classification", Classification::parse);
    let name = object.required_object("name");
    let profile = object.required_object("profile");
    // The contract's limit; other contracts have longer ones.
    let client_identifier = object.optional("clientIdentifier", |text| {
        Text::<50>::parse(text).and_then(|text| Text::parse(text.as_str()))
    });
    let party = match classification {
        Some(Classification::Personal) => {
            refuse(object, &["businessDueDiligence"], ONLY_BUSINESS);
            let name = name.and_then(|name| read_person_name(&name, None));
            let profile = profile.and_then(|profile| read_person_profile(&profile, None, today));
            let asked = object.optional_object("dueDiligence");
            let due_diligence = asked.map(|asked| read_diligence(&asked));
            name.zip(profile)
                .map(|(name, profile)| Party::Personal(Person { name, profile, due_diligence }))
        }
        Some(Classification::Business) => {
            refuse(object, &["dueDiligence"], ONLY_PERSONAL);
            let name = name.and_then(|name| read_entity_name(&name));
            let profile = profile.and_then(|profile| read_business_profile(&profile, None, today));
            let asked = object.optional_object("businessDueDiligence");
            let due_diligence = asked.map(|asked| read_business_diligence(&asked, today));
            name.zip(profile)
                .map(|(name, profile)| Party::Business(Business { name, profile, due_diligence }))
        }
        // Which names are needed depends on it, so nothing more can be said.
        None => None,
    };
    let primaries = PRIMARIES
        .into_iter()
        .filter_map(|(field, kind)| object.optional_object(field).map(|given| (given, kind)))
        .filter_map(|(given, kind)| read_contact(&given, kind, None, today))
        .map(|request| request.body)
        .collect();
    Some(OnboardingRequest { party: party?, client_identifier, primaries })
}

/// `PUT …/name`.
pub(crate) fn read_name_change(object: &ObjectReader<'_>, present: &Party) -> Option<Party> {
    Some(match present {
        Party::Personal(person) => {
            let name = read_person_name(object, Some(&person.name))?;
            Party::Personal(Person { name, ..person.clone() })
        }
        Party::Business(business) => {
            Party::Business(Business { name: read_entity_name(object)?, ..business.clone() })
        }
    })
}

/// `PUT …/profile`. The profile is replaced, except that a tax id left out, or sent as it was shown, stays.
pub(crate) fn read_profile_change(
    object: &ObjectReader<'_>,
    present: &Party,
    today: Date,
) -> Option<Party> {
    Some(match present {
        Party::Personal(person) => {
            let profile = read_person_profile(object, Some(&person.profile.common), today)?;
            Party::Personal(Person { profile, ..person.clone() })
        }
        Party::Business(business) => {
            let profile = read_business_profile(object, Some(&business.profile.common), today)?;
            Party::Business(Business { profile, ..business.clone() })
        }
    })
}

/// `PUT …/due-diligence`.
pub(crate) fn read_diligence_change(object: &ObjectReader<'_>, present: &Party) -> Option<Party> {
    match present {
        Party::Personal(person) => {
            let due_diligence = Some(read_diligence(object));
            Some(Party::Personal(Person { due_diligence, ..person.clone() }))
        }
        Party::Business(_) => {
            object.reject("dueDiligence", Problem::NotApplicable { reason: ONLY_PERSONAL });
            None
        }
    }
}

/// `PUT …/business-due-diligence`.
pub(crate) fn read_business_diligence_change(
    object: &ObjectReader<'_>,
    present: &Party,
    today: Date,
) -> Option<Party> {
    match present {
        Party::Business(business) => {
            let due_diligence = Some(read_business_diligence(object, today));
            Some(Party::Business(Business { due_diligence, ..business.clone() }))
        }
        Party::Personal(_) => {
            object.reject("businessDueDiligence", Problem::NotApplicable { reason: ONLY_BUSINESS });
            None
        }
    }
}

/// Somebody whom another contract knows by one name keeps it: there is no last name to send back.
fn read_person_name(name: &ObjectReader<'_>, present: Option<&PersonName>) -> Option<PersonName> {
    refuse(name, &["entityName"], ONLY_BUSINESS);
    let prefix = name.optional("prefix", Text::parse);
    let first = name.required("firstName", Text::parse);
    let middle = name.optional("middleName", Text::parse);
    let suffix = name.optional("suffix", Text::parse);
    let is_shown = |present: &PersonName| {
        let rest = (&present.middle, &present.suffix) == (&middle, &suffix);
        present.last.is_none() && first.as_ref() == Some(&present.first) && rest
    };
    let keeps_one = !name.has("lastName") && present.is_some_and(is_shown);
    let last = if keeps_one { None } else { name.required("lastName", Text::parse) };
    let preferred = name.optional("preferredName", Text::parse);
    let last = if keeps_one { None } else { Some(last?) };
    Some(PersonName { prefix, first: first?, middle, last, suffix, preferred })
}

fn read_entity_name(name: &ObjectReader<'_>) -> Option<EntityName> {
    refuse(
        name,
        &["prefix", "firstName", "middleName", "lastName", "suffix", "preferredName"],
        ONLY_PERSONAL,
    );
    name.required("entityName", Text::parse)
}
