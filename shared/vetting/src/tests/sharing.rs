//! One mailbox under several names, at whatever partner.

use compliance::review::{Code, OtherNames};
use domain::contact::ContactKind;
use domain::ids::AuthId;
use domain::network::{AttributeKind, Fingerprint, ProvedAccount, View};

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

/// The customer has proved the account, and the network has heard of it; what it knows of accounts that nobody has looked at.
async fn proves(world: &World, customer: &mut Customer, account: &str) -> View {
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    let now = world.clock.now();
    let auth = AuthId::new(&*world.clock, &*world.random);
    customer.accounts.retain(|held| held.fingerprint != Fingerprint::of_digest(account));
    let fingerprint = Fingerprint::of_digest(account);
    customer.accounts.push(ProvedAccount { fingerprint, auth, at: now });
    heard_of(world, customer).await
}

async fn heard_of(world: &World, customer: &mut Customer) -> View {
    customer.version += 1;
    world.vetter.remember(customer, world.clock.now()).await.unwrap().unwrap()
}

async fn weigh(world: &World, customer: &Customer, known: &View) -> Weighed {
    world.vetter.weigh(customer, known, world.clock.now()).await.unwrap()
}

/// An account that is proved by one customer after another is for a person, from the third name on, where the review did not
/// know the account.
#[tokio::test]
async fn an_account_under_several_names_makes_a_review_due() {
    let world = World::new();
    for (number, name) in ["Mira Oduya", "Ann Harbor", "Dov Eskarin"].into_iter().enumerate() {
        let mut customer = world.taken_on(name, None, "both").await;
        assert_eq!(customer.standing(), Standing::Verified, "{name}");
        assert!(heard_of(&world, &mut customer).await.accounts.is_empty());
        // An account of no interest, before and after, hides none.
        let own = format!("own {number}");
        let known = proves(&world, &mut customer, &own).await;
        assert_eq!(
            (known.accounts.len(), weigh(&world, &customer, &known).await),
            (1, Weighed::NoNews)
        );
        let known = proves(&world, &mut customer, "an account").await;
        assert_eq!(known.accounts.len(), 2);
        let is_third = number == 2;
        let expected = if is_third { Weighed::News } else { Weighed::NoNews };
        assert_eq!(weigh(&world, &customer, &known).await, expected, "{name}");
        let vetted = world.vet(&customer, &mut set("both")).await;
        let assessment = &vetted.review.assessment;
        let told = assessment.reputation.finding.codes.contains(&Code::GR004);
        assert_eq!((told, assessment.accounts.len()), (is_third, 2), "{name}");
        if !is_third {
            continue;
        }
        assert_eq!(vetted.review.rule, "reputation.review");
        for verification in [Verification::Pending, Verification::NotAsked, Verification::Rejected]
        {
            let other = Customer { verification, ..customer.clone() };
            assert_eq!(weigh(&world, &other, &known).await, Weighed::NotNow, "{verification:?}");
        }
        // Nobody is to review it, whatever its scans wait for.
        let mut skipped = Customer { verification: Verification::NotAsked, ..customer.clone() };
        skipped.ofac.status = ScanStatus::Failed;
        assert_eq!(skipped.standing(), Standing::Review);
        assert_eq!(weigh(&world, &skipped, &known).await, Weighed::NotNow);
        let gone = Customer { status: CustomerStatus::Inactive, ..customer.clone() };
        assert_eq!(weigh(&world, &gone, &known).await, Weighed::NotNow);
        // Looked at once, and again only when it was taken back meanwhile.
        world.vetter.note_weighed(&customer, &known).await.unwrap();
        assert!(heard_of(&world, &mut customer).await.accounts.is_empty());
        assert!(proves(&world, &mut customer, "an account").await.accounts.is_empty());
        let held = std::mem::take(&mut customer.accounts);
        assert!(heard_of(&world, &mut customer).await.accounts.is_empty());
        customer.accounts = held;
        assert_eq!(heard_of(&world, &mut customer).await.accounts.len(), 2);
        // Reviewed with it, it is no news any more, whatever was noted.
        let before = world.read(&customer).await;
        let mut after = before.clone();
        after.accounts.clone_from(&customer.accounts);
        let now = world.clock.now();
        let change = after.vetted(after.subject_revision, &vetted.vetting, now).unwrap();
        world.write(Some(&before), &after, &change, Some(&vetted)).await;
        let mut after = world.read(&after).await;
        assert_eq!(after.accounts, customer.accounts);
        assert_eq!(after.standing(), Standing::Review);
        let latest = world.vetter.latest(&after);
        assert!(!world.vetter.has_unreviewed_accounts(&after, &latest).await.unwrap());
        after.accounts[0].fingerprint = Fingerprint::of_digest("elsewhere");
        assert!(world.vetter.has_unreviewed_accounts(&after, &latest).await.unwrap());
    }
}

/// A review that was made before the network has heard of the account has not looked at it: others may have come between.
#[tokio::test]
async fn a_review_under_way_has_not_looked_at_what_comes_meanwhile() {
    let world = World::new();
    let mut other = world.taken_on("Ann Harbor", None, "both").await;
    proves(&world, &mut other, "an account").await;
    let mut customer = world.taken_on("Mira Oduya", None, "both").await;
    let account = Fingerprint::of_digest("an account");
    let auth = AuthId::new(&*world.clock, &*world.random);
    let at = world.clock.now();
    customer.accounts.push(ProvedAccount { fingerprint: account.clone(), auth, at });
    let vetted = world.vet(&customer, &mut set("both")).await;
    assert!(vetted.review.assessment.accounts.is_empty());
    heard_of(&world, &mut customer).await;
    let vetted = world.vet(&customer, &mut set("both")).await;
    assert_eq!(vetted.review.assessment.accounts, [account].into());
}

/// Nobody invented speaks for or against anybody real, and whose end is prescribed is not remembered.
#[tokio::test]
async fn an_account_of_the_sandbox_is_another_account() {
    let world = World::new();
    for (sandbox, name) in [(true, "Mira Oduya"), (true, "Ann Harbor"), (false, "Dov Eskarin")] {
        let mut customer = world.taken_on(name, None, "both").await;
        customer.sandbox = Some(sandbox);
        let known = proves(&world, &mut customer, "an account").await;
        let others = known.by_others(AttributeKind::BankAccount, world.clock.now()).len();
        assert_eq!(others, usize::from(name == "Ann Harbor"), "{name}");
    }
    let prescribed = Some(SandboxOutcome::Verified);
    let mut invented = world.taken_on("Lena Brook", prescribed, "both").await;
    assert_eq!(proves(&world, &mut invented, "an account").await, View::default());
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
        for _ in 1..proofs {
            let mut other = world.taken_on("Mira Oduya", None, "both").await;
            proves(&world, &mut other, "an account").await;
        }
        let mut customer = world.taken_on("Mira Oduya", None, "both").await;
        let now = world.clock.now();
        world.vetter.reviews.set_policy(customer.partner, &policy, (0, "ops"), now).await.unwrap();
        if warned {
            let network = &world.vetter.network;
            network.raise_alert(customer.partner, listed, false, now).await.unwrap();
        }
        let known = proves(&world, &mut customer, "an account").await;
        let expected = if due { Weighed::News } else { Weighed::NoNews };
        assert_eq!(weigh(&world, &customer, &known).await, expected, "{proofs} {policy}");
    }
}
