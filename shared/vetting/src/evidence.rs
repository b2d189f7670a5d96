//! What a screening leaves for whoever has to show later what was searched and found.
//!
//! Invariant: it is written with the change that rests on it, whose audit entry binds it.

use compliance::Screening;
use domain::customer::Customer;
use domain::ids::EventId;
use jiff::Timestamp;
use serde::Serialize;
use store::customers::evidence;
use store::{Item, StoreError};

use crate::Vetted;

/// The evidence of a screening run, hits or none, with the versions of everything that took part.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence<'a> {
    run: String,
    screened_at: Timestamp,
    subject_revision: u64,
    #[serde(flatten)]
    screening: &'a Screening,
}

impl<'a> Evidence<'a> {
    /// The evidence of a run, made of this revision of the subject.
    #[must_use]
    pub fn of(run: EventId, screening: &'a Screening, revision: u64, now: Timestamp) -> Self {
        Self { run: run.to_string(), screened_at: now, subject_revision: revision, screening }
    }
}

impl Vetted {
    /// The evidence of the screening, to be written with the customer that it was made of.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn evidence(&self, customer: &Customer, now: Timestamp) -> Result<Item, StoreError> {
        let record = Evidence::of(self.run, &self.screening, self.revision, now);
        evidence(customer.partner, customer.id, self.run, &record)
    }
}
