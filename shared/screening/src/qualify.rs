//! Evidence beside the name: birth date, country, gender, identifiers.
//!
//! Invariant: each kind of evidence adds one reported term in log-odds; evidence missing on either side adds nothing, so
//! a score never depends on how much a list happens to say.

use crate::config::Config;
use crate::country;
use crate::date::{DateMatch, PartialDate};
use crate::entity::Gender;
use crate::index::{EntityRecord, Index};
use crate::query::Query;
use serde::{Deserialize, Serialize};

/// One piece of evidence and what it adds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// What was compared.
    pub kind: EvidenceKind,
    /// How it came out, in words.
    pub outcome: String,
    /// What it adds to the log-odds.
    pub log_odds: f64,
}

/// The kinds of evidence beside a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EvidenceKind {
    /// Birth date.
    BirthDate,
    /// Nationality, residence or registration.
    Country,
    /// Gender.
    Gender,
    /// An identity or registration number.
    Identifier,
}

/// All evidence on one entity.
#[derive(Debug, Default)]
pub(crate) struct Qualifiers {
    terms: [Option<(EvidenceKind, &'static str, f64)>; 4],
}

impl Qualifiers {
    pub(crate) fn total(&self) -> f64 {
        self.terms.iter().flatten().map(|(_, _, odds)| odds).sum()
    }

    pub(crate) fn evidence(&self) -> Vec<Evidence> {
        self.terms
            .iter()
            .flatten()
            .map(|(kind, outcome, log_odds)| Evidence {
                kind: *kind,
                outcome: (*outcome).to_owned(),
                log_odds: *log_odds,
            })
            .collect()
    }
}

/// The customer's side, prepared once per search.
pub(crate) struct Subject {
    birth_date: Option<PartialDate>,
    countries: Vec<u16>,
    gender: Option<Gender>,
    /// Entities that carry an identifier of the customer.
    pub(crate) identified: Vec<u32>,
}

impl Subject {
    pub(crate) fn of(query: &Query, index: &Index) -> Self {
        let mut identified: Vec<u32> =
            query.identifiers.iter().flat_map(|value| index.with_identifier(value)).collect();
        identified.sort_unstable();
        identified.dedup();
        Self {
            birth_date: query.birth_date,
            countries: query.countries.iter().filter_map(|text| country::code_of(text)).collect(),
            gender: query.gender,
            identified,
        }
    }

    /// The most that any entry's birth date, country and gender could add. Entries with an identifier of the customer are
    /// compared whatever else they share, so theirs is left out.
    pub(crate) fn best_evidence(&self, config: &Config) -> f64 {
        let birth_date = self.birth_date.map_or(0.0, |_| config.birth_date.best());
        let country = if self.countries.is_empty() {
            0.0
        } else {
            config.country_agrees.max(config.country_differs)
        };
        let gender = self.gender.map_or(0.0, |_| config.gender_differs);
        birth_date.max(0.0) + country.max(0.0) + gender.max(0.0)
    }
}

pub(crate) fn qualify(
    index: &Index,
    record: &EntityRecord,
    entity: u32,
    subject: &Subject,
    config: &Config,
) -> Qualifiers {
    let mut found = Qualifiers::default();
    let [birth, country, gender, identifier] = &mut found.terms;
    if let Some(date) = subject.birth_date
        && let Some(best) = index.birth_dates(record).map(|listed| listed.compare(date)).min()
    {
        *birth = Some((EvidenceKind::BirthDate, in_words(best), config.birth_date_log_odds(best)));
    }
    if !subject.countries.is_empty() {
        let mut stated = false;
        let mut agrees = false;
        for code in index.countries(record) {
            stated = true;
            agrees |= subject.countries.contains(&code);
        }
        if agrees {
            *country = Some((EvidenceKind::Country, "a country agrees", config.country_agrees));
        } else if stated {
            *country = Some((EvidenceKind::Country, "no country agrees", config.country_differs));
        }
    }
    if let (Some(ours), Some(theirs)) = (subject.gender, record.gender)
        && ours != theirs
    {
        *gender = Some((EvidenceKind::Gender, "gender differs", config.gender_differs));
    }
    if subject.identified.binary_search(&entity).is_ok() {
        *identifier =
            Some((EvidenceKind::Identifier, "an identifier agrees", config.identifier_agrees));
    }
    found
}

fn in_words(found: DateMatch) -> &'static str {
    match found {
        DateMatch::SameDay => "same birth date",
        DateMatch::Compatible => "birth dates are compatible",
        DateMatch::DayMonthSwapped => "day and month change places",
        DateMatch::OnePartDiffers => "one part of the birth date differs",
        DateMatch::SameYear => "only the birth year agrees",
        DateMatch::NearYear => "birth years are near",
        DateMatch::Different => "birth dates differ",
    }
}
