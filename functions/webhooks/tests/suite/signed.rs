//! The payments platform's events, with customers in their own table: what is sent, how it is signed, and when.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::hmac_sha256;
use domain::audit::{Actor, AuditAction};
use domain::calendar::BirthDate;
use domain::contact::{ContactBody, ContactId, Email};
use domain::customer::{Customer, Onboarding, Party, Person};
use domain::email::EmailAddress;
use domain::enrolment::{Device, Enrolment};
use domain::event::{DomainEvent, EventKind};
use domain::ids::{CifNumber, ClientId, CustomerId, EventId, RegistrationId};
use domain::name::PersonName;
use domain::profile::{CommonProfile, PersonProfile};
use domain::tax::{TaxId, TaxIdType, TaxIdentity};
use domain::text::Text;
use domain::time::Clock as _;
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::customers::{Commit, Erasure};
use store::keys::customer_partition;
use store::webhooks::{Phase, Stage, Status};
use store::{Query, from_item};
use webhooks::fanout;
use webhooks::schedule::Failure;

use crate::common::{DOWN, ONBOARDED, Seen, World, push, request, value};

const CREATED: &str = "customer.created.v1";
const CHANGED: &str = "customer.event.v1";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The registration and its secret, of which the answer that made it is the only one to have.
pub async fn register(world: &World, name: &str) -> (RegistrationId, String) {
    let body = push(name).to_string();
    let reply = world.call("POST", "/webhooks/v1/registrations", &[], &[], &body).await.unwrap();
    let shown = value(&reply);
    let id = RegistrationId::parse(shown["id"].as_str().unwrap()).unwrap();
    (id, shown["signingSecret"].as_str().unwrap().to_owned())
}

/// What the scheme's libraries do, in the words of its specification.
pub fn verifies(seen: &Seen, secret: &str) -> bool {
    let header = |name: &str| seen.headers[name].to_str().unwrap();
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let signed = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp"));
    let signed = [signed.as_bytes(), &seen.raw].concat();
    let expected = format!("v1,{}", STANDARD.encode(hmac_sha256(&key, &signed)));
    header("webhook-signature").split(' ').any(|signature| signature == expected)
}

fn actor() -> Actor {
    Actor {
        client: ClientId::parse("client-1").unwrap(),
        who: "client-1".to_owned(),
        source_ip: None,
        request_id: "r-1".to_owned(),
    }
}

fn name(first: &str) -> PersonName {
    PersonName {
        prefix: None,
        first: Text::parse(first).unwrap(),
        middle: None,
        last: Some(Text::parse("Rivers").unwrap()),
        suffix: None,
        preferred: None,
    }
}

impl World {
    /// A customer in its table, and what the stream says of it gone through fan-out.
    pub async fn take_on(&self) -> CustomerId {
        let worker = &self.dispatcher.worker;
        let tax = TaxId::parse("119988776", TaxIdType::Ssn).unwrap();
        let id = CustomerId::new(&*worker.clock, &*worker.random);
        let email = ContactBody::Email(Email {
            email_type: domain::choices::EmailType::Personal,
            address: EmailAddress::parse(&format!("dana-{id}@example.com")).unwrap(),
        });
        let start = Onboarding {
            id,
            partner: self.caller.partner,
            cif: CifNumber::draw(&*worker.random),
            party: Party::Personal(Person {
                name: name("Dana"),
                profile: PersonProfile {
                    common: CommonProfile {
                        tax: Some(TaxIdentity::new(TaxIdType::Ssn, Some(tax)).unwrap()),
                        ..CommonProfile::default()
                    },
                    birth_date: Some(BirthDate::restore("1980-03-06").unwrap()),
                    ..PersonProfile::default()
                },
                due_diligence: None,
            }),
            client_identifier: Some(Text::parse("u-1001").unwrap()),
            primaries: vec![(ContactId::new(email.kind(), &*worker.clock, &*worker.random), email)],
        };
        let (mut customer, mut change) = Customer::onboard(start, self.clock.now());
        let device = Some(Device::parse("203.0.113.9").unwrap());
        customer.enrol(None, Enrolment { device, ..Enrolment::default() }, &mut change);
        self.commit(None, &customer, &change).await;
        customer.id
    }

    async fn commit(
        &self,
        before: Option<&Customer>,
        after: &Customer,
        change: &domain::customer::Change,
    ) {
        let (now, actor) = (self.clock.now(), actor());
        let commit =
            Commit { before, after, change, actor: &actor, now, owner: None, evidence: Vec::new() };
        self.customers.commit(commit).await.unwrap();
        for event in self.events_of(after.id).await {
            fanout::announce_event(&self.dispatcher.worker, &event).await.unwrap();
        }
    }

    /// Every event of a customer; fan-out gets the earlier ones again, as a stream would bring them.
    async fn events_of(&self, customer: CustomerId) -> Vec<DomainEvent> {
        let partition = customer_partition(self.caller.partner, customer);
        let query = Query::partition(partition).beginning("EVENT#");
        let items = self.customers.table().query_all(&query).await.unwrap();
        items.into_iter().map(|item| from_item(item).unwrap()).collect()
    }

    async fn rename(&self, id: CustomerId, first: &str) {
        let before = self.customers.get(self.caller.partner, id).await.unwrap().unwrap();
        let mut after = before.clone();
        let Party::Personal(mut person) = before.party.clone() else { panic!("a company") };
        person.name = name(first);
        let change = after
            .change_party(Party::Personal(person), AuditAction::ChangeName, self.clock.now())
            .unwrap();
        self.commit(Some(&before), &after, &change).await;
    }

    async fn erase(&self, id: CustomerId) {
        let customer = self.customers.get(self.caller.partner, id).await.unwrap().unwrap();
        let actor = actor();
        let erasure = Erasure { customer: &customer, actor: &actor, now: self.clock.now() };
        let transaction = self.customers.prepare_erasure(&erasure).await.unwrap();
        transaction.commit(self.customers.table()).await.unwrap();
        for event in self.events_of(id).await {
            fanout::announce_event(&self.dispatcher.worker, &event).await.unwrap();
        }
    }

    fn last_id(&self) -> EventId {
        let seen = self.receiver.seen();
        EventId::parse(seen.last().unwrap().body["event_id"].as_str().unwrap()).unwrap()
    }
}

#[tokio::test]
async fn a_new_customer_arrives_in_the_contract_s_envelope_signed_and_masked() {
    let world = World::new();
    let (_, secret) = register(&world, CREATED).await;
    let customer = world.take_on().await;
    world.run_for(HOUR).await;
    let seen = world.receiver.seen();
    assert_eq!(seen.len(), 1);
    let body = &seen[0].body;
    assert_eq!(body["event_type"], CREATED);
    assert_eq!(body["account_id"], world.caller.partner.to_string());
    assert_eq!(body.as_object().unwrap().len(), 4);
    let data = body["data"].as_object().unwrap();
    assert_eq!(data["id"], customer.to_string());
    assert_eq!((&data["name"], &data["external_id"]), (&json!("Dana Rivers"), &json!("u-1001")));
    assert_eq!(
        (&data["type"], &data["email"]),
        (&json!("individual"), &json!(format!("dana-{customer}@example.com")))
    );
    assert_eq!(data["device"], json!({ "ip_address": "**.**.**.**" }));
    assert_eq!(
        data["compliance_profile"],
        json!({ "dob": "****-**-**", "ssn": "***-**-****", "ein": null, "legal_business_name": null, "website": null })
    );
    assert!(!data.contains_key("config"));
    let text = String::from_utf8(seen[0].raw.clone()).unwrap();
    for clear in ["119988776", "119-98", "1980-03-06", "203.0.113.9"] {
        assert!(!text.contains(clear), "{clear}");
    }
    assert_eq!(seen[0].headers["webhook-id"], body["event_id"].as_str().unwrap());
    assert_eq!(seen[0].headers["webhook-timestamp"], seen[0].at.as_second().to_string());
    assert!(verifies(&seen[0], &secret));
    assert!(!verifies(
        &Seen { raw: [&seen[0].raw[..], b" "].concat(), ..seen[0].clone() },
        &secret
    ));
    assert_eq!(seen[0].deadline.as_secs(), 15);

    let stored = format!("{:?}", world.database.dump(world.webhooks.table()).await);
    for clear in ["dana-", "Rivers", &secret, secret.strip_prefix("whsec_").unwrap()] {
        assert!(
            !stored.contains(clear),
            "a webhook table holds no personal data and no clear secret"
        );
    }
    let shown = world
        .call(
            "GET",
            "/webhooks/v1/events/{eventId}",
            &[("eventId", &world.last_id().to_string())],
            &[],
            "",
        )
        .await;
    let shown = value(&shown.unwrap());
    assert_eq!(shown["resources"], json!([format!("v1/customers/{customer}")]));
    assert_eq!(shown["status"], "Success");
}

#[tokio::test]
async fn a_change_is_told_once_however_many_events_it_is_made_of() {
    let world = World::new();
    register(&world, CREATED).await;
    register(&world, CHANGED).await;
    world.register(push(ONBOARDED)).await;
    let customer = world.take_on().await;
    world.run_for(HOUR).await;
    let names = |world: &World| -> Vec<String> {
        let name = |seen: Seen| {
            seen.body["event_type"].as_str().or(seen.body["eventName"].as_str()).unwrap().to_owned()
        };
        let mut names: Vec<_> = world.receiver.seen().into_iter().map(name).collect();
        names.sort();
        names
    };
    assert_eq!(names(&world), [ONBOARDED, CREATED, CHANGED]);
    world.rename(customer, "Dana Anne").await;
    world.run_for(HOUR).await;
    assert_eq!(names(&world), [ONBOARDED, CREATED, CHANGED, CHANGED]);
    assert_eq!(world.receiver.seen()[3].body["data"]["name"], "Dana Anne Rivers");
    // A second event of the transaction that renamed: another id and kind, the same moment.
    let renamed = world.events_of(customer).await.into_iter().max_by_key(|event| event.occurred_at);
    let mut second = renamed.unwrap();
    second.id = world.domain_event(EventKind::ReviewRequested).id;
    second.kind = EventKind::ReviewRequested;
    fanout::announce_event(&world.dispatcher.worker, &second).await.unwrap();
    world.run_for(HOUR).await;
    assert_eq!(world.receiver.seen().len(), 4, "the change is told already");
    let ids: std::collections::BTreeSet<_> = world.receiver.seen()[..]
        .iter()
        .filter_map(|seen| seen.body["event_id"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(ids.len(), 3, "each event of a change has an id of its own");
}

#[tokio::test]
async fn a_retry_has_the_same_id_a_new_time_and_the_customer_as_it_is_now() {
    let world = World::new();
    let (_, secret) = register(&world, CREATED).await;
    world.receiver.script(&[Err(Failure::Redirect(302))], Ok(200));
    let customer = world.take_on().await;
    world.drain().await;
    world.rename(customer, "Danielle").await;
    world.run_for(HOUR).await;
    let seen = world.receiver.seen();
    assert_eq!(seen.len(), 2, "a redirect is a failure");
    assert_eq!(seen[0].headers["webhook-id"], seen[1].headers["webhook-id"]);
    assert_ne!(seen[0].headers["webhook-timestamp"], seen[1].headers["webhook-timestamp"]);
    assert_eq!(seen[1].body["data"]["name"], "Danielle Rivers");
    assert!(seen.iter().all(|seen| verifies(seen, &secret)));
}

#[tokio::test]
async fn nothing_of_an_erased_customer_is_sent() {
    let world = World::new();
    register(&world, CHANGED).await;
    world.receiver.always(DOWN);
    let customer = world.take_on().await;
    world.drain().await;
    let id = world.last_id();
    world.erase(customer).await;
    world.receiver.always(Ok(200));
    world.run_for(HOUR).await;
    assert_eq!(world.receiver.seen().len(), 1, "only the try before the erasure");
    let delivery = world.delivery(id).await;
    assert_eq!(
        (delivery.stage, delivery.status, delivery.attempts.len()),
        (Stage::Settled, Status::Failed, 1)
    );
    world.run_for(HOUR * 30).await;
    assert_eq!(world.receiver.seen().len(), 1);
}

#[tokio::test]
async fn eight_tries_over_a_day_cost_the_event_and_not_the_registration() {
    let world = World::new();
    let (registration, secret) = register(&world, CREATED).await;
    world.receiver.always(DOWN);
    world.take_on().await;
    world.run_for(HOUR * 40).await;
    let seen = world.receiver.seen();
    assert_eq!(seen.len(), 8);
    let waits = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
    for (pair, wait) in seen.windows(2).zip(waits) {
        let gap = pair[1].at.duration_since(pair[0].at).as_secs();
        // A tenth for the jitter; the sweep, which carries the long waits, comes once a minute.
        assert!(gap >= wait && gap <= wait + wait / 10 + 121, "{gap} for {wait}");
    }
    let id = world.last_id();
    let delivery = world.delivery(id).await;
    assert_eq!((delivery.stage, delivery.status), (Stage::Settled, Status::Failed));
    assert_eq!(world.registration(registration).await.phase, Phase::Active);

    world.receiver.always(Ok(200));
    let path = [("eventId", id.to_string())];
    let path: Vec<_> = path.iter().map(|(name, id)| (*name, id.as_str())).collect();
    world.call("POST", "/webhooks/v1/events/{eventId}/resend", &path, &[], "").await.unwrap();
    world.run_for(HOUR).await;
    let resent = world.receiver.seen().pop().unwrap();
    assert_eq!(resent.headers["webhook-id"], id.to_string(), "the same id when it is sent again");
    assert!(verifies(&resent, &secret));
    assert_eq!(world.delivery(id).await.status, Status::Success);
    assert_eq!(
        world.registration(registration).await.failing(),
        None,
        "one success makes all good"
    );
}

#[tokio::test]
async fn a_receiver_that_fails_for_five_days_is_suspended_and_nothing_is_lost() {
    let world = World::new();
    let (registration, _) = register(&world, CREATED).await;
    world.receiver.always(DOWN);
    let mut hours = 0;
    while world.registration(registration).await.phase == Phase::Active {
        world.take_on().await;
        world.run_for(HOUR * 12).await;
        hours += 12;
        assert!(hours <= 6 * 24, "still active after {hours} hours");
    }
    assert!(hours >= 5 * 24, "suspended after {hours} hours");
    let tried = world.receiver.seen().len();
    world.take_on().await;
    world.run_for(HOUR * 30).await;
    assert_eq!(world.receiver.seen().len(), tried, "while suspended nothing is tried");

    world.receiver.always(Ok(200));
    world.restart(registration).await;
    world.run_for(HOUR).await;
    let delivered = world.receiver.seen().len() - tried;
    assert!(delivered >= 2, "what was held follows: {delivered}");
    assert_eq!(world.registration(registration).await.phase, Phase::Active);
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_suspended_at_once() {
    let world = World::new();
    let (registration, _) = register(&world, CREATED).await;
    world.receiver.always(Err(Failure::Status(410)));
    world.take_on().await;
    world.drain().await;
    assert_eq!(world.registration(registration).await.phase, Phase::Suspended);
}

#[tokio::test]
async fn a_ping_is_signed_and_about_nobody() {
    let world = World::new();
    let (registration, secret) = register(&world, CHANGED).await;
    let path = [("registrationId", registration.to_string())];
    let path: Vec<_> = path.iter().map(|(name, id)| (*name, id.as_str())).collect();
    let ping = "/webhooks/v1/registrations/{registrationId}/ping";
    world.send(&request("PUT", ping, &path, &[], "", None)).await.unwrap();
    world.drain().await;
    let seen = world.receiver.seen();
    assert_eq!(seen[0].body["event_type"], "webhook.ping.v1");
    assert_eq!(seen[0].body["data"], json!({ "registration_id": registration.to_string() }));
    assert!(verifies(&seen[0], &secret));
}

#[tokio::test]
async fn the_onboarding_contract_s_deliveries_are_as_they_were() {
    let world = World::new();
    world.register(push(ONBOARDED)).await;
    world.take_on().await;
    world.run_for(HOUR).await;
    let seen = world.receiver.seen();
    assert_eq!((seen.len(), seen[0].headers.len(), seen[0].deadline.as_secs()), (1, 0, 10));
    assert_eq!(seen[0].body.get("data"), None::<&Value>);
}
