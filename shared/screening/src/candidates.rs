//! Finding the few listed names worth scoring.
//!
//! Invariant: the list is never scanned: names are reached only through tokens they share with the query, in letters, sound,
//! consonants or meaning. Every tally is back at zero when a search ends. Which names are worth scoring in full depends on
//! their own tally and on the best one's, which never puts out of reach what can be a hit by itself.

use crate::acronym;
use crate::entity::EntityType;
use crate::index::{Grams, Index, bigrams};
use crate::search::Found;
use crate::similarity::{TokenRef, similarity};
use crate::text::token::GIVEN_GROUP;
use crate::text::{Class, Token};

/// Tokens shared letter pairs must exceed this part of the longer word's pairs.
const PAIR_SHARE: f32 = 0.38;
/// How many similar tokens one query token may bring in.
const SIMILAR: usize = 48;
/// How many tokens with shared letter pairs are compared in full.
const LOOKED_AT: usize = 48;
/// A slip leaves a short word few pairs, which it shares with many: more of these are compared.
const LOOKED_AT_SHORT: usize = 128;
/// Words up to this length are short.
const SHORT: usize = 6;
/// Candidates below this part of the best one are not scored: what shares far less cannot come out first.
const KEEP: f32 = 0.48;
/// Candidates with at least this tally are scored whatever the best one has: names that share so much can be hits by
/// themselves, and whether one is must not depend on who else is listed. Hardly anything of the tuning sets is a hit below
/// it (`no_hit_is_out_of_reach`).
const OWN: f32 = 0.40;
/// The same, for names whose entries have this much in log-odds beside the name. Between them the tally falls evenly.
const BACKED: (f32, f64) = (0.25, 3.6);
/// Weight below which a word the list holds as written is not looked up by likeness.
const COMMON: f32 = 0.4;
/// Likeness below which a similar token brings nothing in.
const LIKENESS: f32 = 0.66;

/// Buffers one search uses; keep it and pass it again to save their allocation.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) name_scores: Vec<f32>,
    pub(crate) name_slot: Vec<u16>,
    pub(crate) touched: Vec<u32>,
    pub(crate) token_pairs: Vec<u8>,
    pub(crate) token_touched: Vec<u32>,
    pub(crate) expansions: Vec<(u32, f32)>,
    pub(crate) best: Vec<(f32, u32)>,
    pub(crate) backed: Vec<(f32, u32)>,
    pub(crate) always: Vec<u32>,
    pub(crate) same_letters: Vec<u32>,
    pub(crate) found: Vec<Found>,
}

/// Which names have been scored as those that always are is kept in `name_slot`, which is all zero between the tally and the
/// next one.
impl Scratch {
    pub(crate) fn is_seen(&self, name: u32) -> bool {
        self.name_slot.get(name as usize).is_some_and(|slot| *slot != 0)
    }

    pub(crate) fn see(&mut self, name: u32, is_seen: bool) {
        if let Some(slot) = self.name_slot.get_mut(name as usize) {
            *slot = u16::from(is_seen);
        }
    }
}

/// Least tally of a name that is scored whatever the best one has, with so much evidence beside the name.
pub(crate) fn least_tally(evidence: f64) -> f32 {
    let (tally, at) = BACKED;
    OWN - (OWN - tally) * (evidence / at).max(0.0) as f32
}

impl Index {
    /// Fills `scratch.best` with the names worth scoring, and `scratch.backed` with those that are so with as much evidence
    /// beside the name as a customer can have; each in any order.
    pub(crate) fn candidates(
        &self,
        scratch: &mut Scratch,
        tokens: &[Token],
        wanted: EntityType,
        most_evidence: f64,
    ) {
        let names = self.name_count();
        if scratch.name_scores.len() != names {
            scratch.name_scores = vec![0.0; names];
            scratch.name_slot = vec![0; names];
            scratch.touched.clear();
        }
        if scratch.token_pairs.len() != self.token_count() {
            scratch.token_pairs = vec![0; self.token_count()];
            scratch.token_touched.clear();
        }
        scratch.best.clear();
        let total: f32 = tokens.iter().map(|token| token.weight).sum();
        let smallest = if tokens.iter().any(|token| token.weight >= 0.2) { 0.15 } else { 0.0 };
        let mut slot = 0u16;
        for (at, token) in tokens.iter().enumerate() {
            if token.weight < smallest {
                continue;
            }
            slot += 1;
            self.expand(scratch, token);
            self.spread(scratch, slot, token.weight);
            if let Some(next) = tokens.get(at + 1)
                && token.class != Class::Legal
                && next.class != Class::Legal
            {
                self.expand_joined(scratch, token, next);
                if !scratch.expansions.is_empty() {
                    slot += 1;
                    self.spread(scratch, slot, token.weight + next.weight);
                }
            }
            self.expand_split(scratch, token, &mut slot);
        }
        self.choose(scratch, total, wanted, most_evidence);
    }

    /// Listed tokens that may stand for a query token, with their likeness, best first.
    fn expand(&self, scratch: &mut Scratch, token: &Token) {
        scratch.expansions.clear();
        let view = token.view();
        for number in self.tokens_spelled(&token.text) {
            if let Some(listed) = self.token(number) {
                let (likeness, _) = similarity(view, listed);
                if likeness >= LIKENESS {
                    scratch.expansions.push((number, likeness));
                }
            }
        }
        if token.class != Class::Word && token.class != Class::Title {
            return;
        }
        if token.group != 0 {
            let likeness = if token.group >= GIVEN_GROUP { 0.95 } else { 0.85 };
            scratch.expansions.extend(self.group(token.group).map(|number| (number, likeness)));
        }
        // A common word that the list knows as written brings enough names in as it is.
        if !scratch.expansions.is_empty() && token.weight < COMMON {
            scratch
                .expansions
                .sort_unstable_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
            return;
        }
        if token.abjad {
            self.expand_pairs(scratch, view, &token.skeleton, self.skeleton_grams(), 1);
            self.expand_pairs(scratch, view, &token.sound, self.sound_grams(), 1);
        } else {
            self.expand_pairs(scratch, view, &token.sound, self.sound_grams(), 2);
            if !self.abjad_grams().is_empty() {
                self.expand_pairs(scratch, view, &token.skeleton, self.abjad_grams(), 1);
            }
        }
        scratch
            .expansions
            .sort_unstable_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    }

    /// Tokens that share letter pairs with `word`.
    fn expand_pairs(
        &self,
        scratch: &mut Scratch,
        view: TokenRef<'_>,
        word: &str,
        grams: Grams<'_>,
        slack: usize,
    ) {
        let length = word.len();
        if length == 0 || grams.is_empty() {
            return;
        }
        let reach = if length <= 6 { 1 } else { slack };
        for pair in bigrams(word) {
            for words in grams.pair(pair, length.saturating_sub(reach)..=length + reach) {
                for number in words {
                    if let Some(count) = scratch.token_pairs.get_mut(number as usize) {
                        if *count == 0 {
                            scratch.token_touched.push(number);
                        }
                        *count = count.saturating_add(1);
                    }
                }
            }
        }
        let least = ((length + 1) as f32 * PAIR_SHARE).ceil().max(2.0) as u8;
        scratch.best.clear();
        for &number in &scratch.token_touched {
            if let Some(count) = scratch.token_pairs.get_mut(number as usize) {
                if *count >= least {
                    scratch.best.push((f32::from(*count), number));
                }
                *count = 0;
            }
        }
        scratch.token_touched.clear();
        let looked_at = if slack > 1 && length <= SHORT { LOOKED_AT_SHORT } else { LOOKED_AT };
        if scratch.best.len() > looked_at {
            scratch.best.select_nth_unstable_by(looked_at, |one, other| {
                other.0.total_cmp(&one.0).then(one.1.cmp(&other.1))
            });
            scratch.best.truncate(looked_at);
        }
        let from = scratch.expansions.len();
        for &(_, number) in &scratch.best {
            let Some(listed) = self.token(number) else { continue };
            let (likeness, _) = similarity(view, listed);
            if (LIKENESS..1.0).contains(&likeness) {
                scratch.expansions.push((number, likeness));
            }
        }
        scratch.best.clear();
        if let Some(added) = scratch.expansions.get_mut(from..) {
            added
                .sort_unstable_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        }
        scratch.expansions.truncate(from + SIMILAR);
    }

    /// Two query words that the list writes as one.
    fn expand_joined(&self, scratch: &mut Scratch, token: &Token, next: &Token) {
        scratch.expansions.clear();
        let border = (token.class == Class::Number) != (next.class == Class::Number);
        if token.text.len() + next.text.len() < 4 && !border {
            return;
        }
        let joined = [token.text.as_str(), next.text.as_str()].concat();
        scratch.expansions.extend(self.tokens_spelled(&joined).map(|number| (number, 0.95)));
        if token.abjad || !scratch.expansions.is_empty() {
            return;
        }
        let sound = crate::text::sound::sound_form(&joined);
        if sound != joined {
            // A sound form that is itself a listed spelling is the common case of habit differences.
            scratch.expansions.extend(self.tokens_spelled(&sound).map(|number| (number, 0.9)));
        }
    }

    /// One query word that the list writes as two.
    fn expand_split(&self, scratch: &mut Scratch, token: &Token, slot: &mut u16) {
        let text = token.text.as_str();
        if token.class == Class::Number {
            self.expand_border(scratch, token, slot);
        }
        if token.class != Class::Word
            || text.len() < 6
            || !text.is_ascii()
            || !self.tokens_spelled(text).is_empty()
        {
            return;
        }
        for at in 2..text.len() - 1 {
            let (Some(head), Some(tail)) = (text.get(..at), text.get(at..)) else { continue };
            let (heads, tails) = (self.tokens_spelled(head), self.tokens_spelled(tail));
            if heads.is_empty() || tails.is_empty() {
                continue;
            }
            for numbers in [heads, tails] {
                scratch.expansions.clear();
                scratch.expansions.extend(numbers.map(|number| (number, 0.95)));
                *slot += 1;
                self.spread(scratch, *slot, token.weight * 0.6);
            }
        }
    }

    /// A query's number with a letter before or behind it ("A1", "N9") that the list writes as two words.
    fn expand_border(&self, scratch: &mut Scratch, token: &Token, slot: &mut u16) {
        let text = token.text.as_str();
        let is_digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
        let Some(at) = (1..text.len()).find(|at| is_digit(*at) != is_digit(*at - 1)) else {
            return;
        };
        let (Some(head), Some(tail)) = (text.get(..at), text.get(at..)) else { return };
        let (heads, tails) = (self.tokens_spelled(head), self.tokens_spelled(tail));
        if heads.is_empty() || tails.is_empty() {
            return;
        }
        for numbers in [heads, tails] {
            scratch.expansions.clear();
            scratch.expansions.extend(numbers.map(|number| (number, 0.95)));
            *slot += 1;
            self.spread(scratch, *slot, token.weight * 0.6);
        }
    }

    /// Credits every name that holds one of the expansions; the best one per slot counts.
    fn spread(&self, scratch: &mut Scratch, slot: u16, weight: f32) {
        let Scratch { expansions, name_scores, name_slot, touched, .. } = scratch;
        for &(token, likeness) in expansions.iter() {
            let listed_weight = self.token(token).map_or(0.0, |listed| listed.weight);
            let gain = weight.min(listed_weight * 1.15) * crate::align::credit(likeness);
            for name in self.names_with(token) {
                let at = name as usize;
                if let (Some(seen), Some(score)) = (name_slot.get_mut(at), name_scores.get_mut(at))
                {
                    if *seen == slot {
                        continue;
                    }
                    if *score == 0.0 {
                        touched.push(name);
                    }
                    *seen = slot;
                    *score += gain;
                }
            }
        }
    }

    /// Moves the promising names to `scratch.best` and clears the tallies.
    fn choose(&self, scratch: &mut Scratch, total: f32, wanted: EntityType, most_evidence: f64) {
        let Scratch { name_scores, name_slot, touched, best, backed, .. } = scratch;
        let (weights, types) = (self.name_weights(), self.name_types());
        best.clear();
        let mut most = 0.0f32;
        for &name in touched.iter() {
            let at = name as usize;
            let Some(score) = name_scores.get_mut(at) else { continue };
            let own = f32::from(weights.get(at).copied().unwrap_or(0)) * 16.0 / 255.0;
            let kind = EntityType::from_code(types.get(at).copied().unwrap_or(4));
            if wanted.meets(kind) {
                let tally = *score / (0.3 + 0.65 * total + 0.35 * own);
                most = most.max(tally);
                best.push((tally, name));
            }
            *score = 0.0;
            if let Some(seen) = name_slot.get_mut(at) {
                *seen = 0;
            }
        }
        touched.clear();
        let least = (most * KEEP).min(OWN);
        backed.clear();
        if most_evidence > 0.0 {
            let range = least_tally(most_evidence)..least;
            backed.extend(best.iter().filter(|(tally, _)| range.contains(tally)));
        }
        best.retain(|(tally, _)| *tally >= least);
    }

    /// Names that differ from the query in spacing only are scored whatever tokens they share.
    pub(crate) fn add_same_letters(&self, scratch: &mut Scratch, wanted: EntityType) {
        let Scratch { same_letters, always, .. } = scratch;
        let types = self.name_types();
        always.extend(same_letters.iter().copied().filter(|name| {
            wanted.meets(EntityType::from_code(types.get(*name as usize).copied().unwrap_or(4)))
        }));
    }

    /// Names the query is an acronym of, and names that are an acronym of the query.
    pub(crate) fn add_acronyms(
        &self,
        scratch: &mut Scratch,
        query: &[TokenRef<'_>],
        wanted: EntityType,
        most: usize,
    ) {
        let types = self.name_types();
        let always = &mut scratch.always;
        let mut add = |name: u32| {
            let kind = EntityType::from_code(types.get(name as usize).copied().unwrap_or(4));
            if wanted.meets(kind) {
                always.push(name);
            }
        };
        if let Some(letters) = acronym::candidate(query) {
            self.with_letters(acronym::hash(letters)).take(most).for_each(&mut add);
        }
        for letters in acronym::keys(query) {
            for token in self.tokens_spelled(&letters) {
                self.names_with(token).take(most).for_each(&mut add);
            }
        }
    }
}

/// Brings the best of `rest` that are still unordered to the front, in order; answers how many.
pub(crate) fn bring_forward(rest: &mut [(f32, u32)], count: usize) -> usize {
    let order =
        |one: &(f32, u32), other: &(f32, u32)| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1));
    let count = count.min(rest.len());
    if count < rest.len() {
        rest.select_nth_unstable_by(count, order);
    }
    if let Some(front) = rest.get_mut(..count) {
        front.sort_unstable_by(order);
    }
    count
}
