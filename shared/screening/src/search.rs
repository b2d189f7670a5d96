//! Screening one customer: score the candidates, rank them, explain the hits.
//!
//! Invariant: buffers are reused, so a search allocates per hit and per query, never per candidate; equal scores keep the
//! order of the file, so the same search always answers alike.

use crate::candidates::Scratch;
use crate::config::Config;
use crate::entity::{Entity, EntityType, NameKind, hex};
use crate::explain::{Explanation, Hit};
use crate::index::Index;
use crate::qualify::{Qualifiers, Subject, qualify};
use crate::query::Query;
use crate::score::{Measures, measure, name_log_odds, probability};
use crate::similarity::TokenRef;
use crate::text::{Class, Token, analyse, tokens_of};

/// The best name of one entity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
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
            if query.entity_type.0 != EntityType::Person {
                self.add_acronyms(scratch, view_all(tokens).as_slice(), query.entity_type.0);
            }
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
            (query_name, query_tokens),
            (name, &listed_tokens),
            entity.entity_type,
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
            known: false,
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
