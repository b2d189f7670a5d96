//! Either provider over HTTPS, by one small JSON contract that `docs/identity-review.md` specifies: a gateway to a bureau
//! translates it, so that no bureau's format is in the product.
//!
//! `POST <base>/identity` and `POST <base>/address` with a bearer key. Invariants: personal data is in the body only, never
//! in an address or an error; one try, within the deadline; at most 64 KB are read; a redirect is no answer.

use std::time::Duration;

use compliance::review::provider::{Confirmed, Delivery};
use compliance::review::{Applicant, Party, PostalAddress};
use crypto::Secret;
use runtime::{HttpsSend, Outgoing};
use serde::Serialize;
use serde::de::DeserializeOwned;

const CONNECT_TIMEOUT: Duration = Duration::from_millis(800);
const LARGEST_ANSWER: usize = 64 * 1024;

/// A provider behind HTTPS.
pub(super) struct HttpsProvider {
    base: String,
    pub(super) key: Secret<String>,
    deadline: Duration,
    http: HttpsSend,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IdentityQuestion<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    birth_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<AddressQuestion<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AddressQuestion<'a> {
    line1: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line2: Option<&'a str>,
    city: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<&'a str>,
    country: &'a str,
}

impl<'a> From<&'a PostalAddress> for AddressQuestion<'a> {
    fn from(address: &'a PostalAddress) -> Self {
        Self {
            line1: &address.line1,
            line2: address.line2.as_deref(),
            city: &address.city,
            state: address.state.as_deref(),
            postal_code: address.postal_code.as_deref(),
            country: &address.country,
        }
    }
}

impl<'a> From<&'a Applicant> for IdentityQuestion<'a> {
    fn from(applicant: &'a Applicant) -> Self {
        let (person, business) = match &applicant.party {
            Party::Person(person) => (Some(person), None),
            Party::Business(business) => (None, Some(business)),
        };
        Self {
            first_name: person.map(|person| person.first_name.as_str()),
            last_name: person.map(|person| person.last_name.as_str()),
            business_name: business
                .map(|business| business.legal_name.as_deref().unwrap_or(&business.name)),
            birth_date: person.and_then(|person| person.birth_date).map(|date| date.to_string()),
            tax_id: person
                .and_then(|person| person.ssn.as_deref())
                .or_else(|| business.and_then(|business| business.ein.as_deref())),
            email: applicant.email.as_deref(),
            phone: applicant.phone.as_deref(),
            address: applicant.address.as_ref().map(AddressQuestion::from),
        }
    }
}

impl HttpsProvider {
    /// The provider at `base`, called with `key`; `None` when its address is neither HTTPS nor of this machine. Nothing is
    /// connected before the first question.
    pub(super) fn new(base: &str, key: Secret<String>, deadline: Duration) -> Option<Self> {
        let base = base.trim_end_matches('/').to_owned();
        let http = HttpsSend::connecting_within(CONNECT_TIMEOUT);
        HttpsSend::allows(&base).then_some(Self { base, key, deadline, http })
    }

    /// What it confirms of an applicant; `None` when no answer came.
    pub(super) async fn confirm(&self, applicant: &Applicant) -> Option<Confirmed> {
        self.ask("/identity", &IdentityQuestion::from(applicant)).await
    }

    /// What it knows of mail to an address; `None` when no answer came.
    pub(super) async fn delivery(&self, address: &PostalAddress) -> Option<Delivery> {
        self.ask("/address", &AddressQuestion::from(address)).await
    }

    async fn ask<A: DeserializeOwned>(&self, path: &str, question: &impl Serialize) -> Option<A> {
        let body = serde_json::to_vec(question).ok()?;
        let authorization = format!("Bearer {}", self.key.reveal());
        let request = Outgoing {
            method: "POST",
            url: &format!("{}{path}", self.base),
            headers: &[
                ("content-type", "application/json"),
                ("accept", "application/json"),
                ("authorization", &authorization),
            ],
            body: &body,
            max_bytes: LARGEST_ANSWER,
            deadline: self.deadline,
        };
        let answer = self.http.send(request).await.ok()?;
        if answer.status != 200 {
            return None;
        }
        serde_json::from_slice(&answer.body).ok()
    }
}
