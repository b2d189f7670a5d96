//! The history of reviews and the versions of policies, on a real table.

use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::testing::TestDatabase;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    number: u32,
    score: f64,
    codes: Vec<String>,
}

fn partner(last: char) -> PartnerId {
    PartnerId::parse(&format!("11111111-2222-3333-4444-55555555555{last}")).unwrap()
}

fn customer() -> CustomerId {
    CustomerId::parse("0190b2c4-0000-7000-8000-000000000001").unwrap()
}

fn entry(number: u32) -> Entry {
    Entry { number, score: 0.71, codes: vec!["R703".into()] }
}

async fn put(table: &Table, partner: PartnerId, entry: &Entry) -> Result<(), CommitError> {
    let mut transaction = Transaction::new();
    let item = review_item(partner, customer(), entry.number, entry).unwrap();
    transaction.put_new("review", table, item);
    transaction.commit(table).await
}

#[tokio::test]
async fn the_highest_number_is_current_and_all_are_kept() {
    let table = TestDatabase::new().customers();
    let reviews = Reviews::new(table.clone());
    assert_eq!(reviews.current::<Entry>(partner('5'), customer()).await.unwrap(), None);
    for number in 1..=12 {
        put(&table, partner('5'), &entry(number)).await.unwrap();
    }
    table.meter().take();
    let current = reviews.current::<Entry>(partner('5'), customer()).await.unwrap();
    assert_eq!(current, Some(entry(12)));
    assert_eq!(table.meter().take().round_trips, 1);
    let all = reviews.history::<Entry>(partner('5'), customer()).await.unwrap();
    assert_eq!(all, (1..=12).map(entry).collect::<Vec<_>>());
    let other = reviews.current::<Entry>(partner('6'), customer()).await.unwrap();
    assert_eq!(other, None, "another partner's customer has no review");
}

#[tokio::test]
async fn an_entry_is_never_written_again() {
    let table = TestDatabase::new().customers();
    put(&table, partner('5'), &entry(1)).await.unwrap();
    let again = Entry { score: 0.1, ..entry(1) };
    let refused = put(&table, partner('5'), &again).await.unwrap_err();
    assert!(refused.refusal("review").is_some());
    let current = Reviews::new(table).current::<Entry>(partner('5'), customer()).await.unwrap();
    assert_eq!(current, Some(entry(1)));
}

#[tokio::test]
async fn a_policy_has_versions_and_one_writer_wins() {
    let table = TestDatabase::new().customers();
    let reviews = Reviews::new(table.clone());
    let now: Timestamp = "2026-12-01T12:00:00Z".parse().unwrap();
    let set = |policy, seen| {
        let reviews = reviews.clone();
        async move { reviews.set_policy(partner('5'), &policy, (seen, "ops"), now).await }
    };
    assert_eq!(reviews.policy(partner('5')).await.unwrap(), None);
    assert_eq!(set(json!({ "a": 1 }), 0).await.unwrap(), 1);
    assert_eq!(set(json!({ "a": 2 }), 1).await.unwrap(), 2);
    for seen in [0, 1, 5] {
        assert!(matches!(set(json!({}), seen).await, Err(PolicyRefused::Stale)), "{seen}");
    }
    assert_eq!(reviews.policy(partner('5')).await.unwrap(), Some((json!({ "a": 2 }), 2)));
    assert_eq!(reviews.policy(partner('6')).await.unwrap(), None);
    let first = table.get(&PolicyVersionKey::new(partner('5'), 1)).await.unwrap().unwrap();
    assert_eq!(read_policy(&first).unwrap(), (json!({ "a": 1 }), 1));
}

#[tokio::test]
async fn other_items_are_no_reviews() {
    let mut item = ReviewKey::new(partner('5'), customer(), 1).to_item();
    assert!(read_review::<Entry>(item.clone()).is_err());
    assert!(read_policy(&item).is_err());
    item.insert("review".to_owned(), AttributeValue::S("{}".to_owned()));
    assert!(read_review::<Entry>(item).is_err());
}
