//! Layout of the index file: a header, a table of sections, the sections.
//!
//! Invariant: numbers are little-endian and read byte-wise, so alignment is a matter of speed and never of safety; every
//! section starts on a multiple of eight.

/// First eight bytes of every index.
pub(crate) const MAGIC: [u8; 8] = *b"GATEWTCH";
/// Changes with the layout.
pub(crate) const FORMAT: u32 = 1;
/// Magic, format, section count, lexicon version, hot length, hot checksum, content hash.
pub(crate) const HEADER: usize = 8 + 4 + 4 + 8 + 8 + 8 + 32;
/// Entities whose display data is compressed together.
pub(crate) const COLD_BLOCK: usize = 48;

/// Sections in file order. Everything before `Cold` is hot and covered by the checksum taken at open; `Cold` is
/// checked block by block when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Meta,
    Tokens,
    TokenText,
    TokenPostingStarts,
    TokenPostings,
    Names,
    NameWeights,
    NameTypes,
    NameTokens,
    Squashed,
    Entities,
    Uids,
    BirthDates,
    Countries,
    ContentHashes,
    Identifiers,
    SoundGrams,
    SoundPostings,
    SkeletonGrams,
    SkeletonPostings,
    AbjadGrams,
    AbjadPostings,
    Groups,
    GroupPostings,
    ColdBlocks,
    Cold,
}

pub(crate) const SECTIONS: usize = Section::Cold as usize + 1;

/// Sizes of fixed records.
pub(crate) const TOKEN: usize = 12;
pub(crate) const NAME: usize = 8;
pub(crate) const ENTITY: usize = 28;
pub(crate) const GRAM: usize = 8;
pub(crate) const IDENTIFIER: usize = 12;
pub(crate) const SQUASHED: usize = 12;
pub(crate) const COLD_ENTRY: usize = 16;
pub(crate) const HASH: usize = 16;

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    match bytes.get(at..at.wrapping_add(2)) {
        Some(&[a, b]) => u16::from_le_bytes([a, b]),
        _ => 0,
    }
}

pub(crate) fn u24_at(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..at.wrapping_add(3)) {
        Some(&[a, b, c]) => u32::from_le_bytes([a, b, c, 0]),
        _ => 0,
    }
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..at.wrapping_add(4)) {
        Some(&[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]),
        _ => 0,
    }
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at.wrapping_add(4))) << 32
}

pub(crate) fn u8_at(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// Writes ascending numbers as differences of seven bits a byte.
pub(crate) fn put_ascending(numbers: &[u32], out: &mut Vec<u8>) {
    let mut last = 0;
    for &number in numbers {
        let mut rest = number.wrapping_sub(last);
        last = number;
        while rest >= 0x80 {
            out.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }
}

/// Reads what [`put_ascending`] wrote.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ascending<'a> {
    bytes: &'a [u8],
    last: u32,
}

impl<'a> Ascending<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, last: 0 }
    }
}

impl Iterator for Ascending<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        let mut value = u32::from(first & 0x7f);
        let mut shift = 7;
        let mut more = first & 0x80 != 0;
        while more && shift < 32 {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            value |= u32::from(byte & 0x7f) << shift;
            shift += 7;
            more = byte & 0x80 != 0;
        }
        self.last = self.last.wrapping_add(value);
        Some(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ascending_numbers_come_back(mut numbers in proptest::collection::vec(any::<u32>(), 0..50)) {
            numbers.sort_unstable();
            let mut bytes = Vec::new();
            put_ascending(&numbers, &mut bytes);
            prop_assert_eq!(Ascending::new(&bytes).collect::<Vec<_>>(), numbers);
        }

        #[test]
        fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(Ascending::new(&bytes).count() <= bytes.len());
            u64_at(&bytes, usize::MAX);
            u32_at(&bytes, 62);
        }
    }
}
