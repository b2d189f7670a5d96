//! Who is reviewed: the facts, free of any contract and of any store.
//!
//! Invariants: it is personal data throughout, so `Debug` shows nothing; its [`Attributes`] are normalised here and nowhere
//! else, so that what is recorded in the network is what is looked for in it.

use std::fmt;

use domain::network::{AttributeKind, Attributes};
use jiff::civil::Date;

use super::names::fold;

/// An applicant.
#[derive(Clone, PartialEq, Eq)]
pub struct Applicant {
    /// A person or a business.
    pub party: Party,
    /// E-mail address, as given.
    pub email: Option<String>,
    /// Phone in E.164, as given.
    pub phone: Option<String>,
    /// Postal address.
    pub address: Option<PostalAddress>,
    /// Network address of the device; `0.0.0.0` stands for a sign-up without one.
    pub device: Option<String>,
}

/// A person or a business.
#[derive(Clone, PartialEq, Eq)]
pub enum Party {
    /// A person.
    Person(PersonFacts),
    /// A business.
    Business(BusinessFacts),
}

/// A person.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PersonFacts {
    /// Given names.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Birth date.
    pub birth_date: Option<Date>,
    /// Social Security number, with or without hyphens.
    pub ssn: Option<String>,
}

/// A business.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct BusinessFacts {
    /// What it calls itself.
    pub name: String,
    /// What it is registered as.
    pub legal_name: Option<String>,
    /// Employer identification number, with or without its hyphen.
    pub ein: Option<String>,
    /// Its website.
    pub website: Option<String>,
    /// Who acts for it.
    pub representatives: Vec<Representative>,
}

/// Who acts for a business.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Representative {
    /// Full name.
    pub name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone.
    pub phone: Option<String>,
}

/// A postal address.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PostalAddress {
    /// Street and number.
    pub line1: String,
    /// Flat, floor.
    pub line2: Option<String>,
    /// Town.
    pub city: String,
    /// State or province.
    pub state: Option<String>,
    /// Post code.
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
}

macro_rules! redacted {
    ($($name:ident),*) => {$(
        /// All of it is personal data.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}
redacted!(Applicant, Party, PersonFacts, BusinessFacts, Representative, PostalAddress);

/// The stand-in for a device that is not known.
pub const NO_DEVICE: &str = "0.0.0.0";

/// The digits of a number that may be written with hyphens or spaces; `None` when there is anything else in it.
#[must_use]
pub fn digits_of(text: &str) -> Option<String> {
    let bare: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    (!bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit())).then_some(bare)
}

/// The attribute that somebody names by hand, for an alert list, as the network remembers it; `None` when the text is none
/// of its kind. Kinds: `ssn`, `ein`, `email`, `phone`, `device`.
#[must_use]
pub fn remembered_as(kind: &str, text: &str) -> Option<(AttributeKind, String)> {
    let text = text.trim();
    let number = || digits_of(text).filter(|digits| digits.len() == 9);
    Some(match kind {
        "ssn" => (AttributeKind::TaxId, format!("ssn:{}", number()?)),
        "ein" => (AttributeKind::TaxId, format!("ein:{}", number()?)),
        "email" => (AttributeKind::Email, domain::email::EmailAddress::parse(text).ok()?.folded()),
        "phone" => {
            let number = domain::phone::PhoneNumber::parse(text).ok()?;
            (AttributeKind::Phone, number.e164().to_owned())
        }
        "device" => {
            let address: std::net::IpAddr = text.parse().ok()?;
            (AttributeKind::Device, address.to_string())
        }
        _ => return None,
    })
}

impl Applicant {
    /// The person, when it is one.
    #[must_use]
    pub const fn person(&self) -> Option<&PersonFacts> {
        match &self.party {
            Party::Person(person) => Some(person),
            Party::Business(_) => None,
        }
    }

    /// The business, when it is one.
    #[must_use]
    pub const fn business(&self) -> Option<&BusinessFacts> {
        match &self.party {
            Party::Person(_) => None,
            Party::Business(business) => Some(business),
        }
    }

    /// First and last name folded for comparison; a business has its legal name as the last one.
    #[must_use]
    pub fn folded_names(&self) -> (String, String) {
        match &self.party {
            Party::Person(person) => (fold(&person.first_name), fold(&person.last_name)),
            Party::Business(business) => {
                (String::new(), fold(business.legal_name.as_deref().unwrap_or(&business.name)))
            }
        }
    }

    /// What the network remembers of the applicant.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let (first, last) = self.folded_names();
        let some = |text: String| (!text.is_empty()).then_some(text);
        let tax_id = match &self.party {
            Party::Person(person) => {
                person.ssn.as_deref().and_then(digits_of).map(|digits| format!("ssn:{digits}"))
            }
            Party::Business(business) => {
                business.ein.as_deref().and_then(digits_of).map(|digits| format!("ein:{digits}"))
            }
        };
        Attributes {
            tax_id,
            email: self.email.as_deref().map(str::trim).map(str::to_ascii_lowercase).and_then(some),
            phone: self.phone.as_deref().map(str::trim).map(str::to_owned).and_then(some),
            device: self
                .device
                .as_deref()
                .map(str::trim)
                .filter(|device| *device != NO_DEVICE)
                .map(str::to_owned)
                .and_then(some),
            first_name: some(first),
            last_name: some(last),
            birth_date: self.person().and_then(|person| person.birth_date).map(|d| d.to_string()),
            address: self.address.as_ref().and_then(|address| {
                let post_code: String = address
                    .postal_code
                    .iter()
                    .flat_map(|code| code.chars())
                    .filter(char::is_ascii_alphanumeric)
                    .take(if address.country == "US" { 5 } else { 16 })
                    .collect();
                let street: String = address
                    .line1
                    .chars()
                    .filter(|c| c.is_alphanumeric())
                    .flat_map(char::to_lowercase)
                    .collect();
                (!street.is_empty())
                    .then(|| format!("{street}|{}|{}", post_code.to_lowercase(), address.country))
            }),
            // Nobody applies with an account: it is proved afterwards.
            accounts: Vec::new(),
            sandbox: false,
        }
    }
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;

    /// A person with nothing against them.
    pub fn person() -> Applicant {
        Applicant {
            party: Party::Person(PersonFacts {
                first_name: "Mira".into(),
                last_name: "Oduya".into(),
                birth_date: Some(jiff::civil::date(1988, 2, 14)),
                ssn: Some("529-44-8193".into()),
            }),
            email: Some("mira.oduya@gmail.com".into()),
            phone: Some("+17755550142".into()),
            address: Some(PostalAddress {
                line1: "9 Elm St".into(),
                line2: None,
                city: "Reno".into(),
                state: Some("NV".into()),
                postal_code: Some("89501".into()),
                country: "US".into(),
            }),
            device: Some("203.0.113.9".into()),
        }
    }

    /// A business with nothing against it.
    pub fn business() -> Applicant {
        Applicant {
            party: Party::Business(BusinessFacts {
                name: "Blue Harbor Bakery LLC".into(),
                legal_name: Some("Blue Harbor Bakery LLC".into()),
                ein: Some("46-3817204".into()),
                website: Some("https://www.blueharborbakery.com".into()),
                representatives: vec![Representative {
                    name: "Ana Quill".into(),
                    email: Some("ana@blueharborbakery.com".into()),
                    phone: Some("+17752340142".into()),
                }],
            }),
            email: Some("hello@blueharborbakery.com".into()),
            ..person()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_things_have_equal_attributes() {
        let one = samples::person();
        let mut other = one.clone();
        other.email = Some(" Mira.Oduya@GMAIL.com".into());
        let Party::Person(person) = &mut other.party else { unreachable!() };
        person.ssn = Some("529448193".into());
        person.first_name = "MIRA".into();
        person.last_name = "Odúya".into();
        if let Some(address) = &mut other.address {
            address.line1 = "9 elm st.".into();
            address.postal_code = Some("89501-1234".into());
        }
        assert_eq!(one.attributes(), other.attributes());
    }

    #[test]
    fn what_is_not_known_is_no_attribute() {
        let mut applicant = samples::person();
        applicant.device = Some(NO_DEVICE.into());
        applicant.email = Some("  ".into());
        applicant.address = None;
        let attributes = applicant.attributes();
        assert_eq!((attributes.device, attributes.email, attributes.address), (None, None, None));
    }

    #[test]
    fn tax_numbers_of_persons_and_businesses_do_not_meet() {
        let mut business = samples::business();
        let Party::Business(facts) = &mut business.party else { unreachable!() };
        facts.ein = Some("52-9448193".into());
        let mut person = samples::person();
        let Party::Person(facts) = &mut person.party else { unreachable!() };
        facts.ssn = Some("529-44-8193".into());
        assert_ne!(business.attributes().tax_id, person.attributes().tax_id);
    }

    #[test]
    fn what_is_named_by_hand_is_what_is_remembered() {
        let person = samples::person().attributes();
        let business = samples::business().attributes();
        for (kind, text, remembered) in [
            ("ssn", "529-44-8193", person.tax_id),
            ("ein", "46-3817204", business.tax_id),
            ("email", " Mira.Oduya@gmail.com", person.email),
            ("phone", "+17755550142", person.phone),
            ("device", "203.0.113.9", person.device),
        ] {
            assert_eq!(remembered_as(kind, text).map(|(_, value)| value), remembered, "{kind}");
        }
        for (kind, text) in [
            ("ssn", "529"),
            ("email", "nowhere"),
            ("phone", "call me"),
            ("device", "here"),
            ("bankAccount", "GB29NWBK60161331926819"),
            ("name", "Mira"),
        ] {
            assert_eq!(remembered_as(kind, text), None, "{kind}");
        }
    }

    #[test]
    fn nothing_personal_shows() {
        for applicant in [samples::person(), samples::business()] {
            let shown = format!("{applicant:?} {:?} {:?}", applicant.party, applicant.address);
            for secret in ["Mira", "529", "gmail", "Elm", "Blue"] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }
}
