//! Whom the network of partners remembers, and who speaks for whom.

use domain::scan::{Decision as ScanDecision, ScanKind};

use super::*;

/// How the network knows somebody: sightings in the memory that a customer of this kind reads, and approved ones.
async fn sightings(world: &World, customer: &Customer, sandbox: bool) -> (usize, usize) {
    let attributes = domain::network::Attributes { sandbox, ..attributes_of(customer) };
    let somebody_else = CustomerId::new(&*world.clock, &*world.random);
    let gathered =
        world.vetter.network.gather(customer.partner, somebody_else, &attributes).await.unwrap();
    let kind = domain::network::AttributeKind::Email;
    let seen = gathered.view.by_others(kind, world.clock.now());
    let approved = seen.iter().filter(|seen| seen.outcome == Some(Outcome::Approved)).count();
    (seen.len(), approved)
}

#[tokio::test]
async fn nobody_invented_speaks_for_anybody_real() {
    let world = World::new();
    for sandbox in [true, false] {
        let (mut customer, _) = world.person("Mira Oduya", None);
        customer.sandbox = Some(sandbox);
        world.vetter.remember(&customer, world.clock.now()).await.unwrap();
        assert_eq!(sightings(&world, &customer, sandbox).await.0, 1, "{sandbox}");
        assert_eq!(sightings(&world, &customer, !sandbox).await.0, 0, "{sandbox}");
    }
}

/// Only what a person or a provider has confirmed counts as approved for others.
#[tokio::test]
async fn only_who_was_vouched_for_vouches() {
    let yes = Confirmed {
        first_name: Some(true),
        last_name: Some(true),
        birth_date: Some(true),
        ..Confirmed::default()
    };
    let yes = IdentityAnswer::Answered(Box::new(yes));
    for (answer, decided, approved) in [
        (IdentityAnswer::NotConfigured, false, 0),
        (IdentityAnswer::NotConfigured, true, 1),
        (yes, false, 1),
    ] {
        let world = World::with(|vetter| {
            vetter.with_identity(Arc::new(Says(answer.clone(), DeliveryAnswer::NotConfigured)))
        });
        let profile = PersonProfile {
            birth_date: Some(BirthDate::restore("1988-02-14").unwrap()),
            ..PersonProfile::default()
        };
        let (mut customer, mut change) = world.enrolled("Mira Oduya", None, profile);
        let vetted = world.vet(&customer, &mut set("both")).await;
        customer.reviewed(&vetted.vetting, &mut change);
        world.write(None, &customer, &change, Some(&vetted)).await;
        let (table, now) = (world.customers.table(), world.clock.now());
        if decided {
            let mut transaction = Transaction::new();
            let verdict = Verdict::Verified;
            add_decision(table, &mut transaction, &customer, Some(verdict), "client-1", now)
                .await
                .unwrap();
            transaction.commit(table).await.unwrap();
        }
        // However it came to be verified.
        customer.verification = Verification::Verified;
        world.vetter.remember(&customer, now).await.unwrap();
        assert_eq!(
            sightings(&world, &customer, false).await,
            (1, approved),
            "{answer:?} {decided}"
        );
    }
}

/// Whose match is confirmed is no witness, whoever has decided that and whatever the modules said of the identity.
#[tokio::test]
async fn who_is_on_a_list_vouches_for_nobody() {
    for (decision, approved) in [(ScanDecision::Clear, 1), (ScanDecision::Positive, 0)] {
        let world = World::new();
        let before = world.taken_on(SANCTIONED, None, "both").await;
        assert_eq!(before.verification, Verification::Verified);
        world.vetter.remember(&before, world.clock.now()).await.unwrap();
        assert_eq!(sightings(&world, &before, false).await, (1, 0), "it is still open");
        let (mut after, now) = (before.clone(), world.clock.now());
        let change = after.decide(ScanKind::Ofac, decision, now).unwrap();
        world.write(Some(&before), &after, &change, None).await;
        let (table, mut transaction) = (world.customers.table(), Transaction::new());
        let verdict = Verdict::implied(before.standing(), after.standing());
        assert!(verdict.is_some());
        add_decision(table, &mut transaction, &after, verdict, "client-1", now).await.unwrap();
        transaction.commit(table).await.unwrap();
        let after = world.read(&after).await;
        world.vetter.remember(&after, now).await.unwrap();
        assert_eq!(sightings(&world, &after, false).await, (1, approved), "{decision:?}");
    }
}

#[tokio::test]
async fn the_network_remembers_the_real_and_forgets_on_demand() {
    let world = World::new();
    let now = world.clock.now();
    let real = world.taken_on("Mira Oduya", None, "both").await;
    let invented = world.taken_on("Ida Prescribed", Some(SandboxOutcome::Verified), "both").await;
    for customer in [&real, &invented] {
        for _ in 0..2 {
            world.vetter.remember(customer, now).await.unwrap();
        }
    }
    assert_eq!(sightings(&world, &real, false).await.0, 1);
    assert_eq!(sightings(&world, &invented, false).await.0, 0);
    for _ in 0..2 {
        world.vetter.forget(real.partner, real.id, now).await.unwrap();
    }
    assert_eq!(sightings(&world, &real, false).await.0, 0);
}
