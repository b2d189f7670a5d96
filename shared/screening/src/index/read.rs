//! Reading an index in place.
//!
//! Invariant: sections are located once, when the file is [opened](super::open); every read is bounds-checked and answers
//! "nothing" rather than panic, so even a file with a forged checksum does no harm.

use super::compile::identifier_key;
use super::format::*;
use super::grams::gram_key;
use super::open::Index;
use crate::date::BirthDate;
use crate::entity::{Entity, EntityType, Gender, ListInfo, NameKind, Topic, hex};
use crate::similarity::TokenRef;
use crate::text::Class;
use std::ops::{Range, RangeInclusive};

/// One entity's fixed fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntityRecord {
    uid_start: u32,
    uid_length: u16,
    pub(crate) first_name: u32,
    date_start: u32,
    country_start: u32,
    pub(crate) list: u16,
    pub(crate) name_count: u16,
    pub(crate) entity_type: EntityType,
    topic: u8,
    pub(crate) gender: Option<Gender>,
    dates: u8,
    countries: u8,
}

/// One name's fixed fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NameRecord {
    pub(crate) entity: u32,
    pub(crate) kind: NameKind,
    pub(crate) tokens: u8,
    start: u32,
}

/// A directory of posting lists by key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grams<'a> {
    directory: &'a [u8],
    postings: &'a [u8],
}

impl<'a> Grams<'a> {
    pub(crate) fn is_empty(self) -> bool {
        self.directory.len() <= GRAM
    }

    /// The lists of a pair in words of these lengths, which stand one after another.
    pub(crate) fn pair(
        self,
        pair: u16,
        lengths: RangeInclusive<usize>,
    ) -> impl Iterator<Item = Ascending<'a>> {
        let last = gram_key(pair, *lengths.end());
        (self.row_from(gram_key(pair, *lengths.start()))..self.rows())
            .take_while(move |row| self.key(*row) <= last)
            .map(move |row| self.postings(row))
    }

    pub(crate) fn list(self, key: u32) -> Ascending<'a> {
        let row = self.row_from(key);
        if row < self.rows() && self.key(row) == key {
            return self.postings(row);
        }
        Ascending::new(&[])
    }

    fn rows(self) -> usize {
        (self.directory.len() / GRAM).saturating_sub(1)
    }

    fn key(self, row: usize) -> u32 {
        u32_at(self.directory, row * GRAM)
    }

    /// The first row with at least this key.
    fn row_from(self, key: u32) -> usize {
        let (mut low, mut high) = (0, self.rows());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.key(middle) < key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn postings(self, row: usize) -> Ascending<'a> {
        let from = u32_at(self.directory, row * GRAM + 4) as usize;
        let to = u32_at(self.directory, (row + 1) * GRAM + 4) as usize;
        Ascending::new(self.postings.get(from..to).unwrap_or(&[]))
    }
}

impl Index {
    pub(crate) fn token(&self, number: u32) -> Option<TokenRef<'_>> {
        let records = self.section(Section::Tokens);
        let at = (number as usize).checked_mul(TOKEN)?;
        let record = records.get(at..at + TOKEN)?;
        let start = u32_at(record, 0) as usize;
        let (text_length, sound_length, skeleton_length) = (
            usize::from(u8_at(record, 4)),
            usize::from(u8_at(record, 5)),
            usize::from(u8_at(record, 6)),
        );
        let flags = u8_at(record, 7);
        let arena = self.section(Section::TokenText);
        let text_end = start + text_length;
        let sound_end = text_end + sound_length;
        let text = std::str::from_utf8(arena.get(start..text_end)?).ok()?;
        let sound = if flags & 16 != 0 {
            text
        } else {
            std::str::from_utf8(arena.get(text_end..sound_end)?).ok()?
        };
        let skeleton =
            std::str::from_utf8(arena.get(sound_end..sound_end + skeleton_length)?).ok()?;
        Some(TokenRef {
            text,
            sound,
            skeleton,
            weight: f32::from(u8_at(record, 10)) / 255.0,
            class: Class::from_code(flags & 7),
            group: u16_at(record, 8),
            abjad: flags & 8 != 0,
            syllable: flags & 32 != 0,
            known: flags & 64 != 0,
        })
    }

    fn token_text(&self, number: u32) -> &[u8] {
        let records = self.section(Section::Tokens);
        let at = (number as usize).saturating_mul(TOKEN);
        let start = u32_at(records, at) as usize;
        let length = usize::from(u8_at(records, at.saturating_add(4)));
        self.section(Section::TokenText).get(start..start + length).unwrap_or(&[])
    }

    /// The tokens spelled `text`, as a range of numbers: one text may have several readings.
    pub(crate) fn tokens_spelled(&self, text: &str) -> Range<u32> {
        let count = self.token_count() as u32;
        let text = text.as_bytes();
        let first = self.partition(count, |number| self.token_text(number) < text);
        let mut last = first;
        while last < count && self.token_text(last) == text {
            last += 1;
        }
        first..last
    }

    fn partition(&self, count: u32, before: impl Fn(u32) -> bool) -> u32 {
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            if before(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Names that hold a token.
    pub(crate) fn names_with(&self, token: u32) -> Ascending<'_> {
        let starts = self.section(Section::TokenPostingStarts);
        let at = (token as usize).saturating_mul(4);
        let from = u32_at(starts, at) as usize;
        let to = u32_at(starts, at.saturating_add(4)) as usize;
        Ascending::new(self.section(Section::TokenPostings).get(from..to).unwrap_or(&[]))
    }

    pub(crate) fn sound_grams(&self) -> Grams<'_> {
        Grams {
            directory: self.section(Section::SoundGrams),
            postings: self.section(Section::SoundPostings),
        }
    }

    pub(crate) fn skeleton_grams(&self) -> Grams<'_> {
        Grams {
            directory: self.section(Section::SkeletonGrams),
            postings: self.section(Section::SkeletonPostings),
        }
    }

    pub(crate) fn abjad_grams(&self) -> Grams<'_> {
        Grams {
            directory: self.section(Section::AbjadGrams),
            postings: self.section(Section::AbjadPostings),
        }
    }

    pub(crate) fn group(&self, group: u16) -> Ascending<'_> {
        let groups = Grams {
            directory: self.section(Section::Groups),
            postings: self.section(Section::GroupPostings),
        };
        groups.list(u32::from(group))
    }

    pub(crate) fn name(&self, number: u32) -> Option<NameRecord> {
        let at = (number as usize).checked_mul(NAME)?;
        let record = self.section(Section::Names).get(at..at + NAME)?;
        let packed = u8_at(record, 3);
        Some(NameRecord {
            entity: u24_at(record, 0),
            kind: NameKind::from_code(packed & 3),
            tokens: packed >> 2,
            start: u32_at(record, 4),
        })
    }

    /// One byte a name: its whole weight in sixteenths of a token.
    pub(crate) fn name_weights(&self) -> &[u8] {
        self.section(Section::NameWeights)
    }

    /// One byte a name: the type of its entity.
    pub(crate) fn name_types(&self) -> &[u8] {
        self.section(Section::NameTypes)
    }

    /// Fills `out` with the tokens of a name and says how many there are.
    pub(crate) fn name_tokens(&self, name: NameRecord, out: &mut [u32; 32]) -> usize {
        let sequence = self.section(Section::NameTokens);
        let mut count = 0;
        for (slot, offset) in out.iter_mut().zip(0..usize::from(name.tokens)) {
            let at = (name.start as usize + offset).saturating_mul(3);
            if at + 3 > sequence.len() {
                break;
            }
            *slot = u24_at(sequence, at);
            count += 1;
        }
        count
    }

    pub(crate) fn entity_record(&self, number: u32) -> Option<EntityRecord> {
        let at = (number as usize).checked_mul(ENTITY)?;
        let record = self.section(Section::Entities).get(at..at + ENTITY)?;
        let flags = u8_at(record, 22);
        Some(EntityRecord {
            uid_start: u32_at(record, 0),
            first_name: u32_at(record, 4),
            date_start: u32_at(record, 8),
            country_start: u32_at(record, 12),
            list: u16_at(record, 16),
            name_count: u16_at(record, 18),
            uid_length: u16_at(record, 20),
            entity_type: EntityType::from_code(flags & 0xf),
            topic: flags >> 4,
            gender: Gender::from_code(u8_at(record, 23)),
            dates: u8_at(record, 24),
            countries: u8_at(record, 25),
        })
    }

    pub(crate) fn uid(&self, record: &EntityRecord) -> &str {
        let start = record.uid_start as usize;
        let bytes = self
            .section(Section::Uids)
            .get(start..start + usize::from(record.uid_length))
            .unwrap_or(&[]);
        std::str::from_utf8(bytes).unwrap_or("")
    }

    pub(crate) fn list_of(&self, record: &EntityRecord) -> Option<&ListInfo> {
        self.lists().get(usize::from(record.list))
    }

    pub(crate) fn topic(&self, record: &EntityRecord) -> Topic {
        if record.topic == 0xf {
            self.list_of(record).map_or(Topic::Sanctions, |list| list.topic)
        } else {
            Topic::from_code(record.topic)
        }
    }

    pub(crate) fn birth_dates(
        &self,
        record: &EntityRecord,
    ) -> impl Iterator<Item = BirthDate> + '_ {
        let section = self.section(Section::BirthDates);
        let start = record.date_start as usize;
        (start..start + usize::from(record.dates)).filter_map(move |at| {
            let row = section.get(at.checked_mul(8)?..at.checked_mul(8)? + 8)?;
            Some(BirthDate::from_packed(u32_at(row, 0), u32_at(row, 4)))
        })
    }

    pub(crate) fn countries(&self, record: &EntityRecord) -> impl Iterator<Item = u16> + '_ {
        let section = self.section(Section::Countries);
        let start = record.country_start as usize;
        (start..start + usize::from(record.countries))
            .map(move |at| u16_at(section, at.saturating_mul(2)))
    }

    pub(crate) fn entity_hash(&self, number: u32) -> &[u8] {
        let at = (number as usize).saturating_mul(HASH);
        self.section(Section::ContentHashes).get(at..at.saturating_add(HASH)).unwrap_or(&[])
    }

    /// Entities that carry an identifier.
    pub(crate) fn with_identifier(&self, value: &str) -> impl Iterator<Item = u32> + '_ {
        let found =
            identifier_key(value).map(|key| self.keyed(Section::Identifiers, IDENTIFIER, key));
        found.into_iter().flatten().filter(|number| (*number as usize) < self.entity_count())
    }

    /// Names with the same letters, spaced in any way.
    pub(crate) fn with_letters(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        self.keyed(Section::Squashed, SQUASHED, hash)
    }

    /// Numbers behind a hash in a sorted section of (hash, number) rows.
    fn keyed(&self, section: Section, size: usize, key: u64) -> impl Iterator<Item = u32> + '_ {
        let rows = self.section(section);
        let count = (rows.len() / size) as u32;
        let row_key = move |row: u32| u64_at(rows, row as usize * size);
        let first = self.partition(count, |row| row_key(row) < key);
        (first..count)
            .take_while(move |row| row_key(*row) == key)
            .map(move |row| u32_at(rows, row as usize * size + 8))
    }

    /// The whole listed record, from the compressed part of the file.
    pub(crate) fn entity_at(&self, number: u32) -> Option<Entity> {
        let block = number as usize / COLD_BLOCK;
        let directory = self.section(Section::ColdBlocks);
        let row = block.checked_mul(COLD_ENTRY)?;
        if row + 2 * COLD_ENTRY > directory.len() {
            return None;
        }
        let from = u32_at(directory, row) as usize;
        let to = u32_at(directory, row + COLD_ENTRY) as usize;
        let length = u32_at(directory, row + 4) as usize;
        let packed = self.section(Section::Cold).get(from..to)?;
        if xxhash_rust::xxh3::xxh3_64(packed) != u64_at(directory, row + 8) {
            return None;
        }
        // A forged length must not make the inflater reserve gigabytes.
        let limit = length.min(packed.len().saturating_mul(1032)).min(64 << 20);
        let lines = miniz_oxide::inflate::decompress_to_vec_with_limit(packed, limit).ok()?;
        let line = lines.split(|byte| *byte == b'\n').nth(number as usize % COLD_BLOCK)?;
        serde_json::from_slice(line).ok()
    }

    /// The whole listed record of one entry.
    #[must_use]
    pub fn entity(&self, list_id: &str, uid: &str) -> Option<Entity> {
        self.find(list_id, uid).and_then(|number| self.entity_at(number))
    }

    /// The keys of a list's entries, in order.
    pub fn uids<'i>(&'i self, list_id: &str) -> impl Iterator<Item = &'i str> {
        let list = self.lists().iter().position(|list| list.id == list_id);
        (0..self.entity_count() as u32)
            .filter_map(|number| self.entity_record(number))
            .filter(move |record| Some(usize::from(record.list)) == list)
            .map(|record| self.uid(&record))
    }

    /// The content hash of an entry, in hexadecimal; `None` when the list does not have it. Read from the part of the file
    /// that was checked when it was opened.
    #[must_use]
    pub fn content_of(&self, list_id: &str, uid: &str) -> Option<String> {
        self.find(list_id, uid).map(|number| hex(self.entity_hash(number)))
    }

    /// Entities are sorted by key within each list.
    pub(crate) fn find(&self, list_id: &str, uid: &str) -> Option<u32> {
        let list = self.lists().iter().position(|list| list.id == list_id)?;
        let count = self.entity_count() as u32;
        let key = |number: u32| {
            self.entity_record(number)
                .map(|record| (usize::from(record.list), self.uid(&record).to_owned()))
        };
        let wanted = (list, uid.to_owned());
        let at = self.partition(count, |number| key(number).is_some_and(|key| key < wanted));
        (key(at) == Some(wanted)).then_some(at)
    }
}
