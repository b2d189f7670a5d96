//! What the adapters' HTTP has in common.

use std::fmt::Write as _;

use domain::time::Random;
use runtime::Received;
use serde::Serialize;

/// Nobody is told to come back later than in an hour.
const LONGEST_WAIT_SECONDS: u32 = 3_600;

/// A request's JSON. The requests are structures of text and numbers, which always serialise.
pub(super) fn json(request: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(request).unwrap_or_else(|_| Vec::new())
}

/// 128 random bits for a request that is sent once.
pub(super) fn nonce(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    bytes.iter().fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The `Retry-After` header where it has seconds.
pub(super) fn retry_after(answer: &Received) -> Option<u32> {
    let seconds: u32 = answer.header("retry-after")?.trim().parse().ok()?;
    Some(seconds.clamp(1, LONGEST_WAIT_SECONDS))
}
