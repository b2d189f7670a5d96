//! The module `reputation`: what partners have seen of the same person, number, address or phone.
//!
//! First-party signals over all partners. Invariants: only counts leave this module, and dates of the partner's own
//! applications; never who, where or with what; the applicant's own contribution does not count.

use std::collections::BTreeSet;

use domain::network::{AttributeKind, Facts, Fingerprint, Outcome, Sighting, View};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::code::Code;
use super::finding::Signals;

const MONTH: SignedDuration = SignedDuration::from_hours(24 * 30);

/// The counts of the contract that first-party data can give.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Insights {
    /// Applications of this identity at all partners.
    pub applications_count: u32,
    /// The days of those at this partner.
    pub applications_dates: Vec<String>,
    /// How many were approved.
    pub applications_approved_count: u32,
    /// How many were declined.
    pub applications_declined_count: u32,
    /// At how many partners.
    pub user_institution_count: u32,
    /// With how many birth dates.
    pub user_dob_count: u32,
    /// With how many phones.
    pub user_mobile_count: u32,
    /// With how many e-mail addresses.
    pub user_email_count: u32,
    /// With how many addresses.
    pub user_address_count: u32,
}

/// Looks at what the network knows.
#[must_use]
pub fn signals(network: &View, now: Timestamp) -> (Signals, Insights) {
    let mut signals = Signals::default();
    look_at_number(network, now, &mut signals);
    let person = network.by_others(AttributeKind::Person, now);
    let numbers = values(&person, &network.own, |facts| facts.tax_id.as_ref());
    signals.add_if(numbers.len() >= 2, Code::R956);
    let same = same_identity(network, now);
    signals.add_if(same.is_empty(), Code::I1001);
    let dates = values(&same, &network.own, |facts| facts.birth_date.as_ref());
    signals.add_if(dates.len() >= 2, Code::R1001);
    let members: BTreeSet<_> = same.iter().map(|seen| &seen.member).collect();
    signals.add_if(members.len() >= 4, Code::I1004);
    (signals, insights(network, &same))
}

/// The sightings that are of this identity: the same name with a number, e-mail address, phone or birth date in common. A
/// customer that left several attributes is one sighting.
fn same_identity(network: &View, now: Timestamp) -> Vec<&Sighting> {
    let kinds =
        [AttributeKind::TaxId, AttributeKind::Person, AttributeKind::Email, AttributeKind::Phone];
    let mut found: Vec<(&Fingerprint, &Sighting)> = Vec::new();
    for kind in kinds {
        let Some(history) = network.histories.get(&kind) else { continue };
        let counted: Vec<_> = history.by_others(&network.contributor, now).collect();
        for (who, seen) in &history.sightings {
            let is_new = !found.iter().any(|(known, _)| *known == who);
            if is_new && counted.contains(&seen) && seen.facts.same_name(&network.own) {
                found.push((who, seen));
            }
        }
    }
    found.into_iter().map(|(_, seen)| seen).collect()
}

/// The different values of one fact, the applicant's own included.
fn values<'a>(
    seen: &[&'a Sighting],
    own: &'a Facts,
    fact: impl Fn(&'a Facts) -> Option<&'a Fingerprint>,
) -> BTreeSet<&'a Fingerprint> {
    seen.iter().map(|sighting| &sighting.facts).chain([own]).filter_map(fact).collect()
}

/// What else has come with the tax number.
fn look_at_number(network: &View, now: Timestamp, signals: &mut Signals) {
    let own = &network.own;
    let seen = network.by_others(AttributeKind::TaxId, now);
    if seen.is_empty() {
        return;
    }
    let other_name = seen.iter().any(|sighting| !sighting.facts.same_name(own));
    signals.add_if(other_name, Code::R203);
    signals.add_if(values(&seen, own, |facts| facts.last_name.as_ref()).len() >= 2, Code::R204);
    let elsewhere = seen.iter().any(|sighting| {
        !sighting.facts.same_name(own)
            && own.address.is_some()
            && sighting.facts.address.is_some()
            && sighting.facts.address != own.address
    });
    signals.add_if(elsewhere, Code::R205);
    signals.add_if(values(&seen, own, |facts| facts.birth_date.as_ref()).len() >= 2, Code::R207);
    // People move; a second address is nothing.
    signals.add_if(values(&seen, own, |facts| facts.address.as_ref()).len() >= 3, Code::R208);
    signals.add_if(values(&seen, own, |facts| facts.first_name.as_ref()).len() >= 4, Code::R225);
    signals.add_if(values(&seen, own, |facts| facts.phone.as_ref()).len() >= 3, Code::R226);
    let lately = seen.iter().filter(|sighting| now.duration_since(sighting.at) <= MONTH).count();
    signals.add_if(lately >= 5, Code::R227);
}

fn insights(network: &View, same: &[&Sighting]) -> Insights {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let of = |fact: fn(&Facts) -> Option<&Fingerprint>| {
        count(same.iter().filter_map(|seen| fact(&seen.facts)).collect::<BTreeSet<_>>().len())
    };
    let ended =
        |outcome: Outcome| count(same.iter().filter(|seen| seen.outcome == Some(outcome)).count());
    let mut own_dates: Vec<String> = same
        .iter()
        .filter(|seen| seen.member == network.member)
        .map(|seen| seen.at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string())
        .collect();
    own_dates.sort();
    own_dates.dedup();
    Insights {
        applications_count: count(same.len()),
        applications_dates: own_dates,
        applications_approved_count: ended(Outcome::Approved),
        applications_declined_count: ended(Outcome::Declined),
        user_institution_count: count(
            same.iter().map(|seen| &seen.member).collect::<BTreeSet<_>>().len(),
        ),
        user_dob_count: of(|facts| facts.birth_date.as_ref()),
        user_mobile_count: of(|facts| facts.phone.as_ref()),
        user_email_count: of(|facts| facts.email.as_ref()),
        user_address_count: of(|facts| facts.address.as_ref()),
    }
}

#[cfg(test)]
#[path = "reputation_tests.rs"]
mod tests;
