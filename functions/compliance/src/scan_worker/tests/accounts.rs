//! A proved account that the network knows with other names brings its customer back to review.

use domain::bank_account::BankAccount;
use domain::ekyc::{JourneyId, Method};
use domain::event::{EkycStep, EventKind};
use domain::ids::AuthId;
use domain::proof::{Proof, ProofKind, ProofMethod};
use domain::verification::{Standing, Verdict};
use store::network::Network;

use super::agreeing::decided;
use super::*;

/// The customer proves the account, as the eKYC functions write it.
async fn proves(world: &World, customer: &Customer, account: &str) -> Customer {
    world.clock.advance(SignedDuration::from_secs(60));
    let customers = &world.app.customers;
    let network = Network::new(world.database.customers(), Arc::clone(customers.ring()));
    let account = BankAccount::parse("202959", account).unwrap();
    let known = network.known_as(&account).await.unwrap();
    let auth = AuthId::new(&*world.clock, &*world.random);
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
        let proof = Proof { method, masked, index: "i".into(), auth, at };
        customer.prove(ProofKind::BankAccount, proof, Some(known.clone()), event.clone(), at)
    };
    world.change(customer, step).await
}

fn asked(world: &World, customer: &Customer) -> String {
    let message: ScanRequest = serde_json::from_str(&world.message(customer)).unwrap();
    serde_json::to_string(&ScanRequest { work: Work::Remember, ..message }).unwrap()
}

/// The message of the proof, as it comes.
async fn proved(world: &World, customer: &Customer, account: &str) -> (String, Outcome) {
    let message = asked(world, &proves(world, customer, account).await);
    let outcome = run(&world.app, &message).await.unwrap();
    (message, outcome)
}

async fn standing(world: &World, customer: &Customer) -> Standing {
    world.now(customer).await.standing()
}

/// What a person has decided of it stands.
async fn settled(world: &World, customer: &Customer, verdict: Verdict) {
    world.clock.advance(SignedDuration::from_secs(60));
    let step = |customer: &mut Customer, now| customer.decide_standing(verdict, now).unwrap();
    decided(world, customer, verdict, step).await;
}

const NAMES: [(&str, &str); 4] =
    [("Mira", "Oduya"), ("Ann", "Harbor"), ("Dov", "Eskarin"), ("Lena", "Brook")];
const ONE: &str = "63748472";
const OTHER: &str = "63748473";

async fn four(world: &World) -> Vec<Customer> {
    let mut made = Vec::new();
    for (first, last) in NAMES {
        made.push(world.screened(person(first, last, None)).await);
    }
    made
}

#[tokio::test]
async fn the_third_name_on_one_account_is_for_a_person_once() {
    let world = World::new().await;
    let made = four(&world).await;
    let mut messages = Vec::new();
    for customer in &made[..2] {
        let (message, outcome) = proved(&world, customer, ONE).await;
        assert_eq!(outcome, Outcome::Remembered);
        assert_eq!(standing(&world, customer).await, Standing::Verified);
        messages.push(message);
    }
    let third = &made[2];
    let (message, outcome) = proved(&world, third, ONE).await;
    assert_eq!(outcome, Outcome::Stored);
    messages.push(message);
    // Every message may come again, late as well: who proved the account before is not judged by who does after.
    for message in messages.iter().chain(&messages) {
        assert_eq!(run(&world.app, message).await.unwrap(), Outcome::Remembered);
    }
    let mut standings = Vec::new();
    for customer in &made[..3] {
        standings.push(standing(&world, customer).await);
    }
    assert_eq!(standings, [Standing::Verified, Standing::Verified, Standing::Review]);
    let history = world.reviews(third).await;
    let latest = history.iter().max_by_key(|review| review["number"].as_u64()).unwrap();
    assert_eq!((history.len(), &latest["rule"]), (2, &"reputation.review".into()));
    let kept = serde_json::to_string(&history).unwrap();
    assert!(!kept.contains("8472") && !kept.contains("Harbor"), "{kept}");
    // Decided is decided, also when the same account is proved again; another one is another matter.
    settled(&world, third, Verdict::Verified).await;
    for account in [ONE, ONE, OTHER, ONE] {
        assert_eq!(proved(&world, third, account).await.1, Outcome::Remembered, "{account}");
        assert_eq!(standing(&world, third).await, Standing::Verified, "{account}");
    }
}

/// Whoever proves an account of no interest afterwards does not take the first one off, be it before anybody has looked.
#[tokio::test]
async fn a_further_account_hides_none() {
    let world = World::new().await;
    let made = four(&world).await;
    for (customer, further) in made[..2].iter().zip([OTHER, "63748474"]) {
        assert_eq!(proved(&world, customer, ONE).await.1, Outcome::Remembered);
        assert_eq!(proved(&world, customer, further).await.1, Outcome::Remembered);
    }
    let message = asked(&world, &proves(&world, &made[2], ONE).await);
    proves(&world, &made[2], "63748475").await;
    assert_eq!(run(&world.app, &message).await.unwrap(), Outcome::Stored);
    assert_eq!(standing(&world, &made[2]).await, Standing::Review);
}

/// What an earlier message has led to does not keep a later account from being looked at.
#[tokio::test]
async fn an_old_message_swallows_no_new_account() {
    let world = World::new().await;
    let made = four(&world).await;
    for (customer, account) in [(0, ONE), (1, ONE), (0, OTHER), (1, OTHER)] {
        proved(&world, &made[customer], account).await;
    }
    let (message, outcome) = proved(&world, &made[2], ONE).await;
    assert_eq!(outcome, Outcome::Stored);
    settled(&world, &made[2], Verdict::Verified).await;
    let second = asked(&world, &proves(&world, &made[2], OTHER).await);
    assert_eq!(run(&world.app, &message).await.unwrap(), Outcome::Stored);
    assert_eq!(run(&world.app, &second).await.unwrap(), Outcome::Remembered);
    assert_eq!(standing(&world, &made[2]).await, Standing::Review);
}

/// An account that a review has looked at is no news beside one of no interest, also when nobody has noted it.
#[tokio::test]
async fn what_a_person_decided_stands_beside_a_further_account() {
    let world = World::new().await;
    let made = four(&world).await;
    for customer in &made[..3] {
        proved(&world, customer, ONE).await;
    }
    // The review is written, and its worker has died before any other message of the customer.
    let third = &made[2];
    settled(&world, third, Verdict::Verified).await;
    let reviews = world.reviews(third).await.len();
    assert_eq!(proved(&world, third, OTHER).await.1, Outcome::Remembered);
    assert_eq!(standing(&world, third).await, Standing::Verified);
    assert_eq!(world.reviews(third).await.len(), reviews);
}

/// An account that was taken back and is proved again is looked at again: others may have come meanwhile.
#[tokio::test]
async fn an_account_that_comes_again_is_looked_at_again() {
    let world = World::new().await;
    let made = four(&world).await;
    proved(&world, &made[2], ONE).await;
    let back = |customer: &mut Customer, now| {
        let auth = customer.accounts[0].auth;
        customer.disprove(ProofKind::BankAccount, auth, EventKind::Deactivated, now).unwrap()
    };
    let gone = world.change(&made[2], back).await;
    run(&world.app, &asked(&world, &gone)).await.unwrap();
    for customer in &made[..2] {
        assert_eq!(proved(&world, customer, ONE).await.1, Outcome::Remembered);
    }
    assert_eq!(proved(&world, &made[2], ONE).await.1, Outcome::Stored);
}

/// Who could not be reviewed when an account was proved is looked at when that changes.
#[tokio::test]
async fn what_cannot_be_looked_at_now_is_looked_at_later() {
    let world = World::new().await;
    world.edition(&[("Q-1", "Dov Eskarin", "")]).await;
    let made = four(&world).await;
    for customer in &made[..2] {
        proved(&world, customer, ONE).await;
    }
    let third = &made[2];
    decided(&world, third, Verdict::Rejected, |customer, now| {
        customer.decide(ScanKind::PepScan, Decision::Positive, now).unwrap()
    })
    .await;
    assert_eq!(proved(&world, third, ONE).await.1, Outcome::Remembered);
    assert_eq!(standing(&world, third).await, Standing::Rejected);
    world.edition(&[]).await;
    assert_eq!(standing(&world, third).await, Standing::Review);
    run(&world.app, &asked(&world, third)).await.unwrap();
    let history = world.reviews(third).await;
    let latest = history.iter().max_by_key(|review| review["number"].as_u64()).unwrap();
    let codes = &latest["assessment"]["reputation"]["finding"]["codes"];
    assert!(codes.to_string().contains("GR004"), "{codes}");
}

/// Neither a verdict about something else nor its own event is undone by what others have done since, and whom a person has
/// turned away, a bad account does not bring back.
#[tokio::test]
async fn a_verdict_outlives_the_account() {
    for verdict in [Verdict::Verified, Verdict::Rejected] {
        let world = World::new().await;
        let mut made = four(&world).await;
        // A birth date that nothing confirms is for a person.
        made[0] = world.screened(person("Mira", "Quist", Some("1988-02-14"))).await;
        for customer in &made[..3] {
            proved(&world, customer, ONE).await;
        }
        for customer in [&made[0], &made[2]] {
            assert_eq!(standing(&world, customer).await, Standing::Review);
            settled(&world, customer, verdict).await;
            let expected = standing(&world, customer).await;
            assert_ne!(expected, Standing::Review);
            // The event of the verdict, and the same account again.
            let its_event = asked(&world, customer);
            assert_eq!(run(&world.app, &its_event).await.unwrap(), Outcome::Remembered);
            assert_eq!(proved(&world, customer, ONE).await.1, Outcome::Remembered);
            assert_eq!(standing(&world, customer).await, expected);
        }
        if verdict == Verdict::Rejected {
            let outcome = proved(&world, &made[3], ONE).await.1;
            assert_eq!(
                (outcome, standing(&world, &made[3]).await),
                (Outcome::Stored, Standing::Review)
            );
            settled(&world, &made[3], verdict).await;
            proved(&world, &made[1], OTHER).await;
            proved(&world, &made[2], OTHER).await;
            assert_eq!(proved(&world, &made[3], OTHER).await.1, Outcome::Remembered);
            assert_eq!(standing(&world, &made[3]).await, Standing::Rejected);
        }
    }
}

/// Whom a person turns away between the look and the run that follows it stays turned away.
#[tokio::test]
async fn a_verdict_that_comes_between_stands() {
    let world = World::new().await;
    let made = four(&world).await;
    for customer in &made[..2] {
        proved(&world, customer, ONE).await;
    }
    // A birth date that nothing confirms is for a person.
    let third = world.screened(person("Dov", "Quist", Some("1988-02-14"))).await;
    let message = asked(&world, &proves(&world, &third, ONE).await);
    settled(&world, &third, Verdict::Rejected).await;
    let reviews = world.reviews(&third).await.len();
    settle(&world.app, &serde_json::from_str(&message).unwrap()).await.unwrap();
    assert_eq!(standing(&world, &third).await, Standing::Rejected);
    assert_eq!(world.reviews(&third).await.len(), reviews);
}

/// Whether a review knew the account is no matter of clocks: here it is dated after the proof that it did not know.
#[tokio::test]
async fn clocks_that_disagree_hide_no_account() {
    let world = World::new().await;
    let made = four(&world).await;
    for customer in &made[..2] {
        proved(&world, customer, ONE).await;
    }
    world.clock.advance(SignedDuration::from_hours(1));
    let third = world.screened(person("Ola", "Vintersen", None)).await;
    world.clock.advance(SignedDuration::from_hours(-1));
    assert_eq!(proved(&world, &third, ONE).await.1, Outcome::Stored);
    assert_eq!(standing(&world, &third).await, Standing::Review);
}

/// Two of one name are no third, and nobody is reviewed again for what decides nothing.
#[tokio::test]
async fn father_and_son_share_an_account() {
    let world = World::new().await;
    for born in ["1988-02-14", "1960-02-14"] {
        let customer = world.screened(person("Mira", "Oduya", Some(born))).await;
        settled(&world, &customer, Verdict::Verified).await;
        assert_eq!(proved(&world, &customer, ONE).await.1, Outcome::Remembered);
        assert_eq!(standing(&world, &customer).await, Standing::Verified);
    }
}

/// What is looked at once has to be looked at when everybody of the moment is remembered: of three at once, one is told.
#[tokio::test]
async fn of_several_at_once_the_last_is_told() {
    let world = World::new().await;
    let made = four(&world).await;
    let mut messages = Vec::new();
    for customer in &made[..3] {
        messages.push(asked(&world, &proves(&world, customer, ONE).await));
    }
    let others = [world.another_worker(), world.another_worker()];
    let (one, two, three) = tokio::join!(
        run(&world.app, &messages[0]),
        run(&others[0], &messages[1]),
        run(&others[1], &messages[2]),
    );
    for outcome in [one, two, three] {
        outcome.unwrap();
    }
    let mut waiting = 0;
    for customer in &made[..3] {
        waiting += usize::from(standing(&world, customer).await == Standing::Review);
    }
    assert!(waiting >= 1);
}

/// An account proved long after its customer was taken on counts from its proof.
#[tokio::test]
async fn old_customers_are_no_cover() {
    let world = World::new().await;
    let made = four(&world).await;
    world.clock.advance(SignedDuration::from_hours(24 * 90));
    let mut standings = Vec::new();
    for customer in &made[..3] {
        proved(&world, customer, ONE).await;
        standings.push(standing(&world, customer).await);
    }
    assert_eq!(standings, [Standing::Verified, Standing::Verified, Standing::Review]);
}
