//! A delivery as it is stored: one event for one registration.

use domain::ids::{CustomerId, EventId, PartnerId, RegistrationId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::webhooks::DeliveryKey;

/// The attempt log keeps this many; a delivery that is resent again and again must not outgrow its item.
pub const MAX_ATTEMPTS_KEPT: usize = 20;

/// What the partner sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Not delivered yet.
    Pending,
    /// Delivered, or acknowledged.
    Success,
    /// Not deliverable: all tries were used up, or nobody wants it any more.
    Failed,
}

impl Status {
    /// The name in answers and stored items.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Success => "Success",
            Self::Failed => "Failed",
        }
    }
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The dispatcher's: it is to be tried.
    Queued,
    /// It waits until its registration is restarted.
    Held,
    /// It waits for the partner to acknowledge it.
    Awaiting,
    /// Nobody's.
    Settled,
}

impl Stage {
    /// The name in stored items.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Held => "held",
            Self::Awaiting => "awaiting",
            Self::Settled => "settled",
        }
    }
}

/// One try, as the attempt log shows it. No body, of either side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// The receiver's status, when it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// The class of failure; absent on success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One event for one registration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The id that the partner sees; the same on every try.
    pub id: EventId,
    /// Whose it is.
    pub partner: PartnerId,
    /// Who hears of it.
    pub registration: RegistrationId,
    /// The contract's name of the event.
    pub event_name: String,
    /// Whom it is about; a ping is about nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    /// When the event happened.
    pub created_at: Timestamp,
    /// Relative URLs of what it is about.
    pub resources: Vec<String>,
    /// One object per resource, shown in the Extended format.
    pub details: Vec<serde_json::Value>,
    /// A test asked for by the partner.
    #[serde(default)]
    pub ping: bool,
    /// What the partner sees of its progress.
    pub status: Status,
    /// Whose turn it is.
    pub stage: Stage,
    /// Tries since it was last queued afresh.
    #[serde(default)]
    pub tries: u32,
    /// Not to be tried before this time (Unix milliseconds).
    #[serde(default)]
    pub not_before: i64,
    /// When it was last tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempted_at: Option<Timestamp>,
    /// The latest tries, oldest first.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
}

impl Delivery {
    /// The key of this delivery.
    #[must_use]
    pub const fn key(&self) -> DeliveryKey {
        DeliveryKey::new(self.partner, self.id)
    }

    /// The attempt log with one more, bounded.
    #[must_use]
    pub fn attempts_with(&self, attempt: Attempt) -> Vec<Attempt> {
        let mut attempts = self.attempts.clone();
        attempts.push(attempt);
        let surplus = attempts.len().saturating_sub(MAX_ATTEMPTS_KEPT);
        attempts.drain(..surplus);
        attempts
    }
}
