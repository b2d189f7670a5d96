//! What the operations cost in calls to the table: the figures of the module docs.

use super::*;

async fn calls<T>(world: &World, work: impl Future<Output = T>) -> u64 {
    let before = world.database.calls();
    work.await;
    world.database.calls() - before
}

#[tokio::test]
async fn round_trips_are_as_documented() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    // Everything that is remembered: keys and configuration.
    let warm = world.initiate(&place).await;
    world.try_code(&place, &warm, &world.wrong()).await;
    let other = world.subject(Kind::Application).await;

    // Batch read, reserve, note; and the guard's rows.
    let initiate = calls(&world, world.initiate(&other)).await;
    assert_eq!(initiate, 3 + GUARD);
    let session = {
        let (_, _, body) = world.state(post(other.otp(), json!({}))).await;
        body
    };
    // Batch read, count beside the read of the destination's wrong codes, settle.
    let wrong = world.wrong();
    assert_eq!(calls(&world, world.try_code(&other, &session, &wrong)).await, 4);
    // Batch read, count beside that read, the customer, settle; and what the guard is told.
    let code = world.code();
    let right = calls(&world, world.try_code(&other, &session, &code)).await;
    assert!((5..=5 + GUARD).contains(&right), "{right}");
    // The session, then its journey; reserve, note; and the guard's rows.
    {
        world.pass_ms(11_000);
        let (_, _, open) = world.state(post(other.otp(), json!({ "journeyId": "next" }))).await;
        let before = world.database.calls();
        let (_, state, _) = world.state(post(other.resend(&open), json!({}))).await;
        assert_eq!((state.as_str(), world.database.calls() - before), ("initiated", 4 + GUARD));
        let before = world.database.calls();
        world.state(get(other.session("otp", &open))).await;
        assert_eq!(world.database.calls() - before, 2);
    }
    // An answered session: the batch read alone.
    assert_eq!(calls(&world, world.try_code(&other, &session, &code)).await, 1);
    assert_eq!(calls(&world, world.send(get(other.0.clone()))).await, 1);
    let details = json!({ "sortCode": "202959", "bankAccount": "63748472" });
    world.state(post(place.penny(), details.clone())).await;
    // Batch read, count the name check, reserve, note.
    let penny = calls(&world, world.state(post(other.penny(), details))).await;
    assert_eq!(penny, 4);
    // Batch read, count beside that read, the customer, settle; before the first, the keys of the network once: a query, and
    // here, where there are none yet, their making.
    for (subject, once) in [(&other, NETWORK_KEYS), (&place, 0)] {
        world.pass_ms(60_000);
        let (session, code) = super::penny_statuses::penny(&world, subject).await;
        let path = subject.validate("pennydrop", &session);
        let right = calls(&world, world.state(post(path, json!({ "passcode": code })))).await;
        assert_eq!(right, 5 + once);
    }
}

/// The query of the network's keys; where there are none two puts, and the query again.
const NETWORK_KEYS: u64 = 4;

/// The guard's updates of one send to a number, for destination, range and partner, and its read of wrong codes.
const GUARD: u64 = 4;
