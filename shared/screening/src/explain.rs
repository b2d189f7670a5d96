//! Why a hit has its score, in a form that can be stored and computed again.
//!
//! Invariant: the terms of an explanation sum to the log-odds of its score, and the same query, entry and versions give
//! the same bytes. The customer's name tokens are in it, so it is stored where customer data may be.

use crate::align::Pairing;
use crate::config::Config;
use crate::entity::{EntityType, Name, NameKind, Script, Topic};
use crate::index::Index;
use crate::qualify::{Evidence, Qualifiers};
use crate::score::{FEATURES, Measures, measure, name_log_odds, probability};
use crate::search::view_all;
use crate::similarity::Reason;
use crate::text::Token;
use serde::{Deserialize, Serialize};

/// This engine's version, part of every explanation. It changes when the rules that make scores change.
pub const ENGINE_VERSION: &str = "0.3.0";

/// One possible match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// Key of the list.
    pub list_id: String,
    /// Its name.
    pub list_name: String,
    /// Sanctions, PEP or adverse media.
    pub topic: Topic,
    /// The list's key of the entry.
    pub uid: String,
    /// What the entry is about.
    pub entity_type: EntityType,
    /// The entry's main name.
    pub name: String,
    /// The listed name that matched best.
    pub matched_name: String,
    /// What kind of name that is.
    pub matched_kind: NameKind,
    /// The script it is written in.
    pub matched_script: Script,
    /// Calibrated score from 0 to 1, all evidence included.
    pub score: f64,
    /// Score of the name alone.
    pub name_score: f64,
    /// What the method published for the US Treasury's own search would say of the name, 0 to 1.
    pub parity_score: f64,
    /// Content hash of the listed entry; a disposition holds while it stays.
    pub content_hash: String,
    /// Whether the entry could be shown as its list prints it. Else its display data are damaged: the names here are
    /// romanised words, and programmes and source are not known. The hit stands.
    pub is_printed: bool,
    /// Programmes or roles.
    pub programs: Vec<String>,
    /// Where to read the entry.
    pub source_url: Option<String>,
    /// How the score came about.
    pub explanation: Explanation,
}

/// How a score came about.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Which words stand for which.
    pub tokens: Vec<TokenMatch>,
    /// Words of the customer's name nothing in the listed name stands for.
    pub unmatched_query: Vec<String>,
    /// Words of the listed name nothing in the customer's name stands for.
    pub unmatched_listed: Vec<String>,
    /// What each feature of the name adds, in log-odds.
    pub name_terms: Vec<Term>,
    /// What each further piece of evidence adds.
    pub evidence: Vec<Evidence>,
    /// Score at which this configuration raises a hit.
    pub threshold: f64,
    /// Version of the engine.
    pub engine: String,
    /// Version of the thresholds and weights.
    pub config: String,
    /// Content hash of the index, which names the editions of all its lists.
    pub index: String,
}

/// Holds a customer's name, so `Debug` shows only its shape.
impl std::fmt::Debug for Explanation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Explanation")
            .field("tokens", &self.tokens.len())
            .field("name_terms", &self.name_terms)
            .field("evidence", &self.evidence)
            .finish_non_exhaustive()
    }
}

/// One pairing of words.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenMatch {
    /// In the customer's name, romanised.
    pub query: String,
    /// In the listed name, romanised.
    pub listed: String,
    /// Likeness from 0 to 1.
    pub likeness: f64,
    /// How much the word says, from 0 (everyday) to 1 (rare).
    pub weight: f64,
    /// Why they were taken for one another.
    pub reason: Reason,
}

impl std::fmt::Debug for TokenMatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenMatch")
            .field("likeness", &self.likeness)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

/// One summand of the name score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Term {
    /// What was measured.
    pub feature: String,
    /// Its value.
    pub value: f64,
    /// What it adds to the log-odds.
    pub log_odds: f64,
}

impl Explanation {
    pub(crate) fn build(
        query: &[Token],
        (name, listed): (&Name, &[Token]),
        same_letters: bool,
        entity_type: EntityType,
        qualifiers: &Qualifiers,
        config: &Config,
        index: &Index,
    ) -> Self {
        let (query_views, listed_views) = (view_all(query), view_all(listed));
        let (measures, alignment) =
            measure(query_views.as_slice(), listed_views.as_slice(), same_letters, entity_type);
        let left = |tokens: &[Token], free: &dyn Fn(usize) -> bool| {
            tokens
                .iter()
                .enumerate()
                .filter(|(at, _)| free(*at))
                .map(|(_, token)| token.text.clone())
                .collect()
        };
        let odds = name_log_odds(&measures, name.kind, config);
        Self {
            tokens: alignment
                .pairings()
                .iter()
                .map(|pairing| token_match(pairing, query, listed))
                .collect(),
            unmatched_query: left(query, &|at| alignment.query_free(at)),
            unmatched_listed: left(listed, &|at| alignment.listed_free(at)),
            name_terms: name_terms(&measures, name.kind, odds, config),
            evidence: qualifiers.evidence(),
            threshold: config.threshold,
            engine: ENGINE_VERSION.to_owned(),
            config: config.version.clone(),
            index: index.content_hash(),
        }
    }

    /// The score its terms add up to.
    #[must_use]
    pub fn score(&self) -> f64 {
        let name: f64 = self.name_terms.iter().map(|term| term.log_odds).sum();
        let evidence: f64 = self.evidence.iter().map(|evidence| evidence.log_odds).sum();
        probability(name + evidence)
    }
}

fn token_match(pairing: &Pairing, query: &[Token], listed: &[Token]) -> TokenMatch {
    let words = |tokens: &[Token], (from, length): (u8, u8)| {
        let words: Vec<&str> = tokens
            .iter()
            .skip(usize::from(from))
            .take(usize::from(length))
            .map(|token| token.text.as_str())
            .collect();
        words.join(" ")
    };
    TokenMatch {
        query: words(query, pairing.query),
        listed: words(listed, pairing.listed),
        likeness: f64::from(pairing.likeness),
        weight: f64::from(pairing.weight),
        reason: pairing.reason,
    }
}

fn name_terms(measures: &Measures, kind: NameKind, odds: f64, config: &Config) -> Vec<Term> {
    let term = |feature: &str, value: f64, log_odds: f64| Term {
        feature: feature.to_owned(),
        value,
        log_odds,
    };
    if measures.exact {
        return vec![term("identical name", 1.0, odds)];
    }
    let curves = config.curves(measures.person);
    let mut terms = vec![term("base", 1.0, curves.base)];
    for ((value, curve), feature) in measures.features().iter().zip(&curves.features).zip(FEATURES)
    {
        let log_odds = curve.at(f64::from(*value));
        if log_odds != 0.0 {
            terms.push(term(feature, f64::from(*value), log_odds));
        }
    }
    let kind_odds = config.kind_log_odds(kind);
    if kind_odds != 0.0 {
        terms.push(term("kind of listed name", 1.0, kind_odds));
    }
    for (contradiction, log_odds) in config.contradictions(measures) {
        terms.push(term(contradiction, 1.0, log_odds));
    }
    // What a limit takes away, or the bonus for equal letters adds.
    let sum: f64 = terms.iter().map(|term| term.log_odds).sum();
    let rest = odds - sum;
    if rest.abs() > 1e-9 {
        let feature = if measures.same_letters {
            "same letters, other spacing"
        } else if measures.initial_only {
            "initial beside a word in wide use"
        } else {
            "limit below identical names"
        };
        terms.push(term(feature, 1.0, rest));
    }
    terms
}
