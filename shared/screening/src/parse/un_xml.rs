//! The UN Security Council's consolidated list.
//!
//! Invariant: both sections, individuals and entities, must be there; "Low" aliases are weak, "f.k.a." are former.

use super::xml::{Node, walk};
use super::{Lost, ParseError, Parsed, Source, text_of};
use crate::date::{BirthDate, PartialDate};
use crate::entity::{Entity, EntityType, Gender, Identifier, NameKind, collapse_spaces};

pub(super) fn parse(sources: &[Source<'_>]) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::default();
    for source in sources {
        let file = source.file_name();
        let text = text_of(source.bytes);
        let mut records = Vec::new();
        let seen = walk(
            file,
            &text,
            |name| matches!(name, "INDIVIDUAL" | "ENTITY"),
            |node, line| {
                let lost = || (Lost::entry(node.get("DATAID")), format!("{node:?}"));
                records.push((line, entity(&node).map_err(|reason| (reason, lost()))));
            },
        )?;
        if seen.root.name != "CONSOLIDATED_LIST" {
            return Err(ParseError::Malformed {
                file: file.to_owned(),
                reason: "not a consolidated list".to_owned(),
            });
        }
        for section in ["INDIVIDUALS", "ENTITIES"] {
            if !seen.sections.iter().any(|name| name == section) {
                return Err(ParseError::Missing(format!("section {section}")));
            }
        }
        let edition = seen.root.attribute("dateGenerated");
        parsed.edition = (!edition.is_empty()).then(|| edition.to_owned()).or(parsed.edition);
        for (line, record) in records {
            match record {
                Ok(entity) => parsed.add((file, line), entity),
                Err((reason, (lost, text))) => {
                    parsed.reject((file, line), reason, lost, &text);
                }
            }
        }
    }
    Ok(parsed)
}

fn entity(node: &Node) -> Result<Entity, String> {
    let person = node.name == "INDIVIDUAL";
    let uid = node.get("DATAID");
    if uid.is_empty() {
        return Err("no DATAID".to_owned());
    }
    let parts: Vec<&str> = ["FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME"]
        .iter()
        .map(|part| node.get(part))
        .collect();
    let name = collapse_spaces(&parts.join(" "));
    if name.is_empty() {
        return Err(format!("entry {uid} has no name"));
    }
    let kind = if person { EntityType::Person } else { EntityType::Organisation };
    let mut entity = Entity::new(uid, kind, &name);
    entity.add_name(node.get("NAME_ORIGINAL_SCRIPT"), NameKind::Strong);
    let (alias, address) = if person {
        ("INDIVIDUAL_ALIAS", "INDIVIDUAL_ADDRESS")
    } else {
        ("ENTITY_ALIAS", "ENTITY_ADDRESS")
    };
    for alias in node.all(alias) {
        let kind = match alias.get("QUALITY") {
            "Low" => NameKind::Weak,
            "f.k.a." => NameKind::Former,
            _ => NameKind::Strong,
        };
        entity.add_name(alias.get("ALIAS_NAME"), kind);
    }
    node.all("INDIVIDUAL_DATE_OF_BIRTH")
        .filter_map(birth_date)
        .for_each(|date| entity.add_birth_date(date));
    entity.gender = Gender::parse(node.get("GENDER"));
    entity.nationalities =
        node.items("NATIONALITY", "VALUE").map(|value| value.text().to_owned()).collect();
    for address in node.all(address) {
        let line: Vec<&str> = ["STREET", "CITY", "STATE_PROVINCE", "ZIP_CODE", "COUNTRY"]
            .iter()
            .map(|part| address.get(part))
            .filter(|part| !part.is_empty())
            .collect();
        if !line.is_empty() {
            entity.addresses.push(line.join(", "));
        }
        let country = address.get("COUNTRY");
        if !country.is_empty() && !entity.countries.iter().any(|known| known == country) {
            entity.countries.push(country.to_owned());
        }
    }
    for document in node.all("INDIVIDUAL_DOCUMENT") {
        let number = document.get("NUMBER");
        if !number.is_empty() {
            let country = [document.get("ISSUING_COUNTRY"), document.get("COUNTRY_OF_ISSUE")];
            entity.identifiers.push(Identifier {
                kind: document.get("TYPE_OF_DOCUMENT").to_owned(),
                value: number.to_owned(),
                country: country
                    .iter()
                    .find(|country| !country.is_empty())
                    .map(|country| (*country).to_owned()),
            });
        }
    }
    entity.programs =
        vec![node.get("UN_LIST_TYPE").to_owned(), node.get("REFERENCE_NUMBER").to_owned()];
    entity.programs.retain(|program| !program.is_empty());
    let remarks = node.get("COMMENTS1");
    entity.remarks = (!remarks.is_empty()).then(|| remarks.to_owned());
    entity.source_url =
        Some("https://main.un.org/securitycouncil/en/content/un-sc-consolidated-list".to_owned());
    Ok(entity)
}

fn birth_date(node: &Node) -> Option<BirthDate> {
    let circa = node.get("TYPE_OF_DATE").eq_ignore_ascii_case("approximately");
    let read = |name| PartialDate::parse(node.get(name));
    match (read("FROM_YEAR"), read("TO_YEAR")) {
        (Some(from), Some(to)) => Some(BirthDate::span(from, to, circa)),
        (Some(year), None) | (None, Some(year)) => Some(BirthDate::from_date(year, true)),
        (None, None) => {
            read("DATE").or_else(|| read("YEAR")).map(|date| BirthDate::from_date(date, circa))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, ParseError, Source, parse};
    use super::*;

    const LIST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<CONSOLIDATED_LIST dateGenerated="2026-02-27T00:00:09Z"><INDIVIDUALS><INDIVIDUAL><DATAID>11</DATAID>
<FIRST_NAME>ANA</FIRST_NAME><SECOND_NAME>QUILL &amp; MARSH</SECOND_NAME><UN_LIST_TYPE>DRC</UN_LIST_TYPE><GENDER>Female</GENDER>
<NATIONALITY><VALUE>Rwanda</VALUE></NATIONALITY><INDIVIDUAL_ALIAS><QUALITY>Low</QUALITY><ALIAS_NAME>Lydia</ALIAS_NAME></INDIVIDUAL_ALIAS>
<INDIVIDUAL_ALIAS><QUALITY/><ALIAS_NAME/></INDIVIDUAL_ALIAS>
<INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>BETWEEN</TYPE_OF_DATE><FROM_YEAR>1973</FROM_YEAR><TO_YEAR>1974</TO_YEAR></INDIVIDUAL_DATE_OF_BIRTH>
<INDIVIDUAL_DOCUMENT><TYPE_OF_DOCUMENT>Passport</TYPE_OF_DOCUMENT><NUMBER>PC123456</NUMBER></INDIVIDUAL_DOCUMENT></INDIVIDUAL>
<INDIVIDUAL><FIRST_NAME>NOBODY</FIRST_NAME></INDIVIDUAL></INDIVIDUALS>
<ENTITIES><ENTITY><DATAID>12</DATAID><FIRST_NAME>OXENMARK FRONT</FIRST_NAME>
<ENTITY_ALIAS><QUALITY>f.k.a.</QUALITY><ALIAS_NAME>OLD FRONT</ALIAS_NAME></ENTITY_ALIAS></ENTITY></ENTITIES></CONSOLIDATED_LIST>"#;

    #[test]
    fn people_and_bodies_are_read() {
        let parsed = parse(Format::UnXml, &[Source::new("un.xml", LIST.as_bytes())]).unwrap();
        assert_eq!(parsed.edition.as_deref(), Some("2026-02-27T00:00:09Z"));
        let [person, body] = parsed.entities.as_slice() else { panic!("two entries") };
        assert_eq!(person.display_name(), "ANA QUILL & MARSH");
        assert_eq!(person.names[1].kind, NameKind::Weak);
        assert_eq!(person.birth_dates[0].to_string(), "1973-01-01 to 1974-12-31");
        assert_eq!(
            (person.gender, person.identifiers[0].value.as_str()),
            (Some(Gender::Female), "PC123456")
        );
        assert_eq!(
            (body.entity_type, body.names[1].kind),
            (EntityType::Organisation, NameKind::Former)
        );
        assert_eq!(parsed.rejected.len(), 1);
        assert_eq!(parsed.rejected[0].line, 8);
    }

    #[test]
    fn a_cut_or_sectionless_list_is_refused() {
        let cut = &LIST.as_bytes()[..LIST.len() - 40];
        assert!(matches!(
            parse(Format::UnXml, &[Source::new("un.xml", cut)]),
            Err(ParseError::Malformed { .. })
        ));
        let start = LIST.find("<ENTITIES>").unwrap();
        let without = format!("{}</CONSOLIDATED_LIST>", &LIST[..start]);
        let error = parse(Format::UnXml, &[Source::new("un.xml", without.as_bytes())]).unwrap_err();
        assert_eq!(error, ParseError::Missing("section ENTITIES".to_owned()));
    }
}
