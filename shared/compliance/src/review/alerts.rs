//! The module `network_alerts`: alert lists, and attributes that come up faster than people do.
//!
//! Invariant: an alert says which kind of attribute is concerned and never who raised it; a partner's own list counts for
//! that partner alone unless it was shared.

use domain::network::{Alert, AttributeKind, Fingerprint, History, View};
use jiff::{SignedDuration, Timestamp};

use super::code::Code;
use super::finding::Signals;
use super::policy::Velocity;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Looks at alert lists and velocity: the codes, the alerts in words for the contract, and whether velocity alone is for a
/// person to look at.
#[must_use]
pub fn signals(network: &View, limits: Velocity, now: Timestamp) -> (Signals, Vec<String>, bool) {
    let mut signals = Signals::default();
    let mut alerts = Vec::new();
    let mut too_fast = false;
    for kind in AttributeKind::ALL {
        let is_warning =
            |(member, alert): (&Fingerprint, &Alert)| alert.shared || *member == network.member;
        if network.of(kind).any(|history| history.alerts.iter().any(is_warning)) {
            signals.add(code_of(kind));
            alerts.push(format!("{}.listed", name_of(kind)));
        }
        let Some(limit) = limit_of(kind, limits) else { continue };
        let today = |history: &History| {
            let others = history.by_others(&network.contributor, now);
            others.filter(|seen| now.duration_since(seen.at) <= DAY).count()
        };
        // The applicant's own use is one of them.
        let is_too_fast = |uses: usize| uses + 1 > usize::try_from(limit).unwrap_or(usize::MAX);
        if network.of(kind).map(today).any(is_too_fast) {
            alerts.push(format!("{}.velocity_24h", name_of(kind)));
            too_fast |= kind != AttributeKind::Device;
        }
    }
    (signals, alerts, too_fast)
}

const fn code_of(kind: AttributeKind) -> Code {
    match kind {
        AttributeKind::TaxId => Code::R111,
        AttributeKind::Email => Code::R110,
        AttributeKind::Phone => Code::R113,
        AttributeKind::Device | AttributeKind::BankAccount | AttributeKind::Person => Code::R106,
    }
}

const fn name_of(kind: AttributeKind) -> &'static str {
    match kind {
        AttributeKind::TaxId => "tax_id",
        AttributeKind::Email => "email",
        AttributeKind::Phone => "phone",
        AttributeKind::Device => "device",
        AttributeKind::BankAccount => "bank_account",
        AttributeKind::Person => "person",
    }
}

const fn limit_of(kind: AttributeKind, limits: Velocity) -> Option<u32> {
    match kind {
        AttributeKind::TaxId => Some(limits.tax_id),
        AttributeKind::Email => Some(limits.email),
        AttributeKind::Phone => Some(limits.phone),
        AttributeKind::Device => Some(limits.device),
        AttributeKind::BankAccount => Some(limits.bank_account),
        AttributeKind::Person => None,
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::AuthId;
    use domain::network::{Facts, ProvedAccount, Sighting};

    use super::*;

    fn now() -> Timestamp {
        "2026-12-01T12:00:00Z".parse().unwrap()
    }

    fn view(kind: AttributeKind, history: History) -> View {
        let mut view = View {
            contributor: Fingerprint::of_digest("own"),
            member: Fingerprint::of_digest("m0"),
            ..View::default()
        };
        let account = ProvedAccount {
            fingerprint: Fingerprint::of_digest("account"),
            auth: AuthId::parse("0190b2c4-0000-7000-8000-000000000009").unwrap(),
            at: now(),
        };
        view.add(kind, (kind == AttributeKind::BankAccount).then_some(&account), history);
        view
    }

    fn listed(by: &str, shared: bool) -> History {
        let mut history = History::default();
        history.alerts.insert(Fingerprint::of_digest(by), Alert { at: now(), shared });
        history
    }

    #[test]
    fn every_kind_has_its_code() {
        for (kind, code, alert) in [
            (AttributeKind::TaxId, Code::R111, "tax_id.listed"),
            (AttributeKind::Email, Code::R110, "email.listed"),
            (AttributeKind::Phone, Code::R113, "phone.listed"),
            (AttributeKind::Device, Code::R106, "device.listed"),
            (AttributeKind::BankAccount, Code::R106, "bank_account.listed"),
            (AttributeKind::Person, Code::R106, "person.listed"),
        ] {
            let (signals, alerts, _) =
                signals(&view(kind, listed("m0", false)), Velocity::default(), now());
            assert!(signals.has(code), "{code}");
            assert_eq!(alerts, [alert]);
        }
    }

    #[test]
    fn another_partners_list_counts_when_it_is_shared() {
        for (by, shared, counts) in [("m0", false, true), ("m1", false, false), ("m1", true, true)]
        {
            let (found, _, _) = signals(
                &view(AttributeKind::Email, listed(by, shared)),
                Velocity::default(),
                now(),
            );
            assert_eq!(found.has(Code::R110), counts, "{by} {shared}");
        }
    }

    #[test]
    fn what_comes_up_too_fast_is_told() {
        let limits = Velocity { email: 3, device: 3, ..Velocity::default() };
        let used = |times: i64, hours: i64| {
            let mut history = History::default();
            for number in 0..times {
                let at = now() - SignedDuration::from_hours(hours);
                let seen = Sighting {
                    member: Fingerprint::of_digest("m"),
                    at,
                    facts: Facts::default(),
                    outcome: None,
                };
                history.record(Fingerprint::of_digest(&format!("c{number}")), seen, now());
            }
            history
        };
        for (kind, times, hours, told, stops) in [
            (AttributeKind::Email, 2, 1, false, false),
            (AttributeKind::Email, 3, 1, true, true),
            (AttributeKind::Email, 3, 25, false, false),
            (AttributeKind::Device, 3, 1, true, false),
            (AttributeKind::BankAccount, 2, 1, false, false),
            (AttributeKind::BankAccount, 3, 1, true, true),
            (AttributeKind::Person, 30, 1, false, false),
        ] {
            let (_, alerts, too_fast) = signals(&view(kind, used(times, hours)), limits, now());
            assert_eq!((!alerts.is_empty(), too_fast), (told, stops), "{kind} {times}");
        }
    }
}
