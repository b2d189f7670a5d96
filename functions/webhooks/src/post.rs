//! Posting one delivery to one receiver.
//!
//! Invariant: whatever the receiver does, a post ends within its deadline, reads at most [`MAX_ANSWER`] bytes of
//! body, follows nothing, and connects only where [`crate::address::AddressRules`] permit. Connections are kept
//! for the next delivery to the same receiver; a kept connection is to an address that was checked.

mod client;
mod connect;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::callback::CallbackUrl;
use crate::schedule::Outcome;

pub use client::{HttpPoster, Limits};
pub use connect::{Resolve, SystemResolver};

/// Most of an answer's body that is read. Nothing of it is kept; reading it lets the connection be used again.
pub const MAX_ANSWER: usize = 16 * 1024;

/// One delivery, ready to send.
#[derive(Clone)]
pub struct Call {
    /// Where to.
    pub url: CallbackUrl,
    /// `Authorization`, when the registration has credentials; marked sensitive.
    pub authorization: Option<HeaderValue>,
    /// Over look-up, connection, TLS, sending and the whole answer together.
    pub deadline: Duration,
    /// Further headers: signatures over `body`, where the contract has them.
    pub headers: HeaderMap,
    /// The exact bytes sent.
    pub body: Bytes,
}

/// What came of a post, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The status, or why there was none that counts.
    pub outcome: Outcome,
    /// From the first look-up to the end of the answer.
    pub took: Duration,
}

/// Sends deliveries. The seam between the dispatch rules and the network.
pub trait Post: Send + Sync {
    /// Sends one delivery; every trouble is an [`Answer`].
    fn post(&self, call: Call) -> impl Future<Output = Answer> + Send;
}
