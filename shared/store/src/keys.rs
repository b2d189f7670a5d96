//! The keys of every item, one type per key.
//!
//! Invariants: all customer data lies in partitions that begin with the partner; ids cannot contain the separator `#`
//! (they are UUIDs, digits or hexadecimal), so no key can be read as another; numbers in sort keys are zero-padded, so
//! that their text order is their numeric order. The exact strings are tested because stored data depends on them.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ekyc::{JourneyId, MerchantId, Method, SubjectKind};
use domain::ids::{
    AccountId, AddressId, ApplicationId, AuthId, CifNumber, ClientId, CustomerId, EmailId, EventId,
    IdentificationId, OwnerId, PartnerId, PhoneId, RegistrationId,
};
use domain::network::AttributeKind;

use crate::Item;

/// Names an application or an account within its partner. An account's number is personal, so it stands there as a
/// blind index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRef(String);

impl SubjectRef {
    /// An application.
    #[must_use]
    pub fn application(id: ApplicationId) -> Self {
        Self(format!("APP#{id}"))
    }

    /// An account, by the blind index of its number.
    #[must_use]
    pub fn account(index: &crypto::BlindIndex) -> Self {
        Self(format!("ACC#{index}"))
    }

    /// A reference that [`Self::as_str`] gave.
    #[must_use]
    pub fn stored(text: &str) -> Option<Self> {
        (text.starts_with("APP#") || text.starts_with("ACC#")).then(|| Self(text.to_owned()))
    }

    /// Which of the two.
    #[must_use]
    pub fn kind(&self) -> SubjectKind {
        if self.0.starts_with("APP#") { SubjectKind::Application } else { SubjectKind::Account }
    }

    /// The application's id, when it is one.
    #[must_use]
    pub fn application_id(&self) -> Option<ApplicationId> {
        ApplicationId::parse(self.0.strip_prefix("APP#")?).ok()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for SubjectRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

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

/// Declares a key type from its parts and the two strings that they make.
macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident { $($part:ident: $kind:ty),* } => $pk:literal, $sk:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the parts are ids and say so by their types")]
        pub struct $name {
            $(pub $part: $kind,)*
        }

        impl $name {
            /// The key of these parts.
            pub const fn new($($part: $kind),*) -> Self {
                Self { $($part),* }
            }
        }

        impl Key for $name {
            fn pk(&self) -> String {
                let Self { $($part),* } = self;
                let _unused = ($($part,)*);
                format!($pk)
            }

            fn sk(&self) -> String {
                let Self { $($part),* } = self;
                let _unused = ($($part,)*);
                format!($sk)
            }
        }
    )*};
}

keys! {
    /// The customer record itself.
    CustomerKey { partner: PartnerId, customer: CustomerId } => "P#{partner}#C#{customer}", "CUSTOMER";
    /// An address of a customer.
    AddressKey { partner: PartnerId, customer: CustomerId, address: AddressId } => "P#{partner}#C#{customer}", "ADDRESS#{address}";
    /// A phone of a customer.
    PhoneKey { partner: PartnerId, customer: CustomerId, phone: PhoneId } => "P#{partner}#C#{customer}", "PHONE#{phone}";
    /// An e-mail address of a customer.
    EmailKey { partner: PartnerId, customer: CustomerId, email: EmailId } => "P#{partner}#C#{customer}", "EMAIL#{email}";
    /// An identification document of a customer.
    IdentificationKey { partner: PartnerId, customer: CustomerId, identification: IdentificationId } => "P#{partner}#C#{customer}", "IDENTIFICATION#{identification}";
    /// A beneficial owner of a business customer.
    OwnerKey { partner: PartnerId, customer: CustomerId, owner: OwnerId } => "P#{partner}#C#{customer}", "OWNER#{owner}";
    /// A domain event on its way out.
    OutboxKey { partner: PartnerId, customer: CustomerId, event: EventId } => "P#{partner}#C#{customer}", "EVENT#{event}";
    /// A link of a customer's audit chain.
    AuditKey { partner: PartnerId, customer: CustomerId, sequence: u64 } => "P#{partner}#C#{customer}", "AUDIT#{sequence:012}";
    /// The evidence of one screening run, named by the event or run that asked for it.
    ScreeningKey { partner: PartnerId, customer: CustomerId, run: EventId } => "P#{partner}#C#{customer}", "SCREENING#{run}";
    /// The evidence of all screening runs that gave one and the same answer.
    RepeatedScreeningKey { partner: PartnerId, customer: CustomerId, digest: String } => "P#{partner}#C#{customer}", "SCREENING#SAME#{digest}";
    /// One entry in a customer's history of identity reviews.
    ReviewKey { partner: PartnerId, customer: CustomerId, number: u32 } => "P#{partner}#C#{customer}", "REVIEW#{number:06}";
    /// What a customer has contributed to the network, so that it can be taken out again.
    NetworkTrailKey { partner: PartnerId, customer: CustomerId } => "P#{partner}#C#{customer}", "NETWORK";
    /// What the network of partners remembers about one attribute; `value` is a blind index of the whole bank's scope.
    NetworkKey { kind: AttributeKind, value: String } => "NETWORK#{kind}#{value}", "SEEN";
    /// A partner's decision policy as it stands.
    PolicyKey { partner: PartnerId } => "P#{partner}#POLICY", "CURRENT";
    /// A decision policy as it once was.
    PolicyVersionKey { partner: PartnerId, version: u32 } => "P#{partner}#POLICY", "VERSION#{version:06}";
    /// Reserves a CIF number over the whole bank.
    CifKey { cif: CifNumber } => "CIF#{cif}", "CIF";
    /// Finds a customer by something else than its id; `term` names what, `value` is a blind index or a digest.
    LookupKey { partner: PartnerId, term: &'static str, value: String, customer: CustomerId } => "P#{partner}#FIND#{term}#{value}", "{customer}";
    /// Reserves an e-mail address within an account; `account` is its id, or `-` for customers outside of accounts.
    EmailClaimKey { partner: PartnerId, account: String, value: String } => "P#{partner}#UNIQUE#EMAIL#{account}#{value}", "EMAIL";
    /// One part of the number of customers in a scope (an account's id, or `ALL`), by classification and standing.
    CountKey { partner: PartnerId, scope: String, shard: u8 } => "P#{partner}#COUNT#{scope}", "{shard:02}";
    /// That an application or account is this customer's, so that erasing the customer finds it.
    HeldSubjectKey { partner: PartnerId, customer: CustomerId, subject: SubjectRef } => "P#{partner}#C#{customer}", "SUBJECT#{subject}";
    /// What is left of an erased customer: the end of its audit chain.
    ErasedKey { partner: PartnerId, customer: CustomerId } => "P#{partner}#C#{customer}", "ERASED";
    /// The answer that was given to an idempotent request.
    IdempotencyRecordKey { partner: PartnerId, fingerprint: String } => "P#{partner}#IDEMPOTENCY#{fingerprint}", "IDEMPOTENCY";
    /// Where a numbered page of a listing begins.
    BookmarkKey { partner: PartnerId, listing: String, page: u32 } => "P#{partner}#PAGE#{listing}", "{page:08}";
    /// A wrapped data key of a scope.
    DataKeyKey { scope: crypto::Scope, key: crypto::KeyId } => "KEY#{scope}", "{key}";
    /// A webhook registration.
    RegistrationKey { partner: PartnerId, registration: RegistrationId } => "P#{partner}#R", "{registration}";
    /// A client credential.
    ClientKey { client: ClientId } => "CLIENT#{client}", "CLIENT";
    /// An application or an account.
    SubjectKey { partner: PartnerId, subject: SubjectRef } => "P#{partner}#S#{subject}", "SUBJECT";
    /// The codes that were made for a subject by one method.
    IssuesKey { partner: PartnerId, subject: SubjectRef, method: Method } => "P#{partner}#S#{subject}", "METHOD#{method}";
    /// A journey of a subject.
    JourneyKey { partner: PartnerId, subject: SubjectRef, method: Method, journey: JourneyId } => "P#{partner}#S#{subject}", "JOURNEY#{method}#{journey}";
    /// An eKYC session of a subject.
    SessionKey { partner: PartnerId, subject: SubjectRef, auth: AuthId } => "P#{partner}#S#{subject}", "AUTH#{auth}";
    /// The eKYC configuration of a partner's merchant.
    EkycConfigurationKey { partner: PartnerId, merchant: MerchantId, method: Method } => "P#{partner}#EKYC", "CONFIG#{merchant}#{method}";
    /// A penny whose payment is not final; `due` is when it is to be looked at next, as sortable milliseconds.
    PennyKey { shard: u8, due: String, auth: AuthId } => "PENNY#{shard}", "{due}#{auth}";
    /// How far one part of a sweep over everybody has come, at night or past a list's new edition.
    SweepKey { sweep: EventId, part: u16 } => "SWEEP#{sweep}", "PART#{part:04}";
}

/// The partition that holds everything of one customer.
pub fn customer_partition(partner: PartnerId, customer: CustomerId) -> String {
    format!("P#{partner}#C#{customer}")
}

/// The partition that holds everything of one application or account, when `sort_key` is that of a [`HeldSubjectKey`].
pub fn held_subject_partition(partner: PartnerId, sort_key: &str) -> Option<String> {
    let subject = SubjectRef::stored(sort_key.strip_prefix("SUBJECT#")?)?;
    Some(format!("P#{partner}#S#{subject}"))
}

/// The partition of all customers that share a search term.
pub fn lookup_partition(partner: PartnerId, term: &str, value: &str) -> String {
    format!("P#{partner}#FIND#{term}#{value}")
}

/// The partition of `by-partner`, the index that lists a partner's customers by creation.
pub fn listing_partition(partner: PartnerId) -> String {
    format!("P#{partner}")
}

/// The partition of `open-cases`, the sparse index of a partner's customers with a hit that is not cleared.
pub fn case_partition(partner: PartnerId) -> String {
    format!("P#{partner}#CASES")
}

/// The sort key of `by-partner` and `open-cases`: creation time, then id.
pub fn listing_sort(created_at: jiff::Timestamp, customer: CustomerId) -> String {
    format!("{}#{customer}", sortable_millis(created_at))
}

/// The partition of `by-account` and `by-account-name`, the indexes that list an account's customers.
pub fn account_partition(partner: PartnerId, account: AccountId) -> String {
    format!("P#{partner}#A#{account}")
}

/// How much of a name takes part in sorting: DynamoDB allows 1,024 bytes for a sort key.
const SORTED_NAME_BYTES: usize = 900;

/// The sort key of `by-name` and `by-account-name`: the folded name, then the id. A tab sorts before everything that a
/// folded name can hold, so a name comes before its own continuations.
pub fn name_sort(folded: &str, customer: CustomerId) -> String {
    let end = folded.floor_char_boundary(SORTED_NAME_BYTES);
    format!("{}\t{customer}", folded.get(..end).unwrap_or(folded))
}

/// A time as 13 digits that sort like the time. What lies before 1970 or after 2286 sorts as the first or last moment of
/// that span: nothing stored is that old or that new, and a search may name any time.
pub fn sortable_millis(at: jiff::Timestamp) -> String {
    format!("{:013}", at.as_millisecond().clamp(0, 9_999_999_999_999))
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: &str = "11111111-2222-3333-4444-555555555555";
    const C: &str = "0190b2c4-0000-7000-8000-000000000001";
    const X: &str = "0190b2c4-0000-7000-8000-000000000002";

    fn subject() -> SubjectRef {
        SubjectRef::application(ApplicationId::parse(X).unwrap())
    }

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
            (both(&ReviewKey::new(partner, customer, 3)), format!("P#{P}#C#{C} | REVIEW#000003")),
            (both(&NetworkTrailKey::new(partner, customer)), format!("P#{P}#C#{C} | NETWORK")),
            (
                both(&HeldSubjectKey::new(partner, customer, subject())),
                format!("P#{P}#C#{C} | SUBJECT#APP#{X}"),
            ),
            (
                both(&NetworkKey::new(AttributeKind::TaxId, "abc".into())),
                "NETWORK#tax-id#abc | SEEN".to_owned(),
            ),
            (both(&PolicyKey::new(partner)), format!("P#{P}#POLICY | CURRENT")),
            (both(&PolicyVersionKey::new(partner, 7)), format!("P#{P}#POLICY | VERSION#000007")),
            (
                both(&RepeatedScreeningKey::new(partner, customer, "d".into())),
                format!("P#{P}#C#{C} | SCREENING#SAME#d"),
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
            (
                both(&EmailClaimKey::new(partner, "-".into(), "abc".into())),
                format!("P#{P}#UNIQUE#EMAIL#-#abc | EMAIL"),
            ),
            (both(&CountKey::new(partner, "ALL".into(), 3)), format!("P#{P}#COUNT#ALL | 03")),
            (both(&ErasedKey::new(partner, customer)), format!("P#{P}#C#{C} | ERASED")),
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
            (both(&SubjectKey::new(partner, subject())), format!("P#{P}#S#APP#{X} | SUBJECT")),
            (
                both(&IssuesKey::new(partner, subject(), Method::PennyDrop)),
                format!("P#{P}#S#APP#{X} | METHOD#pennydrop"),
            ),
            (
                both(&JourneyKey::new(
                    partner,
                    subject(),
                    Method::Otp,
                    JourneyId::parse("j-1").unwrap(),
                )),
                format!("P#{P}#S#APP#{X} | JOURNEY#otp#j-1"),
            ),
            (
                both(&SessionKey::new(partner, subject(), AuthId::parse(C).unwrap())),
                format!("P#{P}#S#APP#{X} | AUTH#{C}"),
            ),
            (
                both(&EkycConfigurationKey::new(partner, MerchantId::unnamed(), Method::Otp)),
                format!("P#{P}#EKYC | CONFIG#default#otp"),
            ),
            (
                both(&PennyKey::new(3, "0000000000007".into(), AuthId::parse(C).unwrap())),
                format!("PENNY#3 | 0000000000007#{C}"),
            ),
        ];
        for (found, expected) in cases {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn names_sort_before_their_continuations_and_fit() {
        let customer = CustomerId::parse(C).unwrap();
        let sort = |name: &str| name_sort(name, customer);
        assert!(
            sort("ann") < sort("ann b")
                && sort("ann b") < sort("anna")
                && sort("anna") < sort("ánn")
        );
        assert!(sort(&"é".repeat(900)).len() <= 1024);
        let account = AccountId::parse(X).unwrap();
        let partner = PartnerId::parse(P).unwrap();
        assert_eq!(account_partition(partner, account), format!("P#{P}#A#{X}"));
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
