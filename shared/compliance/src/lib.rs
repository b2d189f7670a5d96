//! The review of a customer against watchlists: which editions are in force, what is asked of them, and what their
//! answers mean for the customer.
//!
//! Invariants: the same customer, lists and configuration give the same screening, byte for byte; every screening says
//! with which lists and configuration it was made, whether it found anything or not; nothing here decides for a person,
//! it only says what was found and what the lists have withdrawn; a customer is never cleared by a missing or damaged
//! list.
//!
//! A function screens inline, within a request, by [`Editions::current`] and [`review`]:
//!
//! ```no_run
//! # async fn example(
//! #     editions: &compliance::Editions, customer: &mut domain::customer::Customer, now: jiff::Timestamp,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let set = editions.current(now).await?;
//! let review = compliance::review(customer, &[], &set, &screening::Config::default());
//! let change = customer.screened(customer.subject_revision, &review.ofac, &review.pep_scan, now)?;
//! // Commit `change` with the evidence `review.screening`.
//! # drop(change);
//! # Ok(())
//! # }
//! ```

mod delta;
mod editions;
mod manifest;
mod review;
mod screen;
#[cfg(test)]
mod testing;
mod watch;

pub use delta::{DELTA_FOLDER, ListDelta, OpenDelta, delta_key};
pub use editions::{EditionError, EditionSet, Editions, ObjectReader, ReadError, Reading};
pub use manifest::{INDEX_FOLDER, ListChange, Manifest, ManifestEntry, index_key};
pub use review::{Review, Withdrawal, WithdrawalReason, review};
pub use screen::{ListVersion, Screening, Subject, screen};
pub use watch::{Asks, Watch};
