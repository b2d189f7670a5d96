//! What is found out about a customer: by the watchlists (which editions are in force, what is asked of them, and what
//! their answers mean for the customer), and by the review of its identity.
//!
//! Invariants: the same customer, lists and configuration give the same screening, byte for byte; every screening says
//! with which lists and configuration it was made, whether it found anything or not; nothing here decides for a person,
//! it only says what was found and what the lists have withdrawn, or, in [`review`], what the partner's own policy makes
//! of it; a customer is never cleared by a missing or damaged list.
//!
//! A function screens inline, within a request, by [`Editions::current`] and [`screen_customer`]:
//!
//! ```no_run
//! # async fn example(
//! #     editions: &compliance::Editions, customer: &mut domain::customer::Customer, now: jiff::Timestamp,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let set = editions.current(now).await?;
//! let found = compliance::screen_customer(customer, &[], &set, &screening::Config::default());
//! let (revision, media) = (customer.subject_revision, found.adverse_media.as_ref());
//! let change = customer.screened(revision, &found.ofac, &found.pep_scan, media, now)?;
//! // Commit `change` with the evidence `found.screening`.
//! # drop(change);
//! # Ok(())
//! # }
//! ```

mod delta;
mod editions;
mod findings;
mod manifest;
pub mod review;
mod screen;
#[cfg(test)]
mod testing;
mod watch;

pub use delta::{DELTA_FOLDER, ListDelta, OpenDelta, delta_key};
pub use editions::{
    EditionError, EditionSet, Editions, ObjectReader, ReadError, Reading, Unconfirmed,
};
pub use findings::{Findings, Withdrawal, WithdrawalReason, screen_customer};
pub use manifest::{
    INDEX_FOLDER, ListChange, Manifest, ManifestEntry, Origin, Unread, index_key, origin_key,
};
pub use screen::{
    ExplainedHit, FurtherHit, ListVersion, MOST_HITS, Screening, Subject, Whose, screen,
};
pub use watch::{Asks, Known, Watch};
