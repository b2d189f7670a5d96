//! The state machine as a whole: properties over random moves.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::ids::AuthId;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn auth(n: u8) -> AuthId {
    AuthId::from(Uuid::from_bytes([n; 16]))
}

fn code(expires: i64) -> Code {
    Code { digest: "d".to_owned(), expires_at: at(expires) }
}

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
    Expired,
    Pass(i64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        2 => Just(Move::Begin),
        2 => Just(Move::Sent),
        1 => Just(Move::Cancel),
        1 => Just(Move::Renew),
        1 => Just(Move::FallBack),
        6 => Just(Move::Claim),
        1 => Just(Move::Right),
        4 => Just(Move::Wrong),
        1 => Just(Move::Expired),
        1 => (1_i64..700).prop_map(Move::Pass),
    ];
    proptest::collection::vec(one, 0..60)
}

proptest! {
    /// Whatever happens: no more attempts are claimed than the limits allow, what ended stays ended, wrong codes are
    /// never forgotten, and only a claim that was made can be settled as right.
    #[test]
    fn a_journey_keeps_its_limits(moves in moves()) {
        let limits = Limits::of(Method::Otp);
        let mut journey = Journey::default();
        let (mut now, mut sessions) = (0, 0_u8);
        // Claims that are not settled, by session.
        let mut claims: Vec<AuthId> = Vec::new();
        for step in moves {
            let before = journey.clone();
            let current = auth(sessions);
            match step {
                Move::Begin => {
                    if journey.begin(auth(sessions + 1), code(now + 600)) {
                        sessions += 1;
                    }
                }
                Move::Sent => _ = journey.sent(current),
                Move::Cancel => _ = journey.cancel(current),
                Move::Renew => {
                    let sends = journey.live(current).map_or(1, |live| live.sends);
                    _ = journey.renew(current, sends, code(now + 600));
                }
                Move::FallBack => {
                    let sends = journey.live(current).map_or(1, |live| live.sends);
                    _ = journey.fall_back(current, sends);
                }
                Move::Claim => {
                    let open = judge(SessionState::Sending, current, &journey, &limits, at(now));
                    let claimed = journey.claim(current, &limits, at(now));
                    prop_assert_eq!(claimed, open == Verdict::Open, "{:?}", open);
                    if claimed {
                        claims.push(current);
                    }
                }
                Move::Right => {
                    if let Some(of) = claims.pop() {
                        let settled = journey.settle_right(of);
                        prop_assert!(!settled || before.state == JourneyState::Open);
                    }
                }
                Move::Wrong => {
                    if let Some(of) = claims.pop() {
                        let (ended, remaining) = settle_wrong(&journey, of, &limits);
                        journey.settle_wrong(of);
                        let mine = journey.live(of).is_some();
                        match ended {
                            Some(Ended::Journey) => _ = journey.fail(current, true),
                            Some(Ended::Session) if mine => _ = journey.fail(of, false),
                            _ => {}
                        }
                        prop_assert!(ended.is_some() || remaining > 0);
                    }
                }
                Move::Expired => _ = journey.count_expired(current, &limits),
                Move::Pass(seconds) => now += seconds,
            }
            prop_assert!(journey.wrong >= before.wrong);
            prop_assert!(journey.wrong <= limits.maximum_number_of_invalid_validates);
            prop_assert!(journey.attempts <= limits.maximum_number_of_invalid_validates);
            prop_assert!(journey.expired <= limits.maximum_number_of_expired_validates);
            if let Some(live) = &journey.live {
                let most = limits.maximum_number_of_invalid_validates_per_session;
                prop_assert!(live.attempts <= most && live.wrong <= most);
            }
            if before.state != JourneyState::Open {
                prop_assert_eq!(journey.state, before.state, "what ended stays ended");
            }
        }
    }

    /// In any window of the configured length no more codes are made than the maximum, whatever the times at which
    /// they are asked for.
    #[test]
    fn the_rolling_window_holds(gaps in proptest::collection::vec(0_i64..3_000, 1..80), locks: bool) {
        let mut limits = Limits::of(Method::Otp);
        limits.temp_lock_enabled_on_initiate_application = locks;
        // A lock that is shorter than the window would clear it early: that is what it does.
        limits.temp_lock_duration_on_initiate_application_in_seconds = 7_200;
        let window = SignedDuration::from_millis(limits.initiates_duration_in_milliseconds);
        let mut issues = Issues::default();
        let (mut now, mut made) = (0, Vec::new());
        for (n, gap) in gaps.into_iter().enumerate() {
            now += gap;
            let kind = SubjectKind::Application;
            let ask = Ask { kind, method: Method::Otp, destination: None, request: None, resend: false };
            match start(&ask, &issues, None, &limits, at(now)) {
                Start::Free(remaining) => {
                    made.push(at(now));
                    let issued = Issued {
                        at: at(now),
                        auth: auth(1),
                        journey: JourneyId::parse("j").unwrap(),
                        destination: "d".to_owned(),
                        digest: "c".to_owned(),
                        expires_at: at(now + 600),
                        request: None,
                    };
                    issues.add(n.to_string(), issued);
                    prop_assert_eq!(issues.remaining(&limits, at(now)), remaining);
                }
                Start::NoMoreCodes { retry_after, lock_until } => {
                    prop_assert!(retry_after > 0);
                    if let Some(until) = lock_until {
                        issues.lock_until = Some(until);
                    }
                    // Waiting as long as told is enough, and no longer than needed without a lock.
                    let later = at(now + retry_after);
                    let again = start(&ask, &issues, None, &limits, later);
                    prop_assert!(matches!(again, Start::Free(_)), "{again:?}");
                }
                other => prop_assert!(false, "{other:?}"),
            }
            let recent = made.iter().filter(|made| at(now).duration_since(**made) < window).count();
            prop_assert!(recent <= 3, "{recent} in one window");
        }
    }
}

proptest! {
    /// In any window no more name checks are counted than the limit, waiting as long as told is enough and no longer than
    /// needed, and what is kept is bounded.
    #[test]
    fn name_checks_are_counted(gaps in proptest::collection::vec(0_i64..20_000, 1..200)) {
        let limits = Limits::of(Method::PennyDrop);
        let window = SignedDuration::from_millis(limits.initiates_duration_in_milliseconds);
        let mut issues = Issues::default();
        let (mut now, mut counted) = (0, Vec::new());
        for (n, gap) in (0_u8..).zip(gaps) {
            now += gap;
            match issues.check_name(auth(n), &limits, at(now)) {
                Ok(()) => counted.push(at(now)),
                Err(wait) => {
                    prop_assert!(wait >= 1);
                    let mut later = issues.clone();
                    prop_assert!(later.check_name(auth(n), &limits, at(now + wait - 1)).is_err());
                    prop_assert!(later.check_name(auth(n), &limits, at(now + wait)).is_ok());
                }
            }
            let recent = counted.iter().filter(|at_| at(now).duration_since(**at_) < window);
            prop_assert!(recent.count() <= 6);
            prop_assert!(issues.checks.len() <= 100);
        }
    }
}

/// What was proved and taken back leaves the journey to another session; nothing else can be taken back.
#[test]
fn only_a_proof_is_taken_back() {
    let limits = Limits::of(Method::PennyDrop);
    let mut journey = Journey::default();
    assert!(!journey.revoke(auth(1)));
    assert!(journey.begin(auth(1), code(600)));
    assert!(!journey.revoke(auth(1)), "it has proved nothing yet");
    assert!(journey.claim(auth(1), &limits, at(0)) && journey.settle_right(auth(1)));
    assert!(!journey.revoke(auth(2)));
    assert!(journey.revoke(auth(1)));
    assert_eq!(
        judge(SessionState::Authenticated, auth(1), &journey, &limits, at(1)),
        Verdict::Failed(Ended::Session)
    );
    assert!(!journey.revoke(auth(1)));
    assert!(journey.begin(auth(2), code(600)));
}

#[test]
fn every_numeric_key_has_safe_bounds_and_a_default_within() {
    for method in [Method::Otp, Method::PennyDrop] {
        let mut limits = Limits::of(method);
        assert!(limits.check().is_ok());
        for key in KEYS.iter().filter(|key| key.concerns(method)) {
            assert!(key.min > 0, "{}: zero would mean never", key.name);
            let default = key.get(&limits);
            assert!((key.min..=key.max).contains(&default), "{}", key.name);
            assert!(key.set(&mut limits, key.min - 1).is_err());
            assert!(key.set(&mut limits, key.max + 1).is_err());
            assert!(key.set(&mut limits, key.max).is_ok());
            assert_eq!(key.get(&limits), key.max);
        }
    }
}

#[test]
fn limits_that_bear_guessing_are_refused_together() {
    let hour = 3_600_000;
    for (method, length, initiates, window, guesses, good) in [
        (Method::Otp, 6, 50, hour, 20, true),
        (Method::Otp, 6, 50, hour, 21, false),
        (Method::Otp, 4, 3, hour, 3, true),
        (Method::Otp, 4, 3, hour, 4, false),
        (Method::Otp, 6, 50, 60_000, 1, false),
        (Method::Otp, 6, 3, 60_000, 3, true),
        (Method::Otp, 10, 50, 60_000, 100, true),
        // A window of days may be used up within an hour.
        (Method::PennyDrop, 4, 5, 24 * hour, 2, true),
        (Method::PennyDrop, 4, 6, 24 * hour, 2, false),
    ] {
        let limits = Limits {
            code_length: length,
            maximum_number_of_initiates_per_duration: initiates,
            initiates_duration_in_milliseconds: window,
            maximum_number_of_invalid_validates: 100,
            maximum_number_of_invalid_validates_per_session: guesses,
            ..Limits::of(method)
        };
        let checked = limits.check();
        assert_eq!(checked.is_ok(), good, "{length} {initiates} {window} {guesses}: {checked:?}");
    }
}

#[test]
fn abandoned_claims_become_wrong_codes() {
    let limits = Limits::of(Method::Otp);
    let mut journey = Journey::default();
    assert!(journey.begin(auth(1), code(600)));
    for _ in 0..3 {
        assert!(journey.claim(auth(1), &limits, at(0)));
    }
    let state = SessionState::Sending;
    assert_eq!(judge(state, auth(1), &journey, &limits, at(1)), Verdict::Crowded);
    journey.write_off();
    assert_eq!(judge(state, auth(1), &journey, &limits, at(1)), Verdict::Overdue(Ended::Session));
}

/// Codes that were asked for under a short window count in a long one.
#[test]
fn another_merchants_window_does_not_reset_this_ones() {
    let long = Limits {
        initiates_duration_in_milliseconds: 30 * 86_400_000,
        temp_lock_enabled_on_initiate_application: false,
        ..Limits::of(Method::Otp)
    };
    let short = Limits { initiates_duration_in_milliseconds: 60_000, ..long.clone() };
    let mut issues = Issues::default();
    let mut make = |limits: &Limits, now: i64| {
        let kind = SubjectKind::Account;
        let ask =
            Ask { kind, method: Method::Otp, destination: None, request: None, resend: false };
        let free = matches!(start(&ask, &issues, None, limits, at(now)), Start::Free(_));
        if free {
            let issued = Issued {
                at: at(now),
                auth: auth(1),
                journey: JourneyId::parse("j").unwrap(),
                destination: "d".to_owned(),
                digest: "c".to_owned(),
                expires_at: at(now + 600),
                request: None,
            };
            issues.add(now.to_string(), issued);
        }
        free
    };
    assert!(make(&long, 0) && make(&long, 1));
    assert!(make(&short, 86_400), "its own window is free");
    assert!(!make(&long, 86_401), "three in thirty days");
    assert!(!make(&long, 30 * 86_400 - 1));
    assert!(make(&long, 30 * 86_400));
}
