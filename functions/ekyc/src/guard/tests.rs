use domain::email::EmailAddress;
use domain::phone::PhoneNumber;
use domain::time::{Clock as _, FixedClock, SequenceRandom};
use jiff::SignedDuration;
use store::testing::TestDatabase;

use super::*;

const PARTNER: &str = "11111111-2222-3333-4444-555555555555";
const OTHER: &str = "11111111-2222-3333-4444-666666666666";

struct House {
    database: TestDatabase,
    guard: Guard,
    clock: FixedClock,
}

impl House {
    fn new(limits: Limits) -> Self {
        let database = TestDatabase::new();
        let guard = Guard::new(database.customers(), limits, Arc::new(SequenceRandom::default()));
        Self { database, guard, clock: FixedClock::at_text("2026-03-01T09:00:00Z") }
    }

    async fn ask(&self, partner: &str, destination: &Destination) -> Result<Admission, GuardError> {
        let channel = match destination {
            Destination::Phone(_) => Channel::Sms,
            Destination::Email(_) => Channel::Email,
        };
        let fingerprint = hex::encode(crypto::sha256(destination.folded().as_bytes()));
        self.guard
            .admit(&Attempt {
                partner: PartnerId::parse(partner).unwrap(),
                channel,
                destination,
                fingerprint: &fingerprint,
                now: self.clock.now(),
            })
            .await
    }

    async fn send(&self, destination: &Destination) -> Option<Ticket> {
        match self.ask(PARTNER, destination).await.unwrap() {
            Admission::Send(ticket) => Some(ticket),
            Admission::Suppress => None,
        }
    }

    async fn items(&self) -> Vec<store::Item> {
        self.database.dump(&self.database.customers()).await
    }

    fn later(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
    }
}

fn phone(last: u32) -> Destination {
    Destination::Phone(PhoneNumber::parse(&format!("+4474001{last:05}")).unwrap())
}

fn mailbox() -> Destination {
    Destination::Email(EmailAddress::parse("jane@bank.example").unwrap())
}

fn limits() -> Limits {
    let limit = |sends| Limit { sends, seconds: 3_600 };
    let breaker = Breaker { sends: 4, least_used_percent: 30, trials: 2, ..Breaker::default() };
    Limits { destination: limit(2), range: limit(5), partner: limit(100), breaker }
}

#[test]
fn keys_hold_no_number() {
    let partner = PartnerId::parse(PARTNER).unwrap();
    let pk = |counted| LedgerKey { partner, counted }.pk();
    let number = phone(23_456);
    let range = range_of(&number).unwrap();
    assert_eq!(pk(Counted::Range(range)), format!("P#{PARTNER}#GUARD#RANGE#+4474001"));
    assert_eq!(pk(Counted::Destination("abc")), format!("P#{PARTNER}#GUARD#TO#abc"));
    assert_eq!(pk(Counted::Partner), format!("P#{PARTNER}#GUARD#ALL"));
    assert_eq!(range_of(&mailbox()), None);
    let short = Destination::Phone(PhoneNumber::parse("+2901234").unwrap());
    assert_eq!(range_of(&short), Some("+29"));
}

#[tokio::test]
async fn a_destination_gets_no_more_than_its_limit() {
    let house = House::new(limits());
    for destination in [phone(1), mailbox()] {
        assert!(house.send(&destination).await.is_some());
        assert!(house.send(&destination).await.is_some());
        assert!(house.send(&destination).await.is_none());
    }
    assert!(house.send(&phone(2)).await.is_some(), "another number of the range");
    house.later(65);
    assert!(house.send(&phone(1)).await.is_some());
}

#[tokio::test]
async fn a_range_gets_no_more_than_its_limit() {
    let house = House::new(limits());
    for last in 1..=5 {
        assert!(house.send(&phone(last)).await.is_some());
    }
    assert!(house.send(&phone(6)).await.is_none());
    let elsewhere = Destination::Phone(PhoneNumber::parse("+447400200001").unwrap());
    assert!(house.send(&elsewhere).await.is_some());
    assert!(house.send(&mailbox()).await.is_some());
}

#[tokio::test]
async fn what_is_held_back_in_one_row_is_counted_in_none() {
    let house = House::new(limits());
    for _ in 0..2 {
        house.send(&phone(1)).await.unwrap();
    }
    for _ in 0..10 {
        assert!(house.send(&phone(1)).await.is_none());
    }
    // The range has room for three more, and not for less.
    for last in 2..=4 {
        assert!(house.send(&phone(last)).await.is_some());
    }
    assert!(house.send(&phone(5)).await.is_none());
}

#[tokio::test]
async fn a_partner_is_told_of_its_own_limit() {
    let partner = Limit { sends: 2, seconds: 3_600 };
    let house = House::new(Limits { partner, ..limits() });
    for last in 1..=2 {
        house.send(&phone(last)).await.unwrap();
    }
    let busy = house.ask(PARTNER, &phone(3)).await;
    let Err(GuardError::PartnerBusy { retry_after_seconds }) = busy else { panic!("{busy:?}") };
    assert_eq!(retry_after_seconds, 3_901, "the hour and the slot of five minutes, rounded up");
    let other = house.ask(OTHER, &phone(3)).await.unwrap();
    assert!(matches!(other, Admission::Send(_)), "another partner is not concerned");
}

#[tokio::test]
async fn a_send_that_did_not_go_out_is_given_back_once() {
    let house = House::new(limits());
    let first = house.send(&phone(1)).await.unwrap();
    house.send(&phone(1)).await.unwrap();
    assert!(house.send(&phone(1)).await.is_none());
    house.guard.withdraw(&first).await.unwrap();
    assert!(house.send(&phone(1)).await.is_some());
    assert!(house.send(&phone(1)).await.is_none());
    // Long after, there is nothing left to give back.
    house.later(180);
    house.send(&phone(1)).await.unwrap();
    house.guard.withdraw(&first).await.unwrap();
    house.send(&phone(1)).await.unwrap();
    assert!(house.send(&phone(1)).await.is_none());
}

#[tokio::test]
async fn senders_at_the_same_time_share_one_limit() {
    let many = Limit { sends: 100, seconds: 3_600 };
    let house = Arc::new(House::new(Limits { range: many, ..limits() }));
    let tasks: Vec<_> = (0..30)
        .map(|_| {
            let house = Arc::clone(&house);
            tokio::spawn(async move { house.send(&phone(1)).await.is_some() })
        })
        .collect();
    let mut sent = 0;
    for task in tasks {
        sent += u32::from(task.await.unwrap());
    }
    assert_eq!(sent, 2);
    // And every row counted those two alone.
    let totals =
        house.items().await.iter().map(|item| store::number(item, "total")).collect::<Vec<_>>();
    assert_eq!(totals, [Some(2); 3]);
}

/// Four codes in a range of which one in four is used at most.
async fn house_of_unused_codes(used: usize) -> House {
    let range = Limit { sends: 100, seconds: 3_600 };
    let house = House::new(Limits { range, ..limits() });
    for last in 1..=4 {
        let ticket = house.send(&phone(last)).await.unwrap();
        if (last as usize) <= used {
            house.guard.used(&ticket).await.unwrap();
        }
    }
    house.later(16);
    house
}

#[tokio::test]
async fn a_breaker_opens_tries_and_closes() {
    let house = house_of_unused_codes(1).await;
    let busy = house.ask(PARTNER, &phone(5)).await;
    assert!(matches!(busy, Err(GuardError::PartnerBusy { retry_after_seconds: 901 })), "{busy:?}");
    house.later(15);
    let trials = [house.ask(PARTNER, &phone(6)).await, house.ask(PARTNER, &phone(7)).await];
    let tickets: Vec<Ticket> = trials
        .into_iter()
        .map(|trial| match trial.unwrap() {
            Admission::Send(ticket) => ticket,
            Admission::Suppress => panic!("trials are sent"),
        })
        .collect();
    assert!(tickets.iter().all(|ticket| ticket.is_trial_of_range && ticket.is_trial_of_partner));
    assert!(house.ask(PARTNER, &phone(8)).await.is_err(), "no more than two trials");
    house.guard.used(&tickets[0]).await.unwrap();
    assert!(house.send(&phone(8)).await.is_some());
}

#[tokio::test]
async fn enough_used_codes_keep_the_breaker_closed() {
    let house = house_of_unused_codes(2).await;
    assert!(house.send(&phone(5)).await.is_some());
}

#[tokio::test]
async fn an_open_breaker_of_a_range_is_not_shown() {
    let limits = Limits { partner: Limit { sends: 100, seconds: 3_600 }, ..limits() };
    let house = House::new(Limits { range: Limit { sends: 50, seconds: 3_600 }, ..limits });
    for last in 1..=4 {
        house.send(&phone(last)).await.unwrap();
    }
    // Codes used by mail: the partner's share is fine, the range's is not.
    for last in 1..=4 {
        let address = format!("jane{last}@bank.example");
        let address = Destination::Email(EmailAddress::parse(&address).unwrap());
        let ticket = house.send(&address).await.unwrap();
        house.guard.used(&ticket).await.unwrap();
    }
    house.later(16);
    assert!(house.send(&phone(5)).await.is_none());
    assert!(house.send(&mailbox()).await.is_some());
}

#[tokio::test]
async fn rows_live_for_their_window_and_hold_no_number() {
    let house = House::new(limits());
    house.send(&phone(23_456)).await.unwrap();
    house.send(&mailbox()).await.unwrap();
    let items = house.items().await;
    assert_eq!(items.len(), 4);
    for item in &items {
        let expires_at = store::number(item, "expiresAt").unwrap();
        assert_eq!(expires_at, house.clock.now().as_second() + 3_600 + 24 * 3_600);
        let shown = format!("{item:?}");
        assert!(!shown.contains("23456") && !shown.contains("jane"), "{shown}");
    }
}

#[tokio::test]
async fn the_usual_send_costs_one_update_per_row_and_a_read() {
    let house = House::new(limits());
    house.send(&phone(1)).await.unwrap();
    let before = house.database.calls();
    house.send(&phone(1)).await.unwrap();
    assert_eq!(house.database.calls() - before, 4);
}

#[test]
fn tickets_are_stored_and_read_again() {
    let ticket = Ticket {
        partner: PartnerId::parse(PARTNER).unwrap(),
        fingerprint: "abc".into(),
        range: Some("+4474001".into()),
        at_ms: 1,
        is_trial_of_range: true,
        is_trial_of_partner: false,
    };
    let json = serde_json::to_string(&ticket).unwrap();
    assert_eq!(serde_json::from_str::<Ticket>(&json).unwrap(), ticket);
}
