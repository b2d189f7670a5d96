//! The keys of every item, one type per key.
//!
//! Invariants: all customer data lies in partitions that begin with the partner; ids cannot contain the separator `#`
//! (they are UUIDs, digits or hexadecimal), so no key can be read as another; numbers in sort keys are zero-padded, so
//! that their text order is their numeric order. The exact strings are tested because stored data depends on them.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::{
    AddressId, CifNumber, ClientId, CustomerId, EmailId, EventId, IdentificationId, OwnerId,
    PartnerId, PhoneId, RegistrationId,
};

use crate::Item;

/// Something that names one item.
pub trait Key {
    /// The partition key.
    fn pk(&self) -> String;
    /// The sort key.
    fn sk(&self) -> String;

    /// Both, as DynamoDB takes them.
    fn to_item(&self) -> Item {
        Item::from([
            ("pk".to_owned(), AttributeValue::S(self.pk())),
            ("sk".to_owned(), AttributeValue::S(self.sk())),
        ])
    }

    /// Writes the key into an item that is about to be put.
    fn stamp(&self, item: &mut Item) {
        item.extend(self.to_item());
    }
}

/// The customer record itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub customer: CustomerId,
}

impl CustomerKey {
    /// The key of these parts.
    pub const fn new(partner: PartnerId, customer: CustomerId) -> Self {
        Self { partner, customer }
    }
}

impl Key for CustomerKey {
    fn pk(&self) -> String {
        let Self { partner, customer } = self;
        format!("P#{partner}#C#{customer}")
    }

    fn sk(&self) -> String {
        "CUSTOMER".to_owned()
    }
}

/// An address of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub customer: CustomerId,
    /// Part of the key.
    pub address: AddressId,
}

impl AddressKey {
    /// The key of these parts.
    pub const fn new(partner: PartnerId, customer: CustomerId, address: AddressId) -> Self {
        Self { partner, customer, address }
    }
}

impl Key for AddressKey {
    fn pk(&self) -> String {
        let Self { partner, customer, .. } = self;
        format!("P#{partner}#C#{customer}")
    }

    fn sk(&self) -> String {
        let Self { address, .. } = self;
        format!("ADDRESS#{address}")
    }
}

/// A phone of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub customer: CustomerId,
    /// Part of the key.
    pub phone: PhoneId,
}

impl PhoneKey {
    /// The key of these parts.
    pub const fn new(partner: PartnerId, customer: CustomerId, phone: PhoneId) -> Self {
        Self { partner, customer, phone }
    }
}

impl Key for PhoneKey {
    fn pk(&self) -> String {
        let Self { partner, customer, .. } = self;
        format!("P#{partner}#C#{customer}")
    }

    fn sk(&self) -> String {
        let Self { phone, .. } = self;
        format!("PHONE#{phone}")
    }
}

/// An e-mail address of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub customer: CustomerId,
    /// Part of the key.
    pub email: EmailId,
}

impl EmailKey {
    /// The key of these parts.
    pub const fn new(partner: PartnerId, customer: CustomerId, email: EmailId) -> Self {
        Self { partner, customer, email }
    }
}

impl Key for EmailKey {
    fn pk(&self) -> String {
        let Self { partner, customer, .. } = self;
        format!("P#{partner}#C#{customer}")
    }

    fn sk(&self) -> String {
        let Self { email, .. } = self;
        format!("EMAIL#{email}")
    }
}

/// An identification document of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentificationKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub customer: CustomerId,
    /// Part of the key.
    pub identification: IdentificationId,
}

impl IdentificationKey {
    /// The key of these parts.
    pub const fn new(
        partner: PartnerId,
        customer: CustomerId,
        identification: IdentificationId,
    ) -> Self {
        Self { partner, customer, identification }
    }
}

impl Key for IdentificationKey {
    fn pk(&self) -> String {
        let Self { partner, customer, .. } = self;
        format!("P#{partner}#C#{customer}")
    }

    fn sk(&self) -> String {
        let Self { identification, .. } = self;
        format!("IDENTIFICATION#{identification}")
    }
}

/// A beneficial owner of a business customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub customer: CustomerId,
    /// Part of the key.
    pub owner: OwnerId,
}

impl OwnerKey {
    /// The key of these parts.
    pub const fn new(partner: PartnerId, customer: CustomerId, owner: OwnerId) -> Self {
        Self { partner, customer, owner }
    }
}

impl Key for OwnerKey {
    fn pk(&self) -> String {
        let Self { partner, customer, .. } = self;
        format!("P#{partner}#C#{customer}")
    }

    fn sk(&self) -> String {
        let Self { owner, .. } = self;
        format!("OWNER#{owner}")
    }
}

/// A domain event on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub customer: CustomerId,
    /// Part of the key.
    pub event: EventId,
}

impl OutboxKey {
    /// The key of these parts.
    pub const fn new(partner: PartnerId, customer: CustomerId, event: EventId) -> Self {
        Self { partner, customer, event }
    }
}

impl Key for OutboxKey {
    fn pk(&self) -> String {
        let Self { partner, customer, .. } = self;
        format!("P#{partner}#C#{customer}")
    }

    fn sk(&self) -> String {
        let Self { event, .. } = self;
        format!("EVENT#{event}")
    }
}

/// A link of a customer's audit chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub customer: CustomerId,
    /// Part of the key.
    pub sequence: u64,
}

impl AuditKey {
    /// The key of these parts.
    pub const fn new(partner: PartnerId, customer: CustomerId, sequence: u64) -> Self {
        Self { partner, customer, sequence }
    }
}

impl Key for AuditKey {
    fn pk(&self) -> String {
        let Self { partner, customer, .. } = self;
        format!("P#{partner}#C#{customer}")
    }

    fn sk(&self) -> String {
        let Self { sequence, .. } = self;
        format!("AUDIT#{sequence:012}")
    }
}

/// The evidence of one screening run, named by the event or run that asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreeningKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub customer: CustomerId,
    /// Part of the key.
    pub run: EventId,
}

impl ScreeningKey {
    /// The key of these parts.
    pub const fn new(partner: PartnerId, customer: CustomerId, run: EventId) -> Self {
        Self { partner, customer, run }
    }
}

impl Key for ScreeningKey {
    fn pk(&self) -> String {
        let Self { partner, customer, .. } = self;
        format!("P#{partner}#C#{customer}")
    }

    fn sk(&self) -> String {
        let Self { run, .. } = self;
        format!("SCREENING#{run}")
    }
}

/// Reserves a CIF number over the whole bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CifKey {
    /// Part of the key.
    pub cif: CifNumber,
}

impl CifKey {
    /// The key of these parts.
    pub const fn new(cif: CifNumber) -> Self {
        Self { cif }
    }
}

impl Key for CifKey {
    fn pk(&self) -> String {
        let Self { cif } = self;
        format!("CIF#{cif}")
    }

    fn sk(&self) -> String {
        "CIF".to_owned()
    }
}

/// Finds a customer by something else than its id; `term` names what, `value` is a blind index or a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub term: &'static str,
    /// Part of the key.
    pub value: String,
    /// Part of the key.
    pub customer: CustomerId,
}

impl LookupKey {
    /// The key of these parts.
    pub const fn new(
        partner: PartnerId,
        term: &'static str,
        value: String,
        customer: CustomerId,
    ) -> Self {
        Self { partner, term, value, customer }
    }
}

impl Key for LookupKey {
    fn pk(&self) -> String {
        let Self { partner, term, value, .. } = self;
        format!("P#{partner}#FIND#{term}#{value}")
    }

    fn sk(&self) -> String {
        let Self { customer, .. } = self;
        format!("{customer}")
    }
}

/// The answer that was given to an idempotent request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecordKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub fingerprint: String,
}

impl IdempotencyRecordKey {
    /// The key of these parts.
    pub const fn new(partner: PartnerId, fingerprint: String) -> Self {
        Self { partner, fingerprint }
    }
}

impl Key for IdempotencyRecordKey {
    fn pk(&self) -> String {
        let Self { partner, fingerprint } = self;
        format!("P#{partner}#IDEMPOTENCY#{fingerprint}")
    }

    fn sk(&self) -> String {
        "IDEMPOTENCY".to_owned()
    }
}

/// Where a numbered page of a listing begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookmarkKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub listing: String,
    /// Part of the key.
    pub page: u32,
}

impl BookmarkKey {
    /// The key of these parts.
    pub const fn new(partner: PartnerId, listing: String, page: u32) -> Self {
        Self { partner, listing, page }
    }
}

impl Key for BookmarkKey {
    fn pk(&self) -> String {
        let Self { partner, listing, .. } = self;
        format!("P#{partner}#PAGE#{listing}")
    }

    fn sk(&self) -> String {
        let Self { page, .. } = self;
        format!("{page:08}")
    }
}

/// A wrapped data key of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataKeyKey {
    /// Part of the key.
    pub scope: crypto::Scope,
    /// Part of the key.
    pub key: crypto::KeyId,
}

impl DataKeyKey {
    /// The key of these parts.
    pub const fn new(scope: crypto::Scope, key: crypto::KeyId) -> Self {
        Self { scope, key }
    }
}

impl Key for DataKeyKey {
    fn pk(&self) -> String {
        let Self { scope, .. } = self;
        format!("KEY#{scope}")
    }

    fn sk(&self) -> String {
        let Self { key, .. } = self;
        format!("{key}")
    }
}

/// A webhook registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub registration: RegistrationId,
}

impl RegistrationKey {
    /// The key of these parts.
    pub const fn new(partner: PartnerId, registration: RegistrationId) -> Self {
        Self { partner, registration }
    }
}

impl Key for RegistrationKey {
    fn pk(&self) -> String {
        let Self { partner, .. } = self;
        format!("P#{partner}#R")
    }

    fn sk(&self) -> String {
        let Self { registration, .. } = self;
        format!("{registration}")
    }
}

/// A client credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientKey {
    /// Part of the key.
    pub client: ClientId,
}

impl ClientKey {
    /// The key of these parts.
    pub const fn new(client: ClientId) -> Self {
        Self { client }
    }
}

impl Key for ClientKey {
    fn pk(&self) -> String {
        let Self { client } = self;
        format!("CLIENT#{client}")
    }

    fn sk(&self) -> String {
        "CLIENT".to_owned()
    }
}

/// How far one part of a nightly screening of everybody has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepKey {
    /// Part of the key.
    pub sweep: EventId,
    /// Part of the key.
    pub part: u16,
}

impl SweepKey {
    /// The key of these parts.
    pub const fn new(sweep: EventId, part: u16) -> Self {
        Self { sweep, part }
    }
}

impl Key for SweepKey {
    fn pk(&self) -> String {
        let Self { sweep, .. } = self;
        format!("SWEEP#{sweep}")
    }

    fn sk(&self) -> String {
        let Self { part, .. } = self;
        format!("PART#{part:04}")
    }
}

/// The partition that holds everything of one customer.
pub fn customer_partition(partner: PartnerId, customer: CustomerId) -> String {
    format!("P#{partner}#C#{customer}")
}

/// The partition of all customers that share a search term.
pub fn lookup_partition(partner: PartnerId, term: &str, value: &str) -> String {
    format!("P#{partner}#FIND#{term}#{value}")
}

/// The partition of `by-partner`, the index that lists a partner's customers by creation.
pub fn listing_partition(partner: PartnerId) -> String {
    format!("P#{partner}")
}

/// The sort key of `by-partner`: creation time, then id.
pub fn listing_sort(created_at: jiff::Timestamp, customer: CustomerId) -> String {
    format!("{}#{customer}", sortable_millis(created_at))
}

/// A time as fixed-width digits that sort like the time. Times before 1970 sort as 1970; nothing here is that old.
pub fn sortable_millis(at: jiff::Timestamp) -> String {
    format!("{:013}", at.as_millisecond().max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: &str = "11111111-2222-3333-4444-555555555555";
    const C: &str = "0190b2c4-0000-7000-8000-000000000001";
    const X: &str = "0190b2c4-0000-7000-8000-000000000002";

    #[test]
    fn keys_are_exactly_these_strings() {
        let partner = PartnerId::parse(P).unwrap();
        let customer = CustomerId::parse(C).unwrap();
        let both = |key: &dyn Key| format!("{} | {}", key.pk(), key.sk());
        let cases: Vec<(String, String)> = vec![
            (both(&CustomerKey::new(partner, customer)), format!("P#{P}#C#{C} | CUSTOMER")),
            (
                both(&AddressKey::new(partner, customer, AddressId::parse(X).unwrap())),
                format!("P#{P}#C#{C} | ADDRESS#{X}"),
            ),
            (
                both(&PhoneKey::new(partner, customer, PhoneId::parse(X).unwrap())),
                format!("P#{P}#C#{C} | PHONE#{X}"),
            ),
            (
                both(&EmailKey::new(partner, customer, EmailId::parse(X).unwrap())),
                format!("P#{P}#C#{C} | EMAIL#{X}"),
            ),
            (
                both(&IdentificationKey::new(
                    partner,
                    customer,
                    IdentificationId::parse(X).unwrap(),
                )),
                format!("P#{P}#C#{C} | IDENTIFICATION#{X}"),
            ),
            (
                both(&OwnerKey::new(partner, customer, OwnerId::parse(X).unwrap())),
                format!("P#{P}#C#{C} | OWNER#{X}"),
            ),
            (
                both(&OutboxKey::new(partner, customer, EventId::parse(X).unwrap())),
                format!("P#{P}#C#{C} | EVENT#{X}"),
            ),
            (
                both(&AuditKey::new(partner, customer, 7)),
                format!("P#{P}#C#{C} | AUDIT#000000000007"),
            ),
            (
                both(&ScreeningKey::new(partner, customer, EventId::parse(X).unwrap())),
                format!("P#{P}#C#{C} | SCREENING#{X}"),
            ),
            (
                both(&CifKey::new(CifNumber::parse("30000000017").unwrap())),
                "CIF#30000000017 | CIF".to_owned(),
            ),
            (
                both(&LookupKey::new(partner, "TAX", "abc".into(), customer)),
                format!("P#{P}#FIND#TAX#abc | {C}"),
            ),
            (
                both(&IdempotencyRecordKey::new(partner, "f".into())),
                format!("P#{P}#IDEMPOTENCY#f | IDEMPOTENCY"),
            ),
            (both(&BookmarkKey::new(partner, "l".into(), 12)), format!("P#{P}#PAGE#l | 00000012")),
            (
                both(&DataKeyKey::new(crypto::Scope::Global, crypto::KeyId::FIRST_DATA)),
                "KEY#GLOBAL | data-00000001".to_owned(),
            ),
            (
                both(&RegistrationKey::new(partner, RegistrationId::parse(X).unwrap())),
                format!("P#{P}#R | {X}"),
            ),
            (
                both(&ClientKey::new(ClientId::parse("client-1").unwrap())),
                "CLIENT#client-1 | CLIENT".to_owned(),
            ),
            (both(&SweepKey::new(EventId::parse(X).unwrap(), 3)), format!("SWEEP#{X} | PART#0003")),
        ];
        for (found, expected) in cases {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn listing_keys_sort_by_time() {
        let customer = CustomerId::parse(C).unwrap();
        let early: jiff::Timestamp = "2001-09-09T01:46:39.999Z".parse().unwrap();
        let late: jiff::Timestamp = "2026-05-19T13:52:06.393Z".parse().unwrap();
        assert_eq!(listing_sort(late, customer), format!("1779198726393#{C}"));
        assert!(listing_sort(early, customer) < listing_sort(late, customer));
    }
}
