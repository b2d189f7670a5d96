//! IP networks as they are written in settings and allow-lists.
//!
//! Invariant: an address is compared as a number, never as text, and no bit behind a network's prefix is set.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Text that is neither an address nor a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an IP address or network (CIDR)")]
pub struct NotANetwork;

/// One network in CIDR form, for example `127.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    /// An IPv4 network that the code names. No bit behind the prefix may be set.
    pub const fn v4(base: [u8; 4], bits: u8) -> Self {
        let [a, b, c, d] = base;
        Self { base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
    }

    /// An IPv6 network that the code names. No bit behind the prefix may be set.
    pub const fn v6(base: [u16; 8], bits: u8) -> Self {
        let [a, b, c, d, e, f, g, h] = base;
        Self { base: IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)), bits }
    }

    /// Reads `address/bits`; a bare address is a network of one.
    ///
    /// # Errors
    /// [`NotANetwork`].
    pub fn parse(text: &str) -> Result<Self, NotANetwork> {
        let (base, bits) = match text.split_once('/') {
            None => (text, None),
            Some((base, bits)) => (base, Some(bits)),
        };
        let base: IpAddr = base.parse().map_err(|_| NotANetwork)?;
        let width = if base.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => width,
            // `parse` would take "+8" and "008".
            Some(bits) if bits.len() <= 3 && bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().map_err(|_| NotANetwork)?
            }
            Some(_) => return Err(NotANetwork),
        };
        let network = Self { base, bits };
        // A mapped network shorter than /96 would say something about IPv6, a longer one about IPv4.
        let mapped = base.to_canonical() != base;
        // Bits behind the prefix are a typing error, and a costly one when the prefix is the wrong part.
        if bits > width || mapped || network.prefix_of(base) != number(base) {
            return Err(NotANetwork);
        }
        Ok(network)
    }

    /// Whether the address lies in this network. The families never match each other.
    pub fn contains(self, address: IpAddr) -> bool {
        self.base.is_ipv4() == address.is_ipv4() && self.prefix_of(address) == number(self.base)
    }

    fn prefix_of(self, address: IpAddr) -> u128 {
        let width = if self.base.is_ipv4() { 32 } else { 128 };
        let free = width - u32::from(self.bits).min(width);
        number(address).checked_shr(free).and_then(|kept| kept.checked_shl(free)).unwrap_or(0)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "198.51.100.0/33",
            "198.51.100.1/24",
            "2001:db8::/129",
            "2001:db8::1/32",
            "::ffff:198.51.100.0/120",
            "198.51.100.0/",
            "198.51.100.0/+8",
            "198.51.100.0/0008",
            "198.51.100",
            "localhost",
            "",
        ] {
            assert_eq!(Network::parse(text), Err(NotANetwork), "{text}");
        }
    }

    #[test]
    fn the_widest_networks_hold_their_family_and_a_bare_address_itself() {
        for (network, address, held) in [
            ("0.0.0.0/0", "203.0.113.7", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "203.0.113.7", false),
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.6", false),
            ("::1", "::1", true),
            ("::1", "::2", false),
        ] {
            let held_here = Network::parse(network).unwrap().contains(address.parse().unwrap());
            assert_eq!(held_here, held, "{network} {address}");
        }
    }
}
