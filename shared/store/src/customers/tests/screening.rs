//! What screening reads and leaves behind.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::EventId;
use domain::scan::{Decision, Finding, Fingerprint, ListedEntity, Scan, ScanKind, ScanStatus};

use super::*;
use crate::{Query, number, text as attribute};

fn finding(hits: &[&str]) -> Finding {
    let print = Fingerprint::parse("0123456789abcdef").unwrap();
    let hits = hits.iter().map(|uid| (ListedEntity::new("sdn", uid), print.clone())).collect();
    Finding { is_searched: true, subject: print, hits, withdrawn: BTreeSet::new() }
}

impl World {
    async fn change(
        &self,
        id: CustomerId,
        step: impl FnOnce(&mut Customer, jiff::Timestamp) -> domain::customer::Change,
    ) -> Customer {
        let before = self.customers.get(self.partner, id).await.unwrap().unwrap();
        let (mut after, now) = (before.clone(), self.clock.now());
        let change = step(&mut after, now);
        let commit = Commit {
            before: Some(&before),
            after: &after,
            change: &change,
            actor: &actor(),
            now,
            owner: None,
            evidence: Vec::new(),
        };
        self.customers.commit(commit).await.unwrap();
        self.customers.get(self.partner, id).await.unwrap().unwrap()
    }

    async fn screen(&self, id: CustomerId, hits: &[&str]) -> Customer {
        let step = |customer: &mut Customer, now| {
            let revision = customer.subject_revision;
            customer.screened(revision, &finding(hits), &finding(&[]), None, now).unwrap()
        };
        self.change(id, step).await
    }

    async fn watched(&self) -> BTreeMap<CustomerId, Watched> {
        let page = self.customers.table().walk(BY_PARTNER, (0, 1), None, 100).await.unwrap();
        let read = |item: Item| {
            let (_, id) = Watched::ids_of(&item).unwrap();
            (id, Watched::read(item).unwrap())
        };
        page.items.into_iter().map(read).collect()
    }
}

/// What adverse media say is read and watched where it is kept, and of whoever has a review.
#[tokio::test]
async fn what_adverse_media_say_is_kept_while_there_is_anything() {
    use domain::verification::Verification;
    let world = World::new();
    let dana = world.onboard(full_person(), Vec::new()).await.unwrap();
    let attributes = async || {
        let page = world.customers.table().walk(BY_PARTNER, (0, 1), None, 100).await.unwrap();
        page.items[0].contains_key("adverseMedia")
    };
    assert!(!attributes().await);
    assert_eq!(world.watched().await[&dana.id].adverse_media, Some(Scan::clear()));
    let step = |customer: &mut Customer, now| {
        customer.screened(1, &finding(&[]), &finding(&[]), Some(&finding(&["1"])), now).unwrap()
    };
    let dana = world.change(dana.id, step).await;
    assert!(attributes().await);
    assert_eq!(dana.adverse_media.status, ScanStatus::Failed);
    assert_eq!(world.watched().await[&dana.id].adverse_media.as_ref(), Some(&dana.adverse_media));
    let unasked = |customer: &mut Customer, now| {
        customer.verification = Verification::NotAsked;
        customer.change_cif(CifNumber::parse("30000000025").unwrap(), now).unwrap()
    };
    let unasked = world.change(dana.id, unasked).await;
    assert_eq!(world.watched().await[&dana.id].adverse_media, None);
    assert_eq!(unasked.adverse_media, dana.adverse_media, "kept for another review");
}

#[tokio::test]
async fn what_is_watched_is_what_the_customer_is() {
    let world = World::new();
    let owner = CustomerId::new(&*world.clock, &*world.random);
    let mut primaries = bodies(owner);
    primaries.pop();
    let dana = world.onboard(full_person(), primaries).await.unwrap();
    let firm = world.onboard(full_business(dana.id), Vec::new()).await.unwrap();
    let dana = world.screen(dana.id, &["1"]).await;
    let watched = world.watched().await;
    for customer in [&dana, &firm] {
        let seen = &watched[&customer.id];
        assert_eq!(seen.name, customer.party.full_name());
        assert_eq!((&seen.ofac, &seen.pep_scan), (&customer.ofac, &customer.pep_scan));
        assert_eq!(seen.was_screened, customer.was_screened());
        assert_eq!(seen.classification, customer.party.classification());
        assert!(seen.is_complete());
    }
    assert_eq!(watched[&dana.id].birth_date.as_deref(), Some("1980-03-06"));
    assert_eq!(watched[&dana.id].countries, BTreeSet::from(["US".to_owned()]));
    assert_eq!(watched[&firm.id].birth_date, None);
    assert_eq!(
        (&watched[&firm.id].legal_name, &watched[&firm.id].representatives[..]),
        (&None, &[][..])
    );
    let enrol = |firm: &mut Customer, _| {
        let representative = domain::enrolment::Representative {
            name: Text::parse("Ann Harbor").unwrap(),
            email: None,
            phone: None,
        };
        let said = domain::enrolment::Enrolment {
            legal_name: Some(Text::parse("Harbor Holding").unwrap()),
            representatives: Some(vec![representative]),
            ..domain::enrolment::Enrolment::default()
        };
        let primaries = Vec::new();
        let replacement = domain::customer::Replacement {
            party: firm.party.clone(),
            client_identifier: firm.client_identifier.clone(),
            enrolment: said,
            primaries,
            deactivate: false,
        };
        let revision = firm.subject_revision;
        let change = firm.replace(replacement, world.clock.now()).unwrap();
        assert_eq!(firm.subject_revision, revision + 1, "who is behind it is screened");
        assert!(change.events.iter().any(domain::event::EventKind::needs_screening));
        change
    };
    world.change(firm.id, enrol).await;
    let seen = &world.watched().await[&firm.id];
    assert_eq!(seen.legal_name.as_deref(), Some("Harbor Holding"));
    assert_eq!(seen.representatives, ["Ann Harbor"]);
    // A second address may be in another country: the item does not say.
    let id = ContactId::new(ContactKind::Address, &*world.clock, &*world.random);
    let body = bodies(owner).remove(0);
    world.change(dana.id, |dana, now| dana.add_contact(id, body, false, &[], now).unwrap()).await;
    assert!(!world.watched().await[&dana.id].is_complete());
    assert!(!format!("{:?}", watched[&dana.id]).contains("Dana"));
}

#[tokio::test]
async fn cases_are_found_by_one_query_however_many_customers_there_are() {
    let world = World::new();
    let mut made = Vec::new();
    for _ in 0..40 {
        made.push(world.onboard(full_business_alone(), Vec::new()).await.unwrap().id);
        world.screen(made[made.len() - 1], &[]).await;
    }
    world.screen(made[7], &["1"]).await;
    world.screen(made[21], &["1"]).await;
    let positive = |customer: &mut Customer, now| {
        customer.decide(ScanKind::Ofac, Decision::Positive, now).unwrap()
    };
    world.change(made[21], positive).await;
    let list = async |ofac| {
        let filter = ListFilter { ofac: Some(ofac), ..ListFilter::default() };
        let now = world.clock.now();
        let page = world.customers.list(world.partner, &filter, 1, 25, now).await.unwrap();
        page.results.into_iter().map(|customer| customer.id).collect::<Vec<_>>()
    };
    let meter = world.customers.table().meter();
    meter.take();
    assert_eq!(list(ScanStatus::Failed).await, [made[7]]);
    let cost = meter.take();
    assert_eq!(cost.round_trips, 1);
    assert_eq!(list(ScanStatus::Positive).await, [made[21]]);
    assert_eq!(list(ScanStatus::Clear).await.len(), 25);
    meter.take();
    assert_eq!(list(ScanStatus::Reviewing).await, []);
    assert!(meter.take().capacity_units < 2.0, "nothing else was read");
    // A closed case leaves the index.
    let clear = |customer: &mut Customer, now| {
        customer.decide(ScanKind::Ofac, Decision::Clear, now).unwrap()
    };
    world.change(made[7], clear).await;
    assert_eq!(list(ScanStatus::Failed).await, []);
}

fn full_business_alone() -> Party {
    let Party::Business(mut business) = full_business(CustomerId::from(uuid::Uuid::nil())) else {
        panic!("a company")
    };
    business.profile.primary_owner = None;
    Party::Business(business)
}

#[tokio::test]
async fn evidence_that_repeats_is_one_item_that_counts() {
    #[derive(serde::Serialize)]
    struct Record {
        run: String,
        ofac: Vec<String>,
    }
    let world = World::new();
    let dana = world.onboard(full_person(), Vec::new()).await.unwrap();
    let ids = (world.partner, dana.id);
    let record = async |run: EventId, digest: &str| {
        let record = Record { run: run.to_string(), ofac: Vec::new() };
        let now = world.clock.now();
        world.customers.repeat_evidence(ids, digest, run, &record, now).await.unwrap()
    };
    let night = || EventId::new(&*world.clock, &*world.random);
    let (one, two) = (night(), night());
    assert!(record(one, "a").await);
    assert!(!record(one, "a").await, "the same run again");
    world.clock.advance(jiff::SignedDuration::from_hours(24));
    assert!(record(two, "a").await);
    assert!(record(two, "b").await, "another answer is another piece of evidence");
    let pk = crate::keys::customer_partition(ids.0, ids.1);
    let query = Query::partition(pk).beginning("SCREENING#");
    let items = world.customers.table().query_all(&query).await.unwrap();
    let seen: Vec<_> = items
        .iter()
        .map(|item| (attribute(item, "sk").unwrap(), number(item, "runs").unwrap()))
        .collect();
    assert_eq!(seen, [("SCREENING#SAME#a", 2), ("SCREENING#SAME#b", 1)]);
    assert_eq!(attribute(&items[0], "run"), Some(two.to_string().as_str()));
    assert_eq!(attribute(&items[0], "firstScreenedAt"), Some("2026-01-25T22:55:24.442258Z"));
    let kept = number(&items[0], "expiresAt").unwrap() - world.clock.now().as_second();
    assert_eq!(kept, 3_653 * 86_400, "ten years");
    assert!(!world.customers.has_run(ids.0, ids.1, one).await.unwrap());
    let item = evidence(ids.0, ids.1, one, &Record { run: one.to_string(), ofac: vec![] }).unwrap();
    assert!(!item.contains_key("expiresAt"), "a change is kept for ever");
    world.customers.table().put(item, crate::Expression::absent()).await.unwrap();
    assert!(world.customers.has_run(ids.0, ids.1, one).await.unwrap());
}
