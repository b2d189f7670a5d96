//! The sample events: each is a valid event of the function whose folder it is in, and answers what its name says.

use std::path::Path;

use http_api::Request;
use serde_json::Value;

use super::*;

const FOLDERS: [&str; 12] = [
    "customer-create",
    "customer-get",
    "customer-search",
    "customer-update",
    "customer-delete",
    "customer-review",
    "customer-review-refresh",
    "customer-unmask",
    "contact-add",
    "contact-list",
    "contact-update",
    "contact-remove",
];

/// Cases whose names begin so are refused; the others are answered, or name a customer that only a deployed sandbox has.
const REFUSED: [&str; 2] = ["missing-", "invalid-"];

/// A sample with the placeholders of `events/README.md` filled in.
fn sample(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.replace("{{client.partnerId}}", ONE)
        .replace("{{client.clientId}}", "client-1")
        .replace("{{customer.id}}", "0190b2c4-0000-7000-8000-000000000001")
}

#[tokio::test]
async fn each_sample_event_is_what_its_name_says() {
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let world = World::new();
    for function in FOLDERS {
        let mut cases = 0;
        for entry in std::fs::read_dir(events.join(function)).expect(function) {
            let path = entry.unwrap().path();
            let case = path.file_stem().unwrap().to_string_lossy().into_owned();
            let event: Value = serde_json::from_str(&sample(&path)).expect(&case);
            let request =
                Request::from_event(serde_json::from_value(event).expect(&case), function);
            let request = request
                .unwrap_or_else(|rejected| panic!("{function}/{case}: {:?}", rejected.failure));
            let status = match serve(&world.app, function, &request).await {
                Ok(reply) => reply.status(),
                Err(failure) => failure.status_in(request.route.contract),
            };
            let refused = REFUSED.iter().any(|prefix| case.starts_with(prefix));
            let expected: &[u16] = if refused { &[400, 403, 422] } else { &[200, 201, 202, 404] };
            assert!(expected.contains(&status), "{function}/{case} answered {status}");
            cases += 1;
        }
        assert!(cases >= 2, "{function} has a good and a bad case");
    }
    let asked = sample(&events.join("audit-verify/customer.json"));
    let asked = serde_json::from_str(&asked).expect("partnerId and customerId");
    assert!(!crate::verify_audit(&world.app, asked).await.unwrap().found);
}
