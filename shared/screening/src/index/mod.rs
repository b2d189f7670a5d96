//! The index file: one immutable, checksummed, memory-mapped picture of every list.
//!
//! Invariant: the same lists in the same order give the same bytes; a file that opens is whole and was compiled with this
//! engine's tables; a reader of any bytes whatever neither panics nor reads outside them.

mod compile;
mod format;
mod grams;
#[expect(
    unsafe_code,
    reason = "a memory map is the only way to share an index between processes without copying it"
)]
mod map;
mod open;
mod read;

pub use compile::{CompileError, compile};
pub use open::{Index, IndexError};

pub(crate) use grams::bigrams;
pub(crate) use read::{EntityRecord, Grams};

#[cfg(test)]
mod tests {
    use super::format::{FORMAT, Section};
    use super::*;
    use crate::entity::{Entity, EntityType, ListEdition, ListInfo, Topic};
    use crate::text::lexicon::RULES;

    /// Names in every script with rules, and with everything that the rules know.
    const SAMPLE: [(EntityType, &str); 24] = [
        (EntityType::Person, "Ana María QUILL-MARSH de la Torre Jr."),
        (EntityType::Person, "Dr. Abd al-Rahman Nureddin bin Yusuf III"),
        (EntityType::Person, "O'Hara-Smith, Šárka Łucja Øst"),
        (EntityType::Person, "Наталья Ивановна Оксенмаркова"),
        (EntityType::Person, "Сергій Їжакевич"),
        (EntityType::Person, "Γεώργιος Παπαδόπουλος"),
        (EntityType::Person, "محمد عبد الرحمن الأمين"),
        (EntityType::Person, "محمود احمدی‌نژاد"),
        (EntityType::Person, "יצחק כהן"),
        (EntityType::Person, "Արմեն Պետրոսյան"),
        (EntityType::Person, "გიორგი ბერიძე"),
        (EntityType::Person, "김영철"),
        (EntityType::Person, "吴海波"),
        (EntityType::Person, "たなか ひろし"),
        (EntityType::Person, "नरेन्द्र शर्मा"),
        (EntityType::Person, "J. R. Oxenmark"),
        (EntityType::Organisation, "Акционерное общество НИИ «Звезда» № 7"),
        (
            EntityType::Organisation,
            "Joint Stock Company Blue Star Shipping (Shanghai) S.A. de C.V.",
        ),
        (EntityType::Organisation, "I.R.I.S.L. National Oil & Gas GmbH"),
        (EntityType::Organisation, "Islamic Revolutionary Guard Corps"),
        (EntityType::Vessel, "OCEAN STAR 12"),
        (EntityType::Aircraft, "EP-GOM"),
        (EntityType::Unknown, "Bank Melli Iran Ltd"),
        (EntityType::Unknown, "Abdulrahman Trading Co"),
    ];

    /// An index made by other rules would be searched by these. `RULES` and `FORMAT` are what tells them apart, and only a
    /// person counts them up.
    #[test]
    fn other_words_are_other_rules() {
        let entities = SAMPLE
            .iter()
            .enumerate()
            .map(|(at, (kind, name))| Entity::new(&format!("{at:02}"), *kind, name))
            .collect();
        let info = ListInfo::new("t", "Test", Topic::Sanctions);
        let bytes = compile(&[ListEdition { info, entities }]).unwrap();
        let index = Index::from_bytes(bytes).unwrap();
        let made = [
            Section::Tokens,
            Section::TokenText,
            Section::Names,
            Section::NameWeights,
            Section::NameTokens,
            Section::Squashed,
            Section::SoundGrams,
            Section::SoundPostings,
            Section::SkeletonGrams,
            Section::AbjadGrams,
            Section::Groups,
        ];
        let hash = crate::sha256_hex_of(made.map(|section| index.section(section)));
        assert_eq!(
            (RULES, FORMAT, hash.get(..16).unwrap()),
            (3, 1, "310a09b24e6981d2"),
            "names are compiled to other words: count lexicon::RULES up (format::FORMAT, if it is the layout that \
             changed), so that no index made before is searched, and then put the new numbers here"
        );
    }
}
