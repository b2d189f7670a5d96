//! From which addresses a client may call.
//!
//! Invariant: an IPv4 address written as IPv6 is the IPv4 address. An empty list admits everyone; a list that can not be
//! read admits no one, because it is no list.

use std::fmt;
use std::net::IpAddr;

use crate::{Network, NotANetwork};

/// The addresses and networks a client may call from; empty means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceList(Vec<Network>);

impl SourceList {
    /// Reads a comma-separated list of addresses and CIDR networks, such as `198.51.100.0/24,2001:db8::/32`.
    ///
    /// # Errors
    /// [`NotANetwork`] when any entry is neither.
    pub fn parse(list: &str) -> Result<Self, NotANetwork> {
        if list.trim().is_empty() {
            return Ok(Self::default());
        }
        list.split(',')
            .map(|entry| Network::parse(entry.trim()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a request from `source` may pass. A source that is no address passes only an empty list.
    pub fn admits(&self, source: &str) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let Ok(address) = source.parse::<IpAddr>() else { return false };
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }
}

impl fmt::Display for SourceList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, network) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{network}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_admitted_by_network() {
        let list = SourceList::parse("198.51.100.0/24, 203.0.113.7,2001:db8::/32").unwrap();
        for (source, admitted) in [
            ("198.51.100.0", true),
            ("198.51.100.255", true),
            ("198.51.101.0", false),
            ("203.0.113.7", true),
            ("203.0.113.8", false),
            ("2001:db8:ffff::1", true),
            ("2001:db9::1", false),
            ("::ffff:203.0.113.7", true),
            ("::198.51.100.1", false),
            ("unknown", false),
            ("", false),
        ] {
            assert_eq!(list.admits(source), admitted, "{source}");
        }
    }

    #[test]
    fn the_empty_list_admits_everyone_and_the_widest_networks_their_family() {
        assert!(SourceList::parse("").unwrap().admits("203.0.113.7"));
        assert!(SourceList::parse(" ").unwrap().admits("unknown"));
        let all_v4 = SourceList::parse("0.0.0.0/0").unwrap();
        assert!(all_v4.admits("203.0.113.7") && !all_v4.admits("2001:db8::1"));
        let all_v6 = SourceList::parse("::/0").unwrap();
        assert!(all_v6.admits("2001:db8::1") && !all_v6.admits("203.0.113.7"));
    }

    #[test]
    fn one_wrong_entry_refuses_the_list() {
        for text in ["example.com", "198.51.100.0/24,", ",", "198.51.100.1/24,203.0.113.7"] {
            assert_eq!(SourceList::parse(text), Err(NotANetwork), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_list_reads_back_and_admits_its_own_addresses(address: u32, bits in 0_u8..=32) {
            let kept = u64::from(address) >> (32 - bits) << (32 - bits);
            let base = std::net::Ipv4Addr::from(u32::try_from(kept).unwrap());
            let list = SourceList::parse(&format!("{base}/{bits}")).unwrap();
            prop_assert_eq!(&SourceList::parse(&list.to_string()).unwrap(), &list);
            prop_assert!(list.admits(&std::net::Ipv4Addr::from(address).to_string()));
            if bits > 0 {
                let outside = address ^ (1 << (32 - bits));
                prop_assert!(!list.admits(&std::net::Ipv4Addr::from(outside).to_string()));
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            if let Ok(list) = SourceList::parse(&text) {
                list.admits(&text);
            }
        }
    }
}
