//! When a delivery is tried again, and when its registration is suspended.
//!
//! The rules are the contract's: after a first failure three more tries, each 30–60 seconds after the one before;
//! then the registration is suspended and everything for it is held. After a restart one held event is tried up to
//! two times; success releases the rest, failure suspends again. A ping is tried once and decides nothing.
//!
//! Invariant: [`Schedule::verdict`] is the only place that turns an outcome into what happens next. It knows no
//! clock and no table. Schedules of single endpoints, `Retry-After` and special statuses have their place here.

use std::ops::RangeInclusive;

use domain::time::Random;
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

/// How often and when a delivery is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    regular_tries: u32,
    restart_tries: u32,
    gap_millis: RangeInclusive<u32>,
}

/// The contract's rules.
pub const COS: Schedule =
    Schedule { regular_tries: 4, restart_tries: 2, gap_millis: 30_000..=60_000 };

impl Schedule {
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
        let most = match trial {
            Trial::Ping => return Verdict::GiveUp,
            Trial::Regular => self.regular_tries,
            Trial::AfterRestart => self.restart_tries,
        };
        if failure.is_lasting() || tries >= most {
            Verdict::Suspend
        } else {
            Verdict::Again(self.gap(random))
        }
    }

    /// A random point in the gap, so that a receiver that comes back is not met by everything at once.
    fn gap(&self, random: &dyn Random) -> SignedDuration {
        let mut bytes = [0; 4];
        random.fill(&mut bytes);
        let (low, high) = (*self.gap_millis.start(), *self.gap_millis.end());
        let span = u64::from(high.saturating_sub(low)) + 1;
        let drawn = u64::from(u32::from_be_bytes(bytes)) % span;
        SignedDuration::from_millis(i64::from(low).saturating_add_unsigned(drawn))
    }
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
                let verdict = COS.verdict(trial, tries, outcome_of_status(status), &random);
                prop_assert_eq!(verdict, Verdict::Delivered);
            }
        }
    }

    #[test]
    fn gaps_differ() {
        let random = SequenceRandom::default();
        let gaps: std::collections::BTreeSet<_> =
            (0..50).map(|_| COS.gap(&random).as_millis()).collect();
        assert!(gaps.len() > 40, "{gaps:?}");
    }

    #[test]
    fn classes_are_distinct() {
        let classes: std::collections::BTreeSet<_> =
            ALL_FAILURES.iter().map(|f| f.class()).collect();
        assert_eq!(classes.len(), ALL_FAILURES.len());
    }
}
