//! The scan queue: what stands in its messages, and sending them.
//!
//! Messages hold ids and names of editions only, never a customer's data.

use std::collections::BTreeMap;
#[cfg(test)]
use std::sync::Arc;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use crypto::Lazy;
use domain::event::Work;
use domain::ids::{CustomerId, EventId, PartnerId};
use runtime::Clients;
use serde::{Deserialize, Serialize};

/// SQS takes at most this many messages in a call.
const BATCH: usize = 10;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ScanMessage {
    /// Hold a page of customers against a list's new edition.
    Page(SweepPage),
    /// Screen a customer, or let the network of partners remember it.
    Customer(ScanRequest),
}

/// Asks for something to be done about one customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanRequest {
    /// Whose customer.
    pub partner: PartnerId,
    /// Which customer.
    pub customer: CustomerId,
    /// What asked for it; names the evidence, so that one request leaves one piece of evidence.
    pub run: EventId,
    /// What is to be done.
    #[serde(default, skip_serializing_if = "Work::is_screen")]
    pub work: Work,
    /// A sweep asked: nothing is written unless the answer changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
}

/// The edition because of which a sweep asks; it or a later one must be screened with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// The list.
    pub list: String,
    /// Its index.
    pub index: String,
    /// What is new in it: the screening compares the customer with the entries of it that hit, whatever else it finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<String>,
}

/// A key of the listing index: where a page ended.
pub type Cursor = BTreeMap<String, String>;

/// Asks for one page of one segment of a sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepPage {
    /// Which sweep; names its progress items.
    pub sweep: EventId,
    /// The list that has a new edition.
    pub list: String,
    /// The new edition's index.
    pub edition: String,
    /// What is new in it.
    pub delta: String,
    /// Which segment of the customers, from 0.
    pub segment: u16,
    /// Of how many.
    pub segments: u16,
    /// Which page of the segment, from 0.
    pub page: u32,
    /// Where the page before ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
}

/// Why messages are not on the queue, or not all of them.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The queue did not answer as it should.
    #[error("the scan queue did not take a message")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The queue refused some messages of a batch.
    #[error("the scan queue refused {0} messages of a batch")]
    Refused(usize),
    /// A message could not be written.
    #[error("a message does not serialise")]
    Message(#[from] serde_json::Error),
}

/// The queue.
#[derive(Debug, Clone)]
pub struct ScanQueue {
    backend: Backend,
}

#[derive(Debug, Clone)]
enum Backend {
    Sqs {
        client: Lazy<aws_sdk_sqs::Client>,
        url: String,
    },
    #[cfg(test)]
    Memory(Arc<std::sync::Mutex<Vec<(u16, String)>>>),
}

impl ScanQueue {
    /// The queue at this URL.
    pub fn new(clients: &Clients, url: String) -> Self {
        Self { backend: Backend::Sqs { client: clients.sqs(), url } }
    }

    #[cfg(test)]
    pub(crate) fn in_memory() -> Self {
        Self { backend: Backend::Memory(Arc::default()) }
    }

    /// Takes what was sent, with its delay.
    #[cfg(test)]
    pub(crate) fn take(&self) -> Vec<(u16, ScanMessage)> {
        let Backend::Memory(held) = &self.backend else { return Vec::new() };
        let held = std::mem::take(&mut *held.lock().unwrap());
        held.iter().map(|(delay, body)| (*delay, serde_json::from_str(body).unwrap())).collect()
    }

    /// Sends messages, ten in a call, to be seen after `delay_seconds`. A failure leaves some of them sent.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn send(
        &self,
        messages: &[impl Serialize],
        delay_seconds: u16,
    ) -> Result<(), QueueError> {
        for chunk in messages.chunks(BATCH) {
            let bodies = chunk.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
            match &self.backend {
                Backend::Sqs { client, url } => {
                    Box::pin(send(client, url, bodies, delay_seconds)).await?;
                }
                #[cfg(test)]
                Backend::Memory(held) => {
                    let bodies = bodies.into_iter().map(|body| (delay_seconds, body));
                    held.lock().unwrap().extend(bodies);
                }
            }
        }
        Ok(())
    }
}

async fn send(
    client: &aws_sdk_sqs::Client,
    url: &str,
    mut bodies: Vec<String>,
    delay_seconds: u16,
) -> Result<(), QueueError> {
    let delay = i32::from(delay_seconds);
    if bodies.len() == 1 {
        let body = bodies.swap_remove(0);
        let call = client.send_message().queue_url(url).message_body(body).delay_seconds(delay);
        let sent = call.send().await;
        return sent
            .map(drop)
            .map_err(|error| QueueError::Unavailable(error.into_service_error().into()));
    }
    let mut call = client.send_message_batch().queue_url(url);
    for (number, body) in bodies.into_iter().enumerate() {
        let entry = SendMessageBatchRequestEntry::builder()
            .id(number.to_string())
            .message_body(body)
            .delay_seconds(delay)
            .build()
            .map_err(|error| QueueError::Unavailable(error.into()))?;
        call = call.entries(entry);
    }
    let answer = call
        .send()
        .await
        .map_err(|error| QueueError::Unavailable(error.into_service_error().into()))?;
    match answer.failed().len() {
        0 => Ok(()),
        refused => Err(QueueError::Refused(refused)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart_by_what_stands_in_them() {
        let id = "0190b2c4-0000-7000-8000-000000000001";
        let partner = "11111111-2222-3333-4444-555555555555";
        let plain = format!(r#"{{"partner":"{partner}","customer":"{id}","run":"{id}"}}"#);
        let read: ScanMessage = serde_json::from_str(&plain).unwrap();
        assert!(matches!(&read, ScanMessage::Customer(request) if request.since.is_none()));
        assert_eq!(serde_json::to_string(&read).unwrap(), plain, "as it was before sweeps");
        let page = SweepPage {
            sweep: EventId::parse(id).unwrap(),
            list: "sdn".to_owned(),
            edition: "e".to_owned(),
            delta: "d".to_owned(),
            segment: 3,
            segments: 8,
            page: 7,
            cursor: Some(Cursor::from([("pk".to_owned(), "P#1#C#2".to_owned())])),
        };
        let text = serde_json::to_string(&page).unwrap();
        assert_eq!(serde_json::from_str::<ScanMessage>(&text).unwrap(), ScanMessage::Page(page));
        for damaged in ["{}", "[]", r#"{"partner":"x"}"#, r#"{"sweep":"x","page":1}"#] {
            assert!(serde_json::from_str::<ScanMessage>(damaged).is_err(), "{damaged}");
        }
    }
}
