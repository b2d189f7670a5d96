//! What is kept apart and what is asked outside: sandbox and production, skipped reviews, providers.

use super::straddle_creating::{mira, update_of};
use super::*;

/// A partner's sandbox and production clients work on one set of customers: what was invented in one stays invented.
#[tokio::test]
async fn a_prescribed_end_does_not_leave_the_sandbox() {
    let world = World::new();
    let prescribed = with(mira(), "/config", json!({ "sandbox_outcome": "verified" }));
    let data = world.straddle_create(prescribed).await;
    let id = data["id"].as_str().unwrap();
    let record = world.record(id).await;
    assert!(record.sandbox == Some(true) && record.is_prescribed());
    let path = format!("customers/{id}");
    let renamed = with(update_of(&data), "/name", json!("Volodar Quistzle"));
    let name = json!({ "firstName": "Volodar", "lastName": "Quistzle" });
    for call in [
        straddle("PUT", &path).body(renamed.clone()),
        straddle("PUT", format!("{path}/refresh_review")),
    ] {
        let refused = world.refusal(call.environment("production")).await;
        assert_eq!(refused, (422, "/validation_error".to_owned(), vec![]));
    }
    let (status, _) = world
        .errors(call("PUT", format!("{path}/name")).body(name).environment("production"))
        .await;
    assert_eq!(status, 400);
    assert_eq!(world.record(id).await, record, "nothing was changed");
    // Reading, and ending it, are no harm; the sandbox goes on as before.
    world.ok(straddle("GET", &path).environment("production")).await;
    assert_eq!(world.ok(straddle("PUT", &path).body(renamed)).await["data"]["status"], "verified");
    world.ok(call("DELETE", &path).environment("production")).await;
    assert_eq!(world.record(id).await.standing(), domain::verification::Standing::Inactive);

    // What the sandbox did not prescribe is as good as any, and a production client prescribes nothing.
    let own = with(mira(), "/email", json!("own@example.com"));
    let plain =
        world.straddle_create(with(own, "/config", json!({ "sandbox_outcome": "standard" }))).await;
    let path = format!("customers/{}", plain["id"].as_str().unwrap());
    world.ok(straddle("PUT", &path).body(update_of(&plain)).environment("production")).await;
    let other = with(mira(), "/email", json!("other@example.com"));
    let body = with(other, "/config", json!({ "sandbox_outcome": "rejected" }));
    let create = straddle("POST", "customers").body(body).environment("production");
    let (status, made) = world.send(create).await;
    assert_eq!((status, &made["data"]["config"]["sandbox_outcome"]), (201, &Value::Null));
    let real = &made["data"];
    let id = real["id"].as_str().unwrap();
    let record = world.record(id).await;
    assert_eq!(record.sandbox, Some(false));

    // And nobody alters a real customer from the sandbox, through either contract.
    let path = format!("customers/{id}");
    let mut update = update_of(real);
    update["metadata"] = json!({ "seen": "twice" });
    for (method, behind, body) in [
        ("PUT", "", Some(update)),
        ("PUT", "/refresh_review", None),
        ("PATCH", "/review", Some(json!({ "status": "verified" }))),
        ("DELETE", "", None),
    ] {
        let made = Call { body, ..straddle(method, format!("{path}{behind}")) };
        let refused = world.refusal(made).await;
        assert_eq!((refused.0, refused.2), (422, vec![]), "{method} {behind}");
    }
    for (method, behind, body) in [
        ("PUT", "/name", Some(json!({ "firstName": "Ann", "lastName": "Other" }))),
        (
            "POST",
            "/emails",
            Some(
                json!({ "emailType": "Work", "emailAddress": "x@example.com", "isPrimary": true }),
            ),
        ),
        ("DELETE", "", None),
    ] {
        let made = Call { body, ..call(method, format!("{path}{behind}")) };
        assert_eq!(world.errors(made).await.0, 400, "{method} {behind}");
    }
    assert_eq!(world.record(id).await, record, "nothing was changed");
    world.ok(straddle("DELETE", &path).environment("production")).await;
}

/// What one partner's sandbox makes up says nothing to another partner about a real person; what a person decided at the
/// first one does.
#[tokio::test]
async fn the_sandbox_vouches_for_nobody() {
    for (environment, status) in [("sandbox", "review"), ("production", "verified")] {
        let world = World::new();
        let body = with(mira(), "/config", json!({ "sandbox_outcome": "standard" }));
        let call = straddle("POST", "customers").body(body.clone()).environment(environment);
        let (_, made) = world.send(call).await;
        assert_eq!(made["data"]["status"], "review", "nobody confirms the number");
        let id = made["data"]["id"].as_str().unwrap();
        let decide = straddle("PATCH", format!("customers/{id}/review"));
        world.ok(decide.body(json!({ "status": "verified" })).environment(environment)).await;
        // As the worker does behind the event.
        let vetter = world.app.vetter.as_ref().unwrap();
        vetter.remember(&world.record(id).await, world.clock.now()).await.unwrap();

        let other = straddle("POST", "customers").partner(TWO).body(body).environment("production");
        let (_, theirs) = world.send(other).await;
        assert_eq!(theirs["data"]["status"], status, "after a decision in {environment}");
        let path = format!("customers/{}/review", theirs["data"]["id"].as_str().unwrap());
        let review = world.ok(straddle("GET", path).partner(TWO)).await;
        let kyc = &review["data"]["identity_details"]["kyc"];
        let confirmed = kyc["validations"]["ssn"].as_bool();
        assert_eq!(confirmed, (environment == "production").then_some(true), "{kyc}");
    }
}

/// A person's word about a customer whom nobody was to review: it holds for that identity, and starts no review.
#[tokio::test]
async fn who_is_not_to_be_reviewed_stays_so_after_a_decision() {
    let world = World::new();
    let mut body = with(mira(), "/config", json!({ "processing_method": "skip" }));
    body["compliance_profile"] = Value::Null;
    let data = world.straddle_create(body).await;
    assert_eq!(data["status"], "pending");
    let id = data["id"].as_str().unwrap();
    let path = format!("customers/{id}");
    world.screen(id, &["sdn-1"], &[]).await;
    let decided = world
        .ok(straddle("PATCH", format!("{path}/review")).body(json!({ "status": "verified" })))
        .await;
    assert_eq!(decided["data"]["status"], "verified");
    let events = world.events(id).await.len();
    let phone = with(update_of(&decided["data"]), "/phone", json!("+14155550199"));
    assert_eq!(world.ok(straddle("PUT", &path).body(phone)).await["data"]["status"], "pending");
    let asked = world.events(id).await[events..].iter().any(|event| event.needs_screening());
    assert!(!asked, "nobody asks for a review");
    let shown = world.ok(straddle("GET", format!("{path}/review"))).await;
    assert!(shown["data"].get("identity_details").is_none());
}

/// A provider that counts its questions; while it thinks, somebody reads the customer in clear, or renames it, once.
struct Thinking {
    app: App,
    id: std::sync::Mutex<Option<CustomerId>>,
    renames: bool,
    asked: std::sync::atomic::AtomicUsize,
}

impl compliance::review::provider::IdentityProvider for Thinking {
    fn confirm<'a>(
        &'a self,
        _: &'a compliance::review::Applicant,
    ) -> compliance::review::provider::Pending<'a, compliance::review::provider::IdentityAnswer>
    {
        Box::pin(async move {
            self.asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let id = self.id.lock().unwrap().take();
            if let Some(id) = id {
                let customers = &self.app.customers;
                let partner = PartnerId::parse(ONE).unwrap();
                let before = customers.get(partner, id).await.unwrap().unwrap();
                let now = self.app.clock.now();
                let actor = domain::audit::Actor {
                    client: domain::ids::ClientId::parse("other").unwrap(),
                    who: "other".to_owned(),
                    source_ip: None,
                    request_id: "r-0".to_owned(),
                };
                if self.renames {
                    let mut after = before.clone();
                    let change = after
                        .change_cif(domain::ids::CifNumber::parse("30000000025").unwrap(), now);
                    let commit = store::customers::Commit {
                        before: Some(&before),
                        after: &after,
                        change: &change.unwrap(),
                        actor: &actor,
                        now,
                        owner: None,
                        evidence: vec![],
                    };
                    customers.commit(commit).await.unwrap();
                } else {
                    customers
                        .record_read(&before, &actor, vec!["taxId".into()], now)
                        .await
                        .unwrap();
                }
            }
            compliance::review::provider::IdentityAnswer::Unavailable
        })
    }
}

#[tokio::test]
async fn nobody_outside_is_asked_twice_for_one_request() {
    for (renames, questions) in [(false, 1), (true, 2)] {
        let world = World::new();
        let provider = Arc::new(Thinking {
            app: world.app.clone(),
            id: std::sync::Mutex::new(None),
            renames,
            asked: std::sync::atomic::AtomicUsize::new(0),
        });
        let editions = compliance::Editions::holding(compliance::EditionSet::of(indexes()));
        let (clock, random) = (Arc::clone(&world.app.clock), Arc::clone(&world.app.random));
        let vetter = vetting::Vetter::new(&world.app.customers, editions, clock, random)
            .with_identity(Arc::clone(&provider) as _);
        let world = World { app: world.app.clone().with_vetter(vetter), ..world };
        let asked = || provider.asked.swap(0, std::sync::atomic::Ordering::SeqCst);

        let body = with(mira(), "/config", json!({ "sandbox_outcome": "standard" }));
        let create = straddle("POST", "customers").body(body).key("create-0001");
        let (status, made) = world.send(create.clone()).await;
        assert_eq!((status, asked()), (201, 1));
        assert_eq!((world.send(create).await.1, asked()), (made.clone(), 0), "the answer is known");

        let data = &made["data"];
        let id = data["id"].as_str().unwrap();
        *provider.id.lock().unwrap() = Some(CustomerId::parse(id).unwrap());
        let body = with(update_of(data), "/name", json!("Mira Adeyemi"));
        let update = straddle("PUT", format!("customers/{id}")).body(body).key("update-0001");
        let changed = world.ok(update.clone()).await;
        assert_eq!(asked(), questions, "again only when the customer has changed: {renames}");
        assert_eq!(changed["data"]["name"], "Mira Adeyemi");
        assert_eq!((world.ok(update).await, asked()), (changed, 0));
        assert!(world.audit(id).await.intact);
    }
}
