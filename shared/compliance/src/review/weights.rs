//! The one table of weights: how much each code adds to a risk score, and the least that it leads to.
//!
//! There is no trained model behind the scores and they do not pretend to one. A score is [`BASE`] plus the weights of the
//! codes that were emitted, in thousandths, within 10 and 990; so anyone can compute it again and say what moved it.
//! Columns: the code's own module; `fraud`, someone hides behind a real or borrowed identity; `synthetic`, the identity was
//! made up. `floor` is the least decision of the module, whatever its score.
//!
//! Invariant: a risk code never lowers a score, so a further one never makes a decision milder.

use std::collections::BTreeSet;

use super::code::Code;
use super::finding::{Decision, Finding, Score, Signals};
use super::policy::{Policy, Thresholds};

/// The score of an application that nothing is known of, in thousandths.
pub const BASE: i32 = 50;
const LEAST: i32 = 10;
const MOST: i32 = 990;

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Weight {
    /// The code.
    pub code: Code,
    /// What it adds in its own module, in thousandths.
    pub own: i32,
    /// What it adds to the fraud score.
    pub fraud: i32,
    /// What it adds to the score for synthetic identities.
    pub synthetic: i32,
    /// The least that its module comes to.
    pub floor: Decision,
}

const fn row(code: Code, own: i32, fraud: i32, synthetic: i32, floor: Decision) -> Weight {
    Weight { code, own, fraud, synthetic, floor }
}

use Decision::{Accept, Reject, Review};

/// The table.
#[rustfmt::skip]
pub const WEIGHTS: &[Weight] = &[
    //                own fraud synth
    row(Code::G001,     0,   0,   0, Accept),
    row(Code::G002,     0,   0,   0, Accept),
    row(Code::G003,     0,   0,   0, Accept),
    row(Code::G004,     0,   0,   0, Accept),
    row(Code::G005,     0, 200, 300, Accept),
    row(Code::G006,     0,   0,   0, Accept),
    row(Code::G007,     0,   0,   0, Accept),

    row(Code::I196,     0,   0,   0, Accept),
    row(Code::R180,   900, 250,   0, Review),
    row(Code::R181,   800, 200,   0, Review),
    row(Code::R182,   800, 200,   0, Review),
    row(Code::R183,   700, 150,   0, Review),
    row(Code::R184,   500,   0,   0, Review),
    row(Code::R185,   500,   0,   0, Review),

    row(Code::I410,    10,  10,  10, Accept),
    row(Code::I411,    10,  10,  10, Accept),
    row(Code::I412,    10,  10,  10, Accept),
    row(Code::I413,    10,  10,  10, Accept),
    row(Code::GR001,  450, 200, 150, Review),
    row(Code::GR002,  400, 180, 120, Review),
    row(Code::GR003,  100,  80,  60, Accept),
    row(Code::GR004,  500, 220, 150, Review),

    row(Code::R106,   600, 300, 100, Review),
    row(Code::R110,   700, 350, 100, Review),
    row(Code::R111,   800, 400, 200, Review),
    row(Code::R113,   700, 350, 100, Review),

    row(Code::I201,  -200, -60, -60, Accept),
    row(Code::I202,     0,   0,  20, Accept),
    row(Code::I903,     0,  10,  20, Accept),
    row(Code::I904,     0,   0,  30, Accept),
    row(Code::I906,     0,   0,  30, Accept),
    row(Code::I912,     0,   0,  40, Accept),
    row(Code::I919,  -300, -80, -80, Accept),
    row(Code::I931,     0,  40,  60, Accept),
    row(Code::R201,   900, 350, 450, Reject),
    row(Code::R202,   900, 500, 200, Reject),
    row(Code::R206,   800, 250, 400, Review),
    row(Code::R212,   400, 150, 200, Review),
    row(Code::R215,   300, 120, 150, Review),
    row(Code::R216,   150,  20,  40, Review),
    row(Code::R217,    50,   0,  60, Accept),
    row(Code::R222,   150,  20,  50, Review),
    row(Code::R350,   300,  60,  80, Review),
    row(Code::R351,   800, 100, 100, Reject),
    row(Code::R352,   700, 100, 100, Reject),
    row(Code::R353,   400,  60,  40, Review),
    row(Code::R355,   600, 150, 200, Review),
    row(Code::R901,   500, 200, 300, Review),
    row(Code::R902,   400, 180, 200, Review),
    row(Code::R907,     0,   0,   0, Reject),
    row(Code::R911,     0,   0,   0, Review),
    row(Code::R913,     0,   0,   0, Reject),
    row(Code::R919,   200,  80,  80, Review),
    row(Code::R922,   300, 100, 120, Review),

    row(Code::I920,     0,   0,  60, Accept),
    row(Code::R298,     0, 100, 450, Review),
    row(Code::R299,     0, 100, 450, Review),

    row(Code::I1001,   50,  20,  60, Accept),
    row(Code::I1004, -100, -60, -80, Accept),
    row(Code::R203,   450, 200, 250, Review),
    row(Code::R204,   150,  80, 100, Accept),
    row(Code::R205,   200, 120, 120, Accept),
    row(Code::R207,   300, 120, 200, Accept),
    row(Code::R208,    80,  30,  40, Accept),
    row(Code::R224,   400, 180, 200, Review),
    row(Code::R225,   500, 250, 250, Review),
    row(Code::R226,    80,  40,  40, Accept),
    row(Code::R227,   250, 120,  80, Accept),
    row(Code::R956,   400, 150, 250, Review),
    row(Code::R1001,  300, 120, 200, Accept),

    row(Code::I520,     0, -10,   0, Accept),
    row(Code::I550,   -10, -10, -10, Accept),
    row(Code::I551,   -15, -15, -15, Accept),
    row(Code::I553,   -25, -20, -25, Accept),
    row(Code::I554,     0,   0,   0, Accept),
    row(Code::I556,   -20, -30, -20, Accept),
    row(Code::I557,   -10, -10, -10, Accept),
    row(Code::I558,   -10, -10, -10, Accept),
    row(Code::I559,     0,   0,   0, Accept),
    row(Code::I561,   -10, -10,   0, Accept),
    row(Code::I562,     0,   0,   0, Accept),
    row(Code::I563,    30,  10,  10, Accept),
    row(Code::I564,    60,  10,  10, Accept),
    row(Code::I565,   200,  60,  40, Accept),
    row(Code::I566,     0,   0,   0, Accept),
    row(Code::I567,    40,  10,  10, Accept),
    row(Code::I568,   -10,   0,   0, Accept),
    row(Code::I569,     0,   0,   0, Accept),
    row(Code::I570,     0,   0,   0, Accept),
    row(Code::R520,     0,  60,  30, Accept),
    row(Code::R551,   900, 200, 150, Review),
    row(Code::R557,   700, 300, 200, Review),
    row(Code::R558,   350, 150, 120, Accept),
    row(Code::R560,   120,  50,  40, Accept),
    row(Code::R561,    40,  20,  20, Accept),
    row(Code::R563,   800, 150, 100, Review),
    row(Code::R564,   500, 120, 100, Review),
    row(Code::R565,   200, 100,  60, Accept),
    row(Code::R567,   300, 120,  80, Accept),
    row(Code::R568,   250, 100,  80, Accept),
    row(Code::R569,   100,  20,  20, Accept),
    row(Code::R572,   150,  80,  60, Accept),
    row(Code::R573,   150,  50,  40, Accept),
    row(Code::R574,   250,  60,  40, Accept),

    row(Code::I601,     0,  10,   0, Accept),
    row(Code::I602,   -10,   0,   0, Accept),
    row(Code::I605,   200,  80,  40, Accept),
    row(Code::I610,   -20, -15, -10, Accept),
    row(Code::I618,   -20, -30, -20, Accept),
    row(Code::I620,     0, -10,   0, Accept),
    row(Code::I621,   -10, -10, -10, Accept),
    row(Code::I622,   -10, -10, -10, Accept),
    row(Code::R602,   200,  90,  40, Accept),
    row(Code::R603,   900, 200, 120, Review),
    row(Code::R606,   300,  80,  60, Accept),
    row(Code::R607,    40,  15,  10, Accept),
    row(Code::R611,   500, 150,  80, Review),
    row(Code::R614,   500, 120,  80, Review),
    row(Code::R615,   250, 120,  80, Accept),
    row(Code::R620,     0,  60,  30, Accept),

    row(Code::I704,     0,   0,   0, Accept),
    row(Code::I705,     0,   0,   0, Accept),
    row(Code::I706,    20,   0,   0, Accept),
    row(Code::I707,   -10, -10,   0, Accept),
    row(Code::I708,   -20, -30, -20, Accept),
    row(Code::I711,   -30, -15, -10, Accept),
    row(Code::I712,    30,  10,   0, Accept),
    row(Code::I713,    30,  10,   0, Accept),
    row(Code::I714,    30,  10,   0, Accept),
    row(Code::I720,     0, -10,   0, Accept),
    row(Code::R701,   600, 150, 120, Review),
    row(Code::R702,   200,  40,  40, Accept),
    row(Code::R703,   850, 180, 150, Review),
    row(Code::R704,   700, 250, 100, Review),
    row(Code::R707,   500, 200, 150, Review),
    row(Code::R708,   250,  60,  60, Accept),
    row(Code::R709,   150,  50,  40, Accept),
    row(Code::R710,    20,   0,   0, Accept),
    row(Code::R712,   700, 120, 100, Review),
    row(Code::R713,   600, 120, 100, Review),
    row(Code::R720,     0,  60,  30, Accept),
    row(Code::R722,    60,  10,  10, Accept),

    row(Code::BI001,  -20,   0,   0, Accept),
    row(Code::BI002,  -20,   0,   0, Accept),
    row(Code::BI003,    0,   0,   0, Accept),
    row(Code::BI004,  -20, -20,   0, Accept),
    row(Code::BI005,    0,   0,   0, Accept),
    row(Code::BI006,    0,   0,   0, Accept),
    row(Code::BI007,  -20, -30,   0, Accept),
    row(Code::BI008, -100, -80,   0, Accept),
    row(Code::BR001,  900, 300,   0, Reject),
    row(Code::BR002,  700, 200,   0, Review),
    row(Code::BR003,  350,  80,   0, Accept),
    row(Code::BR004,  500, 100,   0, Review),
    row(Code::BR005,  150,  60,   0, Accept),
    row(Code::BR006,  100,  20,   0, Accept),
    row(Code::BR007,  500, 200,   0, Review),
    row(Code::BR008,  150,  30,   0, Accept),
    row(Code::BR009,  600, 150,   0, Review),
    row(Code::BR010,   50,  10,   0, Accept),
    row(Code::BR011,  300,  60,   0, Review),
    row(Code::BR012,  150,  20,   0, Review),
];

/// Which column of the table is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The code's own module.
    Own,
    /// Fraud.
    Fraud,
    /// Synthetic identities.
    Synthetic,
}

fn weight(code: Code) -> Option<&'static Weight> {
    WEIGHTS.iter().find(|weight| weight.code == code)
}

fn points(code: Code, column: Column) -> i32 {
    weight(code).map_or(0, |weight| match column {
        Column::Own => weight.own,
        Column::Fraud => weight.fraud,
        Column::Synthetic => weight.synthetic,
    })
}

/// The score of some codes.
#[must_use]
pub fn score(codes: &BTreeSet<Code>, column: Column) -> Score {
    let sum: i32 = codes.iter().map(|code| points(*code, column)).sum();
    Score::thousandths((BASE + sum).clamp(LEAST, MOST))
}

/// The codes that raised a score, heaviest first, at most `most`.
#[must_use]
pub fn reasons(codes: &BTreeSet<Code>, column: Column, most: usize) -> BTreeSet<Code> {
    let mut heavy: Vec<(i32, Code)> = codes
        .iter()
        .map(|code| (points(*code, column), *code))
        .filter(|(points, _)| *points > 0)
        .collect();
    heavy.sort_by(|(one, code), (other, next)| other.cmp(one).then(code.cmp(next)));
    heavy.into_iter().take(most).map(|(_, code)| code).collect()
}

/// The least that some codes lead to under a policy.
#[must_use]
pub fn floor(codes: &BTreeSet<Code>, policy: &Policy) -> Decision {
    codes
        .iter()
        .map(|code| {
            policy
                .floors
                .get(code)
                .copied()
                .unwrap_or_else(|| weight(*code).map_or(Decision::Accept, |weight| weight.floor))
        })
        .max()
        .unwrap_or(Decision::Accept)
}

/// Judges what a module saw: the score of its codes against the thresholds, and never below their floor.
#[must_use]
pub fn judge(signals: Signals, thresholds: Thresholds, policy: &Policy) -> Finding {
    let risk = score(&signals.codes, Column::Own);
    let decision = thresholds.decide(risk).max(floor(&signals.codes, policy));
    Finding {
        decision,
        codes: signals.codes,
        risk_score: Some(risk),
        correlation_score: signals.correlation,
    }
}

/// As [`judge`], with the module's own codes for a low and a high score.
#[must_use]
pub fn judge_with(
    (low, high): (Code, Code),
    mut signals: Signals,
    thresholds: Thresholds,
    policy: &Policy,
) -> Finding {
    let risk = score(&signals.codes, Column::Own);
    signals.add_if(risk <= Score::thousandths(100), low);
    signals.add_if(risk >= thresholds.review, high);
    judge(signals, thresholds, policy)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_code_has_exactly_one_row() {
        for code in Code::ALL {
            assert_eq!(WEIGHTS.iter().filter(|weight| weight.code == *code).count(), 1, "{code}");
        }
        assert_eq!(WEIGHTS.len(), Code::ALL.len());
    }

    #[test]
    fn facts_never_decide_and_risks_never_help() {
        for weight in WEIGHTS {
            if weight.code.is_risk() {
                assert!(weight.own >= 0 && weight.fraud >= 0 && weight.synthetic >= 0);
            } else {
                assert_eq!(weight.floor, Decision::Accept, "{}", weight.code);
            }
        }
    }

    #[test]
    fn a_score_is_the_base_and_the_sum() {
        let codes = BTreeSet::from([Code::R557, Code::I566, Code::R567]);
        assert_eq!(score(&codes, Column::Own).points(), 990, "50 + 700 + 300, within bounds");
        assert_eq!(score(&codes, Column::Fraud).points(), 50 + 300 + 120);
        assert_eq!(score(&BTreeSet::new(), Column::Own).points(), 50);
        assert_eq!(
            reasons(&codes, Column::Fraud, 1),
            BTreeSet::from([Code::R557]),
            "the heaviest first"
        );
    }

    /// The page that partners read has this table, row by row.
    #[test]
    fn the_document_has_the_table() {
        let page = include_str!("../../../../docs/identity-review.md");
        let rows = WEIGHTS.iter().filter(|weight| {
            let least = match weight.floor {
                Accept => String::new(),
                other => other.to_string(),
            };
            let row = format!(
                "| {} | {} | {} | {} | {least} | {} |",
                weight.code,
                weight.own,
                weight.fraud,
                weight.synthetic,
                weight.code.text()
            );
            page.contains(&row) || panic!("{row}")
        });
        assert_eq!(rows.count(), WEIGHTS.len());
    }

    #[test]
    fn a_policy_moves_a_floor() {
        let codes = BTreeSet::from([Code::R708]);
        let mut policy = Policy::default();
        assert_eq!(floor(&codes, &policy), Decision::Accept);
        policy.floors.insert(Code::R708, Decision::Reject);
        assert_eq!(floor(&codes, &policy), Decision::Reject);
    }

    proptest! {
        /// The property that the whole policy rests on.
        #[test]
        fn a_further_risk_never_makes_it_milder(
            picked in prop::collection::btree_set(0..Code::ALL.len(), 0..20),
            further in 0..Code::ALL.len(),
        ) {
            let further = Code::ALL[further];
            prop_assume!(further.is_risk());
            let policy = Policy::default();
            let codes: BTreeSet<Code> = picked.into_iter().map(|at| Code::ALL[at]).collect();
            let mut more = codes.clone();
            more.insert(further);
            for column in [Column::Own, Column::Fraud, Column::Synthetic] {
                prop_assert!(score(&more, column) >= score(&codes, column));
            }
            let judged = |codes| {
                let signals = Signals { codes, correlation: None };
                judge(signals, policy.email, &policy).decision
            };
            prop_assert!(judged(more) >= judged(codes));
        }
    }
}
