//! What the network of partners remembers about one attribute: a tax number, an e-mail address, a phone, a device, a proved
//! bank account.
//!
//! Partners share a bank, so a number that one of them saw with another name is worth a warning to the next. Invariants:
//! nothing in here can be read back, neither who nor what nor which partner ([`Fingerprint`] is a keyed digest); a
//! contributor stands at most once in a history, so recording twice is recording once; a history is bounded; a sighting
//! older than [`REMEMBERED`] counts for nothing; what a customer contributed can be taken out again whole.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::AuthId;

/// How many sightings a history keeps. All thresholds of the review lie far below.
pub const MOST_SIGHTINGS: usize = 32;

/// How long a sighting counts: five years, as long as the records of a customer relationship are kept.
pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 1826);

const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// What kind of attribute is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttributeKind {
    /// A tax number.
    TaxId,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// The network address of a device.
    Device,
    /// A bank account that was proved to be reached.
    BankAccount,
    /// A name together with a birth date.
    Person,
}

impl AttributeKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::TaxId, Self::Email, Self::Phone, Self::Device, Self::BankAccount, Self::Person];

    /// The name under which the store keeps it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TaxId => "tax-id",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Device => "device",
            Self::BankAccount => "bank-account",
            Self::Person => "person",
        }
    }
}

impl fmt::Display for AttributeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A keyed digest of a value, cut to 66 bits: equal values have equal ones, and nothing else can be learnt from it.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// How many characters of the digest's base64url text are kept.
    const LENGTH: usize = 11;

    /// The fingerprint that begins `digest`, the base64url text of a keyed digest.
    #[must_use]
    pub fn of_digest(digest: &str) -> Self {
        Self(digest.chars().take(Self::LENGTH).collect())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// It could be compared with a table, so it is not for logs.
impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(…)")
    }
}

/// A bank account that its customer has proved to reach, by the only thing that is kept of it beyond its partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvedAccount {
    /// By what the network knows the account, at whatever partner.
    pub fingerprint: Fingerprint,
    /// In which session.
    pub auth: AuthId,
    /// When.
    pub at: Timestamp,
}

/// How many proved accounts of a customer are known, the latest ones.
pub const MOST_ACCOUNTS: usize = 8;

/// The attributes of one applicant in clear, normalised so that equal things are equal text. Personal: `Debug` shows none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Kind and digits of a tax number.
    pub tax_id: Option<String>,
    /// E-mail address in lower case.
    pub email: Option<String>,
    /// Phone in E.164.
    pub phone: Option<String>,
    /// Network address.
    pub device: Option<String>,
    /// Bank accounts, the only ones that are no clear text.
    pub accounts: Vec<ProvedAccount>,
    /// Given name, folded.
    pub first_name: Option<String>,
    /// Family name, or a company's name, folded.
    pub last_name: Option<String>,
    /// `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// Street, post code and country, folded.
    pub address: Option<String>,
    /// Whether a client of the sandbox gave them: such have a memory of their own, so that nobody invented speaks for or
    /// against anybody real.
    pub sandbox: bool,
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attributes").finish_non_exhaustive()
    }
}

impl Attributes {
    /// What a history is kept of, with the text that it is kept under; beside the accounts, which have histories as well.
    #[must_use]
    pub fn remembered(&self) -> Vec<(AttributeKind, String)> {
        let person = match (&self.first_name, &self.last_name, &self.birth_date) {
            (Some(first), Some(last), Some(born)) => Some(format!("{first}|{last}|{born}")),
            _ => None,
        };
        [
            (AttributeKind::TaxId, self.tax_id.clone()),
            (AttributeKind::Email, self.email.clone()),
            (AttributeKind::Phone, self.phone.clone()),
            (AttributeKind::Device, self.device.clone()),
            (AttributeKind::Person, person),
        ]
        .into_iter()
        .filter_map(|(kind, value)| Some((kind, value?)))
        .collect()
    }
}

/// The fingerprints of what was seen together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Given name.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<Fingerprint>,
    /// Family name, or a company's name.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<Fingerprint>,
    /// Birth date.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<Fingerprint>,
    /// Tax number.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub tax_id: Option<Fingerprint>,
    /// E-mail address.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Fingerprint>,
    /// Phone.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Fingerprint>,
    /// Address.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Fingerprint>,
}

impl Facts {
    /// Whether both have a name and it is the same one.
    #[must_use]
    pub fn same_name(&self, other: &Self) -> bool {
        self.last_name.is_some()
            && self.last_name == other.last_name
            && self.first_name == other.first_name
    }
}

/// How an application ended, as far as it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Taken on.
    #[serde(rename = "a")]
    Approved,
    /// Turned away.
    #[serde(rename = "d")]
    Declined,
}

/// One customer with whom an attribute was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Which partner, as a fingerprint.
    #[serde(rename = "m")]
    pub member: Fingerprint,
    /// When the customer was taken on, or has proved the account that this is about.
    #[serde(rename = "at")]
    pub at: Timestamp,
    /// What else the customer had.
    #[serde(rename = "x")]
    pub facts: Facts,
    /// How it ended.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// A partner's warning of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// When it was raised.
    pub at: Timestamp,
    /// Whether every partner is warned, or only the one that raised it.
    pub shared: bool,
}

/// Everything that is remembered of one attribute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Who contributed, as fingerprints.
    #[serde(default)]
    pub sightings: BTreeMap<Fingerprint, Sighting>,
    /// Warnings, by the partner that raised them.
    #[serde(default)]
    pub alerts: BTreeMap<Fingerprint, Alert>,
}

impl History {
    /// Remembers a sighting; one of the same contributor is replaced. Of too many, the second oldest goes: the oldest
    /// tells how long the attribute has been known, the newest how fast it is being used. A history that is full of one
    /// day already says all that it can, and is left alone: an office's network address is not written all day long.
    pub fn record(&mut self, contributor: Fingerprint, sighting: Sighting, now: Timestamp) {
        let of_today =
            self.sightings.values().filter(|seen| now.duration_since(seen.at) <= A_DAY).count();
        if of_today + 1 >= MOST_SIGHTINGS && !self.sightings.contains_key(&contributor) {
            return;
        }
        self.sightings.insert(contributor, sighting);
        self.forget_old(now);
        while self.sightings.len() > MOST_SIGHTINGS {
            let mut by_age: Vec<(Timestamp, Fingerprint)> =
                self.sightings.iter().map(|(who, seen)| (seen.at, who.clone())).collect();
            by_age.sort();
            let Some((_, second_oldest)) = by_age.into_iter().nth(1) else { return };
            self.sightings.remove(&second_oldest);
        }
    }

    /// Takes out what a contributor left.
    pub fn forget(&mut self, contributor: &Fingerprint, now: Timestamp) {
        self.sightings.remove(contributor);
        self.forget_old(now);
    }

    fn forget_old(&mut self, now: Timestamp) {
        self.sightings.retain(|_, seen| is_remembered(seen.at, now));
    }

    /// Whether nothing is left that is worth an item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sightings.is_empty() && self.alerts.is_empty()
    }

    /// When the last of it is forgotten; never while a warning stands.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        if !self.alerts.is_empty() {
            return None;
        }
        self.sightings.values().map(|seen| seen.at).max()?.checked_add(REMEMBERED).ok()
    }

    /// The sightings by others than `contributor` that still count.
    pub fn by_others<'a>(
        &'a self,
        contributor: &'a Fingerprint,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Sighting> {
        self.sightings
            .iter()
            .filter(move |(who, seen)| *who != contributor && is_remembered(seen.at, now))
            .map(|(_, seen)| seen)
    }
}

fn is_remembered(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) < REMEMBERED
}

/// What the network says about one applicant: its own fingerprints, and the histories of its attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The applicant.
    pub contributor: Fingerprint,
    /// Its partner.
    pub member: Fingerprint,
    /// What it has.
    pub own: Facts,
    /// What is known of it. A kind without history has no entry, and bank accounts are beside: there may be several.
    pub histories: BTreeMap<AttributeKind, History>,
    /// What is known of its bank accounts.
    pub accounts: BTreeMap<Fingerprint, History>,
}

impl View {
    /// Adds what is known of an attribute, of an account by what it is known.
    pub fn add(&mut self, kind: AttributeKind, account: Option<&ProvedAccount>, history: History) {
        match account {
            Some(account) => self.accounts.insert(account.fingerprint.clone(), history),
            None => self.histories.insert(kind, history),
        };
    }

    /// What is known of the attributes of one kind.
    pub fn of(&self, kind: AttributeKind) -> impl Iterator<Item = &History> {
        let accounts = self.accounts.values().filter(move |_| kind == AttributeKind::BankAccount);
        self.histories.get(&kind).into_iter().chain(accounts)
    }

    /// The sightings of the attributes of one kind by others that still count.
    pub fn by_others(&self, kind: AttributeKind, now: Timestamp) -> Vec<&Sighting> {
        self.of(kind).flat_map(|history| history.by_others(&self.contributor, now)).collect()
    }

    /// Those of them that speak for the applicant: of customers whom another partner has taken on, and whom a person or a
    /// provider has confirmed. Nobody is their own witness by applying twice.
    pub fn by_witnesses(&self, kind: AttributeKind, now: Timestamp) -> Vec<&Sighting> {
        let mut seen = self.by_others(kind, now);
        seen.retain(|seen| seen.member != self.member && seen.outcome == Some(Outcome::Approved));
        seen
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn print(text: &str) -> Fingerprint {
        Fingerprint::of_digest(text)
    }

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + day * 86_400).unwrap()
    }

    fn seen(day: i64) -> Sighting {
        Sighting { member: print("m"), at: at(day), facts: Facts::default(), outcome: None }
    }

    #[test]
    fn a_contributor_stands_once_and_can_be_taken_out() {
        let mut history = History::default();
        history.record(print("a"), seen(0), at(0));
        history.record(print("a"), seen(0), at(1));
        history.record(print("b"), seen(1), at(1));
        assert_eq!(history.sightings.len(), 2);
        assert_eq!(history.by_others(&print("a"), at(2)).count(), 1);
        history.forget(&print("a"), at(2));
        history.forget(&print("a"), at(2));
        history.forget(&print("b"), at(2));
        assert!(history.is_empty());
    }

    #[test]
    fn a_history_that_is_full_of_one_day_is_left_alone() {
        let mut history = History::default();
        for number in 0..100 {
            history.record(print(&format!("c{number}")), seen(0), at(0));
        }
        assert_eq!(history.sightings.len(), MOST_SIGHTINGS - 1);
        let before = history.clone();
        history.record(print("c99"), seen(0), at(0));
        assert_eq!(history, before);
        history.record(print("tomorrow"), seen(2), at(2));
        assert!(history.sightings.contains_key(&print("tomorrow")));
    }

    #[test]
    fn what_is_too_old_counts_for_nothing_and_goes() {
        let mut history = History::default();
        history.record(print("a"), seen(0), at(0));
        assert_eq!(history.by_others(&print("x"), at(1825)).count(), 1);
        assert_eq!(history.by_others(&print("x"), at(1826)).count(), 0);
        assert_eq!(history.expires_at(), Some(at(1826)));
        history.record(print("b"), seen(1900), at(1900));
        assert_eq!(history.sightings.len(), 1);
        history.alerts.insert(print("m"), Alert { at: at(1), shared: true });
        assert_eq!(history.expires_at(), None, "a warning stands until it is withdrawn");
    }

    #[test]
    fn only_kinds_that_are_there_are_remembered() {
        let mut attributes =
            Attributes { email: Some("a@b.example".into()), ..Attributes::default() };
        assert_eq!(attributes.remembered().len(), 1);
        attributes.first_name = Some("ann".into());
        attributes.last_name = Some("lee".into());
        assert_eq!(attributes.remembered().len(), 1, "a name alone is nobody");
        attributes.birth_date = Some("1990-01-01".into());
        let remembered = attributes.remembered();
        assert_eq!(remembered[1], (AttributeKind::Person, "ann|lee|1990-01-01".into()));
        assert!(!format!("{attributes:?}").contains("ann"));
    }

    proptest! {
        #[test]
        fn a_history_is_bounded_and_keeps_oldest_and_newest(days in prop::collection::vec(0_i64..1000, 1..120)) {
            let mut history = History::default();
            for (number, day) in days.iter().enumerate() {
                history.record(print(&format!("c{number}")), seen(*day), at(1002));
            }
            prop_assert!(history.sightings.len() <= MOST_SIGHTINGS);
            let oldest = history.sightings.values().map(|seen| seen.at).min();
            prop_assert_eq!(oldest, days.iter().min().map(|day| at(*day)));
            let newest = history.sightings.values().map(|seen| seen.at).max();
            prop_assert_eq!(newest, days.iter().max().map(|day| at(*day)));
            let json = serde_json::to_string(&history).unwrap();
            prop_assert_eq!(serde_json::from_str::<History>(&json).unwrap(), history);
        }
    }
}
