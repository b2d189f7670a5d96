//! The callback URL of a registration.
//!
//! Invariant: a [`CallbackUrl`] has one reading. Everything that two programs might read differently is refused
//! rather than normalised: user information, fragments, IPv4 in octal, hexadecimal, decimal or short form, names
//! that end in a dot, characters outside ASCII. What remains is an LDH name, a dotted quad or a bracketed IPv6
//! address, so the host that was checked is the host that is connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use domain::problem::Problem;

use crate::address::AddressRules;

/// Longest URL kept; longer ones are not handled alike by receivers' own servers.
pub const MAX_URL: usize = 2048;

const HTTPS_URL: Problem = Problem::Malformed { expected: "an https URL" };
const PUBLIC_HOST: Problem = Problem::Malformed {
    expected: "a URL whose host is a public name or a public address in standard form",
};

/// Where a delivery connects to, before its name is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A DNS name in lower case.
    Name(String),
    /// An address literal.
    Address(IpAddr),
}

impl Host {
    /// Reads a host as it stands in a URL, IPv6 in brackets. `None` for every form with a second reading.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']')?;
            return inner.parse::<Ipv6Addr>().ok().map(|a| Self::Address(IpAddr::V6(a)));
        }
        // The standard parser takes four decimal numbers without leading zeros and nothing else.
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Self::Address(IpAddr::V4(address)));
        }
        if text.is_empty() || text.len() > 253 || !text.split('.').all(is_label) {
            return None;
        }
        // A last label that resolvers take for a number makes the whole name an address (0x7f.1, 2130706433).
        let last = text.rsplit('.').next()?;
        let numeric = last.bytes().all(|b| b.is_ascii_digit())
            || last.strip_prefix("0x").or_else(|| last.strip_prefix("0X")).is_some();
        (!numeric).then(|| Self::Name(text.to_ascii_lowercase()))
    }
}

/// RFC 1123 label: 1–63 letters, digits and inner hyphens; underscores occur in practice.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// A URL that deliveries may be posted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackUrl {
    uri: http::Uri,
    host: Host,
    encrypted: bool,
}

impl CallbackUrl {
    /// Reads a URL under a deployment's address rules. Names are not resolved here: the answer could change
    /// before the connection, which is where it is checked.
    ///
    /// # Errors
    /// The [`Problem`] that the registrations API reports against `callbackUrl`.
    pub fn parse(text: &str, rules: &AddressRules) -> Result<Self, Problem> {
        if text.is_empty() {
            return Err(Problem::Required);
        }
        if text.len() > MAX_URL {
            return Err(Problem::TooLong { max: MAX_URL });
        }
        // `http::Uri` drops a fragment silently; a backslash is a slash to some readers.
        if !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains(['#', '\\']) {
            return Err(HTTPS_URL);
        }
        let uri = text.parse::<http::Uri>().map_err(|_| HTTPS_URL)?;
        let encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if rules.is_local() => false,
            _ => return Err(HTTPS_URL),
        };
        let authority = uri.authority().ok_or(HTTPS_URL)?;
        // `Authority` reads "host:" and "host:99999" as a host without a port number.
        let port_text = authority.as_str().len() != authority.host().len();
        if authority.as_str().contains('@')
            || (port_text && authority.port_u16().is_none_or(|port| port == 0))
        {
            return Err(HTTPS_URL);
        }
        let host = Host::parse(authority.host()).ok_or(PUBLIC_HOST)?;
        match &host {
            Host::Address(address) if !rules.permit(*address, encrypted) => {
                return Err(PUBLIC_HOST);
            }
            Host::Name(name) if !rules.is_local() && is_inner_name(name) => {
                return Err(PUBLIC_HOST);
            }
            _ => {}
        }
        Ok(Self { uri, host, encrypted })
    }

    /// The URL as given.
    #[must_use]
    pub const fn uri(&self) -> &http::Uri {
        &self.uri
    }

    /// The host to connect to.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// Whether the delivery goes over TLS.
    #[must_use]
    pub const fn encrypted(&self) -> bool {
        self.encrypted
    }
}

/// Names that can only mean something inside a network: told at registration what the connection would refuse.
fn is_inner_name(name: &str) -> bool {
    !name.contains('.')
        || [".localhost", ".local", ".internal", ".home.arpa", ".localdomain"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn public() -> AddressRules {
        AddressRules::default()
    }

    fn local() -> AddressRules {
        AddressRules::parse("127.0.0.0/8,::1/128").unwrap()
    }

    #[test]
    fn ordinary_urls_are_taken() {
        for text in [
            "https://cos.example.com/core-events",
            "https://COS.Example.com/core-events?a=b&c=%20",
            "https://cos.example.com",
            "https://cos.example.com:8443/x",
            "https://xn--bcher-kva.example/x",
            "https://8.8.8.8/x",
            "https://[2606:4700::1111]:444/x",
            "https://a_b.example.com/",
            "https://1.example.com/",
            "https://example.com/path/@user",
        ] {
            let url = CallbackUrl::parse(text, &public()).unwrap();
            assert!(url.encrypted(), "{text}");
        }
    }

    #[test]
    fn what_has_a_second_reading_or_an_inner_address_is_refused() {
        for text in [
            "",
            "example.com/x",
            "//example.com/x",
            "ftp://example.com/x",
            "file:///etc/passwd",
            "gopher://example.com/",
            "http://example.com/x",
            "http://127.0.0.1/x",
            "https://",
            "https:///x",
            "https://user@example.com/",
            "https://user:pass@example.com/",
            "https://example.com@127.0.0.1/",
            "https://example.com/#fragment",
            "https://example.com\\@127.0.0.1/",
            "https://example.com /",
            "https://exämple.com/",
            "https://example.com:0/",
            "https://example.com:/",
            "https://example.com:99999/",
            "https://example.com./",
            "https://localhost./",
            "https://.example.com/",
            "https://a..example.com/",
            "https://-a.example.com/",
            "https://localhost/",
            "https://intranet/",
            "https://a.localhost/",
            "https://instance-data.ec2.internal/",
            "https://printer.local/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://127.0.0.1./",
            "https://0177.0.0.1/",
            "https://0x7f.0.0.1/",
            "https://0x7f000001/",
            "https://0x7f.1/",
            "https://1.2.3.0x7f/",
            "https://2130706433/",
            "https://017700000001/",
            "https://127.0.0.01/",
            "https://256.256.256.256/",
            "https://1.2.3.4.5/",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1/",
            "https://198.18.0.1/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[2001:0:1::]/",
            "https://[fd00:ec2::254]/",
            "https://[fe80::1%25eth0]/",
            "https://[fe80::1%eth0]/",
            "https://[::1/",
            "https://[v1.x]/",
            "https://①②⑦.⓪.⓪.①/",
        ] {
            assert!(CallbackUrl::parse(text, &public()).is_err(), "{text}");
        }
        let long = format!("https://example.com/{}", "x".repeat(MAX_URL));
        assert_eq!(CallbackUrl::parse(&long, &public()), Err(Problem::TooLong { max: MAX_URL }));
        assert_eq!(CallbackUrl::parse("", &public()), Err(Problem::Required));
    }

    #[test]
    fn a_local_deployment_may_use_loopback_and_http_and_still_no_other_literal() {
        for text in [
            "http://127.0.0.1:8080/hook",
            "http://localhost:8080/hook",
            "https://[::1]:8080/hook",
            "https://example.com/",
        ] {
            assert!(CallbackUrl::parse(text, &local()).is_ok(), "{text}");
        }
        for text in [
            "http://169.254.169.254/",
            "https://10.0.0.1/",
            "http://8.8.8.8/",
            "http://0x7f000001/",
            "http://127.1/",
        ] {
            assert!(CallbackUrl::parse(text, &local()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_what_is_taken_is_permitted(text in "(https?://)?[a-z0-9.:@\\[\\]%x/#-]{0,40}") {
            if let Ok(url) = CallbackUrl::parse(&text, &public()) {
                prop_assert!(url.encrypted());
                if let Host::Address(address) = url.host() {
                    prop_assert!(crate::address::is_public(*address));
                }
            }
        }
    }
}
