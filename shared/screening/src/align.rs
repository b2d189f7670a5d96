//! Which token of one name stands for which token of the other, and what is left over.
//!
//! Invariant: a token takes part in at most one pairing; the same two names always give the same alignment; nothing is
//! allocated on the heap.

use crate::acronym;
use crate::similarity::{Reason, TokenRef, edits, similarity, sound_cost};
use crate::text::Class;
use crate::text::token::MAX_TOKENS;

/// Below this likeness two tokens are strangers.
const FLOOR: f32 = 0.62;

/// One query token (or two neighbours) taken for one listed token (or two neighbours).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pairing {
    pub(crate) query: (u8, u8),
    pub(crate) listed: (u8, u8),
    pub(crate) likeness: f32,
    pub(crate) credit: f32,
    pub(crate) weight: f32,
    pub(crate) reason: Reason,
}

const NONE: Pairing = Pairing {
    query: (0, 0),
    listed: (0, 0),
    likeness: 0.0,
    credit: 0.0,
    weight: 0.0,
    reason: Reason::Similar,
};

/// The pairings between two names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alignment {
    pairings: [Pairing; MAX_TOKENS],
    count: usize,
    query_used: u32,
    listed_used: u32,
}

impl Alignment {
    pub(crate) fn pairings(&self) -> &[Pairing] {
        self.pairings.get(..self.count).unwrap_or(&[])
    }

    pub(crate) fn query_free(&self, at: usize) -> bool {
        self.query_used >> at & 1 == 0
    }

    pub(crate) fn listed_free(&self, at: usize) -> bool {
        self.listed_used >> at & 1 == 0
    }

    pub(crate) fn add(&mut self, pairing: Pairing) {
        if let Some(slot) = self.pairings.get_mut(self.count) {
            *slot = pairing;
            self.count += 1;
            self.query_used |= span_mask(pairing.query);
            self.listed_used |= span_mask(pairing.listed);
        }
    }
}

fn span_mask((from, length): (u8, u8)) -> u32 {
    ((1u32 << length) - 1) << from
}

/// How much of a matched token's weight its likeness earns. Spelling that is merely similar earns little.
pub(crate) fn credit(likeness: f32) -> f32 {
    if likeness >= 0.9 {
        likeness
    } else if likeness <= FLOOR {
        0.0
    } else {
        let rise = (likeness - 0.55) / 0.35;
        0.9 * rise * rise.sqrt()
    }
}

/// Aligns two names. Both sides hold at most [`MAX_TOKENS`]; more are ignored.
pub(crate) fn align(query: &[TokenRef<'_>], listed: &[TokenRef<'_>]) -> Alignment {
    let query = query.get(..MAX_TOKENS).unwrap_or(query);
    let listed = listed.get(..MAX_TOKENS).unwrap_or(listed);
    let mut found =
        Alignment { pairings: [NONE; MAX_TOKENS], count: 0, query_used: 0, listed_used: 0 };
    // Identical tokens first: most pairs are settled here and the rest of the work shrinks.
    for (i, q) in query.iter().enumerate() {
        let mut best: Option<usize> = None;
        for (j, n) in listed.iter().enumerate() {
            let same = found.listed_free(j) && q.is_identical(*n);
            // Among equal tokens the one at the nearest place.
            if same && best.is_none_or(|known| j.abs_diff(i) < known.abs_diff(i)) {
                best = Some(j);
            }
        }
        if let Some(j) = best
            && let Some(n) = listed.get(j)
        {
            found.add(pair((i, 1), (j, 1), 1.0, Reason::Identical, q.weight.min(n.weight)));
        }
    }
    joins(query, listed, &mut found, false);
    joins(listed, query, &mut found, true);
    assign(query, listed, &mut found);
    acronym::pair_up(query, listed, &mut found, false);
    acronym::pair_up(listed, query, &mut found, true);
    found
}

pub(crate) fn pair(
    query: (usize, u8),
    listed: (usize, u8),
    likeness: f32,
    reason: Reason,
    weight: f32,
) -> Pairing {
    Pairing {
        query: (query.0 as u8, query.1),
        listed: (listed.0 as u8, listed.1),
        likeness,
        credit: credit(likeness),
        weight,
        reason,
    }
}

/// Neighbours on one side that are one word on the other: two of any kind, or two particles and a name.
fn joins(split: &[TokenRef<'_>], whole: &[TokenRef<'_>], found: &mut Alignment, swapped: bool) {
    for (at, window) in split.windows(2).enumerate() {
        let &[first, second] = window else { continue };
        let likeness = |joined: TokenRef<'_>| joined_likeness(first, second, joined);
        join((at, window), whole, found, swapped, likeness);
    }
    for (at, window) in split.windows(3).enumerate() {
        if let &[first, second, third] = window
            && first.class == Class::Particle
            && second.class == Class::Particle
        {
            let likeness = |joined: TokenRef<'_>| {
                let mut buffer = [0u8; 96];
                let texts = [first.text, second.text, third.text];
                alike(glue_all(&mut buffer, &texts)?, joined.text)
            };
            join((at, window), whole, found, swapped, likeness);
        }
    }
}

/// Pairs the words from a place on with the free word that they are, if there is one.
fn join(
    (at, words): (usize, &[TokenRef<'_>]),
    whole: &[TokenRef<'_>],
    found: &mut Alignment,
    swapped: bool,
    likeness: impl Fn(TokenRef<'_>) -> Option<f32>,
) {
    for (other, joined) in whole.iter().enumerate() {
        let all = |free: &dyn Fn(usize) -> bool| (at..at + words.len()).all(free);
        let free = if swapped {
            found.query_free(other) && all(&|at| found.listed_free(at))
        } else {
            found.listed_free(other) && all(&|at| found.query_free(at))
        };
        if !free || matches!(joined.class, Class::Legal | Class::Initial) {
            continue;
        }
        let Some(likeness) = likeness(*joined) else { continue };
        let heaviest = words.iter().fold(joined.weight, |most, word| most.max(word.weight));
        let weight = words.iter().map(|word| word.weight).sum::<f32>().min(heaviest);
        let (split, one) = ((at, words.len() as u8), (other, 1));
        let (query, listed) = if swapped { (one, split) } else { (split, one) };
        found.add(pair(query, listed, likeness, Reason::Joined, weight));
    }
}

/// How alike words written together are to the word they may be.
fn alike(glued: &[u8], whole: &str) -> Option<f32> {
    if glued.len().abs_diff(whole.len()) > 1 {
        return None;
    }
    match edits(glued, whole.as_bytes()).0 {
        0 => Some(0.98),
        1 if glued.len() >= 7 => Some(0.88),
        _ => None,
    }
}

fn joined_likeness(first: TokenRef<'_>, second: TokenRef<'_>, joined: TokenRef<'_>) -> Option<f32> {
    if first.abjad != joined.abjad || second.abjad != joined.abjad {
        return joined_consonants(first, second, joined);
    }
    let close = |a: &str, b: &str, whole: &str| {
        let length = a.len() + b.len();
        length.abs_diff(whole.len()) <= 1 && length >= 4
    };
    // "A-1" is "A1" however short; "1 2" is not "12".
    let border = joined.class == Class::Number
        && (first.class == Class::Number) != (second.class == Class::Number);
    if border || close(first.text, second.text, joined.text) {
        let mut buffer = [0u8; 96];
        let glued = glue(&mut buffer, first.text, second.text)?;
        if border {
            return (glued == joined.text.as_bytes()).then_some(0.98);
        }
        if let Some(likeness) = alike(glued, joined.text) {
            return Some(likeness);
        }
    }
    if close(first.sound, second.sound, joined.sound) {
        let mut buffer = [0u8; 96];
        let glued = glue(&mut buffer, first.sound, second.sound)?;
        if glued == joined.sound.as_bytes() {
            return Some(0.94);
        }
        if glued.len() >= 6
            && sound_cost(glued, joined.sound.as_bytes()) <= glued.len() as f32 * 0.12
        {
            return Some(0.88);
        }
    }
    None
}

fn joined_consonants(
    first: TokenRef<'_>,
    second: TokenRef<'_>,
    joined: TokenRef<'_>,
) -> Option<f32> {
    let mut buffer = [0u8; 96];
    let glued = glue(&mut buffer, first.skeleton, second.skeleton)?;
    // Three consonants are shared by too many words, unless the second word is God's name: "Hizb Allah".
    let least = if first.abjad && second.text == "allah" { 3 } else { 4 };
    (glued.len() >= least && glued == joined.skeleton.as_bytes()).then_some(0.9)
}

fn glue<'b>(buffer: &'b mut [u8; 96], first: &str, second: &str) -> Option<&'b [u8]> {
    glue_all(buffer, &[first, second])
}

fn glue_all<'b>(buffer: &'b mut [u8; 96], words: &[&str]) -> Option<&'b [u8]> {
    let mut length = 0;
    for word in words {
        buffer.get_mut(length..length + word.len())?.copy_from_slice(word.as_bytes());
        length += word.len();
    }
    buffer.get(..length)
}

/// Best assignment of what is still free: exact up to six tokens on the smaller side, best-first beyond.
fn assign(query: &[TokenRef<'_>], listed: &[TokenRef<'_>], found: &mut Alignment) {
    let mut cells = [(0.0f32, 0u8, 0u8, Reason::Similar, 0.0f32); 96];
    let mut count = 0;
    let mut rows = 0u32;
    let mut columns = 0u32;
    for (i, q) in query.iter().enumerate().filter(|(i, _)| found.query_free(*i)) {
        for (j, n) in listed.iter().enumerate().filter(|(j, _)| found.listed_free(*j)) {
            let (likeness, reason) = similarity(*q, *n);
            if likeness > FLOOR
                && let Some(cell) = cells.get_mut(count)
            {
                let weight = if reason == Reason::Initial {
                    q.weight.min(n.weight).max(0.25)
                } else {
                    q.weight.min(n.weight)
                };
                *cell = (likeness, i as u8, j as u8, reason, weight);
                count += 1;
                rows |= 1 << i;
                columns |= 1 << j;
            }
        }
    }
    let cells = cells.get_mut(..count).unwrap_or(&mut []);
    if count <= 1 || (rows.count_ones() as usize == count && columns.count_ones() as usize == count)
    {
        for &(likeness, i, j, reason, weight) in cells.iter() {
            found.add(pair((usize::from(i), 1), (usize::from(j), 1), likeness, reason, weight));
        }
        return;
    }
    if rows.count_ones() <= 6 {
        exact(cells, rows, found);
        return;
    }
    cells.sort_unstable_by(|a, b| {
        (b.4 * credit(b.0)).total_cmp(&(a.4 * credit(a.0))).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2))
    });
    for &(likeness, i, j, reason, weight) in cells.iter() {
        if found.query_free(usize::from(i)) && found.listed_free(usize::from(j)) {
            found.add(pair((usize::from(i), 1), (usize::from(j), 1), likeness, reason, weight));
        }
    }
}

/// Tries every assignment of up to six query tokens, branch by branch; cells are few, so this is short.
fn exact(cells: &[(f32, u8, u8, Reason, f32)], rows: u32, found: &mut Alignment) {
    let mut best = (0.0f32, [usize::MAX; 6]);
    let mut chosen = [usize::MAX; 6];
    let mut budget = 4096u32;
    branch(cells, rows, 0, 0, 0.0, &mut chosen, &mut best, &mut budget);
    for at in best.1 {
        if let Some(&(likeness, i, j, reason, weight)) = cells.get(at) {
            found.add(pair((usize::from(i), 1), (usize::from(j), 1), likeness, reason, weight));
        }
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "the state of one recursion; a struct would only rename it"
)]
fn branch(
    cells: &[(f32, u8, u8, Reason, f32)],
    rows: u32,
    depth: usize,
    columns: u32,
    total: f32,
    chosen: &mut [usize; 6],
    best: &mut (f32, [usize; 6]),
    budget: &mut u32,
) {
    if total > best.0 {
        *best = (total, *chosen);
    }
    let row = rows.trailing_zeros();
    if row >= 32 || depth >= 6 || *budget == 0 {
        return;
    }
    *budget -= 1;
    let rest = rows & (rows - 1);
    for (at, &(likeness, i, j, _, weight)) in cells.iter().enumerate() {
        if u32::from(i) == row && columns >> j & 1 == 0 {
            chosen[depth] = at;
            branch(
                cells,
                rest,
                depth + 1,
                columns | 1 << j,
                total + weight * credit(likeness),
                chosen,
                best,
                budget,
            );
        }
    }
    chosen[depth] = usize::MAX;
    branch(cells, rest, depth + 1, columns, total, chosen, best, budget);
    chosen[depth] = usize::MAX;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::EntityType;
    use crate::text::tokens_of;
    use proptest::prelude::*;

    fn pairs_of(one: &str, other: &str, kind: EntityType) -> Vec<(u8, u8, Reason)> {
        let (one, other) = (tokens_of(one, kind), tokens_of(other, kind));
        let one: Vec<_> = one.iter().map(|token| token.view()).collect();
        let other: Vec<_> = other.iter().map(|token| token.view()).collect();
        let mut found: Vec<_> = align(&one, &other)
            .pairings()
            .iter()
            .map(|p| (p.query.0, p.listed.0, p.reason))
            .collect();
        found.sort_by_key(|p| p.0);
        found
    }

    #[test]
    fn words_are_paired_across_order_joins_and_slips() {
        use EntityType::*;
        assert_eq!(
            pairs_of("PUTIN, Vladimir", "Vladimir Putin", Person),
            [(0, 1, Reason::Identical), (1, 0, Reason::Identical)]
        );
        assert_eq!(
            pairs_of("HOOPOESPORTS", "HOOPOE SPORTS", Organisation),
            [(0, 0, Reason::Joined)]
        );
        assert_eq!(
            pairs_of("Eskarin-1 Ltd", "ESKARIN1 LLC", Organisation),
            [(0, 0, Reason::Joined), (2, 1, Reason::LegalForm)]
        );
        assert_eq!(
            pairs_of("A1 Eskarin", "A-1 Eskarin", Organisation),
            [(0, 0, Reason::Joined), (1, 2, Reason::Identical)]
        );
        assert_eq!(
            pairs_of("Eskarin 12", "Eskarin 1 2", Organisation),
            [(0, 0, Reason::Identical)]
        );
        assert_eq!(pairs_of("van den Berg", "Vandenberg", Person), [(0, 0, Reason::Joined)]);
        assert_eq!(
            pairs_of("Mhamed Koshlaf", "Mohamed KOSHLAF", Person),
            [(0, 0, Reason::OneLetter), (1, 1, Reason::Identical)]
        );
    }

    proptest! {
        #[test]
        fn no_token_is_used_twice(one in "[ab ]{0,60}", other in "[ab ]{0,60}") {
            let (one, other) = (tokens_of(&one, EntityType::Person), tokens_of(&other, EntityType::Person));
            let a: Vec<_> = one.iter().map(|token| token.view()).collect();
            let b: Vec<_> = other.iter().map(|token| token.view()).collect();
            let found = align(&a, &b);
            let (mut query, mut listed) = (0u32, 0u32);
            for pairing in found.pairings() {
                prop_assert_eq!(query & span_mask(pairing.query), 0);
                prop_assert_eq!(listed & span_mask(pairing.listed), 0);
                query |= span_mask(pairing.query);
                listed |= span_mask(pairing.listed);
            }
        }
    }
}
