//! Elements of an application that come with other names or birth dates of late: an e-mail address, a phone, a device, a bank
//! account.
//!
//! Part of the module `reputation`. Somebody who applies under one name after another leaves the same mailbox, phone or network address
//! behind, and is paid into the same account. A few names are nothing: a couple shares a mailbox and an account, a family a phone, an
//! office or a mobile carrier a network address; so a policy says how many are too many. Invariants: only that there were too many is told, never who, where or
//! with what; the applicant's own contribution counts once, as it is now.

use std::collections::BTreeSet;

use domain::network::{AttributeKind, Facts, Fingerprint, History, View};
use jiff::{SignedDuration, Timestamp};

use super::code::Code;
use super::policy::OtherNames;

/// How long something was of late.
const OF_LATE: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Looks at what came with the applicant's e-mail address, phone, device and bank account.
#[must_use]
pub fn codes(network: &View, limits: OtherNames, now: Timestamp) -> BTreeSet<Code> {
    let mut found = BTreeSet::new();
    for (kind, limit, code) in [
        (AttributeKind::Email, limits.email, Code::GR001),
        (AttributeKind::Phone, limits.phone, Code::GR002),
        (AttributeKind::Device, limits.device, Code::GR003),
        (AttributeKind::BankAccount, limits.bank_account, Code::GR004),
    ] {
        // One name is the applicant's own, whatever a policy says.
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).max(2);
        let is_shared = |history: &History| {
            let seen = of_late(network, history, now);
            let dates = different(&seen, |it| it.birth_date.as_ref());
            different(&seen, name).max(dates) >= limit
        };
        if network.of(kind).any(is_shared) {
            found.insert(code);
        }
    }
    let device = network.of(AttributeKind::Device);
    let device: Vec<&Facts> = device.flat_map(|history| of_late(network, history, now)).collect();
    for (count, code) in [
        (different(&device, |it| it.phone.as_ref()), Code::I410),
        (different(&device, |it| it.email.as_ref()), Code::I411),
        (different(&device, |it| it.first_name.as_ref()), Code::I412),
        (different(&device, |it| it.last_name.as_ref()), Code::I413),
    ] {
        if count > 2 {
            found.insert(code);
        }
    }
    found
}

/// What came with an attribute of late, the applicant's own facts included; nothing where nobody else was seen.
fn of_late<'a>(network: &'a View, history: &'a History, now: Timestamp) -> Vec<&'a Facts> {
    let mut facts: Vec<&Facts> = history
        .by_others(&network.contributor, now)
        .filter(|seen| now.duration_since(seen.at) <= OF_LATE)
        .map(|seen| &seen.facts)
        .collect();
    if !facts.is_empty() {
        facts.push(&network.own);
    }
    facts
}

/// How many different values of a fact there are, where it is known.
fn different<'a, T: Ord>(seen: &[&'a Facts], fact: impl Fn(&'a Facts) -> Option<T>) -> usize {
    seen.iter().filter_map(|facts| fact(facts)).collect::<BTreeSet<_>>().len()
}

/// The whole name; a business has only the last one.
fn name(facts: &Facts) -> Option<(Option<&Fingerprint>, &Fingerprint)> {
    Some((facts.first_name.as_ref(), facts.last_name.as_ref()?))
}

#[cfg(test)]
mod tests {
    use domain::ids::AuthId;
    use domain::network::{ProvedAccount, Sighting};

    use super::*;

    fn now() -> Timestamp {
        "2026-12-01T12:00:00Z".parse().unwrap()
    }

    /// `first last born`, `-` for none; phone and e-mail address follow the first name.
    fn facts(text: &str) -> Facts {
        let part = |at: usize| {
            let part = text.split(' ').nth(at).filter(|part| *part != "-");
            part.map(Fingerprint::of_digest)
        };
        Facts {
            first_name: part(0),
            last_name: part(1),
            birth_date: part(2),
            phone: part(0),
            email: part(0),
            ..Facts::default()
        }
    }

    /// The applicant is `f l b`; others were seen with one attribute, so many days ago.
    fn look(kind: AttributeKind, others: &[(&str, i64)], limits: OtherNames) -> Vec<Code> {
        let mut history = History::default();
        for (number, (text, days)) in others.iter().enumerate() {
            let at = now() - SignedDuration::from_hours(24 * days);
            let member = Fingerprint::of_digest("m");
            let seen = Sighting { member, at, facts: facts(text), outcome: None };
            history.record(Fingerprint::of_digest(&format!("c{number}")), seen, now());
        }
        let own = facts("f l b");
        let contributor = Fingerprint::of_digest("own");
        let mut view = View { contributor, own, ..View::default() };
        let account = ProvedAccount {
            fingerprint: Fingerprint::of_digest("account"),
            auth: AuthId::parse("0190b2c4-0000-7000-8000-000000000009").unwrap(),
            at: now(),
        };
        view.add(kind, (kind == AttributeKind::BankAccount).then_some(&account), history);
        codes(&view, limits, now()).into_iter().collect()
    }

    #[test]
    fn names_and_birth_dates_of_others_count() {
        use AttributeKind::{BankAccount, Device, Email, Person, Phone, TaxId};
        let (email, phone) = (Code::GR001, Code::GR002);
        type Others = &'static [(&'static str, i64)];
        let cases: &[(AttributeKind, Others, &[Code])] = &[
            (Email, &[], &[]),
            (Email, &[("f l b", 0), ("f l b", 1)], &[]),
            // A couple.
            (Email, &[("g l c", 0)], &[]),
            (Email, &[("g l c", 0), ("h l d", 1)], &[email]),
            (Email, &[("g l c", 0), ("f m d", 30)], &[email]),
            (Email, &[("g l c", 0), ("h l d", 31)], &[]),
            // The same name with other birth dates.
            (Email, &[("f l c", 0), ("f l d", 1)], &[email]),
            (Email, &[("g l b", 0), ("f l c", 1)], &[]),
            // Businesses have one name, and no birth date is none.
            (Email, &[("- x -", 0), ("- y -", 0)], &[email]),
            (Email, &[("- - -", 0), ("- - -", 0)], &[]),
            // A family.
            (Phone, &[("g l c", 0), ("h l d", 1)], &[]),
            (Phone, &[("g l c", 0), ("h l d", 1), ("i l e", 2)], &[phone]),
            // A joint account, and one that a third name is paid into.
            (BankAccount, &[("g l c", 0)], &[]),
            (BankAccount, &[("g l c", 0), ("h m d", 1)], &[Code::GR004]),
            (BankAccount, &[("g l c", 0), ("h m d", 31)], &[]),
            (BankAccount, &[("f l b", 0), ("f l b", 1)], &[]),
            (TaxId, &[("g l c", 0), ("h l d", 1), ("i l e", 2)], &[]),
            (Person, &[("g l c", 0), ("h l d", 1), ("i l e", 2)], &[]),
            // A household's device, and what the contract says of it.
            (Device, &[("g l c", 0)], &[]),
            (Device, &[("g l c", 0), ("h l d", 0)], &[Code::I410, Code::I411, Code::I412]),
            (Device, &[("- k -", 0), ("- m -", 0)], &[Code::I413]),
        ];
        for (kind, others, codes) in cases {
            assert_eq!(look(*kind, others, OtherNames::default()), *codes, "{kind} {others:?}");
        }
    }

    /// An office is no ring; a policy may see it otherwise.
    #[test]
    fn a_network_address_is_shared_by_many() {
        let office: Vec<(String, i64)> =
            (0..20).map(|who| (format!("p{who} q{who} d{who}"), 0)).collect();
        let office: Vec<(&str, i64)> = office.iter().map(|(text, days)| (&**text, *days)).collect();
        let has = |many: usize, device: u32| {
            let limits = OtherNames { device, ..OtherNames::default() };
            look(AttributeKind::Device, &office[..many], limits).contains(&Code::GR003)
        };
        assert_eq!(
            [has(8, 10), has(9, 10), has(9, 11), has(1, 0), has(0, 0)],
            [false, true, false, true, false]
        );
        // It informs: by itself it holds nobody.
        let weight = crate::review::WEIGHTS.iter().find(|row| row.code == Code::GR003).unwrap();
        assert_eq!(weight.floor, crate::review::Decision::Accept);
    }
}
