//! Random histories: events, outages, restarts, lost and doubled messages and failing queues in any order. Whatever
//! happens, once the receiver is well and the registration restarted, every event has been delivered, and no event was
//! posted again after it had been taken.

use std::collections::BTreeMap;

use crate::common::{DOWN, World};
use domain::event::EventKind;
use jiff::SignedDuration;
use proptest::prelude::*;
use store::webhooks::{Phase, Stage, Status};
use webhooks::fanout;

#[derive(Debug, Clone)]
enum Step {
    Onboard,
    ReceiverDown,
    ReceiverUp,
    Restart,
    LoseMessage,
    DoubleMessages,
    HandleOne,
    HandleOneWhileTheQueueFails,
    FanOutWhileTheQueueFails,
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Onboard),
        2 => Just(Step::ReceiverDown),
        2 => Just(Step::ReceiverUp),
        2 => Just(Step::Restart),
        1 => Just(Step::LoseMessage),
        1 => Just(Step::DoubleMessages),
        4 => Just(Step::HandleOne),
        1 => Just(Step::HandleOneWhileTheQueueFails),
        1 => Just(Step::FanOutWhileTheQueueFails),
        4 => (1_i64..180).prop_map(Step::Wait),
    ]
}

async fn history(steps: Vec<Step>) {
    let world = World::new();
    let registration = world.register_push().await;
    let mut events = Vec::new();
    for step in steps {
        match step {
            Step::Onboard => events.push(world.onboard(registration).await),
            Step::ReceiverDown => world.receiver.always(DOWN),
            Step::ReceiverUp => world.receiver.always(Ok(200)),
            Step::Restart => world.restart(registration).await,
            Step::LoseMessage => drop(world.queue.take_visible()),
            Step::DoubleMessages => {
                for message in world.queue.messages() {
                    world.queue.push(message);
                }
            }
            Step::HandleOne => {
                if let Some(message) = world.queue.take_visible() {
                    world.dispatcher.handle(&message).await.unwrap();
                }
            }
            Step::HandleOneWhileTheQueueFails => {
                if let Some(message) = world.queue.take_visible() {
                    world.queue.refuse(true);
                    if world.dispatcher.handle(&message).await.is_err() {
                        // The batch driver gives the message back.
                        world.queue.refuse(false);
                        world.queue.push(message);
                    }
                    world.queue.refuse(false);
                }
            }
            Step::FanOutWhileTheQueueFails => {
                let event = world.domain_event(EventKind::Onboarded);
                world.queue.refuse(true);
                let _ = fanout::announce_event(&world.dispatcher.worker, &event).await;
                world.queue.refuse(false);
                events.push(fanout::delivery_id(event.id, registration));
            }
            Step::Wait(seconds) => world.run_for(SignedDuration::from_secs(seconds)).await,
        }
        world.advance(SignedDuration::from_millis(1));
    }
    world.receiver.always(Ok(200));
    world.restart(registration).await;
    world.run_for(SignedDuration::from_mins(12)).await;

    assert_eq!(world.registration(registration).await.phase, Phase::Active);
    let mut taken = BTreeMap::new();
    for seen in world.receiver.seen() {
        let count: &mut u32 =
            taken.entry(seen.body["id"].as_str().unwrap().to_owned()).or_default();
        *count += u32::from(seen.taken);
    }
    for event in &events {
        let delivery = world.delivery(*event).await;
        assert_eq!(
            (delivery.stage, delivery.status),
            (Stage::Settled, Status::Success),
            "{delivery:?}"
        );
        assert_eq!(taken.remove(&event.to_string()), Some(1), "taken once: {event}");
    }
    assert!(taken.is_empty(), "nothing else was posted");
    let waiting =
        world.webhooks.oldest_waiting(world.caller.partner, registration, 10).await.unwrap();
    assert!(waiting.is_empty());
    assert_eq!(world.queue.len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn every_event_is_delivered_once_the_receiver_is_well(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(history(steps));
    }
}
