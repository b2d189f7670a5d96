//! Where a code goes.

use std::fmt;

use crate::choices::choices;
use crate::email::EmailAddress;
use crate::phone::PhoneNumber;

choices! {
    /// How a code travels.
    Channel {
        /// A text message.
        Sms = "sms",
        /// An automated call.
        Voice = "voice",
        /// An e-mail.
        Email = "email",
    }
}

/// A phone or a mailbox. Personal: no `Display`, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Destination {
    /// A phone, mobile or not.
    Phone(PhoneNumber),
    /// A mailbox.
    Email(EmailAddress),
}

impl Destination {
    /// The destination in the one form by which it is compared and indexed.
    #[must_use]
    pub fn folded(&self) -> String {
        match self {
            Self::Phone(number) => number.e164().to_owned(),
            Self::Email(address) => address.folded(),
        }
    }

    /// The destination as it is sent to.
    #[must_use]
    pub fn reveal(&self) -> &str {
        match self {
            Self::Phone(number) => number.e164(),
            Self::Email(address) => address.as_str(),
        }
    }

    /// What its owner recognises and nobody else learns much from: `*******3456`, `j***@e***.com`.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Phone(number) => {
                let digits = number.e164();
                let shown = digits.len().saturating_sub(4);
                format!("*******{}", &digits[shown..])
            }
            Self::Email(address) => mask_email(address.as_str()),
        }
    }
}

/// The first character of the mailbox and of its host, and the last label.
fn mask_email(address: &str) -> String {
    let (local, host) = address.rsplit_once('@').unwrap_or((address, ""));
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    let top = host.rsplit_once('.').map_or("", |(_, top)| top);
    format!("{}***@{}***.{top}", first(local), first(host))
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Destination(…)")
    }
}

#[cfg(test)]
mod masks {
    use super::*;

    #[test]
    fn masks_show_the_ends_alone() {
        let phone = Destination::Phone(PhoneNumber::parse("+447700900456").unwrap());
        assert_eq!(phone.masked(), "*******0456");
        let email = Destination::Email(EmailAddress::parse("Jane.Doe@Example.co.uk").unwrap());
        assert_eq!(email.masked(), "J***@E***.uk");
        assert_eq!(email.folded(), "jane.doe@example.co.uk");
        assert_eq!(format!("{email:?}{phone:?}"), "Destination(…)Destination(…)");
    }
}
