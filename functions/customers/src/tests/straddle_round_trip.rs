//! One record through two contracts: what either wrote is read through the other, and comes back through the one that
//! wrote it.

use proptest::prelude::*;

use super::straddle_creating::{firm, mira, update_of};
use super::*;

#[tokio::test]
async fn what_straddle_wrote_is_read_through_cos() {
    let world = World::new();
    let mut body = mira();
    body["name"] = json!("Mira Ada van der Oduya Jr.");
    let id = world.straddle_create(body).await["id"].as_str().unwrap().to_owned();
    let read = world.ok(call("GET", format!("customers/{id}")).scopes(UNMASK)).await;
    for (pointer, value) in [
        ("/classification", json!("Personal")),
        ("/name/firstName", json!("Mira")),
        ("/name/middleName", json!("Ada")),
        ("/name/lastName", json!("van der Oduya")),
        ("/name/suffix", json!("Jr.")),
        ("/name/fullName", json!("Mira Ada van der Oduya Jr.")),
        ("/profile/taxIdType", json!("Ssn")),
        ("/profile/taxId", json!("123456789")),
        ("/profile/birthDate", json!("1988-02-14")),
        ("/clientIdentifier", json!("u-1001")),
        ("/primaryAddress/street1", json!("9 Elm St")),
        ("/primaryAddress/city", json!("Reno")),
        ("/primaryAddress/state", json!("NV")),
        ("/primaryAddress/postalCode", json!("89501")),
        ("/primaryAddress/countryCode", json!("US")),
        ("/primaryPhone/phoneNumber", json!("4155550101")),
        ("/primaryEmail/emailAddress", json!("mira.oduya@example.com")),
        ("/status", json!("Active")),
        ("/ofac", json!("Clear")),
    ] {
        assert_eq!(read.pointer(pointer), Some(&value), "{pointer}: {read}");
    }
    let id = world.straddle_create(firm()).await["id"].as_str().unwrap().to_owned();
    let read = world.ok(call("GET", format!("customers/{id}")).scopes(UNMASK)).await;
    assert_eq!(read["name"]["entityName"], "Fern & Vale");
    assert_eq!(
        (&read["profile"]["taxIdType"], &read["profile"]["taxId"]),
        (&json!("Ein"), &json!("123456789"))
    );
    assert_eq!(read["businessDueDiligence"]["businessUrl"], "https://www.fernvale.example/about");
    assert_eq!(read["primaryPhone"]["phoneNumber"], "+442071608800");
}

#[tokio::test]
async fn what_cos_wrote_is_read_through_straddle() {
    let world = World::new();
    let mut body = bob();
    body["clientIdentifier"] = json!("crm-42");
    body["primaryAddress"] = home();
    body["primaryPhone"] = mobile("2015552345");
    body["primaryEmail"] = json!({ "emailType": "Work", "emailAddress": "bob@example.com" });
    let id =
        world.ok(call("POST", "customers").body(body)).await["id"].as_str().unwrap().to_owned();
    let read = world.ok(straddle("GET", format!("customers/{id}/unmasked"))).await;
    let mut data = read["data"].clone();
    for stamp in ["id", "created_at", "updated_at"] {
        data.as_object_mut().unwrap().remove(stamp);
    }
    assert_eq!(
        data,
        json!({
            "name": "Bob Smith",
            "type": "individual",
            "email": "bob@example.com",
            "phone": "+12015552345",
            "external_id": "crm-42",
            "status": "pending",
            "address": { "address1": "123 Any St", "address2": null, "city": "Anywhere", "state": "NY", "zip": "12345" },
            "compliance_profile": { "ssn": "119-98-8776", "dob": "1953-09-22" },
            "metadata": null,
        })
    );
    let listed = world.ok(straddle("GET", "customers").query("email", "bob@example.com")).await;
    assert_eq!(listed["data"][0]["id"], id);
    // Without e-mail and phone, which the contract cannot leave out, they are empty.
    let firm = world.company().await;
    let read = world.ok(straddle("GET", format!("customers/{firm}"))).await;
    assert_eq!((&read["data"]["email"], &read["data"]["phone"]), (&json!(""), &json!("")));
    assert_eq!(read["data"]["compliance_profile"]["website"], "www.example.com");
}

/// The parts of a name may be longer together than this contract's name: what is sent back as shown stays.
#[tokio::test]
async fn a_longer_name_of_the_other_contract_can_be_repeated_but_not_given() {
    let world = World::new();
    let mut body = rich(1);
    body["name"] = json!({ "firstName": "F".repeat(100), "middleName": "M".repeat(100), "lastName": "L".repeat(100) });
    let id =
        world.ok(call("POST", "customers").body(body)).await["id"].as_str().unwrap().to_owned();
    let path = format!("customers/{id}");
    let shown = world.ok(straddle("GET", &path)).await["data"].clone();
    assert_eq!(shown["name"].as_str().unwrap().len(), 302);
    let mut update = update_of(&shown);
    update["compliance_profile"] = json!({ "ssn": null, "dob": "1960-01-02" });
    let changed = world.ok(straddle("PUT", &path).body(update.clone())).await;
    assert_eq!(changed["data"]["name"], shown["name"]);
    let kept = world.ok(call("GET", &path)).await;
    assert_eq!(kept["name"]["middleName"], "M".repeat(100));
    update["name"] = json!(format!("{}x", shown["name"].as_str().unwrap()));
    let refused = world.refusal(straddle("PUT", &path).body(update)).await;
    assert_eq!((refused.0, refused.2), (422, vec!["name".to_owned()]));
    // What a list shows can be looked for.
    for filter in ["name", "search_text"] {
        let name = shown["name"].as_str().unwrap();
        let found = world.ok(straddle("GET", "customers").query(filter, name)).await;
        assert_eq!(found["data"][0]["id"], id);
    }
}

/// A person's name is joined from parts; a company's is one text, in which another space is another name.
#[tokio::test]
async fn spaces_are_part_of_a_company_s_name_alone() {
    let world = World::new();
    for (body, written, other, shown) in [
        (mira(), "Mira  Oduya", "Mira   Oduya", "Mira Oduya"),
        (firm(), "Acme   Works", "Acme Works", "Acme Works"),
    ] {
        let data = world.straddle_create(with(body, "/name", json!(written))).await;
        let path = format!("customers/{}", data["id"].as_str().unwrap());
        let update = with(update_of(&data), "/name", json!(other));
        assert_eq!(world.ok(straddle("PUT", &path).body(update)).await["data"]["name"], shown);
        let cos = world.ok(call("GET", &path)).await["name"].clone();
        let joined = ["firstName", "lastName", "entityName"].map(|part| cos[part].as_str());
        assert_eq!(joined.into_iter().flatten().collect::<Vec<_>>().join(" "), shown);
    }
}

/// A COS customer with everything that Straddle has no field for.
fn rich(index: u32) -> Value {
    let mut body = bob();
    body["name"] = json!({ "prefix": "Dr.", "firstName": "Mary Ann", "middleName": "Q", "lastName": "de la Cruz", "suffix": "III", "preferredName": "Mac" });
    body["profile"] = json!({
        "regO": true, "politicallyExposedPerson": true, "citizenshipCountryCode": "CA",
        "enableBackupWithholding": true, "backupWithholdingPercent": 24,
        "taxIdType": if index.is_multiple_of(3) { "Itin" } else if index % 3 == 1 { "Foreign" } else { "None" },
        "birthDate": "1960-01-02", "riskRating": "High", "privacyOptOut": true,
    });
    if index % 3 != 2 {
        body["profile"]["taxId"] = json!("912345678");
    }
    body["dueDiligence"] =
        json!({ "employmentStatus": "Employed", "occupation": "Baker", "annualIncome": 90000 });
    body["primaryAddress"] = if index.is_multiple_of(2) {
        json!({ "addressType": "Mailing", "classification": "Business", "street1": "1 High St", "city": "Leeds", "countryCode": "GB", "postalCode": "LS1 1AA" })
    } else {
        home()
    };
    body["primaryPhone"] =
        json!({ "phoneType": "Home", "phoneNumber": "2015552345", "extension": "42" });
    body["primaryEmail"] =
        json!({ "emailType": "Home", "emailAddress": format!("mac{index}@example.com") });
    body["primaryIdentification"] =
        json!({ "idType": "Passport", "idNumber": "C1234567", "issuingCountryCode": "CA" });
    body
}

/// What a COS read shows, without what any change moves.
fn stable(mut read: Value) -> Value {
    for moved in ["lastModifiedAt", "ofac", "pepScan", "dueDiligence"] {
        read.as_object_mut().unwrap().remove(moved);
    }
    read
}

/// A customer of the other contract, sent back as this one shows it with something new that only this one has.
async fn assert_straddle_keeps(written: &Value) {
    let world = World::new();
    let answer = world.ok(call("POST", "customers").body(written.clone())).await;
    let id = answer["id"].as_str().unwrap();
    let cos =
        async || stable(world.ok(call("GET", format!("customers/{id}")).scopes(UNMASK)).await);
    let before = cos().await;
    let shown = world.ok(straddle("GET", format!("customers/{id}/unmasked"))).await["data"].clone();
    let mut body = update_of(&shown);
    body["compliance_profile"] = shown["compliance_profile"].clone();
    body["metadata"] = json!({ "seen": "yes" });
    let changed = world.ok(straddle("PUT", format!("customers/{id}")).body(body)).await;
    assert_eq!(changed["data"]["metadata"], json!({ "seen": "yes" }));
    assert_eq!(cos().await, before, "{written}");
}

#[tokio::test]
async fn a_straddle_write_loses_nothing_that_cos_wrote() {
    for index in 0..6 {
        assert_straddle_keeps(&rich(index)).await;
    }
}

#[tokio::test]
async fn a_cos_write_loses_nothing_that_straddle_wrote() {
    let world = World::new();
    for body in [mira(), firm()] {
        let data = world.straddle_create(body).await;
        let id = data["id"].as_str().unwrap();
        let unmasked = async || {
            world.ok(straddle("GET", format!("customers/{id}/unmasked"))).await["data"].clone()
        };
        let before = unmasked().await;
        let profile =
            world.ok(call("GET", format!("customers/{id}")).scopes(UNMASK)).await["profile"]
                .clone();
        let profile = with(profile, "/riskRating", json!("High"));
        world.ok(call("PUT", format!("customers/{id}/profile")).body(profile)).await;
        world
            .ok(call("POST", format!("customers/{id}/addresses")).body(with(
                home(),
                "/isPrimary",
                json!(false),
            )))
            .await;
        let mut after = unmasked().await;
        for moved in ["updated_at", "status", "address"] {
            after[moved] = before[moved].clone();
        }
        assert_eq!(after, before);
    }
}

/// This contract takes numbers, states and names that the other one would not; there they stay when they are sent back as shown,
/// and cannot be given anew.
#[tokio::test]
async fn what_straddle_alone_takes_goes_back_through_cos_as_shown() {
    let world = World::new();
    let mut one = mira();
    one["name"] = json!("Mononym");
    one["phone"] = json!("+12");
    one["address"]["state"] = json!("ZZ");
    let mut other = firm();
    other["phone"] = json!("+11234567890");
    other["compliance_profile"]["ein"] = json!("00-0000000");
    for body in [one, other] {
        let data = world.straddle_create(body).await;
        let path = format!("customers/{}", data["id"].as_str().unwrap());
        for scopes in [USUAL, UNMASK] {
            let shown = world.ok(call("GET", &path).scopes(scopes)).await;
            let at = |kind: &str, name: &str| {
                format!("{path}/{kind}/{}", shown[name]["id"].as_str().unwrap())
            };
            let mut phone = shown["primaryPhone"].clone();
            phone["extension"] = json!("7");
            let mut parts = vec![
                (format!("{path}/name"), shown["name"].clone()),
                (format!("{path}/profile"), shown["profile"].clone()),
                (at("phones", "primaryPhone"), phone),
            ];
            if shown["primaryAddress"].is_object() {
                let mut address = shown["primaryAddress"].clone();
                address["street2"] = json!("Flat 2");
                parts.push((at("addresses", "primaryAddress"), address));
            }
            for (path, part) in parts {
                world.ok(call("PUT", &path).body(part)).await;
            }
            let after = world.ok(call("GET", &path).scopes(scopes)).await;
            assert_eq!(after["name"], shown["name"]);
            assert_eq!(after["profile"], shown["profile"]);
            assert_eq!(after["primaryPhone"]["phoneNumber"], shown["primaryPhone"]["phoneNumber"]);
            assert_eq!(after["primaryPhone"]["extension"], "7");
            assert_eq!(after["primaryAddress"]["state"], shown["primaryAddress"]["state"]);
        }
        if data["type"] == "individual" {
            let longer = json!({ "firstName": "Mononym", "middleName": "Quill Harbor" });
            let refused = world.send(call("PUT", format!("{path}/name")).body(longer)).await;
            assert_eq!(refused.0, 400, "that would be another name");
        }
        let given = json!({ "phoneType": "Home", "phoneNumber": "+12" });
        let refused = call("POST", format!("{path}/phones")).body(given);
        assert_eq!(world.send(refused).await.0, 400);
    }
}

fn word() -> impl Strategy<Value = String> {
    "[A-Z][a-zé'-]{1,9}|van|de|la|Jr\\.|III"
}

prop_compose! {
    fn person()(
        words in prop::collection::vec(word(), 1..6),
        local in "[a-z][a-z0-9]{0,8}(\\.[a-z0-9]{1,4})?",
        national in "[2-9][0-9]{2}[2-9][0-9]{6}",
        foreign in "[2-9][0-9]{6,12}",
        is_foreign: bool,
        address in prop::option::of(("[A-Za-z0-9 .#-]{1,40}", prop::option::of("[A-Za-z0-9 .]{1,20}"), "[A-Za-z ]{1,20}", "[A-Z]{2}", "[0-9]{5}(-[0-9]{4})?")),
        ssn in prop::option::of("[0-9]{3}-[0-9]{2}-[0-9]{4}"),
        dob in prop::option::of("19[0-9]{2}-0[1-9]-[12][0-8]"),
        external in prop::option::of("[a-zA-Z0-9-]{1,60}"),
        metadata in prop::option::of(prop::collection::btree_map("[a-z]{1,40}", "\\PC{0,30}", 0..5)),
        ip: [u8; 4],
    ) -> Value {
        let phone = if is_foreign { format!("+{foreign}") } else { format!("+1{national}") };
        let trimmed = |text: String| text.trim().to_owned();
        let address = address
            .map(|(one, two, city, state, zip)| (trimmed(one), two.map(trimmed).filter(|two| !two.is_empty()), trimmed(city), state, zip))
            .filter(|(one, _, city, ..)| !one.is_empty() && !city.is_empty())
            .map(|(one, two, city, state, zip)| json!({ "address1": one, "address2": two, "city": city, "state": state, "zip": zip }));
        let profile = (ssn.is_some() || dob.is_some()).then(|| json!({ "ssn": ssn, "dob": dob }));
        json!({
            "name": words.join(" "), "type": "individual", "email": format!("{local}@example.com"), "phone": phone,
            "device": { "ip_address": format!("{}.{}.{}.{}", ip[0], ip[1], ip[2], ip[3]) },
            "address": address, "compliance_profile": profile, "external_id": external, "metadata": metadata,
            "config": { "processing_method": "skip" },
        })
    }
}

prop_compose! {
    fn representative()(
        name in "[A-Z][a-z]{1,9} [A-Z][a-z]{1,9}",
        email in prop::option::of("[a-z]{1,9}@example\\.org"),
        phone in prop::option::of("\\+1[2-9][0-9]{2}[2-9][0-9]{6}"),
    ) -> Value {
        json!({ "name": name, "email": email, "phone": phone })
    }
}

prop_compose! {
    fn business()(
        someone in person(),
        name in "[A-Z][a-z&]{1,12}( [A-Za-z0-9.,'-]{1,12}){0,4}",
        ein in prop::option::of("[0-9]{2}-[0-9]{7}"),
        legal in prop::option::of("[A-Z][a-z]{1,20}( LLC| Inc\\.)?"),
        website in prop::option::of("https://[a-z]{1,12}\\.example(/[a-z]{0,9})?"),
        representatives in prop::option::of(prop::collection::vec(representative(), 1..4)),
    ) -> Value {
        let mut body = someone;
        body["type"] = json!("business");
        body["name"] = json!(name);
        let says = ein.is_some() || legal.is_some() || website.is_some() || representatives.is_some();
        let profile = json!({ "ein": ein, "legal_business_name": legal, "website": website, "representatives": representatives });
        body["compliance_profile"] = if says { profile } else { Value::Null };
        body
    }
}

prop_compose! {
    /// A person as the other contract writes one, with any part left out that may be. (A citizenship stays: where there is none,
    /// that contract shows one after the first screening.)
    fn cos_person()(
        index in 0_u32..6,
        left_out in prop::collection::btree_set(prop::sample::select(vec![
            "/name/prefix", "/name/middleName", "/name/suffix", "/name/preferredName",
            "/profile/riskRating", "/profile/privacyOptOut", "/profile/regO", "/profile/birthDate", "/dueDiligence",
            "/primaryAddress", "/primaryPhone/extension", "/primaryIdentification",
        ]), 0..8),
        first in "[A-Z][a-zé']{0,12}( [A-Z][a-z]{1,9})?",
        last in "(van |de la )?[A-Z][a-zü-]{1,12}( [IVX]{1,3})?",
    ) -> Value {
        let mut body = rich(index);
        body["name"]["firstName"] = json!(first);
        body["name"]["lastName"] = json!(last);
        for pointer in left_out {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
        }
        body
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// What this contract has no field for outlives its writing all that it has one for.
    #[test]
    fn a_person_of_the_other_contract_survives_being_written_here(written in cos_person()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(assert_straddle_keeps(&written));
    }

    /// What is written is read back as it was, through the contract that wrote it; repeating it changes nothing in either
    /// view; and a change through the other view of what both have comes back changed, with all the rest as it was.
    #[test]
    fn a_customer_survives_both_views(body in prop_oneof![person(), business()]) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let data = world.straddle_create(body.clone()).await;
            let id = data["id"].as_str().unwrap();
            let straddled = async || world.ok(straddle("GET", format!("customers/{id}/unmasked"))).await["data"].clone();
            let cos = async || stable(world.ok(call("GET", format!("customers/{id}")).scopes(UNMASK)).await);
            let first = straddled().await;
            for field in ["name", "type", "email", "phone", "device", "address", "compliance_profile", "external_id", "metadata", "config"] {
                assert_eq!(first[field], body[field], "{field}");
            }
            let through_cos = cos().await;
            let mut again = body.clone();
            again["status"] = first["status"].clone();
            world.ok(straddle("PUT", format!("customers/{id}")).body(again)).await;
            assert_eq!(cos().await, through_cos);
            assert_eq!(straddled().await, first);
            let name = if body["type"] == "business" {
                json!({ "entityName": "Nova & Quill" })
            } else {
                json!({ "firstName": "Nova", "middleName": "de", "lastName": "Quill", "suffix": "Jr." })
            };
            world.ok(call("PUT", format!("customers/{id}/name")).body(name)).await;
            let mut renamed = straddled().await;
            let whole = if body["type"] == "business" { "Nova & Quill" } else { "Nova de Quill Jr." };
            assert_eq!(renamed["name"], whole);
            for moved in ["name", "updated_at", "status"] {
                renamed[moved] = first[moved].clone();
            }
            assert_eq!(renamed, first);
        });
    }
}
