//! One mailbox under several names, at whatever partner.

use compliance::review::{Code, OtherNames};
use domain::contact::ContactKind;

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
