//! Exchanging the secret that a registration's deliveries are signed with.

use serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value;

use crate::webhooks::registrations::key;
use crate::webhooks::{Phase, REGISTRATION_LABEL, Registration, Webhooks};
use crate::{Expression, StoreError, Transaction, Update};

impl Webhooks {
    /// Adds a rotation to a transaction: the secrets of `after` take the place of those of `before`. Refused under
    /// [`REGISTRATION_LABEL`] when another rotation came first or the registration is gone.
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn rotate_in(
        &self,
        transaction: &mut Transaction,
        before: &Registration,
        after: &Registration,
    ) -> Result<(), StoreError> {
        let secrets = to_attribute_value(&after.secrets)
            .map_err(|error| StoreError::Malformed(error.to_string()))?;
        let condition = Expression::new("#phase <> :deleted AND #generation = :before")
            .name("#phase", "phase")
            .name("#generation", "secretGeneration")
            .text(":deleted", Phase::Deleted.as_str())
            .number(":before", before.secret_generation);
        let update = Expression::new(
            "SET #secrets = :secrets, #generation = :after, #modifiedAt = :modifiedAt",
        )
        .name("#secrets", "secrets")
        .name("#generation", "secretGeneration")
        .name("#modifiedAt", "modifiedAt")
        .value(":secrets", secrets)
        .number(":after", after.secret_generation)
        .text(":modifiedAt", after.modified_at.to_string());
        let update = Update::when(condition, update);
        transaction.update(REGISTRATION_LABEL, self.table(), &key(before), update);
        Ok(())
    }
}
