//! What editions that come out later add to the history of reviews.

use super::*;

/// A customer as a screening of the night leaves it.
pub(super) fn after_screening(customer: &Customer, found: &Findings, now: Timestamp) -> Customer {
    let mut after = customer.clone();
    let revision = after.subject_revision;
    let media = found.adverse_media.as_ref();
    let _change = after.screened(revision, &found.ofac, &found.pep_scan, media, now).unwrap();
    after
}

#[tokio::test]
async fn a_list_that_names_somebody_new_adds_to_the_history() {
    let world = World::new();
    let made = world.taken_on(EXPOSED, None, "no list of exposed persons").await;
    let now = world.clock.now();
    let rescreened = async |customer: &Customer, lists: &str| {
        let found = screen_customer(customer, &[], &set(lists), world.vetter.config());
        let after = after_screening(customer, &found, now);
        world
            .vetter
            .rescreened(&after, &found, (&set(lists), &world.vetter.latest(&after)), now)
            .await
            .unwrap()
    };
    let again = rescreened(&made, "no list of exposed persons").await;
    assert!(again.is_none(), "nothing new");
    let listed = rescreened(&made, "both").await.unwrap();
    assert_eq!(
        (listed.number, listed.cause, listed.decision),
        (2, Cause::Listed, Decision::Review)
    );
    let (unknown, _) = world.person("Nobody Known", None);
    assert!(rescreened(&unknown, "both").await.is_none());
}

/// The case is closed with the entry, and the history says so.
#[tokio::test]
async fn a_list_that_withdraws_a_match_adds_to_the_history() {
    let world = World::new();
    let made = world.taken_on(EXPOSED, None, "both").await;
    assert_eq!(world.history(&made).await[0].decision, Decision::Review);
    let entities = vec![Entity::new("2", EntityType::Person, "Somebody Else")];
    let info = ListInfo::new("peps", "peps", Topic::Pep);
    let bytes = compile(&[ListEdition { info, entities }]).unwrap();
    let sanctions = list("ofac-sdn", Topic::Sanctions, SANCTIONED);
    let lists = EditionSet::of(vec![sanctions, Index::from_bytes(bytes).unwrap()]);
    let found = screen_customer(&made, &[], &lists, world.vetter.config());
    assert!(found.withdraws());
    let now = world.clock.now();
    let after = after_screening(&made, &found, now);
    let left = world
        .vetter
        .rescreened(&after, &found, (&lists, &world.vetter.latest(&after)), now)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((left.number, left.cause, left.decision), (2, Cause::Withdrawn, Decision::Accept));
    // What a person has said of it stands.
    let mut transaction = Transaction::new();
    let table = world.customers.table();
    add_decision(table, &mut transaction, &made, Some(Verdict::Rejected), "client-1", now)
        .await
        .unwrap();
    transaction.commit(table).await.unwrap();
    let mut rejected = made.clone();
    rejected.decide_standing(Verdict::Rejected, now).unwrap();
    let after = after_screening(&rejected, &found, now);
    assert!(
        world
            .vetter
            .rescreened(&after, &found, (&lists, &world.vetter.latest(&after)), now)
            .await
            .unwrap()
            .is_none()
    );
}
