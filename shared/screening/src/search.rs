//! Finding the few listed names worth scoring, and scoring them.
//!
//! Invariant: the list is never scanned: names are reached only through tokens they share with the query, in letters, sound,
//! consonants or meaning. Buffers are reused, so a search allocates per hit and per query, never per candidate.

use crate::config::Config;
use crate::entity::{Entity, EntityType, NameKind, Query, hex};
use crate::explain::{Explanation, Hit};
use crate::index::{Grams, Index, bigrams};
use crate::qualify::{Qualifiers, Subject, qualify};
use crate::score::{Measures, measure, name_log_odds, probability};
use crate::similarity::{TokenRef, similarity};
use crate::text::token::GIVEN_GROUP;
use crate::text::{Class, Token, analyse, tokens_of};

/// Tokens shared letter pairs must exceed this part of the longer word's pairs.
const PAIR_SHARE: f32 = 0.38;
/// How many similar tokens one query token may bring in.
const SIMILAR: usize = 40;
/// Candidates below this part of the best one are not scored.
const KEEP: f32 = 0.42;
/// Weight below which a word the list holds as written is not looked up by likeness.
const COMMON: f32 = 0.4;
/// Likeness below which a similar token brings nothing in.
const LIKENESS: f32 = 0.66;

/// Buffers one search uses; keep it and pass it again to save their allocation.
#[derive(Debug, Default)]
pub struct Scratch {
    name_scores: Vec<f32>,
    name_slot: Vec<u16>,
    touched: Vec<u32>,
    token_pairs: Vec<u8>,
    token_touched: Vec<u32>,
    expansions: Vec<(u32, f32)>,
    best: Vec<(f32, u32)>,
    same_letters: Vec<u32>,
    found: Vec<Found>,
}

/// The best name of one entity.
#[derive(Debug, Clone, Copy)]
struct Found {
    entity: u32,
    name: u32,
    query_name: u16,
    name_odds: f64,
    odds: f64,
}

/// A ranked answer without display data.
#[derive(Debug, Clone, Copy)]
pub struct Ranked<'a> {
    /// The list's key of the entry.
    pub uid: &'a str,
    /// Score from 0 to 1.
    pub score: f64,
}

impl Index {
    /// Screens one customer: hits at or above the threshold, best first.
    #[must_use]
    pub fn search(&self, query: &Query, config: &Config) -> Vec<Hit> {
        self.search_with(&mut Scratch::default(), query, config)
    }

    /// As [`Index::search`], with buffers kept between calls.
    #[must_use]
    pub fn search_with(&self, scratch: &mut Scratch, query: &Query, config: &Config) -> Vec<Hit> {
        let prepared = self.run(scratch, query, config);
        let least = log_odds(config.threshold);
        let mut hits = Vec::new();
        for at in 0..scratch.found.len() {
            let Some(&found) = scratch.found.get(at) else { break };
            if found.odds < least || hits.len() >= config.max_hits {
                break;
            }
            hits.extend(self.hit(query, &prepared, found, config));
        }
        hits
    }

    /// The best `top` entries whatever their score, without display data.
    pub fn rank<'a>(
        &'a self,
        scratch: &mut Scratch,
        query: &Query,
        config: &Config,
        top: usize,
    ) -> Vec<Ranked<'a>> {
        self.run(scratch, query, config);
        scratch
            .found
            .iter()
            .take(top)
            .filter_map(|found| {
                let record = self.entity_record(found.entity)?;
                Some(Ranked { uid: self.uid(&record), score: probability(found.odds) })
            })
            .collect()
    }

    /// Hits down to any score, for a person who explores.
    #[must_use]
    pub fn explore(&self, query: &Query, config: &Config, top: usize) -> Vec<Hit> {
        let mut scratch = Scratch::default();
        let prepared = self.run(&mut scratch, query, config);
        scratch
            .found
            .iter()
            .take(top)
            .filter_map(|found| self.hit(query, &prepared, *found, config))
            .collect()
    }

    fn run(&self, scratch: &mut Scratch, query: &Query, config: &Config) -> Vec<Vec<Token>> {
        let (prepared, letters): (Vec<Vec<Token>>, Vec<Option<u64>>) =
            query.names.iter().map(|name| analyse(name, query.entity_type.0)).unzip();
        let subject = Subject::of(query);
        scratch.found.clear();
        for (number, tokens) in prepared.iter().enumerate() {
            scratch.same_letters.clear();
            let hash = letters.get(number).copied().flatten();
            scratch.same_letters.extend(hash.into_iter().flat_map(|hash| self.with_letters(hash)));
            self.candidates(scratch, tokens, query.entity_type.0, config.candidates);
            self.add_same_letters(scratch, query.entity_type.0);
            self.score_candidates(scratch, tokens, number as u16, &subject, config);
        }
        self.by_identifier(scratch, query, &prepared, &letters, &subject, config);
        // Best first; equal scores by list and key, which is the order of entities in the file.
        scratch.found.sort_unstable_by(|one, other| {
            one.entity
                .cmp(&other.entity)
                .then(other.odds.total_cmp(&one.odds))
                .then(one.name.cmp(&other.name))
        });
        scratch.found.dedup_by_key(|found| found.entity);
        scratch.found.sort_unstable_by(|one, other| {
            other.odds.total_cmp(&one.odds).then(one.entity.cmp(&other.entity))
        });
        prepared
    }

    /// Fills `scratch.best` with the names most worth scoring.
    fn candidates(
        &self,
        scratch: &mut Scratch,
        tokens: &[Token],
        wanted: EntityType,
        limit: usize,
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
        self.choose(scratch, total, wanted, limit);
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
            for near in length.saturating_sub(reach)..=length + reach {
                for number in grams.pair(pair, near) {
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
        if scratch.best.len() > SIMILAR * 2 {
            scratch.best.select_nth_unstable_by(SIMILAR * 2, |one, other| {
                other.0.total_cmp(&one.0).then(one.1.cmp(&other.1))
            });
            scratch.best.truncate(SIMILAR * 2);
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
        if token.text.len() + next.text.len() < 4 {
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

    /// Moves the most promising names to `scratch.best` and clears the tallies.
    fn choose(&self, scratch: &mut Scratch, total: f32, wanted: EntityType, limit: usize) {
        let Scratch { name_scores, name_slot, touched, best, .. } = scratch;
        let (weights, types) = (self.name_weights(), self.name_types());
        best.clear();
        for &name in touched.iter() {
            let at = name as usize;
            let Some(score) = name_scores.get_mut(at) else { continue };
            let own = f32::from(weights.get(at).copied().unwrap_or(0)) * 16.0 / 255.0;
            let kind = EntityType::from_code(types.get(at).copied().unwrap_or(4));
            if wanted.meets(kind) {
                best.push((*score / (0.3 + 0.65 * total + 0.35 * own), name));
            }
            *score = 0.0;
            if let Some(seen) = name_slot.get_mut(at) {
                *seen = 0;
            }
        }
        touched.clear();
        if best.len() > limit {
            best.select_nth_unstable_by(limit, |one, other| {
                other.0.total_cmp(&one.0).then(one.1.cmp(&other.1))
            });
            best.truncate(limit);
        }
        // What shares far less than the best one shares cannot overtake it.
        let most = best.iter().map(|(score, _)| *score).fold(0.0, f32::max);
        best.retain(|(score, _)| *score >= most * KEEP);
    }

    /// Names that differ from the query in spacing only are scored whatever tokens they share.
    fn add_same_letters(&self, scratch: &mut Scratch, wanted: EntityType) {
        let Scratch { same_letters, best, .. } = scratch;
        let types = self.name_types();
        for &name in same_letters.iter() {
            let kind = EntityType::from_code(types.get(name as usize).copied().unwrap_or(4));
            if wanted.meets(kind) && !best.iter().any(|(_, known)| *known == name) {
                best.push((0.0, name));
            }
        }
    }

    fn score_candidates(
        &self,
        scratch: &mut Scratch,
        tokens: &[Token],
        query_name: u16,
        subject: &Subject,
        config: &Config,
    ) {
        let views = view_all(tokens);
        let query = views.as_slice();
        for at in 0..scratch.best.len() {
            let Some(&(_, name)) = scratch.best.get(at) else { break };
            let same = scratch.same_letters.contains(&name);
            let Some((measures, kind, entity)) = self.measure_name(query, name, same) else {
                continue;
            };
            let Some(record) = self.entity_record(entity) else { continue };
            let name_odds = name_log_odds(&measures, kind, record.entity_type, config);
            let qualifiers = qualify(self, &record, entity, subject, config);
            let odds = name_odds + qualifiers.total();
            scratch.found.push(Found { entity, name, query_name, name_odds, odds });
        }
    }

    fn measure_name(
        &self,
        query: &[TokenRef<'_>],
        name: u32,
        same_letters: bool,
    ) -> Option<(Measures, NameKind, u32)> {
        let record = self.name(name)?;
        let mut numbers = [0u32; 32];
        let count = self.name_tokens(record, &mut numbers);
        let listed = self.views(numbers.get(..count)?)?;
        let (measures, _) = measure(query, listed.as_slice(), same_letters);
        Some((measures, record.kind, record.entity))
    }

    fn views(&self, numbers: &[u32]) -> Option<Views<'_>> {
        let mut views = Views::empty();
        for &number in numbers {
            views.push(self.token(number)?);
        }
        Some(views)
    }

    /// An identifier finds its entity whatever its name; the name then only adds to the score.
    fn by_identifier(
        &self,
        scratch: &mut Scratch,
        query: &Query,
        prepared: &[Vec<Token>],
        letters: &[Option<u64>],
        subject: &Subject,
        config: &Config,
    ) {
        for value in &query.identifiers {
            for entity in self.with_identifier(value) {
                let Some(record) = self.entity_record(entity) else { continue };
                for (number, tokens) in prepared.iter().enumerate() {
                    let views = view_all(tokens);
                    let hash = letters.get(number).copied().flatten();
                    for name in record.first_name..record.first_name + u32::from(record.name_count)
                    {
                        let same = hash
                            .is_some_and(|hash| self.with_letters(hash).any(|known| known == name));
                        let Some((measures, kind, _)) =
                            self.measure_name(views.as_slice(), name, same)
                        else {
                            continue;
                        };
                        let name_odds = name_log_odds(&measures, kind, record.entity_type, config);
                        let odds =
                            name_odds + qualify(self, &record, entity, subject, config).total();
                        scratch.found.push(Found {
                            entity,
                            name,
                            query_name: number as u16,
                            name_odds,
                            odds,
                        });
                    }
                }
                if prepared.is_empty() {
                    let odds = qualify(self, &record, entity, subject, config).total();
                    scratch.found.push(Found {
                        entity,
                        name: record.first_name,
                        query_name: 0,
                        name_odds: 0.0,
                        odds,
                    });
                }
            }
        }
    }

    fn hit(
        &self,
        query: &Query,
        prepared: &[Vec<Token>],
        found: Found,
        config: &Config,
    ) -> Option<Hit> {
        let record = self.entity_record(found.entity)?;
        let entity = self.entity_at(found.entity)?;
        let list = self.list_of(&record)?;
        let offset = found.name.checked_sub(record.first_name)? as usize;
        let name = scored_names(&entity).nth(offset)?;
        let empty = Vec::new();
        let query_tokens = prepared.get(usize::from(found.query_name)).unwrap_or(&empty);
        let listed_tokens = tokens_of(&name.text, entity.entity_type);
        let subject = Subject::of(query);
        let qualifiers: Qualifiers = qualify(self, &record, found.entity, &subject, config);
        let query_name = query.names.get(usize::from(found.query_name)).map_or("", String::as_str);
        let explanation = Explanation::build(
            query_name,
            query_tokens,
            &listed_tokens,
            &entity,
            name,
            &qualifiers,
            config,
            self,
        );
        Some(Hit {
            list_id: list.id.clone(),
            list_name: list.name.clone(),
            topic: self.topic(&record),
            uid: entity.uid.clone(),
            entity_type: entity.entity_type,
            name: entity.display_name().to_owned(),
            matched_name: name.text.clone(),
            matched_kind: name.kind,
            score: probability(found.odds),
            name_score: probability(found.name_odds),
            parity_score: crate::parity::parity(query_name, &name.text),
            content_hash: hex(self.entity_hash(found.entity)),
            programs: entity.programs.clone(),
            source_url: entity.source_url.clone(),
            explanation,
        })
    }
}

/// The names the compiler gave records to: those with at least one token.
fn scored_names(entity: &Entity) -> impl Iterator<Item = &crate::entity::Name> {
    entity.names.iter().filter(|name| !tokens_of(&name.text, entity.entity_type).is_empty())
}

fn log_odds(probability: f64) -> f64 {
    let p = probability.clamp(1e-9, 1.0 - 1e-9);
    (p / (1.0 - p)).ln()
}

/// Borrowed tokens of one name, on the stack.
pub(crate) struct Views<'a> {
    tokens: [TokenRef<'a>; 32],
    count: usize,
}

impl<'a> Views<'a> {
    fn empty() -> Self {
        const BLANK: TokenRef<'static> = TokenRef {
            text: "",
            sound: "",
            skeleton: "",
            weight: 0.0,
            class: Class::Word,
            group: 0,
            abjad: false,
            syllable: false,
        };
        Self { tokens: [BLANK; 32], count: 0 }
    }

    fn push(&mut self, token: TokenRef<'a>) {
        if let Some(slot) = self.tokens.get_mut(self.count) {
            *slot = token;
            self.count += 1;
        }
    }

    pub(crate) fn as_slice(&self) -> &[TokenRef<'a>] {
        self.tokens.get(..self.count).unwrap_or(&[])
    }
}

pub(crate) fn view_all(tokens: &[Token]) -> Views<'_> {
    let mut views = Views::empty();
    for token in tokens {
        views.push(token.view());
    }
    views
}
