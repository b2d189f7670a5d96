//! The five kinds of sub-resource.

use domain::event::EventKind;
use serde_json::{Value, json};

use super::*;

/// Path, a valid body, and a field whose absence is an error.
fn kinds() -> [(&'static str, Value, &'static str); 4] {
    [
        ("addresses", home(), "street1"),
        ("phones", mobile("2015552345"), "phoneNumber"),
        (
            "emails",
            json!({ "emailType": "Work", "emailAddress": "bob@example.com" }),
            "emailAddress",
        ),
        (
            "identifications",
            json!({
                "idType": "DriversLicense",
                "idNumber": "D1234-5678",
                "issuedDate": "2020-01-01",
                "expDate": "2030-01-01",
                "issuingAuthority": "DMV",
                "issuingStateOrProvince": "NY",
                "issuingCountryCode": "US",
            }),
            "idNumber",
        ),
    ]
}

#[tokio::test]
async fn each_kind_is_added_read_listed_changed_and_removed() {
    let world = World::new();
    let id = world.bob().await;
    for (path, body, field) in kinds() {
        let all = format!("customers/{id}/{path}");
        let first =
            world.ok(call("POST", &all).body(with(body.clone(), "/isPrimary", json!(false)))).await;
        assert_eq!(first["isPrimary"], true, "the first {path} is primary, asked or not");
        let one = format!("{all}/{}", first["id"].as_str().unwrap());
        assert_eq!(world.ok(call("GET", &one)).await, first);
        for (name, value) in body.as_object().unwrap() {
            if name != "idNumber" {
                assert_eq!(&first[name], value, "{path} {name}");
            }
        }

        let second =
            world.ok(call("POST", &all).body(with(body.clone(), "/isPrimary", Value::Null))).await;
        assert_eq!(second["isPrimary"], false, "{path}");
        let other = format!("{all}/{}", second["id"].as_str().unwrap());
        let listed = world.ok(call("GET", &all)).await;
        assert_eq!(listed["results"], json!([first, second]), "{path}");
        assert_eq!(listed["hasNextPage"], false);

        let refused = world.errors(call("DELETE", &one)).await;
        assert_eq!(
            refused,
            (
                400,
                vec!["2004 There must be a primary one; make another one primary first".to_owned()]
            )
        );
        let unset = call("PUT", &one).body(with(body.clone(), "/isPrimary", json!(false)));
        assert_eq!(world.errors(unset).await, refused, "{path}");

        let moved = call("PUT", &other).body(with(body.clone(), "/isPrimary", json!(true)));
        assert_eq!(world.ok(moved).await["isPrimary"], true);
        assert_eq!(world.ok(call("GET", &one)).await["isPrimary"], false, "{path} lost the flag");
        assert_eq!(world.ok(call("DELETE", &one)).await["id"], first["id"]);
        assert_eq!(world.errors(call("GET", &one)).await.0, 404);
        assert_eq!(world.errors(call("DELETE", &one)).await.0, 404);
        assert_eq!(world.errors(call("PUT", &one).body(body.clone())).await.0, 404);
        world.ok(call("DELETE", &other)).await;
        assert_eq!(world.ok(call("GET", &all)).await["results"], json!([]));

        let wrong = call("POST", &all).body(with(body.clone(), &format!("/{field}"), Value::Null));
        assert_eq!(world.errors(wrong).await, (400, vec![format!("1000 {field} is required")]));
        assert_eq!(world.errors(call("GET", format!("{all}/nonsense"))).await.0, 404);
    }
    let nobody = call("GET", "customers/0190b2c4-0000-7000-8000-000000000001/phones");
    assert_eq!(world.errors(nobody).await, (404, vec!["2001 No such customer".to_owned()]));
    let record = world.record(&id).await;
    assert_eq!(record.audit.seq, 1 + 4 * 5);
}

#[tokio::test]
async fn a_new_primary_moves_the_flag_and_says_so() {
    let world = World::new();
    let id = world.bob().await;
    let all = format!("customers/{id}/phones");
    let first = world.ok(call("POST", &all).body(mobile("2015552345"))).await;
    world.clock.advance(jiff::SignedDuration::from_secs(1));
    let primary = with(mobile("2015552346"), "/isPrimary", json!(true));
    let second = world.ok(call("POST", &all).body(primary)).await;
    let listed = world.ok(call("GET", &all)).await;
    let flags: Vec<_> =
        listed["results"].as_array().unwrap().iter().map(|p| p["isPrimary"].clone()).collect();
    assert_eq!(flags, [json!(false), json!(true)]);
    let customer = world.ok(call("GET", format!("customers/{id}"))).await;
    assert_eq!(customer["primaryPhone"], second);
    let events = world.events(&id).await;
    let changed = |event: &&EventKind| matches!(event, EventKind::ContactChanged { contact } if Some(contact.to_string().as_str()) == first["id"].as_str());
    assert_eq!(events.iter().filter(changed).count(), 1, "{events:?}");
}

#[tokio::test]
async fn an_address_is_screened_again_without_losing_its_status() {
    let world = World::new();
    let id = world.bob().await;
    world.screen(&id, &[], &[]).await;
    let before = world.record(&id).await;
    world.ok(call("POST", format!("customers/{id}/addresses")).body(home())).await;
    let after = world.record(&id).await;
    assert_eq!(after.subject_revision, before.subject_revision + 1);
    assert_eq!(after.ofac, before.ofac);
    let events = world.events(&id).await;
    assert_eq!(events.iter().filter(|event| event.needs_screening()).count(), 2);
}

#[tokio::test]
async fn foreign_addresses_need_neither_state_nor_zip() {
    let world = World::new();
    let id = world.bob().await;
    let all = format!("customers/{id}/addresses");
    let mut body = home();
    for (field, value) in
        [("/countryCode", json!("IE")), ("/state", Value::Null), ("/postalCode", Value::Null)]
    {
        body = with(body, field, value);
    }
    assert_eq!(world.ok(call("POST", &all).body(body.clone())).await["countryCode"], "IE");
    let us = with(body, "/countryCode", json!("us"));
    let errors = world.errors(call("POST", &all).body(us)).await.1;
    assert_eq!(errors, ["1000 state is required", "1000 postalCode is required"]);
    let order = with(home(), "/addressType", json!("holiday"));
    let errors = world.errors(call("POST", &all).body(order)).await.1;
    assert_eq!(errors, ["1005 addressType must be one of Home, Work, Mailing"]);
}

#[tokio::test]
async fn owners_are_persons_once_and_within_one_hundred_percent() {
    let world = World::new();
    let (bob, dana, firm) = (world.bob().await, world.bob().await, world.company().await);
    let all = format!("customers/{firm}/beneficial-owners");
    let owner = |id: &str, share: Value| json!({ "ownerCustomerId": id, "ownerTitle": "CEO", "ownershipPercentage": share });
    let post = |body: Value| call("POST", all.clone()).body(body);
    let first = world.ok(post(owner(&bob, json!("26")))).await;
    assert_eq!(first["ownershipPercentage"], 26);
    assert!(first.get("isPrimary").is_none());
    let twice = world.errors(post(owner(&bob, json!(1)))).await;
    assert_eq!(twice, (400, vec!["2003 This customer is already a beneficial owner".to_owned()]));
    let over = world.errors(post(owner(&dana, json!(90)))).await;
    assert_eq!(over.1, ["2000 The ownership percentages would exceed 100 in total"]);
    let no_person = world.errors(post(owner(&firm, json!(10)))).await;
    assert_eq!(no_person.1, ["1010 ownerCustomerId does not refer to a Personal customer"]);
    let second = world.ok(post(owner(&dana, json!(74)))).await;
    let wrong = world.errors(post(json!({ "ownershipPercentage": "a" }))).await;
    assert_eq!(
        wrong.1,
        [
            "1000 ownerCustomerId is required",
            "1004 ownershipPercentage must be a percentage with at most two decimals",
        ]
    );

    let one = format!("{all}/{}", first["id"].as_str().unwrap());
    let update = json!({ "ownerTitle": "Chair", "ownershipPercentage": 25.5 });
    let body = world.ok(call("PUT", &one).body(update)).await;
    assert_eq!(
        (&body["ownerTitle"], &body["ownershipPercentage"]),
        (&json!("Chair"), &json!(25.5))
    );
    assert_eq!(body["ownerCustomerId"], bob);
    let exchange = json!({ "ownerCustomerId": dana, "ownershipPercentage": 1 });
    assert_eq!(world.errors(call("PUT", &one).body(exchange)).await.0, 400);
    assert_eq!(world.ok(call("GET", &all)).await["results"], json!([body, second]));
    world.ok(call("DELETE", &one)).await;
    assert_eq!(
        world.errors(call("GET", &one)).await,
        (404, vec!["2001 No such beneficial owner".to_owned()])
    );

    let of_person = call("POST", format!("customers/{bob}/beneficial-owners"));
    let refused = world.errors(of_person.body(owner(&dana, json!(30)))).await;
    assert_eq!(refused.1, ["2000 Only a Business customer has beneficial owners"]);
}

#[tokio::test]
async fn document_numbers_are_shown_only_with_the_scope_and_a_trace() {
    let world = World::new();
    let id = world.bob().await;
    let all = format!("customers/{id}/identifications");
    let document =
        json!({ "idType": "Passport", "idNumber": "C12345678", "issuedDate": "2020-01-01" });
    let body = world.ok(call("POST", &all).body(document.clone())).await;
    assert_eq!(body["idNumber"], "*****5678");
    let one = format!("{all}/{}", body["id"].as_str().unwrap());
    assert_eq!(world.ok(call("GET", &one)).await["idNumber"], "*****5678");
    assert_eq!(world.audit(&id).await.entries, Some(2));
    assert_eq!(world.ok(call("GET", &one).scopes(UNMASK)).await["idNumber"], "C12345678");
    assert_eq!(world.audit(&id).await.entries, Some(3));
    let listed = world.ok(call("GET", &all).scopes(UNMASK)).await;
    assert_eq!(listed["results"][0]["idNumber"], "C12345678");
    assert_eq!(world.audit(&id).await.entries, Some(4));

    // Sent back as shown, the number stays.
    let same = with(document.clone(), "/idNumber", json!("*****5678"));
    world.ok(call("PUT", &one).body(same)).await;
    assert_eq!(world.ok(call("GET", &one).scopes(UNMASK)).await["idNumber"], "C12345678");
    let early = with(document, "/expDate", json!("2019-12-31"));
    let errors = world.errors(call("PUT", &one).body(early)).await.1;
    assert_eq!(errors, ["1004 expDate must be a date not before issuedDate"]);
}
