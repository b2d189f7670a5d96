//! A proved account that the network knows with other names brings its customer back to review.

use domain::bank_account::BankAccount;
use domain::ekyc::{JourneyId, Method};
use domain::event::{EkycStep, EventKind};
use domain::ids::AuthId;
use domain::proof::{Proof, ProofKind, ProofMethod};
use domain::verification::{Standing, Verdict};
use store::network::Network;

use super::*;

/// The customer proves the account, as the eKYC functions write it.
async fn proves(world: &World, customer: &Customer, account: &str) -> Customer {
    world.clock.advance(SignedDuration::from_secs(60));
    let customers = &world.app.customers;
    let network = Network::new(world.database.customers(), Arc::clone(customers.ring()));
    let account = BankAccount::parse("202959", account).unwrap();
    let known = network.known_as(&account).await.unwrap();
    let auth = AuthId::parse("0190b2c4-0000-7000-8000-000000000009").unwrap();
    let event = EventKind::EkycSession {
        step: EkycStep::Authenticated,
        method: Method::PennyDrop,
        auth,
        journey: JourneyId::parse("journey-1").unwrap(),
        application: None,
        detail: None,
    };
    assert_eq!(event.work(), Some(Work::Remember));
    let step = |customer: &mut Customer, at| {
        let (method, masked) = (ProofMethod::PennyDrop, account.masked());
        let proof =
            Proof { method, masked, index: "i".into(), network: Some(known.clone()), auth, at };
        customer.prove(ProofKind::BankAccount, proof, event.clone(), at)
    };
    world.change(customer, step).await
}

fn asked(world: &World, customer: &Customer) -> String {
    let message: ScanRequest = serde_json::from_str(&world.message(customer)).unwrap();
    serde_json::to_string(&ScanRequest { work: Work::Remember, ..message }).unwrap()
}

#[tokio::test]
async fn the_third_name_on_one_account_is_for_a_person_once() {
    let world = World::new().await;
    let names = [("Mira", "Oduya"), ("Ann", "Harbor"), ("Dov", "Eskarin"), ("Lena", "Brook")];
    let mut made = Vec::new();
    for (first, last) in names {
        made.push(world.screened(person(first, last, None)).await);
    }
    for (number, customer) in made.iter().take(2).enumerate() {
        let proved = proves(&world, customer, "63748472").await;
        let message = asked(&world, &proved);
        // Twice, as every message may come.
        for _ in 0..2 {
            assert_eq!(run(&world.app, &message).await.unwrap(), Outcome::Remembered, "{number}");
        }
        assert_eq!(world.now(customer).await.standing(), Standing::Verified);
        assert_eq!(world.reviews(customer).await.len(), 1);
    }
    let third = proves(&world, &made[2], "63748472").await;
    let message = asked(&world, &third);
    assert_eq!(run(&world.app, &message).await.unwrap(), Outcome::Stored);
    for _ in 0..2 {
        assert_eq!(run(&world.app, &message).await.unwrap(), Outcome::Remembered);
    }
    assert_eq!(world.now(&third).await.standing(), Standing::Review);
    let history = world.reviews(&third).await;
    let latest = history.iter().max_by_key(|review| review["number"].as_u64()).unwrap();
    assert_eq!((history.len(), &latest["rule"]), (2, &"reputation.review".into()));
    let kept = serde_json::to_string(&history).unwrap();
    assert!(!kept.contains("8472") && !kept.contains("Harbor"), "{kept}");
    // What a person has decided of it is decided, until another account is proved.
    let decide =
        |customer: &mut Customer, now| customer.decide_standing(Verdict::Verified, now).unwrap();
    world.change(&third, decide).await;
    assert_eq!(run(&world.app, &asked(&world, &third)).await.unwrap(), Outcome::Remembered);
    let elsewhere = proves(&world, &third, "63748473").await;
    let message = asked(&world, &elsewhere);
    assert_eq!(run(&world.app, &message).await.unwrap(), Outcome::Remembered);
    assert_eq!(world.now(&third).await.standing(), Standing::Verified);
    // The account that it left is that of two again.
    let fourth = proves(&world, &made[3], "63748472").await;
    assert_eq!(run(&world.app, &asked(&world, &fourth)).await.unwrap(), Outcome::Stored);
    assert_eq!(world.now(&fourth).await.standing(), Standing::Review, "the third name of now");
}

/// An account proved long after its customer was taken on counts from its proof.
#[tokio::test]
async fn old_customers_are_no_cover() {
    let world = World::new().await;
    let mut made = Vec::new();
    for (first, last) in [("Mira", "Oduya"), ("Ann", "Harbor"), ("Dov", "Eskarin")] {
        made.push(world.screened(person(first, last, None)).await);
    }
    world.clock.advance(SignedDuration::from_hours(24 * 90));
    for customer in &made {
        let proved = proves(&world, customer, "63748472").await;
        run(&world.app, &asked(&world, &proved)).await.unwrap();
    }
    let mut standings = Vec::new();
    for customer in &made {
        standings.push(world.now(customer).await.standing());
    }
    assert_eq!(standings, [Standing::Verified, Standing::Verified, Standing::Review]);
}
