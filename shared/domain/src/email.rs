//! E-mail addresses: the practical part of RFC 5321 and 5322.
//!
//! Accepted: a dot-atom local part of at most 64 octets, a domain of at least two labels, 254 octets in all
//! (RFC 5321 §4.5.3.1 with erratum 1690). Refused although the RFCs allow them: quoted local parts, domain
//! literals, comments, and non-ASCII addresses (SMTPUTF8), because partner systems can not deliver to them.

use std::fmt;

use crate::problem::Problem;

const SHAPE: Problem = Problem::Malformed { expected: "an e-mail address" };

/// An e-mail address as it was typed. Personal: no `Display`, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// [`Problem`] when it is too long or not of the accepted shape.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.len() > 254 {
            return Err(Problem::TooLong { max: 254 });
        }
        let (local, domain) = text.rsplit_once('@').ok_or(SHAPE)?;
        if is_local(local) && is_domain(domain) { Ok(Self(text.to_owned())) } else { Err(SHAPE) }
    }

    /// The address as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Lower case throughout, for comparing and indexing: hosts ignore case by rule, mailboxes by custom.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

/// RFC 5322 §3.2.3: dot-atom-text.
fn is_local(local: &str) -> bool {
    (1..=64).contains(&local.len())
        && local.split('.').all(|atom| {
            !atom.is_empty()
                && atom
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b))
        })
}

/// RFC 1035 §2.3.1 labels as relaxed by RFC 1123; the last one is not a number, so no bare IPv4 address.
pub(crate) fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.len() <= 253
        && domain.split('.').count() >= 2
        && domain.split('.').all(label)
        && domain
            .rsplit('.')
            .next()
            .is_some_and(|last| last.len() >= 2 && !last.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn practical_addresses_are_read() {
        for good in [
            "bob@example.com",
            "Bob.Smith+tag@mail.example.co.uk",
            "o'brien@example.org",
            "x@a-b.io",
            "a@xn--bcher-kva.example",
            "_@example.com",
        ] {
            assert_eq!(EmailAddress::parse(good).unwrap().as_str(), good);
        }
        let longest_local = format!("{}@example.com", "a".repeat(64));
        assert!(EmailAddress::parse(&longest_local).is_ok());
        assert_eq!(EmailAddress::parse("Bob@Example.COM").unwrap().folded(), "bob@example.com");
    }

    #[test]
    fn other_addresses_are_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_label = format!("a@{}.com", "b".repeat(64));
        for wrong in [
            "",
            "bob",
            "@example.com",
            "bob@",
            "bob@localhost",
            "bob@example.com.",
            "bob@.example.com",
            "bob@example..com",
            "bob@-example.com",
            "bob@example-.com",
            ".bob@example.com",
            "bob.@example.com",
            "b..ob@example.com",
            "bob smith@example.com",
            "\"bob\"@example.com",
            "bob@[192.0.2.1]",
            "bob@192.0.2.1",
            "bob@@example.com",
            "bob@example.c",
            "bób@example.com",
            "bob@exämple.com",
            "bob@example.com\n",
            &long_local,
            &long_label,
        ] {
            assert_eq!(EmailAddress::parse(wrong), Err(SHAPE), "{wrong:?}");
        }
        let too_long = format!("{}@{}.com", "a".repeat(64), vec!["b".repeat(60); 4].join("."));
        assert_eq!(EmailAddress::parse(&too_long), Err(Problem::TooLong { max: 254 }));
    }

    #[test]
    fn does_not_show_itself() {
        assert_eq!(format!("{:?}", EmailAddress::parse("a@b.cd").unwrap()), "EmailAddress(…)");
    }

    proptest! {
        #[test]
        fn plain_addresses_are_accepted(local in "[a-z]{1,20}", host in "[a-z]{1,20}", top in "[a-z]{2,6}") {
            let address = format!("{local}@{host}.{top}");
            prop_assert!(EmailAddress::parse(&address).is_ok());
        }

        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = EmailAddress::parse(&text);
        }
    }
}
