//! One mailbox under several names, at whatever partner.

use compliance::review::{Code, OtherNames};
use domain::contact::ContactKind;
use domain::ids::AuthId;
use domain::network::Fingerprint;
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

/// An account that is proved by one customer after another is for a person, from the third name on, once, and only where
/// the review did not know the account.
#[tokio::test]
async fn an_account_under_several_names_makes_a_review_due() {
    let world = World::new();
    let names = ["Mira Oduya", "Ann Harbor", "Dov Eskarin", "Lena Brook"];
    for (number, name) in names.into_iter().enumerate() {
        let prescribed = (number == 3).then_some(SandboxOutcome::Verified);
        let mut customer = world.taken_on(name, prescribed, "both").await;
        assert_eq!(customer.standing(), Standing::Verified, "{name}");
        let is_news = async |customer: &Customer| {
            world.vetter.account_is_news(customer, world.clock.now()).await.unwrap()
        };
        assert!(!is_news(&customer).await, "it has proved none");
        world.clock.advance(jiff::SignedDuration::from_secs(60));
        let now = world.clock.now();
        customer.proofs.insert(ProofKind::BankAccount, proof("an account", now));
        customer.version += 1;
        world.vetter.remember(&customer, now).await.unwrap();
        assert_eq!(is_news(&customer).await, number == 2, "{name}");
        let vetted = world.vet(&customer, &mut set("both")).await;
        let assessment = &vetted.review.assessment;
        // The fourth is told as well, though a sandbox prescribes its end.
        let told = assessment.reputation.finding.codes.contains(&Code::GR004);
        assert_eq!(told, number >= 2, "{name}");
        if number != 2 {
            continue;
        }
        assert_eq!(vetted.review.rule, "reputation.review");
        let mut other = customer.clone();
        other.proofs.insert(ProofKind::BankAccount, proof("another account", now));
        assert!(!is_news(&other).await, "nobody else has that one");
        let mut earlier = customer.clone();
        earlier.proofs.insert(ProofKind::BankAccount, Proof { network: None, ..proof("", now) });
        assert!(!is_news(&earlier).await, "a proof of an earlier release says nothing");
        for status in [Verification::Pending, Verification::NotAsked] {
            let waiting = Customer { verification: status, ..customer.clone() };
            assert!(!is_news(&waiting).await, "{status:?}");
        }
        let gone = Customer { status: CustomerStatus::Inactive, ..customer.clone() };
        assert!(!is_news(&gone).await);
        // Reviewed with it, it is no news any more.
        let before = world.read(&customer).await;
        let mut after = before.clone();
        after.proofs.clone_from(&customer.proofs);
        let change = after.vetted(after.subject_revision, &vetted.vetting, now).unwrap();
        world.write(Some(&before), &after, &change, Some(&vetted)).await;
        let after = world.read(&after).await;
        assert_eq!((after.standing(), is_news(&after).await), (Standing::Review, false));
    }
}

/// A partner's warning of an account, and too many proofs of one within a day, are news as well.
#[tokio::test]
async fn a_listed_account_makes_a_review_due() {
    let world = World::new();
    let mut customer = world.taken_on("Mira Oduya", None, "both").await;
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    let now = world.clock.now();
    customer.proofs.insert(ProofKind::BankAccount, proof("an account", now));
    assert!(!world.vetter.account_is_news(&customer, now).await.unwrap());
    let listed = (domain::network::AttributeKind::BankAccount, "an account");
    world.vetter.network.raise_alert(customer.partner, listed, false, now).await.unwrap();
    assert!(world.vetter.account_is_news(&customer, now).await.unwrap());
    let vetted = world.vet(&customer, &mut set("both")).await;
    assert_eq!(vetted.review.rule, "network_alerts.review");
    assert_eq!(vetted.review.assessment.network_alerts.alerts, ["bank_account.listed"]);
}
