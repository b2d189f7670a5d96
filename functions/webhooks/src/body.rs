//! The event object (COS §6.2): what is posted, and what the events API shows.
//!
//! Invariant: both come from the same stored delivery, so a partner finds under the id it was sent what it was sent; but
//! for its own id of the customer, which is told as it is now and only while the customer is there.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::webhooks::{Delivery, Format};

/// The contract's event object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventObject<'a> {
    id: String,
    event_name: &'a str,
    status: &'static str,
    partner_id: String,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempted_at: Option<String>,
    resources: &'a [String],
    details: &'a [Value],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_ping: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<AttemptObject<'a>>>,
}

/// One line of the attempt log.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptObject<'a> {
    attempted_at: String,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// The contract's way to write a time: milliseconds and a numeric offset.
#[must_use]
pub fn wire_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3f+00:00").to_string()
}

impl<'a> EventObject<'a> {
    /// What is posted. Its status is always `Pending`: it says that the delivery is under way, nothing about the
    /// resource.
    #[must_use]
    pub fn posted(delivery: &'a Delivery, format: Format) -> Self {
        Self {
            id: delivery.id.to_string(),
            event_name: &delivery.event_name,
            status: "Pending",
            partner_id: delivery.partner.to_string(),
            created_at: wire_time(delivery.created_at),
            last_attempted_at: delivery.last_attempted_at.map(wire_time),
            resources: &delivery.resources,
            details: match format {
                Format::Basic => &[],
                Format::Extended => &delivery.details,
            },
            is_ping: delivery.ping,
            registration_id: None,
            attempts: None,
        }
    }

    /// What the events API shows: the true status, whose it is, and every kept attempt.
    #[must_use]
    pub fn shown(delivery: &'a Delivery) -> Self {
        let attempts = delivery.attempts.iter().map(|attempt| AttemptObject {
            attempted_at: wire_time(attempt.at),
            duration_ms: attempt.duration_ms,
            status_code: attempt.status_code,
            error: attempt.error.as_deref(),
        });
        Self {
            status: delivery.status.as_str(),
            registration_id: Some(delivery.registration.to_string()),
            attempts: Some(attempts.collect()),
            ..Self::posted(delivery, Format::Extended)
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{EventId, PartnerId, RegistrationId};
    use serde_json::json;
    use store::webhooks::{Attempt, Stage, Status};

    use super::*;

    fn delivery() -> Delivery {
        Delivery {
            id: EventId::parse("3d9c5e1a-0000-4000-8000-ade80105048e").unwrap(),
            partner: PartnerId::parse("11111111-2222-3333-4444-555555555555").unwrap(),
            registration: RegistrationId::parse("0190b2c4-0000-7000-8000-000000000002").unwrap(),
            event_name: "Core.Customer.Onboarded".into(),
            customer: None,
            created_at: "2026-05-19T13:52:06.393Z".parse().unwrap(),
            resources: vec!["core/v1/cm/customers/61dc4d4c-0000-4000-8000-b2e201266e06".into()],
            details: vec![json!({"customerId": "61dc4d4c-0000-4000-8000-b2e201266e06"})],
            ping: false,
            status: Status::Failed,
            stage: Stage::Held,
            tries: 4,
            not_before: 0,
            last_attempted_at: None,
            attempts: vec![],
        }
    }

    #[test]
    fn a_basic_body_is_the_documented_one() {
        assert_eq!(
            serde_json::to_string(&EventObject::posted(&delivery(), Format::Basic)).unwrap(),
            "{\"id\":\"3d9c5e1a-0000-4000-8000-ade80105048e\",\"eventName\":\"Core.Customer.Onboarded\",\
             \"status\":\"Pending\",\"partnerId\":\"11111111-2222-3333-4444-555555555555\",\
             \"createdAt\":\"2026-05-19T13:52:06.393+00:00\",\
             \"resources\":[\"core/v1/cm/customers/61dc4d4c-0000-4000-8000-b2e201266e06\"],\"details\":[]}"
        );
    }

    #[test]
    fn an_extended_body_has_details_and_a_retry_says_when_it_was_last_tried() {
        let mut delivery = delivery();
        delivery.last_attempted_at = Some("2026-05-19T13:52:40.1Z".parse().unwrap());
        let body = serde_json::to_value(EventObject::posted(&delivery, Format::Extended)).unwrap();
        assert_eq!(body["details"], json!(delivery.details));
        assert_eq!(body["lastAttemptedAt"], "2026-05-19T13:52:40.100+00:00");
        assert_eq!(body.get("isPing"), None);
    }

    #[test]
    fn a_ping_says_so_and_names_nothing() {
        let delivery = Delivery { ping: true, resources: vec![], details: vec![], ..delivery() };
        let body = serde_json::to_value(EventObject::posted(&delivery, Format::Extended)).unwrap();
        assert_eq!((&body["isPing"], &body["resources"]), (&json!(true), &json!([])));
    }

    #[test]
    fn the_api_shows_the_true_status_and_the_attempts() {
        let mut delivery = delivery();
        delivery.attempts.push(Attempt {
            at: "2026-05-19T13:52:40.1Z".parse().unwrap(),
            duration_ms: 12,
            status_code: Some(503),
            error: Some("status".into()),
        });
        let shown = serde_json::to_value(EventObject::shown(&delivery)).unwrap();
        assert_eq!(shown["status"], "Failed");
        assert_eq!(shown["registrationId"], "0190b2c4-0000-7000-8000-000000000002");
        assert_eq!(
            shown["attempts"],
            json!([{"attemptedAt": "2026-05-19T13:52:40.100+00:00", "durationMs": 12, "statusCode": 503, "error": "status"}])
        );
    }
}
