//! A client as it is stored.
//!
//! Invariants: a secret is stored only as a digest that is useless without the key ring's pepper; at most two
//! secrets are live; a revoked client never becomes active again.

use std::fmt;

use domain::ids::{ClientId, PartnerId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Whether a client may do anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientStatus {
    /// It may.
    Active,
    /// It may not, for good.
    Revoked,
}

/// One secret of a client.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredSecret {
    /// The request that made it.
    pub request: String,
    /// The peppered digest.
    pub digest: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working; a secret that was not rotated out has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl StoredSecret {
    /// Whether it works at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

impl fmt::Debug for StoredSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSecret")
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// How a usage plan knows the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageKey {
    /// The id of the API key, to delete it by.
    pub id: String,
    /// Its value: what the authorizer names to API Gateway. It opens nothing by itself.
    pub value: String,
}

/// A client credential of a partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientRecord {
    /// Its id.
    pub client: ClientId,
    /// The partner whose data it may touch.
    pub partner: PartnerId,
    /// What operators call it.
    pub name: String,
    /// Space-separated scopes that its tokens may have.
    pub scopes: String,
    /// `sandbox` or `production`.
    pub environment: String,
    /// Comma-separated addresses and networks it may call from; empty means any.
    pub allowed_sources: String,
    /// Its secrets, newest first; at most two.
    pub secrets: Vec<StoredSecret>,
    /// Whether it may do anything.
    pub status: ClientStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// Counts changes; every change is conditional on it or raises it.
    pub version: u64,
    /// Digest of the command that made it: a retry has the same, another command under the same request id has not.
    pub fingerprint: String,
    /// The requests that rotated its secret, oldest first, so that a retry rotates nothing.
    pub rotations: Vec<String>,
    /// Its key in the usage plan, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_key: Option<UsageKey>,
}

impl ClientRecord {
    /// Whether it may do anything.
    pub fn is_active(&self) -> bool {
        self.status == ClientStatus::Active
    }

    /// The secrets that work at `now`.
    pub fn live_secrets(&self, now: Timestamp) -> impl Iterator<Item = &StoredSecret> {
        self.secrets.iter().filter(move |secret| secret.is_live(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_works_until_just_before_its_end() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let secret = StoredSecret {
            request: "r".into(),
            digest: "digest-value".into(),
            created_at: at("2026-03-01T09:00:00Z"),
            expires_at: Some(at("2026-03-02T09:00:00Z")),
        };
        assert!(secret.is_live(at("2026-03-02T08:59:59Z")));
        assert!(!secret.is_live(at("2026-03-02T09:00:00Z")));
        assert!(!format!("{secret:?}").contains("digest-value"));
    }
}
