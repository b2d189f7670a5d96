//! From the table's stream to the scan queue: every event that changes the screened facts asks for a screening, and every
//! one that changes what the network of partners remembers asks for that.
//!
//! Cost: no DynamoDB; one SQS message per such event. A record that comes twice asks twice, and the second screening
//! changes nothing.

use domain::event::DomainEvent;
use runtime::{Clients, Metric, Missing, RecordError, Settings, StreamRecord, count, failpoint};
use store::outbox::{SORT_KEY_PREFIX, read_stream_image};

use crate::scan_queue::{ScanQueue, ScanRequest};

/// What the function needs.
#[derive(Debug)]
pub struct App {
    queue: ScanQueue,
}

impl App {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`Missing`].
    pub fn from_settings(clients: &Clients) -> Result<Self, Missing> {
        let queue = Settings::read(|settings| settings.required("SCAN_QUEUE_URL"))?;
        Ok(Self { queue: ScanQueue::new(clients, queue) })
    }
}

/// Handles one record of the customer table's stream.
///
/// # Errors
/// [`RecordError`] when the event cannot be read or the queue does not take the message.
pub async fn handle(app: &App, record: &StreamRecord) -> Result<(), RecordError> {
    let Some(request) = request_for(record)? else { return Ok(()) };
    app.queue.send(&[request], 0).await.map_err(RecordError::new)?;
    failpoint("scan-request:after-send");
    count(Metric::ScansRequested, 1);
    Ok(())
}

fn request_for(record: &StreamRecord) -> Result<Option<ScanRequest>, RecordError> {
    let Some(image) = record.new_image.as_ref().filter(|_| record.change == "INSERT") else {
        return Ok(None);
    };
    // The mapping filters by the same prefix; a mapping without its filter must not make other items fail.
    if !image["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with(SORT_KEY_PREFIX)) {
        return Ok(None);
    }
    let event: DomainEvent = read_stream_image(image).map_err(RecordError::new)?;
    Ok(event.kind.work().map(|work| ScanRequest {
        partner: event.partner,
        customer: event.customer,
        run: event.id,
        work,
        since: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::EventKind;
    use domain::ids::{CustomerId, EventId, PartnerId};
    use serde_json::json;
    use store::outbox::event_item;
    use store::testing::TestDatabase;
    use store::{Expression, Item};

    fn event(kind: EventKind) -> DomainEvent {
        DomainEvent {
            id: EventId::parse("0190b2c4-0000-7000-8000-000000000003").unwrap(),
            partner: PartnerId::parse("11111111-2222-3333-4444-555555555555").unwrap(),
            customer: CustomerId::parse("0190b2c4-0000-7000-8000-000000000001").unwrap(),
            occurred_at: "2026-01-25T22:55:24Z".parse().unwrap(),
            kind,
        }
    }

    /// The records of a real stream, so that the image has the engine's shape and not the test's.
    async fn records(items: Vec<Item>) -> Vec<StreamRecord> {
        let database = TestDatabase::new();
        let table = database.customers();
        for item in items {
            table.put(item, Expression::absent()).await.unwrap();
        }
        database
            .stream_records(&table)
            .into_iter()
            .map(|record| StreamRecord {
                change: record["eventName"].as_str().unwrap().to_owned(),
                new_image: record["dynamodb"].get("NewImage").cloned(),
                old_image: None,
            })
            .collect()
    }

    #[tokio::test]
    async fn only_events_that_change_the_subject_ask_for_a_screening() {
        let cases = [
            (EventKind::Onboarded, true),
            (EventKind::NameChanged, true),
            (EventKind::ProfileChanged { fields: vec!["birthDate".into()] }, true),
            (EventKind::ProfileChanged { fields: vec!["riskRating".into()] }, false),
            (EventKind::Deactivated, false),
        ];
        for (kind, asks) in cases {
            let event = event(kind);
            let found = records(vec![event_item(&event).unwrap()]).await;
            assert_eq!(found.len(), 1);
            let request = request_for(&found[0]).unwrap();
            assert_eq!(request.is_some(), asks, "{:?}", event.kind);
            if let Some(request) = request {
                assert_eq!((request.customer, request.run), (event.customer, event.id));
            }
        }
    }

    #[test]
    fn other_items_and_changes_are_passed_over() {
        let image = Some(json!({ "pk": { "S": "P#1#C#2" }, "sk": { "S": "CUSTOMER" } }));
        for change in ["INSERT", "MODIFY", "REMOVE"] {
            let record =
                StreamRecord { change: change.into(), new_image: image.clone(), old_image: None };
            assert!(request_for(&record).unwrap().is_none());
        }
    }

    #[test]
    fn a_damaged_event_is_an_error_and_not_a_silence() {
        let image = Some(json!({ "pk": { "S": "x" }, "sk": { "S": "EVENT#1" } }));
        let record = StreamRecord { change: "INSERT".into(), new_image: image, old_image: None };
        assert!(request_for(&record).is_err());
    }
}
