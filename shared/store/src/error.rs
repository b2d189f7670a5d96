//! What can go wrong between a function and its table.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError as RuntimeSdkError;

use crate::Item;

/// A failure of the table or of what it held; nothing a caller did.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB refused or did not answer, after the SDK's own retries.
    #[error("{operation} failed: {reason}")]
    Unavailable {
        /// Which call.
        operation: &'static str,
        /// The SDK's account of it, which never holds item values.
        reason: String,
    },
    /// An item does not have the shape that this code writes.
    #[error("an item is not as written: {0}")]
    Malformed(String),
    /// Some keys of a batch stayed unread after several tries.
    #[error("a batch read stayed incomplete")]
    Incomplete,
}

/// What DynamoDB calls a single write that met a transaction on the same item.
const CONFLICT: &str = "TransactionConflictException";

impl StoreError {
    /// Whether a single write met a transaction on the same item: nothing was done, and trying again is right.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Unavailable { reason, .. } if reason == CONFLICT)
    }

    pub(crate) fn call<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let reason = match error {
            // Names the exception; its message may quote the request, so it stays out of logs.
            RuntimeSdkError::ServiceError(service) => {
                service.err().code().unwrap_or("unknown exception").to_owned()
            }
            other => DisplayErrorContext(other).to_string(),
        };
        Self::Unavailable { operation, reason }
    }
}

/// Why a single conditional write was not done.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The condition did not hold; the item as it stands, when there is one.
    #[error("the condition did not hold")]
    Refused(Option<Box<Item>>),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
