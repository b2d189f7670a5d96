//! A customer as the review sees it.

use compliance::review::{
    Applicant, BusinessFacts, Party, PersonFacts, PostalAddress, Representative,
};
use domain::contact::{ContactBody, ContactKind};
use domain::customer::{self, Customer};
use domain::enrolment::Device;
use domain::tax::{TaxIdType, TaxIdentity};

/// The facts of a customer that are reviewed.
pub(crate) fn applicant_of(customer: &Customer) -> Applicant {
    let enrolment = customer.enrolment.as_ref();
    let party = match &customer.party {
        customer::Party::Personal(person) => Party::Person(PersonFacts {
            first_name: person.name.first.as_str().to_owned(),
            // Somebody with one name is known by it as by a last name.
            last_name: person.name.last.as_ref().unwrap_or(&person.name.first).as_str().to_owned(),
            birth_date: person.profile.birth_date.map(|date| date.date()),
            ssn: number(person.profile.common.tax.as_ref(), &[TaxIdType::Ssn, TaxIdType::Itin]),
        }),
        customer::Party::Business(company) => Party::Business(BusinessFacts {
            name: company.name.as_str().to_owned(),
            legal_name: enrolment
                .and_then(|enrolment| enrolment.legal_name.as_ref())
                .map(|name| name.as_str().to_owned()),
            ein: number(company.profile.common.tax.as_ref(), &[TaxIdType::Ein]),
            website: company
                .due_diligence
                .as_ref()
                .and_then(|asked| asked.url.as_ref())
                .map(|url| url.as_str().to_owned()),
            representatives: enrolment
                .and_then(|enrolment| enrolment.representatives.as_ref())
                .into_iter()
                .flatten()
                .map(|one| Representative {
                    name: one.name.as_str().to_owned(),
                    email: one.email.as_ref().map(|email| email.as_str().to_owned()),
                    phone: one.phone.as_ref().map(|phone| phone.e164().to_owned()),
                })
                .collect(),
        }),
    };
    let (mut email, mut phone, mut address) = (None, None, None);
    for kind in [ContactKind::Email, ContactKind::Phone, ContactKind::Address] {
        match customer.primary(kind).map(|contact| &contact.body) {
            Some(ContactBody::Email(held)) => email = Some(held.address.as_str().to_owned()),
            Some(ContactBody::Phone(held)) => phone = Some(held.number.e164().to_owned()),
            Some(ContactBody::Address(held)) => {
                address = Some(PostalAddress {
                    line1: held.street1.as_str().to_owned(),
                    line2: held.street2.as_ref().map(|line| line.as_str().to_owned()),
                    city: held.city.as_str().to_owned(),
                    state: held.state.as_ref().map(|state| state.as_str().to_owned()),
                    postal_code: held.postal_code.as_ref().map(|code| code.as_str().to_owned()),
                    country: held.country.as_str().to_owned(),
                });
            }
            _ => {}
        }
    }
    let device = enrolment.and_then(|enrolment| enrolment.device).map(Device::reveal);
    Applicant { party, email, phone, address, device }
}

fn number(tax: Option<&TaxIdentity>, kinds: &[TaxIdType]) -> Option<String> {
    let number = tax.filter(|tax| kinds.contains(&tax.kind()))?.number()?;
    Some(number.reveal().to_owned())
}
