//! One mailbox under several names, at whatever partner.

use compliance::review::{Code, OtherNames};
use domain::contact::ContactKind;
use domain::ids::AuthId;
use domain::network::{AttributeKind, Fingerprint, View};
use domain::proof::ProofMethod;

use super::*;

fn with_mailbox(world: &World, name: &str, member: &str) -> (Customer, Change) {
    let (mut customer, change) = world.person(name, None);
    customer.partner = PartnerId::parse(member).unwrap();
    let shelf = customer.contacts.get_mut(&ContactKind::Email).unwrap();
    let Some(ContactBody::Email(email)) = shelf.primary.as_mut().map(|held| &mut held.body) else {
        panic!("a mailbox")
    };
    email.address = EmailAddress::parse("shared.mailbox@example.com").unwrap();
    (customer, change)
}

#[tokio::test]
async fn a_mailbox_under_several_names_is_for_a_person_and_nobody_is_named() {
    let world = World::new();
    let names = ["Mira Oduya", "Ann Harbor", "Dov Eskarin", "Lena Brook"];
    for (number, name) in names.into_iter().enumerate() {
        let member = format!("{number}1111111-2222-3333-4444-555555555555");
        let (mut customer, mut change) = with_mailbox(&world, name, &member);
        // The two of a couple are nothing.
        let (standing, told) =
            if number < 2 { (Standing::Verified, false) } else { (Standing::Review, true) };
        let vetted = world.vet(&customer, &mut set("both")).await;
        customer.reviewed(&vetted.vetting, &mut change);
        assert_eq!(customer.standing(), standing, "{name}");
        let finding = &vetted.review.assessment.reputation.finding;
        assert_eq!(finding.codes.contains(&Code::GR001), told, "{name}");
        assert_eq!(vetted.review.rule == "reputation.review", told, "{name}");
        let kept = serde_json::to_string(&vetted.review).unwrap();
        for secret in names.iter().flat_map(|name| name.split(' ')).chain(["mailbox", "1111111"]) {
            assert!(!kept.contains(secret), "{secret}");
        }
        world.vetter.remember(&customer, world.clock.now()).await.unwrap();
    }
    assert_eq!(OtherNames::default().email, 3);
}

fn proof(account: &str, at: Timestamp) -> Proof {
    Proof {
        method: ProofMethod::PennyDrop,
        masked: "****8472".to_owned(),
        index: "i".to_owned(),
        network: Some(Fingerprint::of_digest(account)),
        auth: AuthId::parse("0190b2c4-0000-7000-8000-000000000009").unwrap(),
        at,
    }
}

/// The customer has proved the account, and the network has heard of it.
async fn proves(world: &World, customer: &mut Customer, account: &str) -> Option<View> {
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    let now = world.clock.now();
    customer.proofs.insert(ProofKind::BankAccount, proof(account, now));
    customer.version += 1;
    world.vetter.remember(customer, now).await.unwrap()
}

async fn is_news(world: &World, customer: &Customer, known: &View) -> bool {
    world.vetter.account_is_news(customer, known, world.clock.now()).await.unwrap()
}

/// An account that is proved by one customer after another is for a person, from the third name on, where the review did not
/// know the account.
#[tokio::test]
async fn an_account_under_several_names_makes_a_review_due() {
    let world = World::new();
    for (number, name) in ["Mira Oduya", "Ann Harbor", "Dov Eskarin"].into_iter().enumerate() {
        let mut customer = world.taken_on(name, None, "both").await;
        assert_eq!(customer.standing(), Standing::Verified, "{name}");
        assert!(world.vetter.remember(&customer, world.clock.now()).await.unwrap().is_none());
        let known = proves(&world, &mut customer, "an account").await.unwrap();
        let is_third = number == 2;
        assert_eq!(is_news(&world, &customer, &known).await, is_third, "{name}");
        let vetted = world.vet(&customer, &mut set("both")).await;
        let assessment = &vetted.review.assessment;
        let told = assessment.reputation.finding.codes.contains(&Code::GR004);
        assert_eq!((told, assessment.account.is_some()), (is_third, true), "{name}");
        if !is_third {
            continue;
        }
        assert_eq!(vetted.review.rule, "reputation.review");
        for verification in [Verification::Pending, Verification::NotAsked, Verification::Rejected]
        {
            let other = Customer { verification, ..customer.clone() };
            assert!(!is_news(&world, &other, &known).await, "{verification:?}");
        }
        let gone = Customer { status: CustomerStatus::Inactive, ..customer.clone() };
        assert!(!is_news(&world, &gone, &known).await);
        // Looked at once, and again only when it is another account.
        let now = world.clock.now();
        assert!(world.vetter.remember(&customer, now).await.unwrap().is_some(), "not yet");
        world.vetter.account_is_weighed(&customer).await.unwrap();
        assert!(world.vetter.remember(&customer, now).await.unwrap().is_none());
        assert!(proves(&world, &mut customer, "an account").await.is_none());
        let mut other = customer.clone();
        let known = proves(&world, &mut other, "elsewhere").await.unwrap();
        assert!(!is_news(&world, &other, &known).await, "nobody else has that one");
        // Reviewed with it, it is no news any more, whatever was noted.
        let before = world.read(&customer).await;
        let mut after = before.clone();
        after.proofs.clone_from(&customer.proofs);
        let change = after.vetted(after.subject_revision, &vetted.vetting, now).unwrap();
        world.write(Some(&before), &after, &change, Some(&vetted)).await;
        let after = world.read(&after).await;
        assert_eq!(after.standing(), Standing::Review);
        assert!(!world.vetter.account_is_unreviewed(&after).await.unwrap());
        let elsewhere = Customer { proofs: other.proofs, ..after };
        assert!(world.vetter.account_is_unreviewed(&elsewhere).await.unwrap());
    }
}

/// Nobody invented speaks for or against anybody real, and whose end is prescribed is not remembered.
#[tokio::test]
async fn an_account_of_the_sandbox_is_another_account() {
    let world = World::new();
    for (sandbox, name) in [(true, "Mira Oduya"), (true, "Ann Harbor"), (false, "Dov Eskarin")] {
        let mut customer = world.taken_on(name, None, "both").await;
        customer.sandbox = Some(sandbox);
        let known = proves(&world, &mut customer, "an account").await.unwrap();
        let others = known.by_others(AttributeKind::BankAccount, world.clock.now()).len();
        assert_eq!(others, usize::from(name == "Ann Harbor"), "{name}");
    }
    let mut invented = world.taken_on("Lena Brook", Some(SandboxOutcome::Verified), "both").await;
    assert!(proves(&world, &mut invented, "an account").await.is_none());
}

/// A proof of an earlier release says nothing of its account.
#[tokio::test]
async fn an_account_that_the_network_does_not_know_is_none() {
    let world = World::new();
    let mut customer = world.taken_on("Mira Oduya", None, "both").await;
    let now = world.clock.now();
    customer.proofs.insert(ProofKind::BankAccount, Proof { network: None, ..proof("", now) });
    assert!(world.vetter.remember(&customer, now).await.unwrap().is_none());
    assert!(!world.vetter.account_is_unreviewed(&customer).await.unwrap());
    world.vetter.account_is_weighed(&customer).await.unwrap();
}

/// A partner's warning of an account is news as well, and so are too many proofs of one within a day, be it by one name; a
/// policy that makes nothing of it has nobody reviewed again.
#[tokio::test]
async fn what_the_policy_makes_something_of_makes_a_review_due() {
    let listed = (AttributeKind::BankAccount, "an account");
    for (warned, proofs, policy, due) in [
        (true, 1, serde_json::json!({}), true),
        (true, 1, serde_json::json!({ "floors": { "R106": "accept" } }), false),
        (false, 3, serde_json::json!({}), false),
        (false, 4, serde_json::json!({}), true),
        (false, 4, serde_json::json!({ "velocity": { "bankAccount": 4 } }), false),
    ] {
        let world = World::new();
        let mut last = None;
        for _ in 0..proofs {
            let mut customer = world.taken_on("Mira Oduya", None, "both").await;
            last = Some((customer.clone(), proves(&world, &mut customer, "an account").await));
            last = last.map(|(_, known)| (customer, known));
        }
        let (mut customer, mut known) = last.unwrap();
        let now = world.clock.now();
        world.vetter.reviews.set_policy(customer.partner, &policy, (0, "ops"), now).await.unwrap();
        if warned {
            let network = &world.vetter.network;
            network.raise_alert(customer.partner, listed, false, now).await.unwrap();
            known = proves(&world, &mut customer, "an account").await;
        }
        assert_eq!(is_news(&world, &customer, &known.unwrap()).await, due, "{proofs} {policy}");
    }
}
