//! Applications and accounts: what eKYC needs to know of a person to reach and to recognise them.

use jiff::Timestamp;

use super::{Channel, Destination, SubjectKind};
use crate::email::EmailAddress;
use crate::ids::CustomerId;
use crate::phone::PhoneNumber;
use crate::text::Text;

/// One line of an address, or a part of a name.
pub type Line = Text<100>;

/// The name that the bank account must belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// "Ms".
    pub title: Option<Text<30>>,
    /// The given name.
    pub given: Line,
    /// Further given names.
    pub middle: Option<Line>,
    /// The family name.
    pub family: Line,
}

/// Where codes may go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contact {
    /// For text messages.
    pub mobile: Option<PhoneNumber>,
    /// For automated calls.
    pub home: Option<PhoneNumber>,
    /// For e-mail.
    pub email: Option<EmailAddress>,
}

impl Contact {
    /// The destination of a channel.
    #[must_use]
    pub fn at(&self, channel: Channel) -> Option<Destination> {
        match channel {
            Channel::Sms => self.mobile.clone().map(Destination::Phone),
            Channel::Voice => self.home.clone().map(Destination::Phone),
            Channel::Email => self.email.clone().map(Destination::Email),
        }
    }
}

/// The current address, in the contract's components.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct Address {
    pub flat_number: Option<Line>,
    pub house_number: Option<Line>,
    pub house_name: Option<Line>,
    pub street: Option<Line>,
    pub address_line1: Option<Line>,
    pub address_line2: Option<Line>,
    pub town_or_city: Option<Line>,
    pub county: Option<Line>,
    pub postcode: Option<Line>,
    pub country_code: Option<Line>,
}

impl Address {
    /// Whether a penny drop may go by it: a first line or a house, a town and a postcode.
    #[must_use]
    pub const fn suffices(&self) -> bool {
        let house = self.address_line1.is_some()
            || self.house_number.is_some()
            || self.house_name.is_some();
        house && self.town_or_city.is_some() && self.postcode.is_some()
    }
}

/// What is known of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Particulars {
    /// The name.
    pub name: Name,
    /// Where codes may go.
    pub contact: Contact,
    /// Where the person lives.
    pub address: Address,
}

/// An application or an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Which of the two.
    pub kind: SubjectKind,
    /// Whose it is.
    pub customer: CustomerId,
    /// The person.
    pub particulars: Particulars,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub modified_at: Timestamp,
    /// Counts changes; every write is conditional on it.
    pub version: u64,
}

#[cfg(test)]
mod addresses {
    use super::*;

    #[test]
    fn a_house_a_town_and_a_postcode_suffice() {
        let line = |text: &str| Some(Line::parse(text).unwrap());
        let full = Address {
            house_name: line("Rose Cottage"),
            town_or_city: line("London"),
            postcode: line("N1C 4DA"),
            ..Address::default()
        };
        assert!(full.suffices());
        assert!(Address { house_name: None, house_number: line("7"), ..full.clone() }.suffices());
        assert!(Address { house_name: None, address_line1: line("7"), ..full.clone() }.suffices());
        assert!(!Address { house_name: None, ..full.clone() }.suffices());
        assert!(!Address { town_or_city: None, ..full.clone() }.suffices());
        assert!(!Address { postcode: None, ..full }.suffices());
    }
}
