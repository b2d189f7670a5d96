//! What a module found: its decision, its codes, its scores.
//!
//! Invariant: scores are thousandths, so the same signals give the same number on every machine and through every store.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::code::Code;

/// What a module, or the whole review, comes to. Ordered by severity.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nothing stands against the customer.
    #[default]
    Accept,
    /// A person has to look at it.
    Review,
    /// The customer is turned away.
    Reject,
}

impl Decision {
    /// The contract's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Review => "review",
            Self::Reject => "reject",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A score from 0 to 1 in thousandths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score(u16);

impl Score {
    /// Where [`Correlation::PotentialMatch`] begins.
    pub const POTENTIAL: Self = Self(300);

    /// The score of so many thousandths, brought into the range.
    #[must_use]
    pub fn thousandths(points: i32) -> Self {
        Self(u16::try_from(points.clamp(0, 1000)).unwrap_or(0))
    }

    /// The score nearest to a number; what is no number is 0.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "clamped to 0..=1000 before")]
    pub fn nearest(value: f64) -> Self {
        Self::thousandths(if value.is_finite() {
            (value.clamp(0.0, 1.0) * 1000.0).round() as i32
        } else {
            0
        })
    }

    /// The thousandths.
    #[must_use]
    pub const fn points(self) -> u16 {
        self.0
    }

    /// As the contract writes it.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.value())
    }
}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::nearest)
    }
}

/// How well something fits the person, in the contract's four steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correlation {
    /// Below 0.3.
    LowConfidence,
    /// From 0.3.
    PotentialMatch,
    /// From 0.6.
    LikelyMatch,
    /// From 0.85.
    HighConfidence,
}

impl From<Score> for Correlation {
    fn from(score: Score) -> Self {
        match score.points() {
            0..300 => Self::LowConfidence,
            300..600 => Self::PotentialMatch,
            600..850 => Self::LikelyMatch,
            _ => Self::HighConfidence,
        }
    }
}

/// What a module saw, before it is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signals {
    /// The codes.
    pub codes: BTreeSet<Code>,
    /// How well it fits the person, where that can be said.
    pub correlation: Option<Score>,
}

impl Signals {
    /// Notes a code.
    pub fn add(&mut self, code: Code) {
        self.codes.insert(code);
    }

    /// Notes a code when `holds`.
    pub fn add_if(&mut self, holds: bool, code: Code) {
        if holds {
            self.codes.insert(code);
        }
    }

    /// Whether the code was noted.
    #[must_use]
    pub fn has(&self, code: Code) -> bool {
        self.codes.contains(&code)
    }
}

/// What a module found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it comes to.
    pub decision: Decision,
    /// Why.
    pub codes: BTreeSet<Code>,
    /// How risky, where the module scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_score: Option<Score>,
    /// How well it fits the person, where the module compares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_score: Option<Score>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_ordered() {
        assert!(Decision::Accept < Decision::Review && Decision::Review < Decision::Reject);
        assert_eq!(serde_json::to_string(&Decision::Reject).unwrap(), "\"reject\"");
    }

    #[test]
    fn scores_stay_in_range_and_survive_storage() {
        for (points, value) in [(-5, 0.0), (0, 0.0), (710, 0.71), (1000, 1.0), (4000, 1.0)] {
            let score = Score::thousandths(points);
            assert!((score.value() - value).abs() < 1e-12);
            let json = serde_json::to_string(&score).unwrap();
            assert_eq!(serde_json::from_str::<Score>(&json).unwrap(), score);
        }
        assert_eq!(Score::nearest(f64::NAN), Score::thousandths(0));
        assert_eq!(Score::nearest(0.9996), Score::thousandths(1000));
    }

    #[test]
    fn buckets_have_these_edges() {
        for (points, bucket) in [
            (0, Correlation::LowConfidence),
            (299, Correlation::LowConfidence),
            (300, Correlation::PotentialMatch),
            (600, Correlation::LikelyMatch),
            (849, Correlation::LikelyMatch),
            (850, Correlation::HighConfidence),
            (1000, Correlation::HighConfidence),
        ] {
            assert_eq!(Correlation::from(Score::thousandths(points)), bucket, "{points}");
        }
        let text = serde_json::to_string(&Correlation::LikelyMatch).unwrap();
        assert_eq!(text, "\"likely_match\"");
    }
}
