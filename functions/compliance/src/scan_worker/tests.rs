//! Screening runs against a real expression engine and the sample lists.

mod media;

use domain::audit::AuditAction;
use domain::customer::{Customer, Onboarding};
use domain::ids::{CifNumber, CustomerId, EventId, PartnerId};
use domain::scan::{Decision, ScanKind, ScanStatus};
use domain::text::Text;
use jiff::SignedDuration;
use store::Item;

use super::*;
use crate::testing::{World, actor, business, person};

mod accounts;
mod agreeing;

async fn run(app: &App, body: &str) -> Result<Outcome, ScanError> {
    super::run(app, body, 1).await
}

#[tokio::test]
async fn the_triggers_of_the_contract_hit_and_others_do_not() {
    use ScanStatus::{Clear, Failed};
    let world = World::new().await;
    let cases = [
        (person("Bob", "Smith", Some("1953-09-22")), Clear, Clear),
        (person("Vladimir", "Putin", Some("1952-10-07")), Clear, Failed),
        (person("vladimir", "PUTIN", None), Clear, Failed),
        (person("Francisco Javier", "Arellano Félix", Some("1969-12-11")), Failed, Clear),
        (person("Francisco Javier", "Arellano Felix", Some("1969-12-11")), Failed, Clear),
        (person("Francisco Javier", "Arellano Félix", Some("1985-03-06")), Clear, Clear),
        (business("Blue Star Diamond"), Failed, Clear),
        (business("Rivers Tech LLC"), Clear, Clear),
    ];
    for (party, ofac, pep) in cases {
        let name = party.full_name();
        let customer = world.onboard(party).await;
        assert_eq!(run(&world.app, &world.message(&customer)).await.unwrap(), Outcome::Stored);
        let found = world.now(&customer).await;
        assert_eq!((found.ofac.status, found.pep_scan.status), (ofac, pep), "{name}");
        assert_eq!(found.screened_revision, found.subject_revision);
    }
}

#[tokio::test]
async fn every_run_leaves_evidence_with_its_versions_hits_or_none() {
    let world = World::new().await;
    for party in [person("Bob", "Smith", None), person("Vladimir", "Putin", None)] {
        let customer = world.onboard(party).await;
        run(&world.app, &world.message(&customer)).await.unwrap();
    }
    let evidence = world.evidence().await;
    assert_eq!(evidence.len(), 2);
    let hits = |item: &Item| item["pepScan"].as_l().unwrap().len();
    for item in &evidence {
        assert_eq!(item["lists"].as_l().unwrap().len(), 2);
        assert!(store::text(item, "configVersion").is_some());
        assert!(item["threshold"].is_n());
    }
    assert_eq!(evidence.iter().map(hits).sum::<usize>(), 1);
    let hit = evidence.iter().find(|item| hits(item) == 1).unwrap();
    let hit = hit["pepScan"].as_l().unwrap()[0].as_m().unwrap();
    for field in ["name", "matchedName", "score", "explanation", "uid", "contentHash"] {
        assert!(hit.contains_key(field), "{field}");
    }
}

#[tokio::test]
async fn a_message_that_comes_twice_changes_nothing_more() {
    let world = World::new().await;
    let customer = world.onboard(person("Vladimir", "Putin", None)).await;
    let message = world.message(&customer);
    assert_eq!(run(&world.app, &message).await.unwrap(), Outcome::Stored);
    let (before, events) = (world.now(&customer).await, world.events().await);
    assert_eq!(run(&world.app, &message).await.unwrap(), Outcome::Repeated);
    // Another request for the same subject leaves its own evidence, and no event.
    assert_eq!(run(&world.app, &world.message(&customer)).await.unwrap(), Outcome::Stored);
    let after = world.now(&customer).await;
    assert_eq!(
        (before.ofac, before.pep_scan, before.version),
        (after.ofac, after.pep_scan, after.version)
    );
    assert_eq!(world.events().await, events);
    assert_eq!(world.evidence().await.len(), 2);
}

/// A business whose representative is listed later: found by the sweep, without being asked for.
#[tokio::test]
async fn a_representative_who_is_listed_later_moves_the_business() {
    let world = World::new().await;
    let made = world.screened(business("Rivers Tech LLC")).await;
    let enrol = |firm: &mut Customer, now| {
        let representative = domain::enrolment::Representative {
            name: Text::parse("Anatolia Quillson").unwrap(),
            email: None,
            phone: None,
        };
        let enrolment = domain::enrolment::Enrolment {
            representatives: Some(vec![representative]),
            ..domain::enrolment::Enrolment::default()
        };
        let replacement = domain::customer::Replacement {
            party: firm.party.clone(),
            client_identifier: None,
            enrolment,
            primaries: Vec::new(),
            deactivate: false,
        };
        firm.replace(replacement, now).unwrap()
    };
    let firm = world.change(&made, enrol).await;
    world.screen(&firm).await;
    assert_eq!(world.now(&firm).await.pep_scan.status, ScanStatus::Clear);
    let listed = ("Q-1", "Anatolia Quillson", "");
    world.edition(&[listed]).await;
    assert_eq!(world.now(&firm).await.pep_scan.status, ScanStatus::Failed);
    let named = |item: &Item| {
        let hits = item.get("pepScan")?.as_l().ok()?;
        Some(hits.first()?.as_m().ok()?.get("whose")?.as_s().ok()?.clone())
    };
    let evidence = world.evidence().await;
    assert_eq!(evidence.iter().filter_map(named).collect::<Vec<_>>(), ["representative"]);
    world.edition(&[("Q-2", "Dov Eskarin", "")]).await;
    assert_eq!(world.now(&firm).await.pep_scan.status, ScanStatus::Clear);
}

#[tokio::test]
async fn two_workers_at_once_agree() {
    let world = World::new().await;
    let customer = world.onboard(person("Vladimir", "Putin", None)).await;
    let events = world.events().await;
    let (one, two) = (world.message(&customer), world.message(&customer));
    let (one, two) = tokio::join!(run(&world.app, &one), run(&world.app, &two));
    assert_eq!((one.unwrap(), two.unwrap()), (Outcome::Stored, Outcome::Stored));
    assert_eq!(world.events().await, events + 3, "one change of each scan and one of the standing");
}

#[tokio::test]
async fn a_cleared_hit_stays_cleared_until_the_listed_entity_or_the_customer_changes() {
    let world = World::new().await;
    let listed = ("Q-1", "Anatolia Quillson", "");
    world.edition(&[listed]).await;
    let made = world.screened(person("Anatolia", "Quillson", None)).await;
    assert_eq!(made.pep_scan.status, ScanStatus::Failed);
    let clear = |customer: &mut Customer, now| {
        customer.decide(ScanKind::PepScan, Decision::Clear, now).unwrap()
    };
    let status = async || world.now(&made).await.pep_scan.status;

    // Both sides as they were: a screening of its own, a night, an edition that alters others.
    world.change(&made, clear).await;
    world.screen(&made).await;
    assert_eq!(status().await, ScanStatus::Clear);
    world.edition(&[listed, ("Q-2", "Bertil Oxenmark", "role.head")]).await;
    world.screen(&made).await;
    assert_eq!(status().await, ScanStatus::Clear);

    // The entity altered: the sweep past the new edition finds it by itself.
    world.edition(&[("Q-1", "Anatolia Quillson", "role.head")]).await;
    assert_eq!(status().await, ScanStatus::Failed);

    // The customer altered: a birth date, then an address in a country that was not screened before.
    world.change(&made, clear).await;
    world.screen(&made).await;
    assert_eq!(status().await, ScanStatus::Clear);
    let born = person("Anatolia", "Quillson", Some("1980-03-06"));
    let party = |customer: &mut Customer, now| {
        customer.change_party(born, AuditAction::ChangeProfile, now).unwrap()
    };
    world.change(&made, party).await;
    world.screen(&made).await;
    assert_eq!(status().await, ScanStatus::Failed);
    world.change(&made, clear).await;
    world.add_address(&made, "FR").await;
    world.screen(&made).await;
    assert_eq!(status().await, ScanStatus::Failed);
    // Another address in the same country says nothing new.
    world.change(&made, clear).await;
    world.add_address(&made, "FR").await;
    world.screen(&made).await;
    assert_eq!(status().await, ScanStatus::Clear);
}

#[tokio::test]
async fn what_left_the_list_closes_its_case_and_reopens_a_positive_one() {
    let world = World::new().await;
    let listed = ("Q-1", "Anatolia Quillson", "");
    world.edition(&[listed]).await;
    let ana = |born| person("Anatolia", "Quillson", born);
    let failed = world.screened(ana(None)).await;
    let reviewing = world.screened(ana(None)).await;
    let positive = world.screened(ana(None)).await;
    for (customer, decision) in [(&reviewing, Decision::Reviewing), (&positive, Decision::Positive)]
    {
        let decide = |customer: &mut Customer, now| {
            customer.decide(ScanKind::PepScan, decision, now).unwrap()
        };
        world.change(customer, decide).await;
    }
    let (events, evidence) = (world.events().await, world.evidence().await.len());
    world.edition(&[]).await;
    for (customer, status) in [
        (&failed, ScanStatus::Clear),
        (&reviewing, ScanStatus::Clear),
        (&positive, ScanStatus::Reviewing),
    ] {
        assert_eq!(world.now(customer).await.pep_scan.status, status);
        let trail = world.app.customers.audit_trail(world.partner, customer.id).await.unwrap();
        let last = trail.last().unwrap();
        let [scan, bound] = &last.fields[..] else { panic!("the scan, and what it rests on") };
        assert_eq!((last.action, scan.as_str()), (AuditAction::Screen, "pepScan"));
        assert!(bound.starts_with("screening/"), "{bound}");
        let chain = world.app.customers.verify_audit(world.partner, customer.id).await.unwrap();
        assert!(chain.unwrap().is_ok());
    }
    assert_eq!(
        world.events().await,
        events + 6,
        "each change is told, of the scan and of the standing"
    );
    let found = world.evidence().await;
    assert_eq!(found.len(), evidence + 3);
    let withdrawn: Vec<&str> = found
        .iter()
        .filter_map(|item| {
            store::text(item["withdrawn"].as_l().ok()?.first()?.as_m().ok()?, "reason")
        })
        .collect();
    assert_eq!(withdrawn, ["removed"; 3]);
    // The night after brings nothing more.
    for customer in [&failed, &positive] {
        let before = world.now(customer).await;
        world.screen(customer).await;
        assert_eq!(world.now(customer).await, before);
    }
    assert_eq!(world.events().await, events + 6);
}

/// What a machine decided is bound as what a person decided is.
#[tokio::test]
async fn evidence_that_was_altered_breaks_the_audit_chain() {
    let world = World::new().await;
    let customer = world.screened(person("Vladimir", "Putin", None)).await;
    let verified = async || {
        world.app.customers.verify_audit(world.partner, customer.id).await.unwrap().unwrap()
    };
    assert!(verified().await.is_ok());
    let mut item = world.evidence().await.remove(0);
    item.insert(
        "threshold".to_owned(),
        aws_sdk_dynamodb::types::AttributeValue::N("0.9".to_owned()),
    );
    world.app.customers.table().replace(item).await.unwrap();
    assert!(verified().await.is_err());
}

#[tokio::test]
async fn a_screening_for_a_sweep_looks_at_what_is_new() {
    let world = World::new().await;
    let bob = world.screened(person("Bob", "Smith", None)).await;
    let index = world.manifest().await.lists["pep"].index.clone();
    let request: ScanRequest = serde_json::from_str(&world.message(&bob)).unwrap();
    let asked = |delta: &str| {
        let (list, delta) = ("pep".to_owned(), Some(delta.to_owned()));
        let since = Some(crate::Since { list, index: index.clone(), delta });
        serde_json::to_string(&ScanRequest { since, ..request.clone() }).unwrap()
    };
    let delta = world.manifest().await.changes.last().unwrap().delta.clone();
    assert_eq!(run(&world.app, &asked(&delta)).await.unwrap(), Outcome::Unchanged);
    let unknown = run(&world.app, &asked(&"0".repeat(64))).await;
    assert!(matches!(unknown, Err(ScanError::Edition(EditionError::Absent(_)))), "{unknown:?}");
}

#[tokio::test]
async fn a_screening_that_a_sweep_asked_for_in_vain_writes_nothing() {
    let world = World::new().await;
    let bob = world.screened(person("Bob", "Smith", None)).await;
    let index = world.manifest().await.lists["pep"].index.clone();
    let request: ScanRequest = serde_json::from_str(&world.message(&bob)).unwrap();
    let since = Some(crate::Since { list: "pep".to_owned(), index, delta: None });
    let asked = serde_json::to_string(&ScanRequest { since, ..request }).unwrap();
    let before = world.items("").await.len();
    assert_eq!(run(&world.app, &asked).await.unwrap(), Outcome::Unchanged);
    assert_eq!(world.items("").await.len(), before);
    assert_eq!(world.now(&bob).await, bob);
}

#[tokio::test]
async fn an_older_edition_takes_no_hit_away() {
    let world = World::new().await;
    let slow = world.another_worker();
    let made = world.onboard(person("Anatolia", "Quillson", None)).await;
    // The slow worker holds the edition of before; the hit is made with the one after.
    super::run(&slow, &world.message(&world.onboard(person("Bob", "Smith", None)).await), 1)
        .await
        .unwrap();
    world.clock.advance(SignedDuration::from_secs(1));
    world.list(&[("Q-1", "Anatolia Quillson", "")]).await;
    world.refreshed().await;
    world.clock.advance(SignedDuration::from_secs(26));
    world.app.vetter.editions().in_force(world.clock.now()).await.unwrap();
    world.screen(&made).await;
    assert_eq!(world.now(&made).await.pep_scan.status, ScanStatus::Failed);
    super::run(&slow, &world.message(&made), 1).await.unwrap();
    assert_eq!(world.now(&made).await.pep_scan.status, ScanStatus::Failed);
}

#[tokio::test]
async fn a_night_without_news_is_one_piece_of_evidence_for_each_edition() {
    let world = World::new().await;
    let made = world.screened(person("Bob", "Smith", None)).await;
    let count = async || world.evidence().await.len();
    assert_eq!(count().await, 1);
    let mut last = String::new();
    for _ in 0..3 {
        world.clock.advance(SignedDuration::from_hours(24));
        last = world.message(&made);
        assert_eq!(run(&world.app, &last).await.unwrap(), Outcome::Stored);
        assert_eq!(run(&world.app, &last).await.unwrap(), Outcome::Repeated, "the same run");
        assert_eq!(count().await, 2);
    }
    let kept = |item: &Item| store::number(item, "expiresAt").is_some();
    let evidence = world.evidence().await;
    let repeated = evidence.iter().find(|item| kept(item)).unwrap();
    assert_eq!(store::number(repeated, "runs"), Some(3));
    assert!(last.contains(store::text(repeated, "run").unwrap()), "the latest run");
    assert!(!kept(evidence.iter().find(|item| !item.contains_key("runs")).unwrap()));
    // Another edition in force is another thing to have been screened against.
    world.edition(&[("Q-1", "Anatolia Quillson", "")]).await;
    assert_eq!(count().await, 2, "the sweep asks for nobody whom it does not concern");
    world.clock.advance(SignedDuration::from_hours(24));
    world.screen(&made).await;
    assert_eq!(count().await, 3);
    assert_eq!(world.now(&made).await.version, 2, "one screening changed it");
}

#[tokio::test]
async fn a_new_name_is_screened_anew() {
    let world = World::new().await;
    let customer = world.onboard(person("Bob", "Smith", None)).await;
    run(&world.app, &world.message(&customer)).await.unwrap();
    let before = world.now(&customer).await;
    let mut after = before.clone();
    let today = world.clock.now();
    let change = after
        .change_party(person("Vladimir", "Putin", None), AuditAction::ChangeName, today)
        .unwrap();
    world.write(Some(&before), &after, &change).await;
    assert_eq!(world.now(&customer).await.pep_scan.status, ScanStatus::Pending);
    run(&world.app, &world.message(&customer)).await.unwrap();
    assert_eq!(world.now(&customer).await.pep_scan.status, ScanStatus::Failed);
}

#[tokio::test]
async fn unknown_customers_are_done_and_damaged_messages_are_not() {
    let world = World::new().await;
    let customer = world.onboard(person("Bob", "Smith", None)).await;
    let mut unknown = customer.clone();
    unknown.id = CustomerId::new(&*world.clock, &*world.random);
    assert_eq!(run(&world.app, &world.message(&unknown)).await.unwrap(), Outcome::NoCustomer);
    let mut elsewhere = customer;
    elsewhere.partner = PartnerId::parse("11111111-2222-3333-4444-555555555556").unwrap();
    assert_eq!(run(&world.app, &world.message(&elsewhere)).await.unwrap(), Outcome::NoCustomer);
    assert!(matches!(run(&world.app, "{}").await, Err(ScanError::Malformed(_))));
}

/// The same customer with what a partner said beside.
fn enrolled(enrolment: domain::enrolment::Enrolment, world: &World) -> (Customer, Change) {
    let start = Onboarding {
        id: CustomerId::new(&*world.clock, &*world.random),
        partner: world.partner,
        cif: CifNumber::draw(&*world.random),
        party: person("Mira", "Oduya", Some("1988-02-14")),
        client_identifier: None,
        primaries: Vec::new(),
    };
    let (mut customer, mut change) = Customer::onboard(start, world.clock.now());
    customer.enrol(None, enrolment, &mut change);
    (customer, change)
}

impl World {
    async fn reviews(&self, customer: &Customer) -> Vec<serde_json::Value> {
        let reviews = store::reviews::Reviews::new(self.database.customers());
        reviews.history(customer.partner, customer.id).await.unwrap()
    }

    fn to_remember(&self, customer: &Customer) -> String {
        let run = EventId::new(&*self.clock, &*self.random);
        let (partner, customer) = (customer.partner, customer.id);
        let work = Work::Remember;
        serde_json::to_string(&ScanRequest { partner, customer, run, work, since: None }).unwrap()
    }
}

#[tokio::test]
async fn a_due_review_is_made_once_and_a_refresh_adds_another() {
    use domain::enrolment::{Enrolment, Processing, SandboxOutcome};
    use domain::verification::{Standing, Verification};
    let world = World::new().await;
    for (outcome, verification, standing) in [
        (SandboxOutcome::Verified, Verification::Verified, Standing::Verified),
        (SandboxOutcome::Review, Verification::Review, Standing::Review),
        (SandboxOutcome::Rejected, Verification::Rejected, Standing::Rejected),
    ] {
        let enrolment = Enrolment {
            processing: Some(Processing::Background),
            sandbox_outcome: Some(outcome),
            ..Enrolment::default()
        };
        let (customer, change) = enrolled(enrolment, &world);
        assert_eq!(customer.standing(), Standing::Pending);
        world.write(None, &customer, &change).await;
        run(&world.app, &world.message(&customer)).await.unwrap();
        let found = world.now(&customer).await;
        assert_eq!((found.verification, found.standing()), (verification, standing));
        assert_eq!(world.reviews(&customer).await.len(), 1);
        // Another screening is no other review.
        run(&world.app, &world.message(&customer)).await.unwrap();
        assert_eq!(world.reviews(&customer).await.len(), 1);
        let mut asked = found.clone();
        let change = asked.request_review(world.clock.now()).unwrap();
        world.write(Some(&found), &asked, &change).await;
        assert_eq!(world.now(&customer).await.standing(), Standing::Pending);
        run(&world.app, &world.message(&customer)).await.unwrap();
        assert_eq!(world.now(&customer).await.standing(), standing);
        let history = world.reviews(&customer).await;
        assert_eq!(history.len(), 2, "the first one stands");
    }
}

#[tokio::test]
async fn a_skipped_review_is_not_made_and_the_screening_is() {
    use domain::enrolment::{Enrolment, Processing};
    let world = World::new().await;
    let enrolment = Enrolment { processing: Some(Processing::Skip), ..Enrolment::default() };
    let (customer, change) = enrolled(enrolment, &world);
    world.write(None, &customer, &change).await;
    run(&world.app, &world.message(&customer)).await.unwrap();
    let found = world.now(&customer).await;
    assert_eq!(found.verification, domain::verification::Verification::NotAsked);
    assert_eq!(found.ofac.status, ScanStatus::Clear);
    assert!(world.reviews(&customer).await.is_empty());
}

#[tokio::test]
async fn an_erased_customer_is_purged_however_often_it_is_asked() {
    let world = World::new().await;
    let customer = world.onboard(person("Bob", "Smith", Some("1953-09-22"))).await;
    run(&world.app, &world.message(&customer)).await.unwrap();
    assert_eq!(run(&world.app, &world.to_remember(&customer)).await.unwrap(), Outcome::Remembered);
    let found = world.now(&customer).await;
    let actor = actor();
    let erasure =
        store::customers::Erasure { customer: &found, actor: &actor, now: world.clock.now() };
    let transaction = world.app.customers.prepare_erasure(&erasure).await.unwrap();
    transaction.commit(&world.database.customers()).await.unwrap();
    for work in
        [world.to_remember(&customer), world.message(&customer), world.to_remember(&customer)]
    {
        assert_eq!(run(&world.app, &work).await.unwrap(), Outcome::NoCustomer);
    }
    let items = world.database.dump(&world.database.customers()).await;
    let left: Vec<&str> = items
        .iter()
        .filter(|item| store::text(item, "pk").unwrap().ends_with(&customer.id.to_string()))
        .map(|item| store::text(item, "sk").unwrap())
        .collect();
    assert!(left.iter().all(|sk| *sk == "ERASED" || sk.starts_with("AUDIT#")), "{left:?}");
    assert!(
        !items.iter().any(|item| store::text(item, "pk").unwrap().starts_with("NETWORK#")),
        "forgotten"
    );
}
