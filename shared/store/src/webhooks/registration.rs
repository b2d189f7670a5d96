//! A registration as it is stored.

use std::fmt;

use domain::ids::{EventId, PartnerId, RegistrationId};
use jiff::Timestamp;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How the partner gets its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegistrationKind {
    /// We post them.
    Push,
    /// It fetches and acknowledges them.
    Poll,
}

/// What a delivered body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Resources only.
    Basic,
    /// Resources and one detail object for each.
    Extended,
}

/// Where a registration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Events are tried as they come.
    Active,
    /// Everything is held until a restart.
    Suspended,
    /// Restarted: one held event decides; everything else is held.
    Restarting,
    /// Removed by the partner; what waits is being dropped, then the item goes.
    Deleted,
}

impl Phase {
    /// The name in stored items.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Restarting => "restarting",
            Self::Deleted => "deleted",
        }
    }
}

/// Sealed bytes, stored as DynamoDB's binary type.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedBytes(pub Vec<u8>);

impl fmt::Debug for SealedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedBytes({} bytes)", self.0.len())
    }
}

impl Serialize for SealedBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for SealedBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = SealedBytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<SealedBytes, E> {
                Ok(SealedBytes(bytes.to_vec()))
            }
            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<SealedBytes, E> {
                Ok(SealedBytes(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}

/// A secret that deliveries are signed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SigningSecret {
    /// Which one: 1 is the registration's first, each rotation counts on.
    pub generation: u32,
    /// The sealed bytes.
    pub sealed: SealedBytes,
    /// When it is no longer signed with; the newest one has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
}

/// A streak of failures, of whatever delivery, that no success has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    /// When it began.
    pub since: Timestamp,
    /// When a failure was last noted; not every one is.
    pub last: Timestamp,
}

/// A webhook registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// Its id.
    pub id: RegistrationId,
    /// Whose it is.
    pub partner: PartnerId,
    /// The event it is for; one registration per event name.
    pub event_name: String,
    /// Push or Poll; never changes.
    pub kind: RegistrationKind,
    /// Where Push deliveries go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// What a body holds.
    pub format: Format,
    /// The sealed HTTP Basic credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<SealedBytes>,
    /// What deliveries are signed with, newest first; empty where the contract has no signatures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SigningSecret>,
    /// The generation of the newest secret, 0 without one; what two rotations at once are told apart by.
    #[serde(default)]
    pub secret_generation: u32,
    /// Since when its receiver has only failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// When a failure of that streak was last noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failed_at: Option<Timestamp>,
    /// Where it stands.
    pub phase: Phase,
    /// While Restarting: the event that decides, once it is chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<EventId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the partner, or a suspension, last changed it.
    pub modified_at: Timestamp,
}

impl Registration {
    /// The streak of failures, if there is one.
    #[must_use]
    pub fn failing(&self) -> Option<Failing> {
        Some(Failing { since: self.failing_since?, last: self.last_failed_at? })
    }

    /// The secrets to sign with at `now`, newest first.
    pub fn live_secrets(&self, now: Timestamp) -> impl Iterator<Item = &SigningSecret> {
        self.secrets.iter().filter(move |secret| secret.ends_at.is_none_or(|end| now < end))
    }
}
