//! What changed between two editions, and whether a new one can be trusted.
//!
//! Invariant: an entry counts as altered exactly when its content hash moved; a delta index scores its entries as the full
//! index does.

use crate::candidates::Scratch;
use crate::config::Config;
use crate::entity::ListEdition;
use crate::index::{CompileError, Index, compile};
use crate::query::Query;
use crate::search::{Match, scored_names};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Names one entry across editions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EntityKey {
    /// Key of the list.
    pub list_id: String,
    /// The list's key of the entry.
    pub uid: String,
}

/// The difference between two editions, each part sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delta {
    /// In the new edition only.
    pub added: Vec<EntityKey>,
    /// In both, with another content.
    pub altered: Vec<EntityKey>,
    /// In the old edition only.
    pub removed: Vec<EntityKey>,
}

impl Delta {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.altered.is_empty() && self.removed.is_empty()
    }
}

fn key(index: &Index, number: u32) -> Option<EntityKey> {
    let record = index.entity_record(number)?;
    let list_id = index.list_of(&record)?.id.clone();
    Some(EntityKey { list_id, uid: index.uid(&record).to_owned() })
}

/// Compares two editions by their entries' content hashes.
#[must_use]
pub fn diff(old: &Index, new: &Index) -> Delta {
    let mut delta = Delta::default();
    for number in 0..new.entity_count() as u32 {
        let Some(key) = key(new, number) else { continue };
        match old.find(&key.list_id, &key.uid) {
            None => delta.added.push(key),
            Some(before) if old.entity_hash(before) != new.entity_hash(number) => {
                delta.altered.push(key)
            }
            Some(_) => {}
        }
    }
    for number in 0..old.entity_count() as u32 {
        let Some(key) = key(old, number) else { continue };
        if new.find(&key.list_id, &key.uid).is_none() {
            delta.removed.push(key);
        }
    }
    delta.added.sort_unstable();
    delta.altered.sort_unstable();
    delta.removed.sort_unstable();
    delta
}

/// A small index of what was added or altered, for streaming customers past it.
///
/// # Errors
/// As [`compile`].
pub fn compile_delta(new: &Index, delta: &Delta) -> Result<Vec<u8>, CompileError> {
    let wanted: BTreeSet<&EntityKey> = delta.added.iter().chain(&delta.altered).collect();
    let lists: Vec<ListEdition> = new
        .lists()
        .iter()
        .map(|info| ListEdition {
            info: info.clone(),
            entities: wanted
                .iter()
                .filter(|key| key.list_id == info.id)
                .filter_map(|key| new.entity(&key.list_id, &key.uid))
                .collect(),
        })
        .collect();
    compile(&lists)
}

/// Outcome of searching an index for its own names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SelfTest {
    /// How many names were tried, as printed and with a slip.
    pub tried: usize,
    /// How many found their entry at or above the threshold.
    pub found: usize,
    /// Keys of entries that were not found as printed.
    pub missed: Vec<EntityKey>,
}

/// Whether a screening for this name hits this entry. Where more share the name than are scored, one of them is as good as
/// another: the entry need only score as the best of those does, when it is looked for.
fn finds(
    index: &Index,
    scratch: &mut Scratch,
    (query, wanted): (&Query, &EntityKey),
    config: &Config,
) -> bool {
    let score = |found: &[Match]| {
        let same = |found: &&Match| found.uid == wanted.uid && found.list_id == wanted.list_id;
        found.iter().find(same).map(|found| found.score)
    };
    let (matches, is_complete) = index.matches_of(scratch, query, config, &[]);
    if score(&matches).is_some() {
        return true;
    }
    let Some(best) = matches.first().map(|best| best.score).filter(|_| !is_complete) else {
        return false;
    };
    let (sought, _) = index.matches_of(scratch, query, config, std::slice::from_ref(wanted));
    score(&sought).is_some_and(|score| score >= best)
}

impl SelfTest {
    /// Every name is found as printed, and at least nine in ten with a slip in them.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.missed.is_empty() && self.found * 20 >= self.tried * 19
    }
}

/// Searches for a fixed sample of the index's own names: as printed, and with two letters of the longest word
/// swapped. A freshly compiled index that fails must not go into use.
#[must_use]
pub fn self_test(index: &Index, config: &Config) -> SelfTest {
    const SAMPLE: usize = 200;
    let mut outcome = SelfTest { tried: 0, found: 0, missed: Vec::new() };
    let mut scratch = Scratch::default();
    let count = index.entity_count();
    let step = (count / SAMPLE).max(1);
    for number in (0..count).step_by(step).take(SAMPLE) {
        let (Some(entity), Some(key)) = (index.entity_at(number as u32), key(index, number as u32))
        else {
            continue;
        };
        // The name shown may have no letters; what is compared has some.
        let Some(name) = scored_names(&entity).next().map(|name| name.text.clone()) else {
            continue;
        };
        for (text, slipped) in [(Some(name.clone()), false), (slip(&name), true)] {
            let Some(text) = text else { continue };
            outcome.tried += 1;
            let query = Query::named(entity.entity_type, &text);
            let found = finds(index, &mut scratch, (&query, &key), config);
            outcome.found += usize::from(found);
            if !found && !slipped {
                outcome.missed.push(key.clone());
            }
        }
    }
    outcome
}

/// The name with two inner letters of its longest word swapped, if a word is long enough to take it.
fn slip(name: &str) -> Option<String> {
    let longest = name.split_whitespace().max_by_key(|word| word.chars().count())?;
    let mut letters: Vec<char> = longest.chars().collect();
    if letters.len() < 6 {
        return None;
    }
    let middle = letters.len() / 2;
    if letters.get(middle) == letters.get(middle + 1) {
        return None;
    }
    letters.swap(middle, middle + 1);
    let slipped: String = letters.into_iter().collect();
    Some(name.replacen(longest, &slipped, 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::{Entity, EntityType, ListInfo, Topic};

    fn index(names: &[(&str, &str)]) -> Index {
        let entities =
            names.iter().map(|(uid, name)| Entity::new(uid, EntityType::Person, name)).collect();
        let list = ListEdition { info: ListInfo::new("t", "Test", Topic::Sanctions), entities };
        Index::from_bytes(compile(&[list]).unwrap()).unwrap()
    }

    #[test]
    fn additions_changes_and_removals_are_told_apart() {
        let old = index(&[("1", "Ana Quill"), ("2", "Bertil Oxenmark"), ("3", "Cyra Dunholt")]);
        let new = index(&[("1", "Ana Quill"), ("2", "Bertil Oxenmarck"), ("4", "Dov Eskarin")]);
        let delta = diff(&old, &new);
        let uids = |keys: &[EntityKey]| keys.iter().map(|key| key.uid.clone()).collect::<Vec<_>>();
        assert_eq!(
            (uids(&delta.added), uids(&delta.altered), uids(&delta.removed)),
            (vec!["4".to_owned()], vec!["2".to_owned()], vec!["3".to_owned()])
        );
        assert!(diff(&new, &new).is_empty());

        let small = Index::from_bytes(compile_delta(&new, &delta).unwrap()).unwrap();
        assert_eq!(small.entity_count(), 2);
        let (config, query) = (Config::default(), Query::person("Bertill Oxenmark"));
        let score = |index: &Index| index.search(&query, &config).first().map(|hit| hit.score);
        assert_eq!(score(&small), score(&new));
        assert!(score(&small).is_some());
    }

    #[test]
    fn a_sound_index_passes_its_self_test() {
        let index =
            index(&[("1", "Anatolia Quillson"), ("2", "Bertil Oxenmark"), ("3", "Cyra Dunholtz")]);
        let outcome = self_test(&index, &Config::default());
        assert!(outcome.passed() && outcome.tried > 3, "{outcome:?}");
    }

    #[test]
    fn namesakes_and_names_without_letters_do_not_fail_it() {
        // More than a ranking shows, and more than one search scores.
        for count in [30, crate::MOST_SCORED + 200] {
            let uids: Vec<String> = (0..count).map(|at| format!("c{at:05}")).collect();
            let mut names: Vec<(&str, &str)> =
                uids.iter().map(|uid| (uid.as_str(), "Maria Delgado")).collect();
            names.push(("z", "Bertil Oxenmark"));
            let outcome = self_test(&index(&names), &Config::default());
            assert!(outcome.passed(), "{count}: {} of {}", outcome.found, outcome.tried);
        }
        let mut entity = Entity::new("1", EntityType::Person, "—");
        entity.add_name("Ana Quill", crate::NameKind::Strong);
        let info = ListInfo::new("t", "Test", Topic::Sanctions);
        let bytes = compile(&[ListEdition { info, entities: vec![entity] }]).unwrap();
        let outcome = self_test(&Index::from_bytes(bytes).unwrap(), &Config::default());
        assert!(outcome.passed() && outcome.tried == 1, "{outcome:?}");
    }
}
