//! Customers that a release without reviews, accounts and sorted lists has stored: they are read as they are, and get all
//! of it with their next change.

use domain::choices::Classification;
use domain::scan::ScanStatus;
use domain::verification::{Standing, Verification};
use serde_json::json;

use super::*;
use crate::{Expression, from_item, to_item};

const ID: &str = "0190b2c4-0000-7000-8000-000000000001";

/// A customer's item, attribute for attribute as that release wrote it.
fn stored(partner: PartnerId) -> Item {
    let item = json!({
        "pk": format!("P#{partner}#C#{ID}"),
        "sk": "CUSTOMER",
        "id": ID,
        "partner": partner.to_string(),
        "cif": "30000000017",
        "classification": "Personal",
        "person": {
            "first": "Ada", "middle": "May", "last": "Winter", "regO": false, "politicallyExposed": false,
            "birthDate": "1980-03-06",
        },
        "common": { "citizenship": "US", "backupWithholding": false, "riskRating": "Low" },
        "clientIdentifier": "crm-7",
        "status": "Active",
        "ofac": "Clear",
        "pepScan": "Clear",
        "ofacHits": {},
        "pepScanHits": {},
        "createdAt": "2025-11-02T08:00:00Z",
        "modifiedAt": "2025-11-03T09:00:00.5Z",
        "version": 3,
        "subjectRevision": 2,
        "screenedRevision": 2,
        "auditSeq": 3,
        "auditHash": "ab".repeat(32),
        "contacts": {
            "Email": { "count": 1, "primary": {
                "id": "0190b2c4-0000-7000-8000-00000000000e", "kind": "Email", "isPrimary": true,
                "email": { "emailType": "Work", "address": "ada@example.com" },
            } },
        },
        "listPk": format!("P#{partner}"),
        "listSk": format!("1762070400000#{ID}"),
    });
    to_item(&item).unwrap()
}

/// A world with such a customer, its rows and another customer, whose keys open everything.
async fn world() -> (World, CustomerId) {
    let world = World::new();
    world.onboard(full_person(), Vec::new()).await.unwrap();
    let (id, table) = (CustomerId::parse(ID).unwrap(), world.customers.table());
    let item = stored(world.partner);
    table.put(item.clone(), Expression::absent()).await.unwrap();
    let cif = CifNumber::parse("30000000017").unwrap();
    let row = super::super::find::cif_item(cif, world.partner, id);
    table.put(row, Expression::absent()).await.unwrap();
    let keys = world.customers.ring().keys(world.partner.into()).await.unwrap();
    let customer = super::super::record::read_customer(item, &keys).unwrap();
    for (term, value) in super::super::find::stored_lookups(&customer, &keys) {
        let row = crate::keys::LookupKey::new(world.partner, term, value, id);
        table.put(super::super::find::lookup_item(&row), Expression::absent()).await.unwrap();
    }
    (world, id)
}

async fn named(world: &World, order: SortBy) -> (Vec<String>, u64) {
    let order = ListingOrder { by: order, descending: false };
    let filter = SummaryFilter::default();
    let now = world.clock.now();
    let listed = world.customers.summaries(world.partner, &filter, order, (1, 10), None, now).await;
    let listed = listed.unwrap();
    (listed.results.into_iter().map(|row| row.name).collect(), listed.total)
}

async fn found(world: &World, email: &str) -> usize {
    world.customers.find(world.partner, Term::Email(email)).await.unwrap().len()
}

async fn counted(world: &World, standing: Standing) -> u64 {
    let personal = [Classification::Personal];
    world.customers.count(world.partner, None, &personal, &[standing]).await.unwrap()
}

/// So that what is tested here is that release's item and not an invention.
#[tokio::test]
async fn todays_item_has_these_attributes_and_four_more() {
    let world = World::new();
    let mut primaries = bodies(CustomerId::new(&*world.clock, &*world.random));
    primaries.retain(|body| body.kind() == ContactKind::Email);
    let today = world.onboard(full_person(), primaries).await.unwrap();
    let key = CustomerKey::new(world.partner, today.id);
    let mut item = world.customers.table().get(&key).await.unwrap().unwrap();
    for new in ["verification", "standing", "nameSk", "summary"] {
        assert!(item.remove(new).is_some(), "{new}");
    }
    let earlier: serde_json::Value = from_item(stored(world.partner)).unwrap();
    let today: serde_json::Value = from_item(item).unwrap();
    let names = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(names(&today), names(&earlier));
    for part in ["person", "common"] {
        assert!(names(&earlier[part]).iter().all(|name| names(&today[part]).contains(name)));
    }
    let email = |value: &serde_json::Value| names(&value["contacts"]["Email"]["primary"]);
    assert_eq!(email(&today), email(&earlier));
}

#[tokio::test]
async fn it_is_read_as_one_whose_review_is_due() {
    let (world, id) = world().await;
    let ada = world.customers.get(world.partner, id).await.unwrap().unwrap();
    assert_eq!(ada.party.full_name(), "Ada May Winter");
    assert_eq!((ada.ofac.status, ada.version), (ScanStatus::Clear, 3));
    assert_eq!(ada.adverse_media, domain::scan::Scan::clear());
    assert_eq!((ada.verification, ada.standing()), (Verification::Pending, Standing::Pending));
    assert_eq!((ada.account, ada.enrolment.is_none(), ada.is_listed), (None, true, false));
    // The onboarding contract finds and lists it as ever.
    let own = world.customers.find(world.partner, Term::ClientIdentifier("crm-7")).await.unwrap();
    assert_eq!(own, [id]);
    let (filter, now) = (ListFilter::default(), world.clock.now());
    let page = world.customers.list(world.partner, &filter, 1, 10, now).await.unwrap();
    assert_eq!(page.results.iter().filter(|customer| customer.id == id).count(), 1);
}

#[tokio::test]
async fn the_sorted_lists_and_their_totals_have_it_from_its_next_change_on() {
    let (world, id) = world().await;
    for order in [SortBy::Name, SortBy::CreatedAt] {
        assert_eq!(named(&world, order).await, (vec!["Dana Q Rivers Jr.".to_owned()], 1));
    }
    assert_eq!(
        (found(&world, "ada@example.com").await, counted(&world, Standing::Pending).await),
        (0, 1)
    );

    let before = world.customers.get(world.partner, id).await.unwrap().unwrap();
    let (mut after, now) = (before.clone(), world.clock.now());
    let change = after.change_cif(CifNumber::parse("30000000025").unwrap(), now).unwrap();
    commit(&world, &before, &after, &change).await.unwrap();
    let changed = world.customers.get(world.partner, id).await.unwrap().unwrap();
    assert!(changed.is_listed);
    assert_eq!(changed.verification, Verification::Pending);
    for order in [SortBy::Name, SortBy::CreatedAt] {
        let (names, total) = named(&world, order).await;
        assert_eq!((names.len(), total, names[0].as_str()), (2, 2, "Ada May Winter"), "{order:?}");
    }
    assert_eq!(
        (found(&world, "ada@example.com").await, counted(&world, Standing::Pending).await),
        (1, 2)
    );

    // From here on it is like any other.
    let mut gone = changed.clone();
    let change = gone.deactivate(now);
    commit(&world, &changed, &gone, &change).await.unwrap();
    assert_eq!(counted(&world, Standing::Pending).await, 1);
    assert_eq!(counted(&world, Standing::Inactive).await, 1);
}

#[tokio::test]
async fn its_first_change_may_be_any() {
    // Another e-mail address: there is no old row to take away.
    let (world, id) = world().await;
    let before = world.customers.get(world.partner, id).await.unwrap().unwrap();
    let (mut after, now) = (before.clone(), world.clock.now());
    let contact = before.primary(ContactKind::Email).unwrap().clone();
    let body = ContactBody::Email(Email {
        email_type: EmailType::Work,
        address: EmailAddress::parse("winter@example.com").unwrap(),
    });
    let mut change = after.change_contact(&contact, body, Some(true), &[], now).unwrap();
    // The sub-resource's own item is not part of this world.
    change.contacts.clear();
    commit(&world, &before, &after, &change).await.unwrap();
    assert_eq!(
        (found(&world, "winter@example.com").await, found(&world, "ada@example.com").await),
        (1, 0)
    );

    // Its erasure: it stands in no counter.
    let (world, id) = self::world().await;
    let customer = world.customers.get(world.partner, id).await.unwrap().unwrap();
    let erasure = Erasure { customer: &customer, actor: &actor(), now: world.clock.now() };
    let transaction = world.customers.prepare_erasure(&erasure).await.unwrap();
    transaction.commit(world.customers.table()).await.unwrap();
    assert!(world.customers.get(world.partner, id).await.unwrap().is_none());
    assert_eq!(counted(&world, Standing::Pending).await, 1);
}

async fn commit(
    world: &World,
    before: &Customer,
    after: &Customer,
    change: &domain::customer::Change,
) -> Result<(), CommitRefused> {
    let commit = Commit {
        before: Some(before),
        after,
        change,
        actor: &actor(),
        now: world.clock.now(),
        owner: None,
        evidence: Vec::new(),
    };
    world.customers.commit(commit).await
}
