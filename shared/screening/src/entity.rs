//! What a publisher says about a listed person or thing, free of any publisher's format.
//!
//! Invariant: an [`Entity`] holds only what its list states. Nothing is inferred here, so its content hash changes exactly
//! when the publisher changes something an analyst could read.

use crate::date::BirthDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What kind of thing an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EntityType {
    /// A natural person.
    Person,
    /// A company, ministry, armed group or any other body.
    Organisation,
    /// A ship.
    Vessel,
    /// An aircraft.
    Aircraft,
    /// The list does not say.
    Unknown,
}

impl EntityType {
    /// The byte stored in the index.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Person => 0,
            Self::Organisation => 1,
            Self::Vessel => 2,
            Self::Aircraft => 3,
            Self::Unknown => 4,
        }
    }

    pub(crate) fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Person,
            1 => Self::Organisation,
            2 => Self::Vessel,
            3 => Self::Aircraft,
            _ => Self::Unknown,
        }
    }

    /// Reads the words publishers and query files use ("individual", "PER", "entity", "company", "ship").
    #[must_use]
    pub fn parse(word: &str) -> Self {
        let word = word.trim().to_ascii_lowercase();
        match word.as_str() {
            "person" | "individual" | "individuals" | "per" | "people" | "p" => Self::Person,
            "entity" | "organisation" | "organization" | "org" | "company" | "business"
            | "publicbody" | "enterprise" | "e" | "group" | "association" => Self::Organisation,
            "vessel" | "ship" | "v" => Self::Vessel,
            "aircraft" | "airplane" | "plane" => Self::Aircraft,
            // OpenSanctions' `LegalEntity` is here on purpose: it is whoever can own something, people among them.
            _ => Self::Unknown,
        }
    }

    /// Whether a query of type `self` may meet an entry of type `other`. An unknown type meets everything.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self == other || self == Self::Unknown || other == Self::Unknown
    }
}

/// Why an entry is on a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Topic {
    /// Sanctions, export controls and debarments.
    Sanctions,
    /// Politically exposed person.
    Pep,
    /// Crime or regulatory reports.
    AdverseMedia,
}

impl Topic {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Sanctions => 0,
            Self::Pep => 1,
            Self::AdverseMedia => 2,
        }
    }

    pub(crate) fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Pep,
            2 => Self::AdverseMedia,
            _ => Self::Sanctions,
        }
    }
}

/// How much weight the publisher gives a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NameKind {
    /// The entry's main name.
    Primary,
    /// A good-quality alias.
    Strong,
    /// A low-quality alias: publishers warn that it alone is a poor reason to stop anyone.
    Weak,
    /// A name no longer in use.
    Former,
}

impl NameKind {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Primary => 0,
            Self::Strong => 1,
            Self::Weak => 2,
            Self::Former => 3,
        }
    }

    pub(crate) fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Primary,
            2 => Self::Weak,
            3 => Self::Former,
            _ => Self::Strong,
        }
    }
}

/// What a name is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Script {
    /// Latin letters, marked ones included; also what has no letters.
    Latin,
    /// Cyrillic.
    Cyrillic,
    /// Greek.
    Greek,
    /// Arabic, also as Persian and Urdu write it.
    Arabic,
    /// Hebrew.
    Hebrew,
    /// Armenian.
    Armenian,
    /// Georgian.
    Georgian,
    /// Korean letters.
    Hangul,
    /// Chinese characters.
    Han,
    /// Any other.
    Other,
}

impl Script {
    /// The script of the first letter that is not Latin, since names carry Latin parts rather than the reverse.
    #[must_use]
    pub fn of(text: &str) -> Self {
        use crate::text::romanise::Script as Letters;
        let of_letter = |c: char| {
            Some(match Letters::of(c).filter(|_| c.is_alphabetic())? {
                Letters::Latin => return None,
                Letters::Cyrillic => Self::Cyrillic,
                Letters::Greek => Self::Greek,
                Letters::Abjad if u32::from(c) < 0x600 => Self::Hebrew,
                Letters::Abjad => Self::Arabic,
                Letters::Armenian => Self::Armenian,
                Letters::Georgian => Self::Georgian,
                Letters::Hangul => Self::Hangul,
                Letters::Han => Self::Han,
                Letters::Other => Self::Other,
            })
        };
        text.chars().find_map(of_letter).unwrap_or(Self::Latin)
    }
}

/// One name of an entry, in the publisher's own script and in natural order (given names first).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name {
    /// The name as a reader should see it.
    pub text: String,
    /// How the publisher ranks it.
    pub kind: NameKind,
}

impl Name {
    /// A name of the given kind, with runs of white space made single.
    #[must_use]
    pub fn new(text: &str, kind: NameKind) -> Self {
        Self { text: collapse_spaces(text), kind }
    }

    /// What it is written in.
    #[must_use]
    pub fn script(&self) -> Script {
        Script::of(&self.text)
    }
}

/// Gender where a list or a customer record states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Gender {
    /// Male.
    Male,
    /// Female.
    Female,
}

impl Gender {
    /// Reads "male", "M", "female", "F"; anything else is no statement.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "male" | "m" | "man" => Some(Self::Male),
            "female" | "f" | "woman" => Some(Self::Female),
            _ => None,
        }
    }

    pub(crate) fn code(gender: Option<Self>) -> u8 {
        match gender {
            None => 0,
            Some(Self::Male) => 1,
            Some(Self::Female) => 2,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Male),
            2 => Some(Self::Female),
            _ => None,
        }
    }
}

/// A number that names one thing: a passport, a tax number, an IMO number, a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identifier {
    /// The publisher's word for it ("Passport", "IMO").
    pub kind: String,
    /// The number as printed.
    pub value: String,
    /// The issuing country as printed, where stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// One listed person or thing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entity {
    /// The publisher's own key, unique within its list.
    pub uid: String,
    /// Person, organisation, vessel, aircraft or unknown.
    pub entity_type: EntityType,
    /// Overrides the list's topic where one file mixes several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Topic>,
    /// Names; the first is the one shown.
    pub names: Vec<Name>,
    /// Every birth date the list gives.
    #[serde(default)]
    pub birth_dates: Vec<BirthDate>,
    /// Gender, where stated.
    #[serde(default)]
    pub gender: Option<Gender>,
    /// Nationalities and citizenships as printed.
    #[serde(default)]
    pub nationalities: Vec<String>,
    /// Other countries the entry is tied to: addresses, flag, jurisdiction.
    #[serde(default)]
    pub countries: Vec<String>,
    /// Addresses on one line each.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Identity and registration numbers.
    #[serde(default)]
    pub identifiers: Vec<Identifier>,
    /// Sanctions programmes, regimes or roles.
    #[serde(default)]
    pub programs: Vec<String>,
    /// Free text an analyst reads.
    #[serde(default)]
    pub remarks: Option<String>,
    /// Where to read the entry at its publisher.
    #[serde(default)]
    pub source_url: Option<String>,
}

impl Entity {
    /// An entry with a key, a type and a main name; everything else empty.
    #[must_use]
    pub fn new(uid: &str, entity_type: EntityType, primary: &str) -> Self {
        Self {
            uid: uid.trim().to_owned(),
            entity_type,
            topic: None,
            names: vec![Name::new(primary, NameKind::Primary)],
            birth_dates: Vec::new(),
            gender: None,
            nationalities: Vec::new(),
            countries: Vec::new(),
            addresses: Vec::new(),
            identifiers: Vec::new(),
            programs: Vec::new(),
            remarks: None,
            source_url: None,
        }
    }

    /// The name shown to a reader.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.names.first().map_or("", |name| name.text.as_str())
    }

    /// Adds a name unless it is empty or already there.
    pub fn add_name(&mut self, text: &str, kind: NameKind) {
        let name = Name::new(text, kind);
        if !name.text.is_empty() && !self.names.iter().any(|known| known.text == name.text) {
            self.names.push(name);
        }
    }

    /// Adds a birth date unless it is already there.
    pub fn add_birth_date(&mut self, date: BirthDate) {
        if !self.birth_dates.contains(&date) {
            self.birth_dates.push(date);
        }
    }

    /// Sixteen bytes of SHA-256 over everything the list states, in hexadecimal, whatever the order in which it states its
    /// further names, dates and places. A cleared hit stays cleared while this stays the same.
    #[must_use]
    pub fn content_hash(&self) -> String {
        let mut fields: Vec<(u8, String)> = Vec::new();
        let mut field = |tag: u8, text: &str| fields.push((tag, text.to_owned()));
        field(0, &self.uid);
        field(1, &format!("{}/{}", self.entity_type.code(), self.topic.map_or(9, Topic::code)));
        // The first name is the one the entry goes by.
        field(9, self.names.first().map_or("", |name| &name.text));
        for name in &self.names {
            field(2 + name.kind.code(), &name.text);
        }
        for date in &self.birth_dates {
            field(10, &date.to_string());
        }
        field(11, &Gender::code(self.gender).to_string());
        self.nationalities.iter().for_each(|text| field(12, text));
        self.countries.iter().for_each(|text| field(13, text));
        self.addresses.iter().for_each(|text| field(14, text));
        for id in &self.identifiers {
            field(
                15,
                &format!(
                    "{}\u{1f}{}\u{1f}{}",
                    id.kind,
                    id.value,
                    id.country.as_deref().unwrap_or("")
                ),
            );
        }
        self.programs.iter().for_each(|text| field(16, text));
        if let Some(text) = &self.remarks {
            field(17, text);
        }
        if let Some(text) = &self.source_url {
            field(18, text);
        }
        fields.sort_unstable();
        let mut hasher = Sha256::new();
        for (tag, text) in &fields {
            hasher.update([*tag]);
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        let digest = hasher.finalize();
        hex(digest.get(..16).unwrap_or(&digest))
    }
}

/// One edition of one list: who published it, when, and what it holds.
#[derive(Debug, Clone)]
pub struct ListEdition {
    /// Which list and edition.
    pub info: ListInfo,
    /// Its entries.
    pub entities: Vec<Entity>,
}

/// Names a list and one edition of it. Stored in the index and repeated in every result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListInfo {
    /// Short stable key, for example `ofac-sdn`.
    pub id: String,
    /// The name a reader knows.
    pub name: String,
    /// What being on this list means, unless an entry says otherwise.
    pub topic: Topic,
    /// The publisher's date or version of this edition, where it states one.
    #[serde(default)]
    pub edition: Option<String>,
    /// SHA-256 of the source files, in hexadecimal, where they were read from files.
    #[serde(default)]
    pub source_hash: Option<String>,
}

impl ListInfo {
    /// A list with a key, a name and a topic.
    #[must_use]
    pub fn new(id: &str, name: &str, topic: Topic) -> Self {
        Self { id: id.to_owned(), name: name.to_owned(), topic, edition: None, source_hash: None }
    }
}

pub(crate) fn collapse_spaces(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_hash_moves_with_every_stated_fact_and_with_nothing_else() {
        let base = Entity::new("1", EntityType::Person, "Ana  Quill");
        assert_eq!(
            base.content_hash(),
            Entity::new(" 1 ", EntityType::Person, "Ana Quill").content_hash()
        );
        // A publisher may print its aliases in another order; the name an entry goes by is another matter.
        let aliases = |names: [&str; 2]| {
            let mut entity = base.clone();
            names.into_iter().for_each(|name| entity.add_name(name, NameKind::Strong));
            entity
        };
        let (mut one, other) = (aliases(["B Quill", "C Quill"]), aliases(["C Quill", "B Quill"]));
        assert_eq!(one.content_hash(), other.content_hash());
        one.names.reverse();
        assert_ne!(one.content_hash(), other.content_hash());
        let mut renamed = base.clone();
        renamed.add_name("Anna Quill", NameKind::Strong);
        let mut weak = base.clone();
        weak.add_name("Anna Quill", NameKind::Weak);
        let mut dated = base.clone();
        dated.birth_dates.extend(BirthDate::parse("1970"));
        let hashes = [base, renamed, weak, dated].map(|entity| entity.content_hash());
        for (at, hash) in hashes.iter().enumerate() {
            assert_eq!(hash.len(), 32);
            assert!(!hashes.iter().take(at).any(|earlier| earlier == hash));
        }
    }

    #[test]
    fn a_name_is_in_one_script() {
        for (text, script) in [
            ("José Nuñez-Łódzki 2", Script::Latin),
            ("", Script::Latin),
            ("Путин", Script::Cyrillic),
            ("OOO «Завод»", Script::Cyrillic),
            ("Αθήνα", Script::Greek),
            ("محمد", Script::Arabic),
            ("פרס", Script::Hebrew),
            ("Երևան", Script::Armenian),
            ("თბილისი", Script::Georgian),
            ("김영철", Script::Hangul),
            ("吴海波", Script::Han),
            ("नरेंद्र", Script::Other),
        ] {
            assert_eq!(Name::new(text, NameKind::Strong).script(), script, "{text}");
        }
    }

    #[test]
    fn types_meet_themselves_and_the_unknown() {
        use EntityType::*;
        assert!(Person.meets(Person) && Person.meets(Unknown) && Unknown.meets(Vessel));
        assert!(!Person.meets(Organisation) && !Organisation.meets(Vessel));
        for (word, kind) in
            [("PER", Person), ("Company", Organisation), ("individual", Person), ("", Unknown)]
        {
            assert_eq!(EntityType::parse(word), kind, "{word}");
        }
    }
}
