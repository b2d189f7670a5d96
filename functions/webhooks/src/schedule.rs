//! When a delivery is tried again, and when its registration is suspended.
//!
//! The rules are the contracts'. [`COS`]: after a first failure three more tries, each 30–60 seconds after the one
//! before; then the registration is suspended and everything for it is held. [`STRADDLE`]: eight tries over some 27
//! hours, then the event is given up and the registration goes on; how a receiver that never answers is suspended all
//! the same is in [`crate::health`]. After a restart one held event is tried up to two times; success releases the rest,
//! failure suspends again. A ping is tried once and decides nothing.
//!
//! Invariant: [`Schedule::verdict`] is the only place that turns an outcome into what happens next. It knows no
//! clock and no table.

use std::time::Duration;

use domain::time::Random;
use http_api::Contract;
use jiff::SignedDuration;

/// Why a delivery is under way; each has its own number of tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// The registration is Active.
    Regular,
    /// The registration was restarted and this held event decides whether it becomes Active.
    AfterRestart,
    /// A test asked for by the partner.
    Ping,
}

/// How a delivery ended, in the words of the attempt log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// The receiver answered with this status, which is not a success.
    Status(u16),
    /// The receiver answered with a redirect, which is never followed.
    Redirect(u16),
    /// The whole exchange did not end within its deadline.
    Timeout,
    /// The name did not resolve.
    Dns,
    /// No connection could be opened.
    Connect,
    /// The connection's TLS handshake failed.
    Tls,
    /// The receiver closed the connection before its answer was complete.
    ClosedEarly,
    /// The receiver's answer is not HTTP, or breaks a limit.
    Protocol,
    /// The URL leads to an address that deliveries must not reach.
    ForbiddenAddress,
    /// The delivery could not be built, for example because its credentials can not be opened.
    Unusable,
}

impl Failure {
    /// The stable name in the attempt log.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Redirect(_) => "redirect",
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::ClosedEarly => "closed-early",
            Self::Protocol => "protocol",
            Self::ForbiddenAddress => "forbidden-address",
            Self::Unusable => "unusable",
        }
    }

    /// The receiver's status, when it answered.
    #[must_use]
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::Status(status) | Self::Redirect(status) => Some(status),
            _ => None,
        }
    }

    /// Whether trying again can not help until the registration is changed.
    #[must_use]
    pub const fn is_lasting(self) -> bool {
        matches!(self, Self::ForbiddenAddress)
    }

    /// Whether the receiver asks not to be called any more (Standard Webhooks, "status codes").
    const fn is_gone(self) -> bool {
        matches!(self, Self::Status(410))
    }
}

/// What one try came to.
pub type Outcome = Result<u16, Failure>;

/// Reads a receiver's status: 2xx is success, nothing else is.
pub const fn outcome_of_status(status: u16) -> Outcome {
    match status {
        200..=299 => Ok(status),
        300..=399 => Err(Failure::Redirect(status)),
        _ => Err(Failure::Status(status)),
    }
}

/// What happens after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has it.
    Delivered,
    /// Try again after this time.
    Again(SignedDuration),
    /// No more tries: suspend the registration and hold the event.
    Suspend,
    /// No more tries, and the registration is not touched.
    GiveUp,
}

/// The shortest and the longest pause before a try, in milliseconds.
type Gap = (u32, u32);

/// How often and when a delivery is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Before the second try, the third, and so on: one fewer than there are tries.
    gaps: &'static [Gap],
    restart_tries: u32,
    /// Whether the last failure suspends the registration, or costs only this event.
    suspends: bool,
    /// Whether a receiver that is gone (410) is believed.
    believes_gone: bool,
    /// Over the whole exchange.
    deadline: Duration,
}

/// The onboarding contract's rules (§6.4).
pub const COS: Schedule = Schedule {
    gaps: &[(30_000, 60_000); 3],
    restart_tries: 2,
    suspends: true,
    believes_gone: false,
    deadline: Duration::from_secs(10),
};

const SECOND: u32 = 1_000;
const MINUTE: u32 = 60 * SECOND;
const HOUR: u32 = 60 * MINUTE;

/// Up to a tenth later than the contract says, so that a receiver that comes back is not met by everything at once.
const fn about(millis: u32) -> Gap {
    (millis, millis + millis / 10)
}

/// The payments platform's rules (§6).
pub const STRADDLE: Schedule = Schedule {
    gaps: &[
        about(5 * SECOND),
        about(5 * MINUTE),
        about(30 * MINUTE),
        about(2 * HOUR),
        about(5 * HOUR),
        about(10 * HOUR),
        about(10 * HOUR),
    ],
    restart_tries: 2,
    suspends: false,
    believes_gone: true,
    deadline: Duration::from_secs(15),
};

impl Schedule {
    /// The rules of a contract.
    #[must_use]
    pub const fn of(contract: Contract) -> &'static Self {
        match contract {
            Contract::Straddle => &STRADDLE,
            Contract::Cos | Contract::NewDay | Contract::OAuth => &COS,
        }
    }

    /// Over look-up, connection, TLS, sending and the whole answer together.
    #[must_use]
    pub const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Decides what follows try number `tries` (the first is 1).
    pub fn verdict(
        &self,
        trial: Trial,
        tries: u32,
        outcome: Outcome,
        random: &dyn Random,
    ) -> Verdict {
        let failure = match outcome {
            Ok(_) => return Verdict::Delivered,
            Err(failure) => failure,
        };
        let (most, exhausted) = match trial {
            Trial::Ping => return Verdict::GiveUp,
            Trial::Regular if self.suspends => (u32::MAX, Verdict::Suspend),
            Trial::Regular => (u32::MAX, Verdict::GiveUp),
            Trial::AfterRestart => (self.restart_tries, Verdict::Suspend),
        };
        if failure.is_lasting() || (self.believes_gone && failure.is_gone()) {
            return Verdict::Suspend;
        }
        if tries >= most {
            return exhausted;
        }
        let next = usize::try_from(tries.saturating_sub(1)).ok();
        match next.and_then(|next| self.gaps.get(next)) {
            Some(gap) => Verdict::Again(point_in(*gap, random)),
            None => exhausted,
        }
    }
}

/// A random point in the gap.
fn point_in((low, high): Gap, random: &dyn Random) -> SignedDuration {
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    let span = u64::from(high.saturating_sub(low)) + 1;
    let drawn = u64::from(u32::from_be_bytes(bytes)) % span;
    SignedDuration::from_millis(i64::from(low).saturating_add_unsigned(drawn))
}

#[cfg(test)]
mod tests {
    use domain::time::SequenceRandom;
    use proptest::prelude::*;

    use super::*;

    const ALL_FAILURES: [Failure; 10] = [
        Failure::Status(500),
        Failure::Redirect(302),
        Failure::Timeout,
        Failure::Dns,
        Failure::Connect,
        Failure::Tls,
        Failure::ClosedEarly,
        Failure::Protocol,
        Failure::ForbiddenAddress,
        Failure::Unusable,
    ];

    #[test]
    fn only_2xx_is_success() {
        for (status, outcome) in [
            (200, Ok(200)),
            (202, Ok(202)),
            (204, Ok(204)),
            (299, Ok(299)),
            (300, Err(Failure::Redirect(300))),
            (302, Err(Failure::Redirect(302))),
            (399, Err(Failure::Redirect(399))),
            (400, Err(Failure::Status(400))),
            (410, Err(Failure::Status(410))),
            (500, Err(Failure::Status(500))),
            (199, Err(Failure::Status(199))),
            (999, Err(Failure::Status(999))),
        ] {
            assert_eq!(outcome_of_status(status), outcome, "{status}");
        }
    }

    #[test]
    fn a_regular_delivery_has_four_tries_and_then_suspends() {
        let random = SequenceRandom::default();
        for tries in 1..=3 {
            let verdict = COS.verdict(Trial::Regular, tries, Err(Failure::Timeout), &random);
            assert!(matches!(verdict, Verdict::Again(_)), "{tries}");
        }
        for tries in [4, 5, 1000] {
            let verdict = COS.verdict(Trial::Regular, tries, Err(Failure::Timeout), &random);
            assert_eq!(verdict, Verdict::Suspend);
        }
    }

    #[test]
    fn after_a_restart_there_are_two_tries_and_a_ping_has_one() {
        let random = SequenceRandom::default();
        let failed = Err(Failure::Status(503));
        assert!(matches!(COS.verdict(Trial::AfterRestart, 1, failed, &random), Verdict::Again(_)));
        assert_eq!(COS.verdict(Trial::AfterRestart, 2, failed, &random), Verdict::Suspend);
        assert_eq!(COS.verdict(Trial::Ping, 1, failed, &random), Verdict::GiveUp);
    }

    #[test]
    fn a_forbidden_address_is_not_tried_again() {
        let random = SequenceRandom::default();
        let refused = Err(Failure::ForbiddenAddress);
        assert_eq!(COS.verdict(Trial::Regular, 1, refused, &random), Verdict::Suspend);
        assert_eq!(COS.verdict(Trial::Ping, 1, refused, &random), Verdict::GiveUp);
    }

    proptest! {
        #[test]
        fn gaps_stay_within_the_contract(seed: u64, tries in 1_u32..4, failure in 0_usize..10) {
            let random = SequenceRandom::starting_at(seed);
            let failure = ALL_FAILURES[failure];
            match COS.verdict(Trial::Regular, tries, Err(failure), &random) {
                Verdict::Again(gap) => {
                    prop_assert!(gap >= SignedDuration::from_secs(30));
                    prop_assert!(gap <= SignedDuration::from_secs(60));
                }
                Verdict::Suspend => prop_assert!(failure.is_lasting()),
                other => prop_assert!(false, "{other:?}"),
            }
        }

        #[test]
        fn success_always_ends_it(tries: u32, status in 200_u16..300) {
            let random = SequenceRandom::default();
            for trial in [Trial::Regular, Trial::AfterRestart, Trial::Ping] {
                for schedule in [COS, STRADDLE] {
                    let verdict = schedule.verdict(trial, tries, outcome_of_status(status), &random);
                    prop_assert_eq!(verdict, Verdict::Delivered);
                }
            }
        }

        #[test]
        fn the_platform_s_gaps_are_the_contract_s_and_no_more_than_a_tenth_later(seed: u64) {
            let random = SequenceRandom::starting_at(seed);
            let contract = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
            for (tries, seconds) in (1..).zip(contract) {
                let gap = SignedDuration::from_secs(seconds);
                match STRADDLE.verdict(Trial::Regular, tries, Err(Failure::Redirect(302)), &random) {
                    Verdict::Again(drawn) => prop_assert!(drawn >= gap && drawn <= gap + gap / 10),
                    other => prop_assert!(false, "{tries}: {other:?}"),
                }
            }
        }
    }

    #[test]
    fn the_platform_s_eighth_failure_costs_the_event_and_not_the_registration() {
        let random = SequenceRandom::default();
        let failed = Err(Failure::Timeout);
        for tries in [8, 9, u32::MAX] {
            let verdict = STRADDLE.verdict(Trial::Regular, tries, failed, &random);
            assert_eq!(verdict, Verdict::GiveUp, "{tries}");
        }
        assert_eq!(STRADDLE.verdict(Trial::AfterRestart, 2, failed, &random), Verdict::Suspend);
        assert_eq!(STRADDLE.verdict(Trial::Ping, 1, failed, &random), Verdict::GiveUp);
    }

    #[test]
    fn only_the_platform_s_schedule_believes_a_receiver_that_is_gone() {
        let random = SequenceRandom::default();
        let gone = Err(Failure::Status(410));
        assert_eq!(STRADDLE.verdict(Trial::Regular, 1, gone, &random), Verdict::Suspend);
        assert!(matches!(COS.verdict(Trial::Regular, 1, gone, &random), Verdict::Again(_)));
        assert_eq!(STRADDLE.verdict(Trial::Ping, 1, gone, &random), Verdict::GiveUp);
    }

    #[test]
    fn gaps_differ() {
        let random = SequenceRandom::default();
        let gaps: std::collections::BTreeSet<_> =
            (0..50).map(|_| point_in((30_000, 60_000), &random).as_millis()).collect();
        assert!(gaps.len() > 40, "{gaps:?}");
    }

    #[test]
    fn classes_are_distinct() {
        let classes: std::collections::BTreeSet<_> =
            ALL_FAILURES.iter().map(|f| f.class()).collect();
        assert_eq!(classes.len(), ALL_FAILURES.len());
    }
}
