//! What the adapters' HTTP has in common: one shape of request, and what it means when no answer came, or none that says
//! what was asked.

use std::fmt::Write as _;
use std::time::Duration;

use domain::time::Random;
use runtime::{FetchError, HttpsSend, Outgoing, Received};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::check::NameAnswer;
use super::payment::{PennyOutcome, Rejection};

/// A page of a hundred transactions has some 100 kB; everything else is far below.
pub(super) const MAX_ANSWER: usize = 1024 * 1024;

/// Nobody is told to come back later than in an hour.
const LONGEST_WAIT_SECONDS: u32 = 3_600;

/// What came of a request.
pub(super) type Sent = Result<Received, FetchError>;

/// How long each kind of request may take.
pub(super) struct Deadlines {
    pub(super) check: Duration,
    pub(super) pay: Duration,
    pub(super) find: Duration,
}

/// A request of JSON, before its provider's own headers.
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    /// Empty where there is none.
    pub(super) body: &'a [u8],
    pub(super) deadline: Duration,
}

impl<'a> Call<'a> {
    pub(super) const fn post(path: &'a str, body: &'a [u8], deadline: Duration) -> Self {
        Self { method: "POST", path, body, deadline }
    }

    pub(super) const fn get(path: &'a str, deadline: Duration) -> Self {
        Self { method: "GET", path, body: &[], deadline }
    }

    /// Sends it with the headers that sign and number it.
    pub(super) async fn send(
        &self,
        http: &HttpsSend,
        base_url: &str,
        own: &[(&str, &str)],
    ) -> Sent {
        let url = format!("{base_url}{}", self.path);
        let mut headers = own.to_vec();
        headers.push(("accept", "application/json"));
        if !self.body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        let request = Outgoing {
            method: self.method,
            url: &url,
            headers: &headers,
            body: self.body,
            max_bytes: MAX_ANSWER,
            deadline: self.deadline,
        };
        http.send(request).await
    }
}

/// A name check by what its answer tells. One that tells nothing is as good as none, but may say when to come back.
pub(super) fn name_answer(
    sent: Sent,
    told: impl FnOnce(&Received) -> Option<NameAnswer>,
) -> NameAnswer {
    match sent {
        Ok(answer) => {
            told(&answer).unwrap_or_else(|| NameAnswer::unavailable(retry_after(&answer)))
        }
        Err(_) => NameAnswer::unavailable(None),
    }
}

/// A payment by what its answer tells. Without one it is surely not paid when its request never left.
pub(super) fn penny_outcome(
    sent: Sent,
    told: impl FnOnce(&Received) -> PennyOutcome,
) -> PennyOutcome {
    match sent {
        Ok(answer) => told(&answer),
        Err(FetchError::NotHttps | FetchError::Malformed | FetchError::Unreachable(_)) => {
            PennyOutcome::Rejected(Rejection::NotSent)
        }
        Err(_) => PennyOutcome::Unknown,
    }
}

/// What was looked for, when it was answered.
pub(super) fn answered<T: DeserializeOwned>(sent: Sent) -> Option<T> {
    sent.ok().filter(|answer| answer.status == 200).as_ref().and_then(read)
}

/// An answer's JSON, when it is what it should be.
pub(super) fn read<T: DeserializeOwned>(answer: &Received) -> Option<T> {
    serde_json::from_slice(&answer.body).ok()
}

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
fn retry_after(answer: &Received) -> Option<u32> {
    let seconds: u32 = answer.header("retry-after")?.trim().parse().ok()?;
    Some(seconds.clamp(1, LONGEST_WAIT_SECONDS))
}
