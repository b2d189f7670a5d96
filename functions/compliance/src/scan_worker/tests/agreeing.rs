//! What the nights make of a customer, its history of reviews says as well.

use domain::verification::{Standing, Verdict};

use super::*;

/// Status and decision of the latest review, and how many matches it shows; the first two agree.
async fn agreed(world: &World, customer: &Customer) -> (Standing, usize) {
    let standing = world.now(customer).await.standing();
    let history = world.reviews(customer).await;
    let latest = history.iter().max_by_key(|review| review["number"].as_u64()).unwrap();
    let decision = match standing {
        Standing::Verified => "accept",
        Standing::Review => "review",
        Standing::Rejected => "reject",
        Standing::Pending | Standing::Inactive => panic!("{standing}"),
    };
    assert_eq!(latest["decision"], decision, "{}", latest["rule"]);
    let matches = &latest["assessment"]["watch_list"]["searched"]["matches"];
    (standing, matches.as_array().unwrap().len())
}

/// A decision as the contracts' functions write it: with its entry in the history.
pub(super) async fn decided(
    world: &World,
    customer: &Customer,
    verdict: Verdict,
    step: impl Fn(&mut Customer, Timestamp) -> Change,
) {
    world.change(customer, step).await;
    let (table, now) = (world.database.customers(), world.clock.now());
    let mut transaction = store::Transaction::new();
    let after = world.now(customer).await;
    vetting::add_decision(&table, &mut transaction, &after, Some(verdict), "client-1", now)
        .await
        .unwrap()
        .unwrap();
    transaction.commit(&table).await.unwrap();
}

#[tokio::test]
async fn whatever_the_nights_bring_status_and_review_agree() {
    let world = World::new().await;
    let listed = ("Q-1", "Anatolia Quillson", "");
    world.edition(&[]).await;
    let made = world.screened(person("Anatolia", "Quillson", None)).await;
    assert_eq!(agreed(&world, &made).await, (Standing::Verified, 0));
    world.edition(&[listed]).await;
    assert_eq!(agreed(&world, &made).await, (Standing::Review, 1));
    // A further hit of an open case is shown to whoever decides.
    let second = ("Q-2", "Anatolia Quillson", "role.head");
    world.edition(&[listed, second]).await;
    assert_eq!(agreed(&world, &made).await, (Standing::Review, 2));
    decided(&world, &made, Verdict::Verified, |customer, now| {
        customer.decide_standing(Verdict::Verified, now).unwrap()
    })
    .await;
    assert_eq!(agreed(&world, &made).await, (Standing::Verified, 2));
    world.screen(&made).await;
    assert_eq!(agreed(&world, &made).await, (Standing::Verified, 2));
    // The same entries hit somebody of whom more is known now.
    world.add_address(&made, "FR").await;
    world.screen(&made).await;
    world.screen(&made).await;
    assert_eq!(agreed(&world, &made).await, (Standing::Review, 2));
    // Confirmed, and withdrawn by the list: a person's again.
    decided(&world, &made, Verdict::Rejected, |customer, now| {
        customer.decide(ScanKind::PepScan, Decision::Positive, now).unwrap()
    })
    .await;
    assert_eq!(agreed(&world, &made).await.0, Standing::Rejected);
    world.edition(&[]).await;
    let (standing, shown) = agreed(&world, &made).await;
    assert_eq!(standing, Standing::Review);
    assert_eq!(shown, 2, "what was confirmed is shown as long as it is not settled");
}
