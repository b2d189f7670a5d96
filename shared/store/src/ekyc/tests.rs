//! The store's moves against the domain's: the same moves in any order leave the same journey.

use std::sync::Arc;

use crypto::test_support::key_ring;
use domain::ekyc::{Code, Ended, Journey, JourneyId, Limits, Method, SessionState};
use domain::ids::{ApplicationId, AuthId, PartnerId};
use domain::time::{FixedClock, SequenceRandom};
use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::testing::TestDatabase;
use crate::{CommitError, Transaction};

#[derive(Debug, Clone, Copy)]
enum Move {
    Begin,
    Sent,
    Cancel,
    Renew,
    FallBack,
    Claim,
    Right,
    Wrong,
    GiveBack,
    Void(bool),
    Expired,
    Fail(bool),
    Revoke,
    WriteOff,
    Pass(i64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        2 => Just(Move::Begin),
        2 => Just(Move::Sent),
        1 => Just(Move::Cancel),
        2 => Just(Move::Renew),
        1 => Just(Move::FallBack),
        6 => Just(Move::Claim),
        1 => Just(Move::Right),
        4 => Just(Move::Wrong),
        2 => Just(Move::GiveBack),
        2 => any::<bool>().prop_map(Move::Void),
        2 => Just(Move::Expired),
        1 => any::<bool>().prop_map(Move::Fail),
        1 => Just(Move::Revoke),
        1 => Just(Move::WriteOff),
        1 => (1_i64..700).prop_map(Move::Pass),
    ];
    proptest::collection::vec(one, 0..40)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn code(name: usize, expires: i64) -> Code {
    Code { digest: format!("d{name}"), expires_at: at(expires) }
}

struct House {
    ekyc: Ekyc,
    place: Place,
    journey: JourneyId,
}

impl House {
    fn new() -> Self {
        let database = TestDatabase::new();
        let clock = FixedClock::at_text("2026-01-25T22:55:24Z");
        let ring = key_ring(Arc::new(clock), Arc::new(SequenceRandom::default()));
        let partner = PartnerId::from(Uuid::nil());
        Self {
            ekyc: Ekyc::new(database.customers(), ring),
            place: Ekyc::application(partner, ApplicationId::from(Uuid::nil())),
            journey: JourneyId::parse("j").unwrap(),
        }
    }

    async fn commit(&self, fill: impl FnOnce(&Ekyc, &mut Transaction)) -> bool {
        let mut transaction = Transaction::new();
        fill(&self.ekyc, &mut transaction);
        match transaction.commit(self.ekyc.table()).await {
            Ok(()) => true,
            Err(CommitError::Refused(_)) => false,
            Err(error) => panic!("{error}"),
        }
    }

    async fn stored(&self) -> Option<Journey> {
        self.ekyc.journey(&self.place, Method::Otp, &self.journey).await.unwrap()
    }
}

fn same(moves: Vec<Move>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (house, limits) = (House::new(), Limits::of(Method::Otp));
        let mut model: Option<Journey> = None;
        let (mut now, mut sessions) = (0, 0_u8);
        for (n, step) in moves.into_iter().enumerate() {
            let auth = |n: u8| AuthId::from(Uuid::from_bytes([n; 16]));
            let current = auth(sessions);
            let slot = Slot {
                place: &house.place,
                method: Method::Otp,
                journey: &house.journey,
                auth: current,
            };
            let mut journey = model.clone().unwrap_or_default();
            let seen = journey.clone();
            let sends = journey.live(current).map_or(1, |live| live.sends);
            let new = code(n, now + 600);
            let (expected, found) = match step {
                Move::Begin => {
                    let next = Slot { auth: auth(sessions + 1), ..slot.clone() };
                    let begun = journey.begin(next.auth, new.clone());
                    let stored = house.commit(|ekyc, tx| ekyc.begin(tx, &next, &new)).await;
                    sessions += u8::from(begun);
                    (begun, stored)
                }
                Move::Sent => {
                    (journey.sent(current), house.commit(|ekyc, tx| ekyc.sent(tx, &slot)).await)
                }
                Move::Cancel => {
                    (journey.cancel(current), house.commit(|ekyc, tx| ekyc.cancel(tx, &slot)).await)
                }
                Move::Renew => (
                    journey.renew(current, sends, new.clone()),
                    house.commit(|ekyc, tx| ekyc.renew(tx, &slot, sends, &new)).await,
                ),
                Move::FallBack => (
                    journey.fall_back(current, sends),
                    house.commit(|ekyc, tx| ekyc.fall_back(tx, &slot, sends)).await,
                ),
                Move::Claim => {
                    let claimed = journey.claim(current, &limits, at(now));
                    let moved = house.ekyc.claim(&slot, &limits, at(now)).await.unwrap();
                    (claimed, matches!(moved, Moved::Done(_)))
                }
                Move::Right => {
                    let from = seen.live(current).map_or(SessionState::Sending, |live| live.state);
                    let settle =
                        |ekyc: &Ekyc, tx: &mut Transaction| ekyc.settle_right(tx, &slot, from);
                    (journey.settle_right(current), house.commit(settle).await)
                }
                Move::Wrong if model.is_some() => {
                    journey.settle_wrong(current);
                    let settle = |ekyc: &Ekyc, tx: &mut Transaction| {
                        ekyc.settle_wrong(tx, &slot, &seen, None);
                    };
                    (true, house.commit(settle).await)
                }
                Move::GiveBack => {
                    let is_live = seen.live(current).is_some();
                    let moved = house.ekyc.give_back(&slot, is_live).await.unwrap();
                    (journey.give_back(current), matches!(moved, Moved::Done(_)))
                }
                Move::Void(newest) => {
                    let live = seen.live(current);
                    let code = if newest {
                        live.map(|live| &live.code)
                    } else {
                        live.and_then(|live| live.previous.as_ref())
                    };
                    let digest = code.map_or("none", |code| &code.digest).to_owned();
                    let moved = house.ekyc.void(&slot, &digest, "never").await.unwrap();
                    (journey.void(current, &digest, "never"), matches!(moved, Moved::Done(_)))
                }
                Move::Expired => {
                    let room = seen.expired < limits.maximum_number_of_expired_validates;
                    if !room {
                        continue;
                    }
                    let count =
                        |ekyc: &Ekyc, tx: &mut Transaction| ekyc.count_expired(tx, &slot, &seen);
                    (journey.count_expired(current, &limits), house.commit(count).await)
                }
                Move::Fail(whole) => {
                    let ended = if whole { Ended::Journey } else { Ended::Session };
                    let from = seen.live(current).map_or(SessionState::Sending, |live| live.state);
                    let failed = journey.fail(current, whole);
                    (failed, house.commit(|ekyc, tx| ekyc.fail(tx, &slot, ended, from)).await)
                }
                Move::Revoke => {
                    (journey.revoke(current), house.commit(|ekyc, tx| ekyc.revoke(tx, &slot)).await)
                }
                Move::WriteOff if seen.claimed_at.is_some() => {
                    journey.write_off();
                    let moved = house.ekyc.write_off(&slot, &seen).await.unwrap();
                    (true, matches!(moved, Moved::Done(_)))
                }
                Move::Wrong | Move::WriteOff => continue,
                Move::Pass(seconds) => {
                    now += seconds;
                    continue;
                }
            };
            assert_eq!(expected, found, "{step:?} on {seen:?}");
            if expected {
                model = Some(journey);
            }
            assert_eq!(model, house.stored().await, "after {step:?}");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_stores_moves_are_the_domains(moves in moves()) {
        same(moves);
    }
}
