//! Addresses, phones, e-mails, identity documents and beneficial owners of a customer.
//!
//! Invariants (contract §4): of each kind that has a primary, the first one is it and there is exactly one as long
//! as there is any; making another one primary moves the flag; the primary can not be removed while others exist,
//! nor lose its flag except to another. Beneficial owners have no primary.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::calendar::{ExpiryDate, PastDate};
use crate::choices::{
    AddressClassification, AddressType, EmailType, IdentificationType, PhoneType, choices,
};
use crate::country::{Country, PostalCode, Region};
use crate::email::EmailAddress;
use crate::ids::{AddressId, CustomerId, EmailId, IdentificationId, OwnerId, PhoneId};
use crate::numbers::BasisPoints;
use crate::phone::{Extension, PhoneNumber};
use crate::problem::Problem;
use crate::text::Text;
use crate::time::{Clock, Random};

choices! {
    /// The five kinds of sub-resource.
    ContactKind {
        /// A postal address.
        Address = "Address",
        /// A telephone.
        Phone = "Phone",
        /// An e-mail address.
        Email = "Email",
        /// An identity document.
        Identification = "Identification",
        /// An owner of a company.
        Owner = "BeneficialOwner",
    }
}

impl ContactKind {
    /// The name of its collection in paths, and in the audit chain.
    #[must_use]
    pub const fn collection(self) -> &'static str {
        match self {
            Self::Address => "addresses",
            Self::Phone => "phones",
            Self::Email => "emails",
            Self::Identification => "identifications",
            Self::Owner => "beneficial-owners",
        }
    }

    /// Whether one of this kind is the primary one.
    #[must_use]
    pub const fn has_primary(self) -> bool {
        !matches!(self, Self::Owner)
    }
}

/// The id of a sub-resource: which kind, and which one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ContactId {
    /// An address.
    Address(AddressId),
    /// A phone.
    Phone(PhoneId),
    /// An e-mail address.
    Email(EmailId),
    /// An identity document.
    Identification(IdentificationId),
    /// A beneficial owner.
    Owner(OwnerId),
}

impl ContactId {
    /// A new id of the given kind.
    pub fn new(kind: ContactKind, clock: &dyn Clock, random: &dyn Random) -> Self {
        match kind {
            ContactKind::Address => Self::Address(AddressId::new(clock, random)),
            ContactKind::Phone => Self::Phone(PhoneId::new(clock, random)),
            ContactKind::Email => Self::Email(EmailId::new(clock, random)),
            ContactKind::Identification => {
                Self::Identification(IdentificationId::new(clock, random))
            }
            ContactKind::Owner => Self::Owner(OwnerId::new(clock, random)),
        }
    }

    /// Reads an id of the given kind.
    ///
    /// # Errors
    /// [`Problem::Malformed`] when it is no GUID.
    pub fn parse(kind: ContactKind, text: &str) -> Result<Self, Problem> {
        Ok(match kind {
            ContactKind::Address => Self::Address(AddressId::parse(text)?),
            ContactKind::Phone => Self::Phone(PhoneId::parse(text)?),
            ContactKind::Email => Self::Email(EmailId::parse(text)?),
            ContactKind::Identification => Self::Identification(IdentificationId::parse(text)?),
            ContactKind::Owner => Self::Owner(OwnerId::parse(text)?),
        })
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(self) -> ContactKind {
        match self {
            Self::Address(_) => ContactKind::Address,
            Self::Phone(_) => ContactKind::Phone,
            Self::Email(_) => ContactKind::Email,
            Self::Identification(_) => ContactKind::Identification,
            Self::Owner(_) => ContactKind::Owner,
        }
    }

    /// How the audit chain names it: `addresses/<id>`.
    #[must_use]
    pub fn path(self) -> String {
        format!("{}/{self}", self.kind().collection())
    }

    /// The UUID itself.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::Address(id) => id.uuid(),
            Self::Phone(id) => id.uuid(),
            Self::Email(id) => id.uuid(),
            Self::Identification(id) => id.uuid(),
            Self::Owner(id) => id.uuid(),
        }
    }
}

impl fmt::Display for ContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid().as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for ContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.kind(), self.uuid().as_hyphenated())
    }
}

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// What it is used for.
    pub address_type: AddressType,
    /// What stands there.
    pub classification: Option<AddressClassification>,
    /// Street and number.
    pub street1: Text<100>,
    /// Flat, floor, care-of.
    pub street2: Option<Text<100>>,
    /// Town.
    pub city: Text<100>,
    /// State or province; always there in the United States.
    pub state: Option<Region>,
    /// Post code; always there in the United States.
    pub postal_code: Option<PostalCode>,
    /// Country.
    pub country: Country,
}

/// A telephone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    /// What it is.
    pub phone_type: PhoneType,
    /// Its number.
    pub number: PhoneNumber,
    /// The extension behind it.
    pub extension: Option<Extension>,
}

/// An e-mail address and its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// What it is used for.
    pub email_type: EmailType,
    /// The address.
    pub address: EmailAddress,
}

/// An identity document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identification {
    /// What it is.
    pub id_type: IdentificationType,
    /// The number printed on it.
    pub number: DocumentNumber,
    /// First day.
    pub issued: Option<PastDate>,
    /// Last day.
    pub expires: Option<ExpiryDate>,
    /// When someone looked at it.
    pub verified: Option<PastDate>,
    /// Who issued it.
    pub authority: Option<Text<100>>,
    /// Where, inside the country.
    pub region: Option<Region>,
    /// In which country.
    pub country: Option<Country>,
}

/// A document's number: 1 to 50 letters, digits, spaces, hyphens, dots and slashes. Secret like a tax number.
#[derive(Clone, PartialEq, Eq)]
pub struct DocumentNumber(Text<50>);

impl DocumentNumber {
    /// Reads a number.
    ///
    /// # Errors
    /// [`Problem`] when it is empty, too long or has other characters.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let number: Text<50> = Text::parse(text)?;
        if number
            .as_str()
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '.' | '/'))
        {
            Ok(Self(number))
        } else {
            Err(Problem::Malformed { expected: "letters, digits, spaces, '-', '.' and '/'" })
        }
    }

    /// The number in clear.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.as_str()
    }

    /// All but the last four characters starred; four or fewer are starred whole.
    #[must_use]
    pub fn masked(&self) -> String {
        crate::text::masked(self.reveal())
    }
}

impl fmt::Debug for DocumentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DocumentNumber(…)")
    }
}

/// A person who owns part of a company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The owner's own record, a Personal customer of the same partner.
    pub customer: CustomerId,
    /// "Managing Director".
    pub title: Option<Text<100>>,
    /// The share.
    pub share: BasisPoints,
}

/// What one sub-resource says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactBody {
    /// A postal address.
    Address(Address),
    /// A telephone.
    Phone(Phone),
    /// An e-mail address.
    Email(Email),
    /// An identity document.
    Identification(Identification),
    /// A beneficial owner.
    Owner(Owner),
}

impl ContactBody {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> ContactKind {
        match self {
            Self::Address(_) => ContactKind::Address,
            Self::Phone(_) => ContactKind::Phone,
            Self::Email(_) => ContactKind::Email,
            Self::Identification(_) => ContactKind::Identification,
            Self::Owner(_) => ContactKind::Owner,
        }
    }
}

/// A sub-resource: which one, whether it is the primary one of its kind, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Its id; of the same kind as the body.
    pub id: ContactId,
    /// Whether it is the primary one of its kind.
    pub primary: bool,
    /// What it says.
    pub body: ContactBody,
}

/// Why a change of the primary flag is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrimaryRefused {
    /// The primary one can only be removed when it is the last.
    #[error("the primary one cannot be removed while others exist; make another one primary first")]
    PrimaryInUse,
    /// The flag moves only by giving it to another.
    #[error("the primary one cannot lose its flag; make another one primary instead")]
    PrimaryNeeded,
}

/// What happens to the flags of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrimaryMove {
    /// Whether the item in question is primary afterwards.
    pub primary: bool,
    /// The item that loses the flag to it.
    pub demoted: Option<ContactId>,
}

/// The flags after adding an item. `current` is the primary one so far; the first item is primary whether it asks
/// for it or not.
#[must_use]
pub fn primary_on_add(kind: ContactKind, current: Option<ContactId>, asks: bool) -> PrimaryMove {
    match current {
        _ if !kind.has_primary() => PrimaryMove { primary: false, demoted: None },
        None => PrimaryMove { primary: true, demoted: None },
        Some(old) if asks => PrimaryMove { primary: true, demoted: Some(old) },
        Some(_) => PrimaryMove { primary: false, demoted: None },
    }
}

/// The flags after changing an item; `asks` is `None` when the caller left the flag out.
///
/// # Errors
/// [`PrimaryRefused::PrimaryNeeded`] when the primary one would lose its flag without another getting it.
pub fn primary_on_change(
    current: Option<ContactId>,
    this: ContactId,
    asks: Option<bool>,
) -> Result<PrimaryMove, PrimaryRefused> {
    let is_primary = current == Some(this);
    match asks {
        _ if !this.kind().has_primary() => Ok(PrimaryMove { primary: false, demoted: None }),
        Some(false) if is_primary => Err(PrimaryRefused::PrimaryNeeded),
        Some(true) if !is_primary => Ok(PrimaryMove { primary: true, demoted: current }),
        _ => Ok(PrimaryMove { primary: is_primary, demoted: None }),
    }
}

/// Whether an item may be removed from a kind of which `count` exist.
///
/// # Errors
/// [`PrimaryRefused::PrimaryInUse`] for the primary one while others exist.
pub fn primary_on_remove(
    current: Option<ContactId>,
    this: ContactId,
    count: u32,
) -> Result<(), PrimaryRefused> {
    if current == Some(this) && count > 1 { Err(PrimaryRefused::PrimaryInUse) } else { Ok(()) }
}

#[cfg(test)]
mod rules {
    use proptest::prelude::*;

    use super::*;

    fn id(n: u128) -> ContactId {
        ContactId::Phone(PhoneId::from(Uuid::from_u128(n)))
    }

    #[test]
    fn ids_keep_their_kind() {
        for kind in ContactKind::ALL {
            let id = ContactId::parse(*kind, "9052b6a5-3f09-41d1-b526-ade80104eb79").unwrap();
            assert_eq!(id.kind(), *kind);
            assert_eq!(id.to_string(), "9052b6a5-3f09-41d1-b526-ade80104eb79");
        }
        assert_ne!(
            ContactId::parse(ContactKind::Phone, "9052b6a5-3f09-41d1-b526-ade80104eb79"),
            ContactId::parse(ContactKind::Email, "9052b6a5-3f09-41d1-b526-ade80104eb79")
        );
    }

    #[test]
    fn document_numbers_hide() {
        let number = DocumentNumber::parse("D123-456-789").unwrap();
        assert_eq!(number.masked(), "********-789");
        assert_eq!(DocumentNumber::parse("1234").unwrap().masked(), "****");
        assert_eq!(format!("{number:?}"), "DocumentNumber(…)");
        for wrong in ["", "a;b", "<x>", &"1".repeat(51)] {
            assert!(DocumentNumber::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn owners_have_no_primary() {
        let owner = ContactId::Owner(OwnerId::from(Uuid::from_u128(1)));
        let none = PrimaryMove { primary: false, demoted: None };
        assert_eq!(primary_on_add(ContactKind::Owner, None, true), none);
        assert_eq!(primary_on_change(None, owner, Some(true)), Ok(none));
        assert_eq!(primary_on_remove(None, owner, 3), Ok(()));
    }

    #[test]
    fn refusals() {
        assert_eq!(
            primary_on_change(Some(id(1)), id(1), Some(false)),
            Err(PrimaryRefused::PrimaryNeeded)
        );
        assert_eq!(primary_on_remove(Some(id(1)), id(1), 2), Err(PrimaryRefused::PrimaryInUse));
        assert_eq!(primary_on_remove(Some(id(1)), id(1), 1), Ok(()));
        assert_eq!(primary_on_remove(Some(id(1)), id(2), 2), Ok(()));
    }

    /// One step of a random history.
    #[derive(Debug, Clone)]
    enum Step {
        Add(bool),
        Change(usize, Option<bool>),
        Remove(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            any::<bool>().prop_map(Step::Add),
            (0..6_usize, any::<Option<bool>>()).prop_map(|(at, asks)| Step::Change(at, asks)),
            (0..6_usize).prop_map(Step::Remove),
        ];
        proptest::collection::vec(step, 0..40)
    }

    proptest! {
        /// Whatever is done in whatever order: none when empty, otherwise exactly one primary.
        #[test]
        fn there_is_exactly_one_primary(steps in steps()) {
            let mut items: Vec<(ContactId, bool)> = Vec::new();
            let mut next = 0;
            for step in steps {
                let current = items.iter().find(|(_, primary)| *primary).map(|(id, _)| *id);
                match step {
                    Step::Add(asks) => {
                        let moved = primary_on_add(ContactKind::Phone, current, asks);
                        for item in &mut items {
                            item.1 &= Some(item.0) != moved.demoted;
                        }
                        items.push((id(next), moved.primary));
                        next += 1;
                    }
                    Step::Change(at, asks) if at < items.len() => {
                        if let Ok(moved) = primary_on_change(current, items[at].0, asks) {
                            for item in &mut items {
                                item.1 &= Some(item.0) != moved.demoted;
                            }
                            items[at].1 = moved.primary;
                        }
                    }
                    Step::Remove(at) if at < items.len() => {
                        let count = u32::try_from(items.len()).unwrap();
                        if primary_on_remove(current, items[at].0, count).is_ok() {
                            items.remove(at);
                        }
                    }
                    _ => {}
                }
                let primaries = items.iter().filter(|(_, primary)| *primary).count();
                prop_assert_eq!(primaries, usize::from(!items.is_empty()));
            }
        }
    }
}
