//! Applications and accounts as items. What is known of the person is sealed as one value, for this subject.

use aws_sdk_dynamodb::types::AttributeValue;
use crypto::{Aad, Sealed};
use domain::ekyc::{Address, Contact, Name, Particulars, Subject, SubjectKind};
use domain::email::EmailAddress;
use domain::ids::CustomerId;
use domain::phone::PhoneNumber;
use domain::problem::Problem;
use domain::text::Text;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::expressions::on;
use super::{Ekyc, EkycError, Place, SubjectHead};
use crate::keys::{HeldSubjectKey, Key, SubjectKey};
use crate::{Expression, Item, StoreError, Transaction, from_item, text, to_item};

/// The label of a subject's entry in a transaction.
pub const SUBJECT: &str = "subject";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubjectRecord {
    kind: SubjectKind,
    customer: CustomerId,
    person: String,
    created_at: Timestamp,
    modified_at: Timestamp,
    version: u64,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PersonRecord {
    title: Option<String>,
    given: String,
    middle: Option<String>,
    family: String,
    mobile: Option<String>,
    home: Option<String>,
    email: Option<String>,
    flat_number: Option<String>,
    house_number: Option<String>,
    house_name: Option<String>,
    street: Option<String>,
    address_line1: Option<String>,
    address_line2: Option<String>,
    town_or_city: Option<String>,
    county: Option<String>,
    postcode: Option<String>,
    country_code: Option<String>,
}

fn malformed() -> StoreError {
    StoreError::Malformed("a subject".to_owned())
}

fn aad(place: &Place) -> Aad {
    Aad::of(&["ekyc-subject", &place.partner.to_string(), place.subject.as_str(), "person"])
}

pub(super) fn head(item: &Item) -> Result<SubjectHead, StoreError> {
    let kind = text(item, "kind").and_then(|kind| SubjectKind::parse(kind).ok());
    let customer = text(item, "customer").and_then(|id| CustomerId::parse(id).ok());
    let (kind, customer) = kind.zip(customer).ok_or_else(malformed)?;
    Ok(SubjectHead { kind, customer })
}

fn string<const MAX: usize>(text: Option<&Text<MAX>>) -> Option<String> {
    text.map(|text| text.as_str().to_owned())
}

fn write_person(person: &Particulars) -> PersonRecord {
    let (name, contact, address) = (&person.name, &person.contact, &person.address);
    PersonRecord {
        title: string(name.title.as_ref()),
        given: name.given.as_str().to_owned(),
        middle: string(name.middle.as_ref()),
        family: name.family.as_str().to_owned(),
        mobile: contact.mobile.as_ref().map(|number| number.e164().to_owned()),
        home: contact.home.as_ref().map(|number| number.e164().to_owned()),
        email: contact.email.as_ref().map(|address| address.as_str().to_owned()),
        flat_number: string(address.flat_number.as_ref()),
        house_number: string(address.house_number.as_ref()),
        house_name: string(address.house_name.as_ref()),
        street: string(address.street.as_ref()),
        address_line1: string(address.address_line1.as_ref()),
        address_line2: string(address.address_line2.as_ref()),
        town_or_city: string(address.town_or_city.as_ref()),
        county: string(address.county.as_ref()),
        postcode: string(address.postcode.as_ref()),
        country_code: string(address.country_code.as_ref()),
    }
}

fn read<T>(
    stored: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, Problem>,
) -> Result<Option<T>, StoreError> {
    stored.map(parse).transpose().map_err(|_| malformed())
}

fn read_person(record: &PersonRecord) -> Result<Particulars, StoreError> {
    let line = |text: &Option<String>| read(text.as_deref(), Text::parse);
    Ok(Particulars {
        name: Name {
            title: read(record.title.as_deref(), Text::parse)?,
            given: Text::parse(&record.given).map_err(|_| malformed())?,
            middle: line(&record.middle)?,
            family: Text::parse(&record.family).map_err(|_| malformed())?,
        },
        contact: Contact {
            mobile: read(record.mobile.as_deref(), PhoneNumber::parse)?,
            home: read(record.home.as_deref(), PhoneNumber::parse)?,
            email: read(record.email.as_deref(), EmailAddress::parse)?,
        },
        address: Address {
            flat_number: line(&record.flat_number)?,
            house_number: line(&record.house_number)?,
            house_name: line(&record.house_name)?,
            street: line(&record.street)?,
            address_line1: line(&record.address_line1)?,
            address_line2: line(&record.address_line2)?,
            town_or_city: line(&record.town_or_city)?,
            county: line(&record.county)?,
            postcode: line(&record.postcode)?,
            country_code: line(&record.country_code)?,
        },
    })
}

impl Ekyc {
    /// A subject. 1 round trip.
    ///
    /// # Errors
    /// [`EkycError`].
    pub async fn subject(&self, place: &Place) -> Result<Option<Subject>, EkycError> {
        let key = SubjectKey::new(place.partner, place.subject.clone());
        match Box::pin(self.table.get(&key)).await? {
            Some(item) => self.open_subject(place, item).await.map(Some),
            None => Ok(None),
        }
    }

    /// Opens a subject's item.
    ///
    /// # Errors
    /// [`EkycError`].
    pub async fn open_subject(&self, place: &Place, item: Item) -> Result<Subject, EkycError> {
        let record: SubjectRecord = from_item(item)?;
        let bytes = hex::decode(&record.person).map_err(|_| malformed())?;
        let sealed = Sealed::parse(bytes)?;
        let plain = self.ring.open(place.partner.into(), &aad(place), &sealed).await?;
        let person: PersonRecord =
            serde_json::from_slice(plain.reveal()).map_err(|_| malformed())?;
        Ok(Subject {
            kind: record.kind,
            customer: record.customer,
            particulars: read_person(&person)?,
            created_at: record.created_at,
            modified_at: record.modified_at,
            version: record.version,
        })
    }

    /// What a subject's item says without being opened.
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn head(item: &Item) -> Result<SubjectHead, StoreError> {
        head(item)
    }

    /// Adds a subject to a transaction: a new one when `before` is `None`, else one that is still at that version. The
    /// transaction also writes the customer, whose version it is conditional on; a new subject is noted beside the
    /// customer, whose erasure takes it along.
    ///
    /// # Errors
    /// [`EkycError`].
    pub async fn put_subject(
        &self,
        transaction: &mut Transaction,
        place: &Place,
        subject: &Subject,
        before: Option<u64>,
    ) -> Result<(), EkycError> {
        let plain =
            serde_json::to_vec(&write_person(&subject.particulars)).map_err(|_| malformed())?;
        let sealed = self.keys(place.partner).await?.seal(&aad(place), &plain)?;
        let mut item = to_item(&SubjectRecord {
            kind: subject.kind,
            customer: subject.customer,
            person: hex::encode(sealed.as_bytes()),
            created_at: subject.created_at,
            modified_at: subject.modified_at,
            version: subject.version,
        })?;
        item.retain(|_, value| !matches!(value, AttributeValue::Null(_)));
        SubjectKey::new(place.partner, place.subject.clone()).stamp(&mut item);
        let condition = match before {
            None => Expression::absent(),
            Some(version) => on("#version = :version").number(":version", version),
        };
        transaction.put(SUBJECT, &self.table, item, condition);
        if before.is_none() {
            let held = HeldSubjectKey::new(place.partner, subject.customer, place.subject.clone());
            transaction.put_new("held subject", &self.table, held.to_item());
        }
        Ok(())
    }
}
