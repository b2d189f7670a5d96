//! The keys of the auth table besides the client row itself.
//!
//! Invariant: token ids of further issuers are hashed together with their issuer, because nothing stops one issuer
//! from reusing another's ids, or from choosing ids with a `#` in them.

use crypto::sha256_of_parts;
use domain::ids::{ClientId, PartnerId};

use crate::keys::Key;

/// Lists a client under its partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerClientKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub client: ClientId,
}

impl Key for PartnerClientKey {
    fn pk(&self) -> String {
        partner_partition(self.partner)
    }

    fn sk(&self) -> String {
        let Self { client, .. } = self;
        format!("CLIENT#{client}")
    }
}

/// The partition that lists the clients of a partner.
pub(super) fn partner_partition(partner: PartnerId) -> String {
    format!("PARTNER#{partner}")
}

/// Bars a client that has no row of its own, because another issuer's tokens name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarredClientKey {
    /// Part of the key.
    pub client: ClientId,
}

impl Key for BarredClientKey {
    fn pk(&self) -> String {
        let Self { client } = self;
        format!("CLIENT#{client}")
    }

    fn sk(&self) -> String {
        "BARRED".to_owned()
    }
}

/// Bars one token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedTokenKey(String);

impl RevokedTokenKey {
    /// The key of the token that `issuer` named `token_id`.
    pub fn new(issuer: &str, token_id: &str) -> Self {
        Self(hex::encode(sha256_of_parts(&[issuer.as_bytes(), token_id.as_bytes()])))
    }
}

impl Key for RevokedTokenKey {
    fn pk(&self) -> String {
        let Self(digest) = self;
        format!("TOKEN#{digest}")
    }

    fn sk(&self) -> String {
        "REVOKED".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_exactly_these_strings() {
        let partner = PartnerId::parse("11111111-2222-3333-4444-555555555555").unwrap();
        let client = ClientId::parse("client-1").unwrap();
        let listed = PartnerClientKey { partner, client: client.clone() };
        assert_eq!(listed.pk(), "PARTNER#11111111-2222-3333-4444-555555555555");
        assert_eq!(listed.sk(), "CLIENT#client-1");
        let barred = BarredClientKey { client };
        assert_eq!((barred.pk().as_str(), barred.sk().as_str()), ("CLIENT#client-1", "BARRED"));
        let token = RevokedTokenKey::new("https://issuer.test", "token-1");
        assert_eq!(
            token.pk(),
            "TOKEN#aa9a5048eeb63f4cf0310efc776fc4157edf76ce3aef99c2d0dce656484d5ca8"
        );
        assert_eq!(token.sk(), "REVOKED");
    }

    #[test]
    fn tokens_of_two_issuers_never_share_a_key() {
        assert_ne!(RevokedTokenKey::new("a", "bc"), RevokedTokenKey::new("ab", "c"));
    }
}
