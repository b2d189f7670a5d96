//! A receiver's streak of failures, noted on its registration.
//!
//! Invariant: a note never takes a success back. It is written under the condition that the streak is still the one it
//! was computed from, so of two workers one writes, and a worker that comes late writes nothing.

use crate::webhooks::registrations::key;
use crate::webhooks::{Failing, Phase, Registration, Webhooks};
use crate::{Expression, StoreError, Update, WriteError};

impl Webhooks {
    /// Notes the streak. `false` when it has been noted, ended or suspended since. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_failing(
        &self,
        registration: &Registration,
        failing: Failing,
    ) -> Result<bool, StoreError> {
        let update = names(Expression::new("SET #failingSince = :since, #lastFailedAt = :last"))
            .text(":since", failing.since.to_string())
            .text(":last", failing.last.to_string());
        self.step(registration, Update::when(unchanged(registration), update)).await
    }

    /// Ends the streak: the receiver took a delivery. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_success(&self, registration: &Registration) -> Result<(), StoreError> {
        let ended = Update::when(
            Expression::new("attribute_exists(#failingSince)")
                .name("#failingSince", "failingSince"),
            names(Expression::new("REMOVE #failingSince, #lastFailedAt")),
        );
        match self.table().update(&key(registration), ended).await {
            Ok(_) | Err(WriteError::Refused(_)) => Ok(()),
            Err(WriteError::Store(error)) => Err(error),
        }
    }
}

fn names(expression: Expression) -> Expression {
    expression.name("#failingSince", "failingSince").name("#lastFailedAt", "lastFailedAt")
}

fn unchanged(registration: &Registration) -> Expression {
    let active = Expression::new("#phase = :active")
        .name("#phase", "phase")
        .text(":active", Phase::Active.as_str());
    let same = match registration.last_failed_at {
        None => Expression::new("attribute_not_exists(#lastFailedAt)"),
        Some(at) => Expression::new("#lastFailedAt = :noted").text(":noted", at.to_string()),
    };
    active.and(same.name("#lastFailedAt", "lastFailedAt"))
}
