//! Counts what an invocation costs in DynamoDB: round trips and capacity units.
//!
//! The design gives every operation a budget; the runtime logs these figures per invocation and the benchmarks print
//! them against the budget, so that nobody has to guess.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// Running totals, shared by the tables of one function.
#[derive(Debug, Default)]
pub struct Meter {
    round_trips: AtomicU64,
    thousandths: AtomicU64,
}

/// What was spent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Calls to DynamoDB.
    pub round_trips: u64,
    /// Read and write capacity units together.
    pub capacity_units: f64,
}

impl Meter {
    pub(crate) fn record<'a>(&self, capacity: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
        for used in capacity {
            let units = used.capacity_units.unwrap_or(0.0).max(0.0);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small, non-negative count of units, kept in thousandths"
            )]
            self.thousandths.fetch_add((units * 1000.0) as u64, Ordering::Relaxed);
        }
    }

    /// What was spent since the last call; starts again from zero.
    pub fn take(&self) -> Cost {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let capacity_units = self.thousandths.swap(0, Ordering::Relaxed) as f64 / 1000.0;
        Cost { round_trips: self.round_trips.swap(0, Ordering::Relaxed), capacity_units }
    }
}
