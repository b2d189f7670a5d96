//! What a rotation does to a client's secrets. Pure.
//!
//! Invariant: at most two secrets are live afterwards, the new one without an end. A rotation while two are live would
//! have to end one of them at once, and only the operator knows which one is in use: the former one (the answer with
//! the latest was lost: discard `latest`) or the latest (everyone has moved on: discard `previous`).

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use store::clients::{ClientRecord, StoredSecret};

/// Which of two live secrets ends at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Discard {
    /// The older one.
    Previous,
    /// The newer one.
    Latest,
}

/// Two secrets are live and the operator did not say which one ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "two secrets are live until {until}; say with discard (previous or latest) which one ends at once"
)]
pub struct RotationRefused {
    until: Timestamp,
}

/// The secrets after a rotation, newest first.
///
/// # Errors
/// [`RotationRefused`].
pub fn rotated(
    client: &ClientRecord,
    new: StoredSecret,
    now: Timestamp,
    grace: SignedDuration,
    discard: Option<Discard>,
) -> Result<Vec<StoredSecret>, RotationRefused> {
    let live: Vec<&StoredSecret> = client.live_secrets(now).collect();
    let kept = match (live.as_slice(), discard) {
        ([], _) => None,
        ([only], _) => Some(*only),
        ([_, previous, ..], Some(Discard::Latest)) => Some(*previous),
        ([latest, ..], Some(Discard::Previous)) => Some(*latest),
        ([_, previous, ..], None) => {
            let until = previous.expires_at.unwrap_or(Timestamp::MAX);
            return Err(RotationRefused { until });
        }
    };
    let end = now.saturating_add(grace).unwrap_or(Timestamp::MAX);
    let kept = kept.filter(|_| grace.is_positive()).map(|secret| {
        let mut secret = secret.clone();
        secret.expires_at = Some(end);
        secret
    });
    Ok(std::iter::once(new).chain(kept).collect())
}
