//! Screening one customer: score the candidates, rank them, explain the hits.
//!
//! Invariant: buffers are reused, so a search allocates per hit and per query, never per candidate; equal scores keep the
//! order of the file, so the same search always answers alike. How many hits are explained is bounded; which entries hit
//! is not, or the answer says so: names are scored in order of promise until as many in a row as are scored for a ranking
//! were no hit.

use crate::candidates::{HIT, NO_HIT, NOT_SEEN, Scratch, bring_forward};
use crate::config::Config;
use crate::delta::EntityKey;
use crate::entity::{Entity, EntityType, Name, NameKind, Topic, hex};
use crate::explain::{Explanation, Hit};
use crate::index::Index;
use crate::qualify::{Qualifiers, Subject, qualify};
use crate::query::Query;
use crate::score::{Measures, measure, name_log_odds, probability};
use crate::similarity::TokenRef;
use crate::text::{Class, Token, analyse, squashed, tokens_of};

/// Most names that one search scores in full. A name that so many listed ones resemble is nobody's in particular.
pub const MOST_SCORED: usize = 4_096;

/// The best name of one entity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    entity: u32,
    name: u32,
    query_name: u16,
    name_odds: f64,
    odds: f64,
}

/// How many names an acronym brings in where the best ones are wanted.
const ACRONYMS: usize = 48;

/// A ranked answer without display data.
#[derive(Debug, Clone, Copy)]
pub struct Ranked<'a> {
    /// The list's key of the entry.
    pub uid: &'a str,
    /// Score from 0 to 1.
    pub score: f64,
}

/// An entry at or above the threshold, without explanation.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Which list.
    pub list_id: String,
    /// The list's key of the entry.
    pub uid: String,
    /// What being on the list means.
    pub topic: Topic,
    /// Score from 0 to 1.
    pub score: f64,
    /// The entry's content hash.
    pub content_hash: String,
}

/// Everything of one index that hits.
#[derive(Debug, Clone, PartialEq)]
pub struct Screened {
    /// Every entry at or above the threshold, best first.
    pub matches: Vec<Match>,
    /// The first of them with explanations, at most [`Config::max_hits`].
    pub hits: Vec<Hit>,
    /// Whether all names worth scoring were scored: not when more than [`MOST_SCORED`] are.
    pub is_complete: bool,
}

/// How far a search goes.
#[derive(Clone, Copy)]
enum Reach<'a> {
    /// The names most worth scoring: for a ranking.
    Best,
    /// Every hit, these entries looked at whatever they share with the query.
    EveryHit(&'a [EntityKey]),
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
        self.screen(scratch, query, config, &[]).hits
    }

    /// Screens one customer: every entry at or above the threshold, the best ones explained. The entries `sought` are
    /// compared whatever they share with the query.
    #[must_use]
    pub fn screen(
        &self,
        scratch: &mut Scratch,
        query: &Query,
        config: &Config,
        sought: &[EntityKey],
    ) -> Screened {
        let (prepared, is_complete) = self.run(scratch, query, config, Reach::EveryHit(sought));
        let least = log_odds(config.threshold);
        let hitting = scratch.found.iter().take_while(|found| found.odds >= least);
        let matches = hitting.clone().filter_map(|found| self.match_of(found)).collect();
        let hits = hitting
            .take(config.max_hits)
            .filter_map(|found| self.hit(query, &prepared, *found, config))
            .collect();
        Screened { matches, hits, is_complete }
    }

    /// As [`Index::screen`], without explanations.
    #[must_use]
    pub fn matches(&self, scratch: &mut Scratch, query: &Query, config: &Config) -> Vec<Match> {
        self.run(scratch, query, config, Reach::EveryHit(&[]));
        let least = log_odds(config.threshold);
        let hitting = scratch.found.iter().take_while(|found| found.odds >= least);
        hitting.filter_map(|found| self.match_of(found)).collect()
    }

    fn match_of(&self, found: &Found) -> Option<Match> {
        let record = self.entity_record(found.entity)?;
        Some(Match {
            list_id: self.list_of(&record)?.id.clone(),
            uid: self.uid(&record).to_owned(),
            topic: self.topic(&record),
            score: probability(found.odds),
            content_hash: hex(self.entity_hash(found.entity)),
        })
    }

    /// The best `top` entries whatever their score, without display data.
    pub fn rank<'a>(
        &'a self,
        scratch: &mut Scratch,
        query: &Query,
        config: &Config,
        top: usize,
    ) -> Vec<Ranked<'a>> {
        self.run(scratch, query, config, Reach::Best);
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
        let (prepared, _) = self.run(&mut scratch, query, config, Reach::Best);
        scratch
            .found
            .iter()
            .take(top)
            .filter_map(|found| self.hit(query, &prepared, *found, config))
            .collect()
    }

    /// Fills `scratch.found` with what was scored, the best name of each entity, best first. Answers the query's tokens,
    /// and whether everything worth scoring was scored.
    fn run(
        &self,
        scratch: &mut Scratch,
        query: &Query,
        config: &Config,
        reach: Reach<'_>,
    ) -> (Vec<Vec<Token>>, bool) {
        let (prepared, letters): (Vec<Vec<Token>>, Vec<Option<u64>>) =
            query.names.iter().map(|name| analyse(name, query.entity_type.0)).unzip();
        let subject = Subject::of(query);
        scratch.found.clear();
        let mut is_complete = true;
        for (number, tokens) in prepared.iter().enumerate() {
            scratch.same_letters.clear();
            scratch.always.clear();
            let hash = letters.get(number).copied().flatten();
            scratch.same_letters.extend(hash.into_iter().flat_map(|hash| self.with_letters(hash)));
            self.candidates(scratch, tokens, query.entity_type.0);
            // First, so that no crowd of namesakes crowds them out.
            if let Reach::EveryHit(sought) = reach {
                self.add_entities(scratch, sought, query.entity_type.0);
            }
            self.add_same_letters(scratch, query.entity_type.0);
            if query.entity_type.0 != EntityType::Person {
                let most = if matches!(reach, Reach::Best) { ACRONYMS } else { MOST_SCORED };
                let views = view_all(tokens);
                self.add_acronyms(scratch, views.as_slice(), query.entity_type.0, most);
            }
            is_complete &=
                self.score_candidates(scratch, tokens, number as u16, &subject, config, reach);
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
        (prepared, is_complete)
    }

    /// All names of these entries, where a query of this type may meet them.
    fn add_entities(&self, scratch: &mut Scratch, sought: &[EntityKey], wanted: EntityType) {
        for key in sought {
            let found = self.find(&key.list_id, &key.uid);
            let Some(record) = found.and_then(|number| self.entity_record(number)) else {
                continue;
            };
            if wanted.meets(record.entity_type) {
                let last = record.first_name.saturating_add(u32::from(record.name_count));
                scratch.always.extend(record.first_name..last);
            }
        }
    }

    /// Scores names in order of promise. Answers whether it came to an end: all scored, or so many in a row were no hit
    /// that those with less promise are none.
    fn score_candidates(
        &self,
        scratch: &mut Scratch,
        tokens: &[Token],
        query_name: u16,
        subject: &Subject,
        config: &Config,
        reach: Reach<'_>,
    ) -> bool {
        let views = view_all(tokens);
        let query = views.as_slice();
        let least = log_odds(config.threshold);
        let score = |scratch: &mut Scratch, name: u32| -> Option<bool> {
            let same = scratch.same_letters.contains(&name);
            let (measures, kind, entity) = self.measure_name(query, name, same)?;
            let record = self.entity_record(entity)?;
            let name_odds = name_log_odds(&measures, kind, record.entity_type, config);
            let odds = name_odds + qualify(self, &record, entity, subject, config).total();
            scratch.found.push(Found { entity, name, query_name, name_odds, odds });
            Some(odds >= least)
        };
        let mut is_complete = scratch.always.len() <= MOST_SCORED;
        for at in 0..scratch.always.len().min(MOST_SCORED) {
            let Some(&name) = scratch.always.get(at) else { break };
            if scratch.seen(name) == NOT_SEEN {
                let outcome = if score(scratch, name) == Some(true) { HIT } else { NO_HIT };
                scratch.see(name, outcome);
            }
        }
        let (mut at, mut in_vain) = (0, 0);
        'promising: while at < scratch.best.len() {
            let rest = scratch.best.get_mut(at..).unwrap_or(&mut []);
            let upto = at + bring_forward(rest, config.candidates.max(1));
            while at < upto {
                let Some(&(_, name)) = scratch.best.get(at) else { break };
                at += 1;
                let is_hit = match scratch.seen(name) {
                    NOT_SEEN => score(scratch, name) == Some(true),
                    outcome => outcome == HIT,
                };
                in_vain = if is_hit { 0 } else { in_vain + 1 };
                if matches!(reach, Reach::EveryHit(_)) && in_vain >= config.candidates {
                    break 'promising;
                }
            }
            if matches!(reach, Reach::Best) {
                break;
            }
            if at >= MOST_SCORED {
                is_complete &= at == scratch.best.len();
                break;
            }
        }
        for at in 0..scratch.always.len() {
            let Some(&name) = scratch.always.get(at) else { break };
            scratch.see(name, NOT_SEEN);
        }
        is_complete
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
        let list = self.list_of(&record)?;
        // What is printed stands in the compressed part of the file. Should that be damaged, the hit stands with what it
        // was found by.
        let printed = self.printed(found.entity, found.name.checked_sub(record.first_name)?);
        let (name, listed_tokens) = match &printed {
            Some((entity, name)) => (name.clone(), tokens_of(&name.text, entity.entity_type)),
            None => self.compiled_name(found.name)?,
        };
        let empty = Vec::new();
        let query_tokens = prepared.get(usize::from(found.query_name)).unwrap_or(&empty);
        let subject = Subject::of(query);
        let qualifiers: Qualifiers = qualify(self, &record, found.entity, &subject, config);
        let query_name = query.names.get(usize::from(found.query_name)).map_or("", String::as_str);
        let same_letters = squashed(query_name)
            .is_some_and(|hash| self.with_letters(hash).any(|known| known == found.name));
        let explanation = Explanation::build(
            query_tokens,
            (&name, &listed_tokens),
            same_letters,
            record.entity_type,
            &qualifiers,
            config,
            self,
        );
        let printed = printed.map(|(entity, _)| entity);
        Some(Hit {
            list_id: list.id.clone(),
            list_name: list.name.clone(),
            topic: self.topic(&record),
            uid: self.uid(&record).to_owned(),
            entity_type: record.entity_type,
            name: printed
                .as_ref()
                .map_or_else(|| name.text.clone(), |entity| entity.display_name().to_owned()),
            matched_script: name.script(),
            matched_kind: name.kind,
            score: probability(found.odds),
            name_score: probability(found.name_odds),
            parity_score: crate::parity::parity(query_name, &name.text),
            content_hash: hex(self.entity_hash(found.entity)),
            is_printed: printed.is_some(),
            programs: printed.as_ref().map_or_else(Vec::new, |entity| entity.programs.clone()),
            source_url: printed.and_then(|entity| entity.source_url),
            matched_name: name.text,
            explanation,
        })
    }

    /// The entry as printed, and the name of it that was scored; `None` when that part of the file is damaged.
    fn printed(&self, entity: u32, offset: u32) -> Option<(Entity, Name)> {
        let entity = self.entity_at(entity)?;
        let name = scored_names(&entity).nth(offset as usize)?.clone();
        Some((entity, name))
    }

    /// A name as it was compiled: its romanised words.
    fn compiled_name(&self, number: u32) -> Option<(Name, Vec<Token>)> {
        let record = self.name(number)?;
        let mut numbers = [0u32; 32];
        let count = self.name_tokens(record, &mut numbers);
        let views = self.views(numbers.get(..count)?)?;
        let words: Vec<&str> = views.as_slice().iter().map(|token| token.text).collect();
        let name = Name::new(&words.join(" "), record.kind);
        Some((name, views.as_slice().iter().map(|token| token.to_owned_token()).collect()))
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

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
