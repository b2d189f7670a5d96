//! Our own plain format: one JSON object a line.
//!
//! Invariant: `uid` and `name` are needed; every other field may be missing or empty.

use super::{Lost, ParseError, Parsed, Source, lines_of, text_of};
use crate::date::BirthDate;
use crate::entity::{Entity, EntityType, Gender, Identifier, NameKind};
use serde::Deserialize;

#[derive(Deserialize)]
struct Line {
    uid: String,
    #[serde(default, rename = "type")]
    entity_type: String,
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    weak_aliases: Vec<String>,
    #[serde(default)]
    former_names: Vec<String>,
    #[serde(default)]
    programs: Vec<String>,
    #[serde(default)]
    dob: Vec<String>,
    #[serde(default)]
    gender: String,
    #[serde(default)]
    nationality: Vec<String>,
    #[serde(default)]
    countries: Vec<String>,
    #[serde(default)]
    addresses: Vec<String>,
    #[serde(default)]
    ids: Vec<Vec<String>>,
    #[serde(default)]
    remarks: Option<String>,
    #[serde(default)]
    url: Option<String>,
}

pub(super) fn parse(sources: &[Source<'_>]) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::default();
    for source in sources {
        let text = text_of(source.bytes);
        for (at, line) in text.lines().enumerate() {
            let number = at as u64 + 1;
            if line.trim().is_empty() {
                continue;
            }
            let at = (source.file_name(), number);
            match serde_json::from_str::<Line>(line) {
                Ok(read) if read.uid.trim().is_empty() => {
                    parsed.reject(at, "empty uid", Lost::SomeEntry, line);
                }
                Ok(read) if read.name.trim().is_empty() => {
                    parsed.reject(at, "empty name", Lost::entry(&read.uid), line);
                }
                Ok(read) => parsed.add(at, entity(read)),
                Err(error) => {
                    // A line that is an object is whole, ended or not. The last one that is none was cut.
                    if text.ends_with(line) {
                        lines_of(source)?;
                    }
                    parsed.reject(at, error.to_string(), lost(line), line);
                }
            }
        }
    }
    Ok(parsed)
}

/// Which entry a line is of that is otherwise not as it should be.
fn lost(line: &str) -> Lost {
    match serde_json::from_str::<serde_json::Value>(line) {
        Ok(value) => Lost::entry(value["uid"].as_str().unwrap_or("")),
        Err(_) => Lost::SomeEntry,
    }
}

fn entity(line: Line) -> Entity {
    let mut entity = Entity::new(&line.uid, EntityType::parse(&line.entity_type), &line.name);
    for (names, kind) in [
        (&line.aliases, NameKind::Strong),
        (&line.weak_aliases, NameKind::Weak),
        (&line.former_names, NameKind::Former),
    ] {
        names.iter().for_each(|name| entity.add_name(name, kind));
    }
    line.dob
        .iter()
        .filter_map(|text| BirthDate::parse(text))
        .for_each(|date| entity.add_birth_date(date));
    entity.gender = Gender::parse(&line.gender);
    entity.programs = line.programs;
    entity.nationalities = line.nationality;
    entity.countries = line.countries;
    entity.addresses = line.addresses;
    entity.identifiers = line
        .ids
        .into_iter()
        .filter_map(|parts| match parts.as_slice() {
            [kind, value] => {
                Some(Identifier { kind: kind.clone(), value: value.clone(), country: None })
            }
            [kind, value, country, ..] => Some(Identifier {
                kind: kind.clone(),
                value: value.clone(),
                country: Some(country.clone()),
            }),
            _ => None,
        })
        .collect();
    entity.remarks = line.remarks;
    entity.source_url = line.url;
    entity
}

#[cfg(test)]
mod tests {
    use super::super::{Extent, Format, ParseError, Source, parse};

    #[test]
    fn lines_become_entities_and_broken_lines_are_named() {
        let text = concat!(
            "{\"uid\":\"1\",\"type\":\"person\",\"name\":\"Ana Quill\",\"aliases\":[\"A. Quill\"],\"dob\":[\"1970\"],",
            "\"ids\":[[\"Passport\",\"X123456\"]]}\n",
            "not json\n\n",
            "{\"uid\":\"2\",\"name\":\"Oxenmark Trading\",\"type\":\"entity\"}\n"
        );
        let parsed = parse(Format::Jsonl, &[Source::new("list.jsonl", text.as_bytes())]).unwrap();
        assert_eq!(parsed.entities.len(), 2);
        assert_eq!(parsed.entities[0].names.len(), 2);
        assert_eq!(parsed.rejected.len(), 1);
        assert_eq!((parsed.rejected[0].file.as_str(), parsed.rejected[0].line), ("list.jsonl", 2));
    }

    #[test]
    fn a_shrunken_or_empty_list_is_refused() {
        assert!(matches!(parse(Format::Jsonl, &[]), Err(ParseError::Missing(_))));
        let line = "{\"uid\":\"1\",\"name\":\"Ana Quill\"}\n";
        let parsed = parse(Format::Jsonl, &[Source::new("a", line.as_bytes())]).unwrap();
        let held = |entries| Extent { entries, ..Extent::default() };
        assert!(parsed.check_against(&held(1)).is_ok());
        let shrunk = ParseError::Shrunk { what: "entries", now: 1, before: 2 };
        assert_eq!(parsed.check_against(&held(2)), Err(shrunk));
        // As many entries, and their aliases are gone.
        let named = Extent { entries: 1, names: 100, ..Extent::default() };
        let shrunk = ParseError::Shrunk { what: "names", now: parsed.extent().names, before: 100 };
        assert_eq!(parsed.check_against(&named), Err(shrunk));
    }
}
