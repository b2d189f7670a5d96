//! Screening one customer: score the candidates, rank them, explain the hits.
//!
//! Invariant: buffers are reused, so a search allocates per hit and per query, never per candidate; equal scores keep the
//! order of the file, so the same search always answers alike. How many hits are explained is bounded; which entries hit
//! is not, or the answer says so: see [`Reach`].

use std::collections::BTreeSet;

use crate::candidates::Scratch;
use crate::config::Config;
use crate::delta::EntityKey;
use crate::entity::{Entity, EntityType, Name, NameKind, Topic, hex};
use crate::explain::{Explanation, Hit};
use crate::index::Index;
use crate::qualify::{Qualifiers, Subject, qualify};
use crate::query::Query;
use crate::reach::{Asked, Reach, names_of};
use crate::score::{Measures, measure, probability};
use crate::similarity::TokenRef;
use crate::text::{Class, Token, analyse, squashed, tokens_of};

/// Most names that one search scores in full. A name that so many listed ones resemble is nobody's in particular.
pub const MOST_SCORED: usize = 4_096;

/// The best name of one entity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) entity: u32,
    pub(crate) name: u32,
    pub(crate) query_name: u16,
    pub(crate) name_odds: f64,
    pub(crate) odds: f64,
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
    /// Whether all names worth scoring were scored: not when more than [`MOST_SCORED`] are, and not when the customer has
    /// no name that can be compared.
    pub is_complete: bool,
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

    /// As [`Index::screen`], without explanations: every entry at or above the threshold, and whether the search came to
    /// an end. Without an end, no entry is no answer.
    #[must_use]
    pub fn matches(
        &self,
        scratch: &mut Scratch,
        query: &Query,
        config: &Config,
    ) -> (Vec<Match>, bool) {
        self.matches_of(scratch, query, config, &[])
    }

    /// The entries at or above the threshold, best first, and whether the search came to an end.
    pub(crate) fn matches_of(
        &self,
        scratch: &mut Scratch,
        query: &Query,
        config: &Config,
        sought: &[EntityKey],
    ) -> (Vec<Match>, bool) {
        let (_, is_complete) = self.run(scratch, query, config, Reach::EveryHit(sought));
        let least = log_odds(config.threshold);
        let hitting = scratch.found.iter().take_while(|found| found.odds >= least);
        (hitting.filter_map(|found| self.match_of(found)).collect(), is_complete)
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

    /// The best `top` hits down to any score, for a person who explores, and whether the search came to an end. What reaches
    /// the threshold is what [`Index::screen`] finds.
    #[must_use]
    pub fn explore(&self, query: &Query, config: &Config, top: usize) -> (Vec<Hit>, bool) {
        let mut scratch = Scratch::default();
        let (prepared, is_complete) = self.run(&mut scratch, query, config, Reach::EveryHit(&[]));
        let mut found = std::mem::take(&mut scratch.found);
        let seen: BTreeSet<u32> = found.iter().map(|found| found.entity).collect();
        // What cannot reach the threshold is of interest here as well.
        self.run(&mut scratch, query, config, Reach::Best);
        found.extend(scratch.found.iter().filter(|found| !seen.contains(&found.entity)));
        found.sort_by(|one, other| {
            other.odds.total_cmp(&one.odds).then(one.entity.cmp(&other.entity))
        });
        let best = found.into_iter().take(top);
        (best.filter_map(|found| self.hit(query, &prepared, found, config)).collect(), is_complete)
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
        let subject = Subject::of(query, self);
        scratch.found.clear();
        // Evidence beside the name can make more names worth scoring; a ranking is by name first.
        let most_evidence = match reach {
            Reach::Best => 0.0,
            Reach::EveryHit(_) => subject.best_evidence(config),
        };
        // Of a name without a letter or a digit nothing can be said.
        let mut is_complete = !prepared.is_empty() && prepared.iter().all(|name| !name.is_empty());
        for (number, tokens) in prepared.iter().enumerate() {
            scratch.same_letters.clear();
            scratch.always.clear();
            let hash = letters.get(number).copied().flatten();
            scratch.same_letters.extend(hash.into_iter().flat_map(|hash| self.with_letters(hash)));
            self.candidates(scratch, tokens, query.entity_type.0, most_evidence);
            // First, so that no crowd of namesakes crowds them out.
            if let Reach::EveryHit(sought) = reach {
                self.add_entities(scratch, sought, query.entity_type.0);
            }
            self.add_same_letters(scratch, query.entity_type.0);
            if query.entity_type.0 != EntityType::Person {
                let most = match reach {
                    Reach::Best => ACRONYMS,
                    // One more than are scored, so that too many are noticed.
                    Reach::EveryHit(_) => MOST_SCORED + 1,
                };
                let views = view_all(tokens);
                self.add_acronyms(scratch, views.as_slice(), query.entity_type.0, most);
            }
            let asked = Asked { tokens, number: number as u16, subject: &subject, config };
            is_complete &= self.score_candidates(scratch, &asked, reach);
        }
        self.by_identifier(scratch, &prepared, &letters, (&subject, config));
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
                scratch.always.extend(names_of(&record));
            }
        }
    }

    pub(crate) fn measure_name(
        &self,
        query: &[TokenRef<'_>],
        name: u32,
        same_letters: bool,
    ) -> Option<(Measures, NameKind, u32)> {
        let record = self.name(name)?;
        let mut numbers = [0u32; 32];
        let count = self.name_tokens(record, &mut numbers);
        let listed = self.views(numbers.get(..count)?)?;
        let entity_type = self.entity_record(record.entity)?.entity_type;
        let (measures, _) = measure(query, listed.as_slice(), same_letters, entity_type);
        Some((measures, record.kind, record.entity))
    }

    fn views(&self, numbers: &[u32]) -> Option<Views<'_>> {
        let mut views = Views::empty();
        for &number in numbers {
            views.push(self.token(number)?);
        }
        Some(views)
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
        let subject = Subject::of(query, self);
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
pub(crate) fn scored_names(entity: &Entity) -> impl Iterator<Item = &crate::entity::Name> {
    entity.names.iter().filter(|name| !tokens_of(&name.text, entity.entity_type).is_empty())
}

pub(crate) fn log_odds(probability: f64) -> f64 {
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
