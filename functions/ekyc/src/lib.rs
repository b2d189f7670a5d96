//! Enhanced know-your-customer: one-time passcodes to a phone or mailbox, and the penny drop to a bank account.
//!
//! Invariants: what is counted is counted before anything is compared or sent; no code, destination or account number is
//! stored, logged, answered or told in clear; what was sent or paid is never sent or paid again for one session; every
//! step may be the last one of a process and the next one finds things in order.
//!
//! Round trips to DynamoDB per operation stand in [`otp`], [`resend`], [`penny_drop`], [`validate`], [`subjects`],
//! [`configuration`] and [`reconcile`]; the tests measure them.

mod answer;
mod app;
pub mod bank;
pub mod configuration;
pub mod guard;
pub mod line;
mod opening;
pub mod otp;
pub mod passcode;
mod path;
pub mod penny_drop;
pub mod reconcile;
pub mod resend;
pub mod senders;
pub mod status;
pub mod subjects;
pub mod templates;
pub mod validate;

#[cfg(test)]
mod tests;

pub use app::{Core, NAMES};
pub use otp::OtpApp;
pub use penny_drop::PennyDropApp;
pub use validate::ValidateApp;

/// What the object-safe asynchronous traits of this crate answer.
pub type Answer<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
