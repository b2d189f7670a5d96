//! Which of the candidates are scored, and when enough of them were.
//!
//! Invariant: a name goes unscored only when what is known of its entry leaves it no way to the threshold, or when so many
//! names in a row before it, of more promise, were too unlike for as much evidence as it has. Evidence is looked up before a
//! name is scored, so a crowd of namesakes with other birth dates hides nobody. Where neither is so, the answer says that the
//! search did not come to an end.

use crate::candidates::{Scratch, bring_forward, least_tally};
use crate::config::Config;
use crate::delta::EntityKey;
use crate::index::{EntityRecord, Index};
use crate::qualify::{Subject, qualify};
use crate::score::name_log_odds;
use crate::search::{Found, MOST_SCORED, log_odds, view_all};
use crate::text::Token;

/// How far a search goes.
#[derive(Clone, Copy)]
pub(crate) enum Reach<'a> {
    /// The names most worth scoring: for a ranking.
    Best,
    /// Every hit, these entries looked at whatever they share with the query.
    EveryHit(&'a [EntityKey]),
}

/// Steps between no evidence and the best that a customer can have.
const STEPS: usize = 7;

/// Names in a row that were too unlike, for each step of evidence beside the name.
struct Patience {
    /// The best evidence that a customer can have.
    best: f64,
    in_vain: [usize; STEPS],
    /// How many in a row are enough.
    most: usize,
}

impl Patience {
    fn new(best: f64, most: usize) -> Self {
        Self { best, in_vain: [0; STEPS], most }
    }

    /// Most evidence of a step.
    fn evidence(&self, step: usize) -> f64 {
        self.best * step as f64 / (STEPS - 1) as f64
    }

    /// Whether names with so much evidence have been in vain for long enough.
    fn is_out(&self, evidence: f64) -> bool {
        let step = (0..STEPS).find(|step| evidence <= self.evidence(*step)).unwrap_or(STEPS - 1);
        self.in_vain.get(step).is_some_and(|in_vain| *in_vain >= self.most)
    }

    /// Counts a name that lacks so much of the threshold by itself.
    fn count(&mut self, lack: f64) {
        for step in 0..STEPS {
            let is_vain = self.evidence(step) < lack;
            if let Some(in_vain) = self.in_vain.get_mut(step) {
                // Enough stays enough: what has more promise has been seen.
                if *in_vain < self.most {
                    *in_vain = if is_vain { *in_vain + 1 } else { 0 };
                }
            }
        }
    }
}

/// One name of the query, and what it is compared under.
pub(crate) struct Asked<'a> {
    pub(crate) tokens: &'a [Token],
    pub(crate) number: u16,
    pub(crate) subject: &'a Subject,
    pub(crate) config: &'a Config,
}

impl Index {
    /// Scores the candidates in order of promise. Answers whether it came to an end: all that could hit were scored, or so
    /// many in a row were too unlike that those with less promise are.
    pub(crate) fn score_candidates(
        &self,
        scratch: &mut Scratch,
        asked: &Asked<'_>,
        reach: Reach<'_>,
    ) -> bool {
        let is_complete = scratch.always.len() <= MOST_SCORED;
        for at in 0..scratch.always.len().min(MOST_SCORED) {
            let Some(&name) = scratch.always.get(at) else { break };
            if !scratch.is_seen(name) {
                self.score(scratch, asked, name);
                scratch.see(name, true);
            }
        }
        let is_complete = match reach {
            Reach::Best => {
                self.score_best(scratch, asked);
                is_complete
            }
            Reach::EveryHit(_) => is_complete & self.score_all(scratch, asked),
        };
        for at in 0..scratch.always.len() {
            let Some(&name) = scratch.always.get(at) else { break };
            scratch.see(name, false);
        }
        is_complete
    }

    fn score_best(&self, scratch: &mut Scratch, asked: &Asked<'_>) {
        let count = bring_forward(&mut scratch.best, asked.config.candidates.max(1));
        for at in 0..count {
            let Some(&(_, name)) = scratch.best.get(at) else { break };
            if !scratch.is_seen(name) {
                self.score(scratch, asked, name);
            }
        }
    }

    fn score_all(&self, scratch: &mut Scratch, asked: &Asked<'_>) -> bool {
        let Asked { subject, config, .. } = asked;
        let least = log_odds(config.threshold);
        let mut patience = Patience::new(subject.best_evidence(config), config.candidates.max(1));
        let mut scored = 0;
        for backed in [false, true] {
            if backed {
                self.bring_in_backed(scratch, asked);
            }
            // Twice as many each time, so that ordering a long list costs what sorting it would.
            let (mut at, mut count) = (0, config.candidates.max(1));
            while at < scratch.best.len() {
                let rest = scratch.best.get_mut(at..).unwrap_or(&mut []);
                let upto = at + bring_forward(rest, count);
                count = count.saturating_mul(2);
                while at < upto {
                    if patience.is_out(patience.best) {
                        return true;
                    }
                    let Some(&(_, name)) = scratch.best.get(at) else { break };
                    at += 1;
                    if scratch.is_seen(name) {
                        scored += 1;
                        continue;
                    }
                    let Some(evidence) = self.evidence_on(name, asked) else { continue };
                    if patience.is_out(evidence) || config.most_of_a_name() + evidence < least {
                        continue;
                    }
                    if scored >= MOST_SCORED {
                        return false;
                    }
                    scored += 1;
                    if let Some(name_odds) = self.score(scratch, asked, name) {
                        patience.count(least - name_odds);
                    }
                }
            }
        }
        true
    }

    /// Puts the names in `scratch.best` that share too little to be hits by themselves, but enough for the evidence there is.
    fn bring_in_backed(&self, scratch: &mut Scratch, asked: &Asked<'_>) {
        let Scratch { best, backed, .. } = scratch;
        best.clear();
        best.extend(backed.iter().filter(|(tally, name)| {
            self.evidence_on(*name, asked)
                .is_some_and(|evidence| evidence > 0.0 && *tally >= least_tally(evidence))
        }));
        backed.clear();
    }

    /// What is known beside the name of an entry, in log-odds.
    fn evidence_on(&self, name: u32, asked: &Asked<'_>) -> Option<f64> {
        let entity = self.name(name)?.entity;
        let record = self.entity_record(entity)?;
        Some(qualify(self, &record, entity, asked.subject, asked.config).total())
    }

    /// Scores one name in full. Answers what the name alone comes to.
    fn score(&self, scratch: &mut Scratch, asked: &Asked<'_>, name: u32) -> Option<f64> {
        let same = scratch.same_letters.contains(&name);
        let found = self.compare_name(asked, name, same)?;
        scratch.found.push(found);
        Some(found.name_odds)
    }

    fn compare_name(&self, asked: &Asked<'_>, name: u32, same_letters: bool) -> Option<Found> {
        let Asked { tokens, number, subject, config } = asked;
        let views = view_all(tokens);
        let (measures, kind, entity) = self.measure_name(views.as_slice(), name, same_letters)?;
        let record = self.entity_record(entity)?;
        let name_odds = name_log_odds(&measures, kind, config);
        let odds = name_odds + qualify(self, &record, entity, subject, config).total();
        Some(Found { entity, name, query_name: *number, name_odds, odds })
    }

    /// An identifier finds its entity whatever its name; the name then only adds to the score.
    pub(crate) fn by_identifier(
        &self,
        scratch: &mut Scratch,
        prepared: &[Vec<Token>],
        letters: &[Option<u64>],
        (subject, config): (&Subject, &Config),
    ) {
        for &entity in &subject.identified {
            let Some(record) = self.entity_record(entity) else { continue };
            for (number, tokens) in prepared.iter().enumerate() {
                let hash = letters.get(number).copied().flatten();
                let asked = Asked { tokens, number: number as u16, subject, config };
                for name in names_of(&record) {
                    let same =
                        hash.is_some_and(|hash| self.with_letters(hash).any(|known| known == name));
                    scratch.found.extend(self.compare_name(&asked, name, same));
                }
            }
            if prepared.is_empty() {
                let odds = qualify(self, &record, entity, subject, config).total();
                let name = record.first_name;
                scratch.found.push(Found { entity, name, query_name: 0, name_odds: 0.0, odds });
            }
        }
    }
}

/// The names of an entry, as far as numbers go: a forged file may say anything.
pub(crate) fn names_of(record: &EntityRecord) -> std::ops::Range<u32> {
    record.first_name..record.first_name.saturating_add(u32::from(record.name_count))
}
