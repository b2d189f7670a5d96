//! The few facts of a customer that a list shows, kept beside the whole in its item: the sorted indexes carry these alone,
//! so that a page of a list reads a fraction of what its customers weigh.

use domain::choices::Classification;
use domain::contact::{ContactBody, ContactKind};
use domain::customer::Customer;
use domain::ids::CustomerId;
use domain::name::folded;
use domain::verification::Standing;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Item, StoreError, from_item};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SummaryRecord {
    id: CustomerId,
    kind: Classification,
    name: String,
    email: Option<String>,
    phone: Option<String>,
    external_id: Option<String>,
    standing: Standing,
    created_at: Timestamp,
    modified_at: Timestamp,
    /// Milliseconds of `created_at`, which as text does not sort.
    created: i64,
    pub(super) folded_name: String,
    /// All that a free search looks through.
    search: String,
}

#[derive(Deserialize)]
struct Holder {
    summary: Option<SummaryRecord>,
}

/// One row of a list.
#[derive(Clone, PartialEq, Eq)]
pub struct Summary {
    /// Which customer.
    pub id: CustomerId,
    /// Person or company.
    pub classification: Classification,
    /// The name in full.
    pub name: String,
    /// The primary e-mail address.
    pub email: Option<String>,
    /// The primary phone in E.164.
    pub phone: Option<String>,
    /// The partner's own id.
    pub client_identifier: Option<String>,
    /// What the customer amounts to.
    pub standing: Standing,
    /// When it was taken on.
    pub created_at: Timestamp,
    /// When anything last changed.
    pub modified_at: Timestamp,
}

impl std::fmt::Debug for Summary {
    /// Names and addresses are personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Summary").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SummaryRecord {
    /// All that a free search looks through.
    pub(super) fn search(&self) -> &str {
        &self.search
    }
}

impl From<SummaryRecord> for Summary {
    fn from(record: SummaryRecord) -> Self {
        Self {
            id: record.id,
            classification: record.kind,
            name: record.name,
            email: record.email,
            phone: record.phone,
            client_identifier: record.external_id,
            standing: record.standing,
            created_at: record.created_at,
            modified_at: record.modified_at,
        }
    }
}

impl Summary {
    /// The row of a customer.
    #[must_use]
    pub fn of(customer: &Customer) -> Self {
        summary_of(customer).into()
    }
}

pub(super) fn summary_of(customer: &Customer) -> SummaryRecord {
    let name = customer.party.full_name();
    let email = customer.primary(ContactKind::Email).and_then(|contact| match &contact.body {
        ContactBody::Email(email) => Some(email.address.as_str().to_owned()),
        _ => None,
    });
    let phone = customer.primary(ContactKind::Phone).and_then(|contact| match &contact.body {
        ContactBody::Phone(phone) => Some(phone.number.e164().to_owned()),
        _ => None,
    });
    let external_id = customer.client_identifier.as_ref().map(|id| id.as_str().to_owned());
    let folded_name = folded(&name);
    let searched = [
        Some(folded_name.clone()),
        email.as_deref().map(str::to_lowercase),
        phone.clone(),
        external_id.as_deref().map(str::to_lowercase),
    ];
    SummaryRecord {
        id: customer.id,
        kind: customer.party.classification(),
        name,
        email,
        phone,
        external_id,
        standing: customer.standing(),
        created_at: customer.created_at,
        modified_at: customer.modified_at,
        created: customer.created_at.as_millisecond(),
        folded_name,
        // No search text holds the separator, so none is found across two facts.
        search: searched.into_iter().flatten().collect::<Vec<_>>().join("\n"),
    }
}

/// Reads the summary that an item carries; `None` when a release without summaries stored it.
pub(super) fn read_summary(item: Item) -> Result<Option<Summary>, StoreError> {
    from_item::<Holder>(item).map(|holder| holder.summary.map(Summary::from))
}
