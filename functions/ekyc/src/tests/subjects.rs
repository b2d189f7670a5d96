//! Applications and accounts themselves.

use super::*;

#[tokio::test]
async fn a_subject_is_created_read_and_changed() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let (status, shown) = world.send(get(place.0.clone())).await;
        assert_eq!((status, &shown["version"]), (200, &json!(1)));
        assert_eq!(shown["name"]["familyName"], "Rivers");
        assert_eq!(
            shown["contact"],
            json!({
                "mobileNumber": "*******3456",
                "homeNumber": "*******0018",
                "email": "d***@e***.com",
            })
        );
        assert_eq!(shown["address"]["postcode"], "N1C 4DA");
        let mut changed = person();
        changed["contact"] = json!({ "mobileNumber": "07400999888" });
        changed["version"] = 1.into();
        let (status, after) = world.send(put(place.0.clone(), changed.clone())).await;
        assert_eq!((status, &after["version"]), (200, &json!(2)));
        assert_eq!(after["contact"], json!({ "mobileNumber": "*******9888" }));
        let (status, _) = world.send(put(place.0.clone(), changed)).await;
        assert_eq!(status, 409, "the version that its author saw is gone");
        world.initiate(&place).await;
        assert_eq!(world.sent.all()[0].destination, "+447400999888");
        world.proofs(&place).await;
    }
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let world = World::new();
    let body = json!({
        "name": { "givenName": "" },
        "contact": { "mobileNumber": "x", "email": "y" },
        "address": { "postcode": 7 },
    });
    let (status, answer) = world.send(post("accounts", body)).await;
    assert_eq!(status, 400);
    for field in [
        "accountNumber",
        "customerId",
        "name.givenName",
        "name.familyName",
        "contact.mobileNumber",
        "contact.email",
        "address.postcode",
    ] {
        assert!(answer["errors"][field].is_array(), "{field}: {answer}");
    }
}

#[tokio::test]
async fn a_customer_must_be_the_partners_own_and_active() {
    let world = World::new();
    let mine = world.customer(ONE).await;
    let theirs = world.customer(TWO).await;
    for customer in [theirs.to_string(), ONE.to_owned()] {
        let mut body = person();
        body["customerId"] = customer.into();
        let (status, answer) = world.send(post("applications", body)).await;
        assert_eq!(status, 400);
        assert!(answer["errors"]["customerId"].is_array(), "{answer}");
    }
    let mut body = person();
    body["customerId"] = mine.to_string().into();
    assert_eq!(world.send(post("applications", body)).await.0, 200);
}

#[tokio::test]
async fn an_account_number_is_taken_once_and_a_retry_is_answered_again() {
    let world = World::new();
    let mut body = person();
    body["customerId"] = world.customer(ONE).await.to_string().into();
    body["accountNumber"] = ACCOUNT.into();
    let (status, first) = world.send(post("accounts", body.clone()).key("k-1")).await;
    assert_eq!(status, 200);
    assert_eq!(world.send(post("accounts", body.clone()).key("k-1")).await, (200, first));
    let (status, answer) = world.send(post("accounts", body.clone())).await;
    assert_eq!((status, &answer["state"]), (409, &json!("alreadyExists")));
    body["name"]["givenName"] = "Eve".into();
    let (status, _) = world.send(post("accounts", body).key("k-1")).await;
    assert_eq!(status, 409, "the same key with another body");
}

#[tokio::test]
async fn scopes_are_asked_for() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let session = world.initiate(&place).await;
    for (call, scopes) in [
        (get(place.0.clone()), "ekyc.initiate ekyc.validate ekyc.config"),
        (post("applications", person()), "customers:read ekyc.initiate"),
        (post(place.otp(), json!({})), "customers:write ekyc.validate"),
        (post(place.penny(), json!({})), "ekyc.validate"),
        (post(place.validate("otp", &session), json!({})), "ekyc.initiate"),
        (get("configurations/default/ekyc/otp"), "ekyc.initiate ekyc.validate"),
    ] {
        let what = format!("{} {}", call.method, call.path);
        let (status, _) = world.send(Call { scopes, ..call }).await;
        assert_eq!(status, 403, "{what}");
    }
}
