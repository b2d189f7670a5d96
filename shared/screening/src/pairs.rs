//! Scoring two names directly, without an index.
//!
//! Invariant: the score is the one a search gives when one name is listed and the other is asked for.

use crate::config::Config;
use crate::entity::{EntityType, NameKind};
use crate::score::{measure, name_log_odds, probability};
use crate::search::view_all;
use crate::text::{squashed, tokens_of};
use std::collections::{BTreeMap, BTreeSet};

/// The score of one pair of names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairScore {
    /// Calibrated score, 0 to 1.
    pub score: f64,
    /// What the alignment measured, for tuning.
    pub measures: [f32; 12],
    /// Whether the names are identical after normalisation.
    pub exact: bool,
    /// Whether they read as persons' names.
    pub personal: bool,
    /// Whether they differ in spacing only.
    pub same_letters: bool,
}

/// Compares a name asked for with a listed name.
#[must_use]
pub fn compare(entity_type: EntityType, query: &str, listed: &str, config: &Config) -> PairScore {
    let same_letters = squashed(query).is_some_and(|hash| squashed(listed) == Some(hash));
    let (query, listed) = (tokens_of(query, entity_type), tokens_of(listed, entity_type));
    let (query_views, listed_views) = (view_all(&query), view_all(&listed));
    let (measures, _) =
        measure(query_views.as_slice(), listed_views.as_slice(), same_letters, entity_type);
    let odds = name_log_odds(&measures, NameKind::Primary, config);
    let nothing = query.is_empty() || listed.is_empty();
    PairScore {
        score: if nothing { 0.0 } else { probability(odds) },
        measures: measures.raw(),
        exact: measures.exact,
        personal: measures.personal,
        same_letters,
    }
}

/// In how many of the given entries each token stands: the source of the frequency table.
#[must_use]
pub fn token_counts<'a>(entries: impl Iterator<Item = Vec<&'a str>>) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for names in entries {
        let words: BTreeSet<String> = names
            .into_iter()
            .flat_map(crate::text::token::romanised_words)
            .filter(|word| word.len() > 1)
            .collect();
        for word in words {
            *counts.entry(word).or_insert(0) += 1;
        }
    }
    counts
}
