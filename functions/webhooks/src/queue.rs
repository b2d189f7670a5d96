//! The delivery queue: what is sent over it and how.
//!
//! Invariant: a message only points at items. Losing one, doubling one or getting two in the other order changes how
//! fast something happens, never what: the item says whose turn it is, and the `due` index brings it back.

use std::time::Duration;

use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata as _};
use crypto::Lazy;
use domain::ids::{EventId, PartnerId, RegistrationId};
use serde::{Deserialize, Serialize};
use store::webhooks::Delivery;

/// SQS holds a message back no longer than this; the sweep carries what is due later.
pub const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// A message of the delivery queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Message {
    /// Try a delivery.
    Deliver {
        /// Whose.
        partner: PartnerId,
        /// For which registration.
        registration: RegistrationId,
        /// Which.
        event: EventId,
    },
    /// See to what waits behind a registration.
    Release {
        /// Whose.
        partner: PartnerId,
        /// Which.
        registration: RegistrationId,
    },
}

impl Message {
    /// Try this delivery.
    #[must_use]
    pub const fn deliver(delivery: &Delivery) -> Self {
        Self::Deliver {
            partner: delivery.partner,
            registration: delivery.registration,
            event: delivery.id,
        }
    }
}

/// A message could not be sent.
#[derive(Debug, thiserror::Error)]
#[error("the delivery queue did not take a message: {0}")]
pub struct QueueError(pub String);

/// Sends messages. The seam between the rules and SQS.
pub trait DeliveryQueue: Send + Sync {
    /// Sends a message that arrives after `delay`, at most [`LONGEST_DELAY`].
    fn send(
        &self,
        message: &Message,
        delay: Duration,
    ) -> impl Future<Output = Result<(), QueueError>>;
}

/// The real queue.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Lazy<aws_sdk_sqs::Client>,
    url: String,
}

impl SqsQueue {
    /// The queue at this URL.
    #[must_use]
    pub const fn new(client: Lazy<aws_sdk_sqs::Client>, url: String) -> Self {
        Self { client, url }
    }
}

impl DeliveryQueue for SqsQueue {
    async fn send(&self, message: &Message, delay: Duration) -> Result<(), QueueError> {
        let body = serde_json::to_string(message).map_err(|error| QueueError(error.to_string()))?;
        self.client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .delay_seconds(delay_seconds(delay))
            .send()
            .await
            .map_err(|error| {
                QueueError(match error.as_service_error() {
                    Some(service) => service.code().unwrap_or("unknown exception").to_owned(),
                    None => DisplayErrorContext(&error).to_string(),
                })
            })?;
        Ok(())
    }
}

/// Whole seconds, rounded up so that the message is never early, up to SQS's limit.
fn delay_seconds(delay: Duration) -> i32 {
    let seconds = delay.min(LONGEST_DELAY).as_millis().div_ceil(1000);
    i32::try_from(seconds).unwrap_or(900)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_rounded_up_and_bounded() {
        for (millis, seconds) in
            [(0, 0), (1, 1), (30_000, 30), (30_001, 31), (900_000, 900), (9_000_000, 900)]
        {
            assert_eq!(delay_seconds(Duration::from_millis(millis)), seconds, "{millis}");
        }
    }

    #[test]
    fn messages_are_exactly_these_texts() {
        let id = "0190b2c4-0000-7000-8000-000000000002";
        let message = Message::Deliver {
            partner: PartnerId::parse(id).unwrap(),
            registration: RegistrationId::parse(id).unwrap(),
            event: EventId::parse(id).unwrap(),
        };
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(
            text,
            format!(
                "{{\"kind\":\"deliver\",\"partner\":\"{id}\",\"registration\":\"{id}\",\"event\":\"{id}\"}}"
            )
        );
        assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), message);
        for wrong in ["", "{}", "{\"kind\":\"other\"}", "{\"kind\":\"deliver\",\"partner\":\"x\"}"]
        {
            assert!(serde_json::from_str::<Message>(wrong).is_err(), "{wrong}");
        }
    }
}
