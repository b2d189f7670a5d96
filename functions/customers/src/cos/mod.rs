//! The COS contract's view of a customer: what its requests mean and what its answers look like.
//!
//! Invariant: no type of this module reaches the domain, and no domain type is serialised by itself; both directions are
//! written out here, field by field, so that neither side can change the other by accident.

mod contact_request;
mod contact_response;
mod customer_request;
mod profile_request;
mod response;
mod search_request;

use std::collections::BTreeMap;

use domain::customer::Party;
use domain::ids::CustomerId;
use domain::problem::Problem;
use domain::scan::{Decision, Fingerprint, ListedEntity};
use domain::text::Text;
use http_api::{Caller, ObjectReader, Scope};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

pub(crate) use contact_request::read_contact;
pub use contact_response::Contact;
pub(crate) use contact_response::{contact, secrets_of_contact};
pub(crate) use customer_request::{
    read_business_diligence_change, read_diligence_change, read_name_change, read_onboarding,
    read_profile_change,
};
pub use http_api::{Page, Paging};
pub use response::Customer;
pub(crate) use response::{customer, secrets_of, starred};
pub(crate) use search_request::Search;

/// Whether an answer shows secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mask {
    /// All but the last four characters are stars.
    Starred,
    /// In clear.
    Shown,
}

impl Mask {
    /// In clear exactly for a token with the scope.
    pub(crate) fn for_caller(caller: &Caller) -> Self {
        if caller.scopes.contains(Scope::CustomersUnmask) { Self::Shown } else { Self::Starred }
    }
}

/// The date that "not in the future" is measured by.
pub(crate) fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

/// The Personal customer that a company names as its main owner, and the field that does.
pub(crate) fn primary_owner(party: &Party) -> Option<(CustomerId, &'static str)> {
    match party {
        Party::Personal(_) => None,
        Party::Business(business) => {
            business.profile.primary_owner.map(|owner| (owner, "profile.primaryOwnerCustomerId"))
        }
    }
}

/// Says of every given field that it has no place here.
fn refuse(object: &ObjectReader<'_>, fields: &[&str], reason: &'static str) {
    for field in fields {
        if object.has(field) {
            object.reject(field, Problem::NotApplicable { reason });
        }
    }
}

const ONLY_PERSONAL: &str = "only a Personal customer has it";
const ONLY_BUSINESS: &str = "only a Business customer has it";

/// What a reviewer decided and why.
#[derive(Debug, Clone)]
pub(crate) struct DecisionRequest {
    pub decision: Decision,
    pub reason: Option<Text<500>>,
    /// The hits that the reviewer has seen; `None` when the request does not say.
    pub hits: Option<BTreeMap<ListedEntity, Fingerprint>>,
}

/// `{"decision": "Reviewing|Clear|Positive", "reason": "…", "hits": [{"listId", "uid", "content"}]}`. What ends a case
/// needs a reason.
pub(crate) fn read_decision(object: &ObjectReader<'_>) -> Option<DecisionRequest> {
    let decision = object.required("decision", Decision::parse);
    let reason = match decision {
        Some(Decision::Clear | Decision::Positive) => Some(object.required("reason", Text::parse)?),
        Some(Decision::Reviewing) | None => object.optional("reason", Text::parse),
    };
    let hits = match object.optional_list("hits") {
        // Every one is read, so that all that are wrong are named.
        Some(hits) => {
            let read: Vec<_> = hits.iter().map(read_hit).collect();
            Some(read.into_iter().collect::<Option<BTreeMap<_, _>>>()?)
        }
        None => None,
    };
    Some(DecisionRequest { decision: decision?, reason, hits })
}

/// A hit by list, key and content; the content may be a whole digest, as in the evidence.
fn read_hit(hit: &ObjectReader<'_>) -> Option<(ListedEntity, Fingerprint)> {
    let plain = |text: &str| Ok(text.to_owned());
    let (list, uid) = (hit.required("listId", plain), hit.required("uid", plain));
    let content = hit.required("content", Fingerprint::parse);
    Some((ListedEntity::new(&list?, &uid?), content?))
}
