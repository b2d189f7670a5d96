//! Finding customers: by a search term's lookup row, by file number, or in the listing by creation, of which there is a
//! second, sparse one of the customers that have a case.
//!
//! Search terms are blind indexes under keys of their own, so a lookup partition neither shows the value nor matches
//! one of another kind or partner.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use crypto::{IndexKind, ScopeKeys};
use domain::choices::Classification;
use domain::contact::{ContactBody, ContactKind};
use domain::customer::Customer;
use domain::ids::{CifNumber, CustomerId, PartnerId};
use domain::scan::ScanStatus;
use domain::tax::TaxIdentity;
use jiff::Timestamp;

use super::record::{is_case, malformed};
use super::{Customers, CustomersError};
use crate::keys::{
    CifKey, CustomerKey, Key, LookupKey, case_partition, listing_partition, lookup_partition,
    sortable_millis,
};
use crate::pages::{Listing, NumberedPage, PageError};
use crate::{Expression, Item, Query, text};

/// The index that lists a partner's customers by creation.
pub const BY_PARTNER: &str = "by-partner";

/// The sparse index of a partner's customers with a scan that is `Failed`, `Reviewing` or `Positive`, by creation.
pub const OPEN_CASES: &str = "open-cases";

/// Something a customer can be found by exactly.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Term<'a> {
    /// The tax number, whatever its kind.
    TaxId(&'a str),
    /// The partner's own id.
    ClientIdentifier(&'a str),
    /// The primary e-mail address, folded.
    Email(&'a str),
}

impl Term<'_> {
    const fn name(self) -> &'static str {
        match self {
            Self::TaxId(_) => "TAX",
            Self::ClientIdentifier(_) => "CLIENT",
            Self::Email(_) => "EMAIL",
        }
    }

    fn blind(self, keys: &ScopeKeys) -> String {
        let (kind, value) = match self {
            Self::TaxId(value) => (IndexKind::TAX_ID, value),
            Self::ClientIdentifier(value) => (IndexKind::CLIENT_IDENTIFIER, value),
            Self::Email(value) => (IndexKind::EMAIL, value),
        };
        keys.blind_index(kind, value.as_bytes()).as_str().to_owned()
    }
}

/// The lookup rows that a customer has, as (term, blind index).
pub(super) fn lookups(customer: &Customer, keys: &ScopeKeys) -> BTreeSet<(&'static str, String)> {
    let tax = customer.party.common().tax.as_ref().and_then(TaxIdentity::number);
    let email = primary_email(customer);
    let terms = [
        tax.map(|number| Term::TaxId(number.reveal())),
        customer.client_identifier.as_ref().map(|id| Term::ClientIdentifier(id.as_str())),
        email.as_deref().map(Term::Email),
    ];
    terms.into_iter().flatten().map(|term| (term.name(), term.blind(keys))).collect()
}

/// The lookup rows that a customer has in the table.
pub(super) fn stored_lookups(
    customer: &Customer,
    keys: &ScopeKeys,
) -> BTreeSet<(&'static str, String)> {
    let mut rows = lookups(customer, keys);
    if !customer.is_listed {
        rows.retain(|(term, _)| *term != Term::Email("").name());
    }
    rows
}

/// The primary e-mail address, as it is compared.
pub(super) fn primary_email(customer: &Customer) -> Option<String> {
    match &customer.primary(ContactKind::Email)?.body {
        ContactBody::Email(email) => Some(email.address.folded()),
        _ => None,
    }
}

/// The item of a lookup row.
pub(super) fn lookup_item(key: &LookupKey) -> Item {
    let mut item = key.to_item();
    item.insert("customer".to_owned(), AttributeValue::S(key.customer.to_string()));
    item
}

/// The item that reserves a file number.
pub(super) fn cif_item(cif: CifNumber, partner: PartnerId, customer: CustomerId) -> Item {
    let mut item = CifKey::new(cif).to_item();
    item.insert("partner".to_owned(), AttributeValue::S(partner.to_string()));
    item.insert("customer".to_owned(), AttributeValue::S(customer.to_string()));
    item
}

/// What a listing shows. Everything given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Persons or companies only.
    pub classification: Option<Classification>,
    /// Only with this sanctions status.
    pub ofac: Option<ScanStatus>,
    /// Only with this status of the politically-exposed scan.
    pub pep_scan: Option<ScanStatus>,
    /// Created at this time or later.
    pub created_from: Option<Timestamp>,
    /// Created at this time or earlier.
    pub created_to: Option<Timestamp>,
}

impl ListFilter {
    /// Whether a customer passes.
    #[must_use]
    pub fn admits(&self, customer: &Customer) -> bool {
        let is = |wanted: Option<ScanStatus>, has| wanted.is_none_or(|wanted| wanted == has);
        self.classification.is_none_or(|wanted| wanted == customer.party.classification())
            && is(self.ofac, customer.ofac.status)
            && is(self.pep_scan, customer.pep_scan.status)
            && self.created_from.is_none_or(|from| customer.created_at >= from)
            && self.created_to.is_none_or(|to| customer.created_at <= to)
    }

    /// The times as sort keys and the rest as a server-side filter; exact comparison of the times within their first
    /// and last millisecond is left to [`Self::admits`].
    fn query(&self, partner: PartnerId) -> Query {
        // Cases are few among many customers: looking for them costs what they are, not what there is.
        let cases = [self.ofac, self.pep_scan].into_iter().flatten().any(is_case);
        let mut query = if cases {
            Query::index(OPEN_CASES, "casePk", "listSk", case_partition(partner))
        } else {
            Query::index(BY_PARTNER, "listPk", "listSk", listing_partition(partner))
        };
        if self.created_from.is_some() || self.created_to.is_some() {
            let low = self.created_from.map_or_else(String::new, sortable_millis);
            // '~' sorts behind every id.
            let high = self
                .created_to
                .map_or_else(|| "~".to_owned(), |to| format!("{}~", sortable_millis(to)));
            query = query.between(if low.is_empty() { "0".to_owned() } else { low }, high);
        }
        let conditions = [
            ("classification", self.classification.map(Classification::as_str)),
            ("ofac", self.ofac.map(ScanStatus::as_str)),
            ("pepScan", self.pep_scan.map(ScanStatus::as_str)),
        ];
        for (attribute, wanted) in conditions {
            if let Some(wanted) = wanted {
                let (name, value) = (format!("#{attribute}"), format!(":{attribute}"));
                let expression = Expression::new(format!("{name} = {value}"))
                    .name(&name, attribute)
                    .text(&value, wanted);
                query = query.filter(expression);
            }
        }
        query
    }

    /// Everything that decides what a page shows, for the bookmarks.
    fn parts(&self) -> [String; 5] {
        let time = |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.to_string());
        [
            self.classification.map_or_else(String::new, |wanted| wanted.to_string()),
            self.ofac.map_or_else(String::new, |wanted| wanted.to_string()),
            self.pep_scan.map_or_else(String::new, |wanted| wanted.to_string()),
            time(self.created_from),
            time(self.created_to),
        ]
    }
}

impl Customers {
    /// The ids of the customers with this term, by id. 1 query.
    ///
    /// # Errors
    /// [`CustomersError`].
    pub async fn find(
        &self,
        partner: PartnerId,
        term: Term<'_>,
    ) -> Result<Vec<CustomerId>, CustomersError> {
        let Some(keys) = self.ring.existing_keys(partner.into()).await? else {
            return Ok(Vec::new());
        };
        let pk = lookup_partition(partner, term.name(), &term.blind(&keys));
        let rows = Box::pin(self.table.query_all(&Query::partition(pk))).await?;
        let id = |row: &Item| text(row, "sk").and_then(|sk| CustomerId::parse(sk).ok());
        rows.iter().map(|row| id(row).ok_or_else(|| malformed("a lookup row").into())).collect()
    }

    /// The partner's customer with this file number. 1 read.
    ///
    /// # Errors
    /// [`CustomersError`].
    pub async fn find_cif(
        &self,
        partner: PartnerId,
        cif: CifNumber,
    ) -> Result<Option<CustomerId>, CustomersError> {
        let Some(row) = Box::pin(self.table.get(&CifKey::new(cif))).await? else { return Ok(None) };
        if text(&row, "partner") != Some(partner.to_string().as_str()) {
            return Ok(None);
        }
        let id = text(&row, "customer").and_then(|id| CustomerId::parse(id).ok());
        Ok(Some(id.ok_or_else(|| malformed("a file number's row"))?))
    }

    /// Several customers by id, in the order of the ids, without those that do not exist. 1 batch read per 100.
    ///
    /// # Errors
    /// [`CustomersError`].
    pub async fn get_many(
        &self,
        partner: PartnerId,
        ids: &[CustomerId],
    ) -> Result<Vec<Customer>, CustomersError> {
        let unique: BTreeSet<CustomerId> = ids.iter().copied().collect();
        if unique.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = unique.iter().map(|id| CustomerKey::new(partner, *id).to_item()).collect();
        let items = Box::pin(self.table.get_all(wanted)).await?;
        let mut found = self.read_all(partner, items).await?;
        found.sort_by_key(|customer| customer.id);
        Ok(found)
    }

    /// A numbered page of the partner's customers, oldest first. 1 query (eventually consistent), and 1 write of a
    /// bookmark when another page follows; from page 2 on 1 small query for the bookmark before.
    ///
    /// # Errors
    /// [`PageError::TooFar`] or [`CustomersError`].
    pub async fn list(
        &self,
        partner: PartnerId,
        filter: &ListFilter,
        page: u32,
        page_size: u32,
        now: Timestamp,
    ) -> Result<NumberedPage<Customer>, ListError> {
        let parts = filter.parts();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if is_empty_range(filter) {
            return Ok(NumberedPage { results: Vec::new(), has_next: false });
        }
        let listing = Listing::new(partner, "customers", &parts, page_size);
        let keys = self.ring.existing_keys(partner.into()).await.map_err(CustomersError::from)?;
        let mut unreadable = None;
        let page = listing
            .page(&self.table, filter.query(partner), page, now, |item| {
                let Some(keys) = &keys else { return Ok(None) };
                match super::record::read_customer(item.clone(), keys) {
                    Ok(customer) => Ok(filter.admits(&customer).then_some(customer)),
                    Err(CustomersError::Store(error)) => Err(error),
                    Err(error @ CustomersError::Crypto(_)) => {
                        unreadable = Some(error);
                        Err(malformed("a sealed value"))
                    }
                }
            })
            .await;
        match (page, unreadable) {
            (_, Some(error)) => Err(error.into()),
            (Ok(page), None) => Ok(page),
            (Err(PageError::TooFar), None) => Err(ListError::TooFar),
            (Err(PageError::Store(error)), None) => Err(CustomersError::from(error).into()),
        }
    }
}

/// A range that ends before it begins holds nothing; DynamoDB would call it an error.
fn is_empty_range(filter: &ListFilter) -> bool {
    matches!((filter.created_from, filter.created_to), (Some(from), Some(to)) if from > to)
}

/// Why a page could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Too much would have to be read.
    #[error("the page is too far away")]
    TooFar,
    /// The table or the keys failed.
    #[error(transparent)]
    Customers(#[from] CustomersError),
}
