//! Webhook registrations, the deliveries made for them, and what is due.
//!
//! Invariants:
//! - A delivery is one item per event and registration. It is put once, under the condition that it is new, so a
//!   replayed stream record changes nothing.
//! - Whoever moves a delivery on holds a claim: a token and a lease on the item itself. Every later write has the
//!   token in its condition, so of two workers one writes.
//! - A delivery that still has to be tried stands in the index `due` at the time by which it should have moved on.
//!   The queue makes it fast; the index makes it certain.
//! - A delivery that must wait (its registration is suspended, or is polled) has a row in the registration's waiting
//!   partition, written in the same transaction and under a check of the registration's phase. Once a registration is
//!   Active no such row can appear, so whoever then finds the partition empty is done.
//!
//! Cost of one event: fan-out 1 read of the names that could hear of it, 1 of the registrations that do, and 1 put for
//! each. Of one delivery: dispatch 1 claim, 1 read of the registration (made together with the claim) and 1 record; at
//! most once an hour 1 write more for a receiver that fails. Poll: 1 query for the registrations, 1 per Poll registration, 1 read.

mod delivery;
mod dispatching;
mod due;
mod health;
mod keys;
mod registration;
mod registrations;
mod rotation;
#[cfg(test)]
mod tests;
mod waiting;

use crate::Table;

pub use delivery::{Attempt, Delivery, MAX_ATTEMPTS_KEPT, Stage, Status};
pub use dispatching::{Claim, Claimed, Passed, Recorded};
pub use due::{DUE_INDEX, DUE_SHARDS, GRACE, LONGEST_GRACE, Overdue};
pub use keys::{DeliveryKey, EventNameKey, WaitingKey};
pub use registration::{
    Failing, Format, Phase, Registration, RegistrationKind, SealedBytes, SigningSecret,
};
pub use registrations::{Change, NAME_LABEL, REGISTRATION_LABEL};

/// The webhooks table.
#[derive(Debug, Clone)]
pub struct Webhooks {
    table: Table,
}

impl Webhooks {
    /// Webhooks in this table.
    #[must_use]
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// The table itself, for transactions that a caller puts together and for numbered pages.
    #[must_use]
    pub const fn table(&self) -> &Table {
        &self.table
    }
}
