//! Every threshold and weight of the matcher, as one versioned value.
//!
//! Invariant: a score is a function of two names, their qualifiers and this value. Its version is repeated in every
//! explanation; change a number, change the version.

use crate::date::DateMatch;
use crate::entity::NameKind;
use crate::fitted;
use crate::score::{FEATURE_COUNT, MOST_TIE, Measures};
use serde::{Deserialize, Serialize};

/// Thresholds and weights. `Config::default()` is the tuned edition; load another with serde.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Names this set of numbers in every result.
    pub version: String,
    /// Lowest score that is a hit.
    pub threshold: f64,
    /// Most hits one search returns.
    pub max_hits: usize,
    /// How many names are scored in full per query name.
    pub candidates: usize,
    /// Weights where a person is named.
    pub person: Curves,
    /// Weights for everything else.
    pub organisation: Curves,
    /// Log-odds of an identical name.
    pub exact_log_odds: f64,
    /// Least log-odds of a name that differs in spacing only.
    pub same_letters_log_odds: f64,
    /// Highest log-odds of a name that is not identical.
    pub inexact_ceiling: f64,
    /// Highest log-odds of a company's name where an initial stands for a word, and one word in wide use at most agrees
    /// beside it.
    pub initial_ceiling: f64,
    /// Added when both names hold numbers and they differ.
    pub numbers_contradict: f64,
    /// Added when both names hold places and they differ.
    pub places_contradict: f64,
    /// Added when both names state legal forms and none agrees.
    pub forms_contradict: f64,
    /// Added when an initial of a person's name is not borne out by the words the other has left.
    pub initials_contradict: f64,
    /// Added when both names of persons keep a given name the other lacks.
    pub given_names_contradict: f64,
    /// Added when both names of persons keep their family name.
    pub family_names_contradict: f64,
    /// Added when the name is the entry's main one and not identical, so that it comes before the same alias of another.
    pub main_name: f64,
    /// Added when the name is a weak alias and not identical.
    pub weak_alias: f64,
    /// Added when the name is a former one and not identical.
    pub former_name: f64,
    /// Birth-date evidence by how the dates compare.
    pub birth_date: BirthDateWeights,
    /// Added when a country agrees.
    pub country_agrees: f64,
    /// Added when both sides state countries and none agrees.
    pub country_differs: f64,
    /// Added when gender is stated on both sides and differs.
    pub gender_differs: f64,
    /// Added when an identifier agrees.
    pub identifier_agrees: f64,
}

/// What each feature of a name comparison adds to the log-odds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Curves {
    /// Before any feature.
    pub base: f64,
    /// One curve a feature, in the engine's order.
    pub features: [Curve; FEATURE_COUNT],
}

/// A piecewise linear function: rising pairs of a value and its log-odds, flat outside them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Curve(pub Vec<(f64, f64)>);

impl Curve {
    /// The log-odds at a value.
    #[must_use]
    pub fn at(&self, value: f64) -> f64 {
        let mut before: Option<(f64, f64)> = None;
        for &(knot, height) in &self.0 {
            if value <= knot {
                return match before {
                    Some((left, low)) if knot > left => {
                        low + (height - low) * (value - left) / (knot - left)
                    }
                    _ => height,
                };
            }
            before = Some((knot, height));
        }
        before.map_or(0.0, |(_, height)| height)
    }
}

/// Log-odds added for a birth date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BirthDateWeights {
    /// Same full day.
    pub same_day: f64,
    /// One date lies in the other.
    pub compatible: f64,
    /// Day and month swapped.
    pub swapped: f64,
    /// Two of year, month, day agree.
    pub one_part: f64,
    /// Only the year agrees.
    pub same_year: f64,
    /// A year or two off an imprecise date.
    pub near_year: f64,
    /// Nothing agrees.
    pub different: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            version: "2026-11-22.3".to_owned(),
            threshold: 0.70,
            max_hits: 20,
            candidates: 64,
            person: fitted::person(),
            organisation: fitted::organisation(),
            exact_log_odds: 4.8,
            same_letters_log_odds: 4.6,
            inexact_ceiling: 4.7,
            initial_ceiling: 0.75,
            numbers_contradict: -4.0,
            places_contradict: -1.5,
            forms_contradict: -0.45,
            initials_contradict: -1.0,
            given_names_contradict: -1.0,
            family_names_contradict: -1.0,
            main_name: 0.02,
            weak_alias: -0.7,
            former_name: -0.2,
            birth_date: BirthDateWeights {
                same_day: 3.0,
                compatible: 0.8,
                swapped: 1.2,
                one_part: 0.0,
                same_year: -0.8,
                near_year: -0.3,
                different: -5.0,
            },
            country_agrees: 0.6,
            country_differs: -0.5,
            gender_differs: -2.0,
            identifier_agrees: 5.0,
        }
    }
}

impl BirthDateWeights {
    /// The most that a birth date can add.
    pub(crate) fn best(&self) -> f64 {
        [
            self.compatible,
            self.swapped,
            self.one_part,
            self.same_year,
            self.near_year,
            self.different,
        ]
        .into_iter()
        .fold(self.same_day, f64::max)
    }
}

impl Config {
    /// The most that any name comes to by itself.
    pub(crate) fn most_of_a_name(&self) -> f64 {
        let kind =
            [self.main_name, self.weak_alias, self.former_name].into_iter().fold(0.0, f64::max);
        let contradicted: f64 =
            self.contradiction_odds().into_iter().map(|(_, odds)| odds.max(0.0)).sum();
        (self.exact_log_odds + MOST_TIE).max(self.inexact_ceiling + kind + contradicted)
    }

    pub(crate) fn curves(&self, person: bool) -> &Curves {
        if person { &self.person } else { &self.organisation }
    }

    /// What speaks against two names however alike they are, each in words.
    pub(crate) fn contradictions(
        &self,
        measures: &Measures,
    ) -> impl Iterator<Item = (&'static str, f64)> {
        let found = [
            measures.numbers_contradict,
            measures.places_contradict,
            measures.forms_contradict,
            measures.initials_contradict,
            measures.given_names_contradict,
            measures.family_names_contradict,
        ];
        // The same letters in the same order are one name, however its words and numbers are told apart.
        let any = !measures.same_letters;
        found
            .into_iter()
            .zip(self.contradiction_odds())
            .filter_map(move |(found, term)| (any && found && term.1 != 0.0).then_some(term))
    }

    /// Each contradiction with what it adds, in the order in which [`Config::contradictions`] looks for them.
    fn contradiction_odds(&self) -> [(&'static str, f64); 6] {
        [
            ("numbers contradict each other", self.numbers_contradict),
            ("places contradict each other", self.places_contradict),
            ("legal forms contradict each other", self.forms_contradict),
            ("initials contradict each other", self.initials_contradict),
            ("given names contradict each other", self.given_names_contradict),
            ("family names contradict each other", self.family_names_contradict),
        ]
    }

    pub(crate) fn kind_log_odds(&self, kind: NameKind) -> f64 {
        match kind {
            NameKind::Weak => self.weak_alias,
            NameKind::Former => self.former_name,
            NameKind::Primary => self.main_name,
            NameKind::Strong => 0.0,
        }
    }

    pub(crate) fn birth_date_log_odds(&self, found: DateMatch) -> f64 {
        let weights = &self.birth_date;
        match found {
            DateMatch::SameDay => weights.same_day,
            DateMatch::Compatible => weights.compatible,
            DateMatch::DayMonthSwapped => weights.swapped,
            DateMatch::OnePartDiffers => weights.one_part,
            DateMatch::SameYear => weights.same_year,
            DateMatch::NearYear => weights.near_year,
            DateMatch::Different => weights.different,
        }
    }
}
