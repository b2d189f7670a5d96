//! Which network addresses a delivery may reach.
//!
//! A callback URL is a stranger's wish that this service opens a connection from inside its network. Invariant:
//! no connection is opened to an address that is not ordinary public unicast, unless a configured network
//! (`CALLBACK_ALLOWED_NETWORKS`, empty in production) contains it. The check is on addresses, at connect time;
//! names prove nothing, because their owner can change the answer between a check and the connection.
//!
//! The ranges are the IANA special-purpose registries (RFC 6890 and its updates). IPv6 is refused by default
//! outside 2000::/3; the transition ranges inside it are refused because they carry an IPv4 address of the
//! sender's choice.

use std::net::IpAddr;

use http_api::Network;

/// IPv4 ranges that are not ordinary public unicast.
const FORBIDDEN_V4: [Network; 20] = [
    Network::v4([0, 0, 0, 0], 8), // "this network"; 0.0.0.0 reaches the host itself
    Network::v4([10, 0, 0, 0], 8), // private
    Network::v4([100, 64, 0, 0], 10), // carrier-grade NAT, and one cloud's metadata address
    Network::v4([127, 0, 0, 0], 8), // loopback
    Network::v4([168, 63, 129, 16], 32), // another cloud's host service, in otherwise public space
    Network::v4([169, 254, 0, 0], 16), // link-local; instance and task metadata
    Network::v4([172, 16, 0, 0], 12), // private
    Network::v4([192, 0, 0, 0], 24), // protocol assignments
    Network::v4([192, 0, 2, 0], 24), // documentation
    Network::v4([192, 31, 196, 0], 24), // AS112
    Network::v4([192, 52, 193, 0], 24), // AMT
    Network::v4([192, 88, 99, 0], 24), // 6to4 relays
    Network::v4([192, 168, 0, 0], 16), // private
    Network::v4([192, 175, 48, 0], 24), // AS112
    Network::v4([198, 18, 0, 0], 15), // benchmarking
    Network::v4([198, 51, 100, 0], 24), // documentation
    Network::v4([203, 0, 113, 0], 24), // documentation
    Network::v4([224, 0, 0, 0], 4), // multicast
    Network::v4([240, 0, 0, 0], 4), // reserved
    Network::v4([255, 255, 255, 255], 32), // broadcast
];

/// The only IPv6 space that is handed out for public use.
const GLOBAL_V6: Network = Network::v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Ranges inside 2000::/3 that are not ordinary public unicast.
const FORBIDDEN_V6: [Network; 5] = [
    Network::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // protocol assignments: Teredo, ORCHID, benchmarking
    Network::v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation
    Network::v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // 6to4
    Network::v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), // AS112
    Network::v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation
];

/// Whether an address is ordinary public unicast.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => !FORBIDDEN_V4.iter().any(|network| network.contains(address)),
        IpAddr::V6(_) => {
            GLOBAL_V6.contains(address)
                && !FORBIDDEN_V6.iter().any(|network| network.contains(address))
        }
    }
}

/// `CALLBACK_ALLOWED_NETWORKS` has an entry that is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{entry:?} is not a network such as 127.0.0.0/8")]
pub struct MalformedSetting {
    /// The entry as configured.
    pub entry: String,
}

/// The rule for one deployment: public unicast, and what the configuration adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressRules {
    allowed: Vec<Network>,
}

impl AddressRules {
    /// Reads the comma-separated list of `CALLBACK_ALLOWED_NETWORKS`; empty means public addresses only.
    ///
    /// # Errors
    /// The first entry that is not a network.
    pub fn parse(list: &str) -> Result<Self, MalformedSetting> {
        let allowed = list
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(|entry| {
                Network::parse(entry).map_err(|_| MalformedSetting { entry: entry.into() })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { allowed })
    }

    /// Whether the configuration names this address.
    #[must_use]
    pub fn is_configured(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(address))
    }

    /// Whether any network was configured, which is what makes a deployment a local one.
    #[must_use]
    pub fn is_local(&self) -> bool {
        !self.allowed.is_empty()
    }

    /// Whether a delivery may connect to `address`. Without TLS only configured networks are reachable: nothing
    /// of a customer crosses a public network in the clear.
    #[must_use]
    pub fn permit(&self, address: IpAddr, encrypted: bool) -> bool {
        self.is_configured(address) || (encrypted && is_public(address))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn special_purpose_addresses_are_not_public() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.192",
            "192.0.2.7",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.99.1",
            "192.168.1.1",
            "192.175.48.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::169.254.169.254",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "100:0:0:1::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:808:808::1",
            "2620:4f:8000::1",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            let address = text.parse::<IpAddr>().unwrap();
            assert!(!is_public(address), "{text}");
            assert!(!AddressRules::default().permit(address, true), "{text}");
        }
    }

    #[test]
    fn neighbours_of_the_forbidden_ranges_are_public() {
        for text in [
            "1.0.0.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "2606:4700::1111",
            "2a00::1",
            "3ffe::1",
        ] {
            let address = text.parse::<IpAddr>().unwrap();
            assert!(is_public(address), "{text}");
            assert!(AddressRules::default().permit(address, true), "{text}");
            assert!(!AddressRules::default().permit(address, false), "http {text}");
        }
    }

    #[test]
    fn a_configured_network_is_reachable_with_and_without_tls_and_nothing_else_is() {
        let rules = AddressRules::parse(" 127.0.0.0/8, ::1 ,").unwrap();
        assert!(rules.is_local());
        for (text, encrypted, permitted) in [
            ("127.0.0.1", false, true),
            ("127.0.0.1", true, true),
            ("::1", false, true),
            ("::2", true, false),
            ("10.0.0.1", true, false),
            ("169.254.169.254", true, false),
            ("::ffff:127.0.0.1", true, false),
            ("8.8.8.8", false, false),
            ("8.8.8.8", true, true),
        ] {
            let address = text.parse::<IpAddr>().unwrap();
            assert_eq!(rules.permit(address, encrypted), permitted, "{text} {encrypted}");
        }
    }

    #[test]
    fn the_setting_is_read_or_refused_whole() {
        assert_eq!(AddressRules::parse(""), Ok(AddressRules::default()));
        assert!(!AddressRules::default().is_local());
        for wrong in
            ["localhost", "127.0.0.0/33", "::/129", "127.0.0.0/", "127.0.0/8", "10.0.0.0/8;::1"]
        {
            assert!(AddressRules::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        /// No IPv4 address becomes reachable by being written inside an IPv6 one.
        #[test]
        fn embedded_ipv4_is_never_public(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            let [a, b, c, d] = v4.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            for embedded in [
                v4.to_ipv6_mapped(),
                Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                Ipv6Addr::new(0x2001, 0, high, low, 0, 0, 0, 0),
            ] {
                prop_assert!(!is_public(IpAddr::V6(embedded)), "{}", embedded);
            }
        }

        /// The table agrees with the standard library where that has stable predicates.
        #[test]
        fn agrees_with_the_standard_library(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            if v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()
                || v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified()
            {
                prop_assert!(!is_public(IpAddr::V4(v4)));
            }
        }
    }
}
