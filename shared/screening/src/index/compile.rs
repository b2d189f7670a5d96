//! From lists to the bytes of an index.
//!
//! Invariant: output depends on the lists alone: every map is walked in sorted order and no clock or random number is
//! read.

use super::format::*;
use super::grams::{bigrams, gram_key};
use crate::acronym;
use crate::country;
use crate::entity::{Entity, Gender, ListEdition, ListInfo};
use crate::search::view_all;
use crate::text::{Token, lexicon, squashed, tokens_of};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

/// Why lists cannot be compiled.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CompileError {
    /// More entries, names or tokens than the format's fields hold.
    #[error("too many {what} for one index: {count}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many.
        count: usize,
    },
    /// An entry has no usable name.
    #[error("entry {uid} of list {list} has no name")]
    Nameless {
        /// The list.
        list: String,
        /// The entry.
        uid: String,
    },
    /// Two entries of one list share a key.
    #[error("list {list} holds key {uid} twice")]
    Duplicate {
        /// The list.
        list: String,
        /// The key.
        uid: String,
    },
    /// List information that cannot be written.
    #[error("list information cannot be encoded: {0}")]
    Meta(String),
}

#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
struct TokenKey {
    text: String,
    sound: String,
    skeleton: String,
    class: u8,
    group: u16,
    weight: u8,
    abjad: bool,
    syllable: bool,
    known: bool,
}

impl TokenKey {
    fn of(token: Token) -> Self {
        Self {
            class: token.class.code(),
            group: token.group,
            weight: (token.weight * 255.0).round().clamp(1.0, 255.0) as u8,
            abjad: token.abjad,
            syllable: token.syllable,
            known: token.known,
            text: token.text,
            sound: token.sound,
            skeleton: token.skeleton,
        }
    }
}

struct NameRow {
    entity: u32,
    kind: u8,
    entity_type: u8,
    tokens: Vec<usize>,
    squashed: Option<u64>,
    acronyms: Vec<u64>,
}

#[derive(serde::Serialize)]
struct Meta<'a> {
    lists: Vec<&'a ListInfo>,
    entities: usize,
    names: usize,
    tokens: usize,
}

/// Compiles lists, in the order given, to one index.
///
/// # Errors
/// When an entry has no name, a key repeats within a list, or the format's field sizes are exceeded.
pub fn compile(lists: &[ListEdition]) -> Result<Vec<u8>, CompileError> {
    let mut keys: HashMap<TokenKey, usize> = HashMap::new();
    let mut names: Vec<NameRow> = Vec::new();
    let mut entities: Vec<(&Entity, u16)> = Vec::new();
    for (list_at, list) in lists.iter().enumerate() {
        let list_number = u16::try_from(list_at)
            .map_err(|_| CompileError::TooMany { what: "lists", count: lists.len() })?;
        let mut ordered: Vec<&Entity> = list.entities.iter().collect();
        ordered.sort_by(|one, other| one.uid.cmp(&other.uid));
        for pair in ordered.windows(2) {
            if let [one, other] = pair
                && one.uid == other.uid
            {
                return Err(CompileError::Duplicate {
                    list: list.info.id.clone(),
                    uid: one.uid.clone(),
                });
            }
        }
        for entity in ordered {
            let before = names.len();
            let number = entities.len() as u32;
            for name in &entity.names {
                let read = tokens_of(&name.text, entity.entity_type);
                let acronyms = acronym::keys(view_all(&read).as_slice());
                let tokens: Vec<usize> = read
                    .into_iter()
                    .map(|token| {
                        let next = keys.len();
                        *keys.entry(TokenKey::of(token)).or_insert(next)
                    })
                    .collect();
                if !tokens.is_empty() {
                    let kind = name.kind.code();
                    names.push(NameRow {
                        entity: number,
                        kind,
                        entity_type: entity.entity_type.code(),
                        tokens,
                        squashed: squashed(&name.text),
                        acronyms: acronyms.iter().map(|letters| acronym::hash(letters)).collect(),
                    });
                }
            }
            if names.len() == before {
                return Err(CompileError::Nameless {
                    list: list.info.id.clone(),
                    uid: entity.uid.clone(),
                });
            }
            entities.push((entity, list_number));
        }
    }
    for (what, count, most) in [
        ("tokens", keys.len(), 0xff_ffff),
        ("names", names.len(), 0xffff_ffff),
        ("entries", entities.len(), 0xff_ffff),
    ] {
        if count > most {
            return Err(CompileError::TooMany { what, count });
        }
    }
    // Tokens are numbered by text, so that one binary search finds every reading of a text.
    let mut tokens: Vec<(TokenKey, usize)> = keys.into_iter().collect();
    tokens.sort_unstable();
    let mut renumbered = vec![0u32; tokens.len()];
    for (new, (_, old)) in tokens.iter().enumerate() {
        if let Some(slot) = renumbered.get_mut(*old) {
            *slot = new as u32;
        }
    }
    let tokens: Vec<TokenKey> = tokens.into_iter().map(|(key, _)| key).collect();
    let mut sections: Vec<Vec<u8>> = vec![Vec::new(); SECTIONS];
    let meta = Meta {
        lists: lists.iter().map(|list| &list.info).collect(),
        entities: entities.len(),
        names: names.len(),
        tokens: tokens.len(),
    };
    let meta = serde_json::to_vec(&meta).map_err(|error| CompileError::Meta(error.to_string()))?;
    put(&mut sections, Section::Meta, meta);
    write_tokens(&tokens, &mut sections)?;
    write_names(&names, &renumbered, &tokens, &mut sections);
    write_entities(&entities, &names, &mut sections)?;
    write_grams(&tokens, &mut sections);
    write_cold(&entities, &mut sections)?;
    Ok(assemble(&sections))
}

fn put(sections: &mut [Vec<u8>], section: Section, bytes: Vec<u8>) {
    if let Some(slot) = sections.get_mut(section as usize) {
        *slot = bytes;
    }
}

fn write_tokens(tokens: &[TokenKey], sections: &mut [Vec<u8>]) -> Result<(), CompileError> {
    let (mut records, mut text) = (Vec::with_capacity(tokens.len() * TOKEN), Vec::new());
    for token in tokens {
        let start = u32::try_from(text.len())
            .map_err(|_| CompileError::TooMany { what: "letters", count: text.len() })?;
        text.extend_from_slice(token.text.as_bytes());
        // Most sound forms differ from the text; those that do not are not stored twice.
        let same = token.sound == token.text;
        if !same {
            text.extend_from_slice(token.sound.as_bytes());
        }
        text.extend_from_slice(token.skeleton.as_bytes());
        let length = |text: &str| u8::try_from(text.len()).unwrap_or(u8::MAX);
        records.extend_from_slice(&start.to_le_bytes());
        records.push(length(&token.text));
        records.push(if same { 0 } else { length(&token.sound) });
        records.push(length(&token.skeleton));
        records.push(
            token.class
                | u8::from(token.abjad) << 3
                | u8::from(same) << 4
                | u8::from(token.syllable) << 5
                | u8::from(token.known) << 6,
        );
        records.extend_from_slice(&token.group.to_le_bytes());
        records.push(token.weight);
        records.push(0);
    }
    put(sections, Section::Tokens, records);
    put(sections, Section::TokenText, text);
    Ok(())
}

fn write_names(
    names: &[NameRow],
    renumbered: &[u32],
    tokens: &[TokenKey],
    sections: &mut [Vec<u8>],
) {
    let mut postings: Vec<Vec<u32>> = vec![Vec::new(); tokens.len()];
    let (mut records, mut weights, mut types, mut sequence) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (number, name) in names.iter().enumerate() {
        let start = (sequence.len() / 3) as u32;
        let mut weight = 0u32;
        for &token in &name.tokens {
            let token = renumbered.get(token).copied().unwrap_or(0);
            sequence.extend_from_slice(token.to_le_bytes().get(..3).unwrap_or(&[0; 3]));
            weight += tokens.get(token as usize).map_or(0, |key| u32::from(key.weight));
            if let Some(list) = postings.get_mut(token as usize)
                && list.last() != Some(&(number as u32))
            {
                list.push(number as u32);
            }
        }
        records.extend_from_slice(name.entity.to_le_bytes().get(..3).unwrap_or(&[0; 3]));
        records.push(name.kind | (name.tokens.len() as u8) << 2);
        records.extend_from_slice(&start.to_le_bytes());
        weights.push((weight / 16).min(255) as u8);
        types.push(name.entity_type);
    }
    let mut hashes: Vec<(u64, u32)> = names
        .iter()
        .enumerate()
        .flat_map(|(number, name)| {
            let keys = name.squashed.iter().chain(&name.acronyms);
            keys.map(move |key| (*key, number as u32))
        })
        .collect();
    hashes.sort_unstable();
    put(sections, Section::Squashed, keyed_rows(&hashes));
    let (mut starts, mut bytes) = (Vec::new(), Vec::new());
    for list in &postings {
        starts.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        put_ascending(list, &mut bytes);
    }
    starts.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    put(sections, Section::Names, records);
    put(sections, Section::NameWeights, weights);
    put(sections, Section::NameTypes, types);
    put(sections, Section::NameTokens, sequence);
    put(sections, Section::TokenPostingStarts, starts);
    put(sections, Section::TokenPostings, bytes);
}

fn write_entities(
    entities: &[(&Entity, u16)],
    names: &[NameRow],
    sections: &mut [Vec<u8>],
) -> Result<(), CompileError> {
    let (mut records, mut uids, mut dates, mut countries, mut hashes) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut identifiers: Vec<(u64, u32)> = Vec::new();
    let mut name_at = 0usize;
    for (number, (entity, list)) in entities.iter().enumerate() {
        let first_name = name_at;
        while names.get(name_at).is_some_and(|name| name.entity as usize == number) {
            name_at += 1;
        }
        let mut codes: Vec<u16> = entity
            .nationalities
            .iter()
            .chain(&entity.countries)
            .filter_map(|text| country::code_of(text))
            .collect();
        codes.sort_unstable();
        codes.dedup();
        codes.truncate(255);
        let topic = entity.topic.map_or(0xf, |topic| topic.code());
        let flags = entity.entity_type.code() | topic << 4;
        let born = entity.birth_dates.len().min(255);
        records.extend_from_slice(&(uids.len() as u32).to_le_bytes());
        records.extend_from_slice(&(first_name as u32).to_le_bytes());
        records.extend_from_slice(&((dates.len() / 8) as u32).to_le_bytes());
        records.extend_from_slice(&((countries.len() / 2) as u32).to_le_bytes());
        records.extend_from_slice(&list.to_le_bytes());
        records.extend_from_slice(&((name_at - first_name).min(0xffff) as u16).to_le_bytes());
        let uid_length = u16::try_from(entity.uid.len()).map_err(|_| CompileError::TooMany {
            what: "letters in a key",
            count: entity.uid.len(),
        })?;
        records.extend_from_slice(&uid_length.to_le_bytes());
        records.push(flags);
        records.push(Gender::code(entity.gender));
        records.push(born as u8);
        records.push(codes.len() as u8);
        records.extend_from_slice(&[0; 2]);
        uids.extend_from_slice(entity.uid.as_bytes());
        for date in entity.birth_dates.iter().take(born) {
            let (from, to) = date.packed();
            dates.extend_from_slice(&from.to_le_bytes());
            dates.extend_from_slice(&to.to_le_bytes());
        }
        for code in codes {
            countries.extend_from_slice(&code.to_le_bytes());
        }
        hashes.extend_from_slice(&unhex(&entity.content_hash()));
        for identifier in &entity.identifiers {
            identifiers.extend(identifier_key(&identifier.value).map(|key| (key, number as u32)));
        }
    }
    identifiers.sort_unstable();
    identifiers.dedup();
    let ids = keyed_rows(&identifiers);
    for (section, bytes) in [
        (Section::Entities, records),
        (Section::Uids, uids),
        (Section::BirthDates, dates),
        (Section::Countries, countries),
        (Section::ContentHashes, hashes),
        (Section::Identifiers, ids),
    ] {
        put(sections, section, bytes);
    }
    Ok(())
}

fn keyed_rows(rows: &[(u64, u32)]) -> Vec<u8> {
    rows.iter()
        .flat_map(|(key, number)| key.to_le_bytes().into_iter().chain(number.to_le_bytes()))
        .collect()
}

fn unhex(text: &str) -> [u8; HASH] {
    let mut out = [0; HASH];
    for (slot, at) in out.iter_mut().zip((0..).step_by(2)) {
        *slot =
            text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or(0);
    }
    out
}

/// The hash under which an identifier is looked up: letters and digits only, upper case. Shorter ones name nobody.
pub(crate) fn identifier_key(value: &str) -> Option<u64> {
    let plain: String =
        value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
    (plain.chars().count() >= 5).then(|| xxhash_rust::xxh3::xxh3_64(plain.as_bytes()))
}

fn write_grams(tokens: &[TokenKey], sections: &mut [Vec<u8>]) {
    let mut sound: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut skeleton: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut abjad: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let enter = |map: &mut BTreeMap<u32, Vec<u32>>, word: &str, number: u32| {
        for pair in bigrams(word) {
            let list = map.entry(gram_key(pair, word.len())).or_default();
            if list.last() != Some(&number) {
                list.push(number);
            }
        }
    };
    for (number, token) in tokens.iter().enumerate() {
        let number = number as u32;
        // Only words are looked up by likeness; legal forms, numbers, initials and particles match as they are.
        if token.class == 0 {
            if token.abjad {
                enter(&mut abjad, &token.skeleton, number);
            } else {
                enter(&mut skeleton, &token.skeleton, number);
            }
            enter(&mut sound, &token.sound, number);
        }
        if token.group != 0 && token.class == 0 {
            groups.entry(u32::from(token.group)).or_default().push(number);
        }
    }
    for (map, directory, bytes) in [
        (sound, Section::SoundGrams, Section::SoundPostings),
        (skeleton, Section::SkeletonGrams, Section::SkeletonPostings),
        (abjad, Section::AbjadGrams, Section::AbjadPostings),
        (groups, Section::Groups, Section::GroupPostings),
    ] {
        let (mut rows, mut lists) = (Vec::new(), Vec::new());
        for (key, numbers) in &map {
            rows.extend_from_slice(&key.to_le_bytes());
            rows.extend_from_slice(&(lists.len() as u32).to_le_bytes());
            put_ascending(numbers, &mut lists);
        }
        // A last row closes the last list.
        rows.extend_from_slice(&u32::MAX.to_le_bytes());
        rows.extend_from_slice(&(lists.len() as u32).to_le_bytes());
        put(sections, directory, rows);
        put(sections, bytes, lists);
    }
}

fn write_cold(entities: &[(&Entity, u16)], sections: &mut [Vec<u8>]) -> Result<(), CompileError> {
    let (mut directory, mut cold) = (Vec::new(), Vec::new());
    for block in entities.chunks(COLD_BLOCK) {
        let mut lines = Vec::new();
        for (entity, _) in block {
            serde_json::to_writer(&mut lines, entity)
                .map_err(|error| CompileError::Meta(error.to_string()))?;
            lines.push(b'\n');
        }
        let packed = miniz_oxide::deflate::compress_to_vec(&lines, 8);
        directory.extend_from_slice(&(cold.len() as u32).to_le_bytes());
        directory.extend_from_slice(&(lines.len() as u32).to_le_bytes());
        directory.extend_from_slice(&xxhash_rust::xxh3::xxh3_64(&packed).to_le_bytes());
        cold.extend_from_slice(&packed);
    }
    directory.extend_from_slice(&(cold.len() as u32).to_le_bytes());
    directory.extend_from_slice(&[0; COLD_ENTRY - 4]);
    put(sections, Section::ColdBlocks, directory);
    put(sections, Section::Cold, cold);
    Ok(())
}

fn assemble(sections: &[Vec<u8>]) -> Vec<u8> {
    let table = HEADER + SECTIONS * 16;
    let mut body = Vec::new();
    let mut rows = Vec::with_capacity(SECTIONS * 16);
    let mut hot = table;
    for (at, section) in sections.iter().enumerate() {
        while !(table + body.len()).is_multiple_of(8) {
            body.push(0);
        }
        if at == Section::Cold as usize {
            hot = table + body.len();
        }
        rows.extend_from_slice(&((table + body.len()) as u64).to_le_bytes());
        rows.extend_from_slice(&(section.len() as u64).to_le_bytes());
        body.extend_from_slice(section);
    }
    let mut checked = rows;
    checked.extend_from_slice(&body);
    let checksum = xxhash_rust::xxh3::xxh3_64(checked.get(..hot - HEADER).unwrap_or(&checked));
    let mut out = Vec::with_capacity(HEADER + checked.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&FORMAT.to_le_bytes());
    out.extend_from_slice(&(SECTIONS as u32).to_le_bytes());
    out.extend_from_slice(&lexicon::version().to_le_bytes());
    out.extend_from_slice(&(hot as u64).to_le_bytes());
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(&Sha256::digest(&checked));
    out.extend_from_slice(&checked);
    out
}
