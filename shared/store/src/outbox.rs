//! The outbox: domain events as items beside what changed, written in the same transaction.
//!
//! Nobody writes to the table and then sends to a queue. The table's stream carries these items to their readers, so an
//! event exists exactly when its change does. They hold ids and field names only, and expire once every reader has had
//! ample time (the stream itself keeps them 24 hours).

use aws_sdk_dynamodb::types::AttributeValue;
use domain::event::DomainEvent;
use jiff::SignedDuration;

use crate::keys::{Key, OutboxKey};
use crate::{Item, StoreError, from_item, to_item};

/// How long an event stays in the table, for investigations.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The sort keys of outbox items begin so; the stream mappings filter by it.
pub const SORT_KEY_PREFIX: &str = "EVENT#";

/// The item of an event, to be put under the condition that it is new.
///
/// # Errors
/// [`StoreError::Malformed`] when it does not serialise, which our own types always do.
pub fn event_item(event: &DomainEvent) -> Result<Item, StoreError> {
    let mut item = to_item(event)?;
    OutboxKey::new(event.partner, event.customer, event.id).stamp(&mut item);
    let expires_at = event.occurred_at.as_second() + KEPT.as_secs();
    item.insert("expiresAt".to_owned(), AttributeValue::N(expires_at.to_string()));
    Ok(item)
}

/// Reads an item of the outbox.
///
/// # Errors
/// [`StoreError::Malformed`] for any other item.
pub fn read_event(item: Item) -> Result<DomainEvent, StoreError> {
    from_item(item)
}

/// Reads the `NewImage` of a stream record.
///
/// # Errors
/// [`StoreError::Malformed`] for any other item's image.
pub fn read_stream_image(image: &serde_json::Value) -> Result<DomainEvent, StoreError> {
    let malformed = |error: &dyn std::error::Error| StoreError::Malformed(error.to_string());
    let image: serde_dynamo::Item =
        serde_json::from_value(image.clone()).map_err(|error| malformed(&error))?;
    serde_dynamo::from_item(image).map_err(|error| malformed(&error))
}
