//! OFAC's `sdn.xml` and `consolidated.xml`.
//!
//! Invariant: the stated record count must be there and agree with what was read, because this is how a cut file shows.

use super::xml::{Node, walk};
use super::{Lost, ParseError, Parsed, Source, ofac_csv, text_of};
use crate::date::BirthDate;
use crate::entity::{Entity, EntityType, Gender, Identifier, NameKind};

pub(super) fn parse(sources: &[Source<'_>]) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::default();
    for source in sources {
        let file = source.file_name();
        let text = text_of(source.bytes);
        let mut records = Vec::new();
        let mut published = None;
        let seen = walk(
            file,
            &text,
            |name| matches!(name, "sdnEntry" | "publshInformation"),
            |node, line| {
                if node.name == "publshInformation" {
                    published = Some(node);
                } else {
                    let lost = || (Lost::entry(node.get("uid")), format!("{node:?}"));
                    records.push((line, entity(&node).map_err(|reason| (reason, lost()))));
                }
            },
        )?;
        if seen.root.name != "sdnList" {
            return Err(ParseError::Malformed {
                file: file.to_owned(),
                reason: "not an sdnList".to_owned(),
            });
        }
        let published =
            published.ok_or_else(|| ParseError::Missing("section publshInformation".to_owned()))?;
        let stated: usize = published
            .get("Record_Count")
            .parse()
            .map_err(|_| ParseError::Missing("the record count".to_owned()))?;
        if stated != records.len() {
            let reason = format!("{} entries where {stated} are stated", records.len());
            return Err(ParseError::Malformed { file: file.to_owned(), reason });
        }
        let edition = published.get("Publish_Date");
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

fn full_name(node: &Node) -> String {
    format!("{} {}", node.get("firstName"), node.get("lastName")).trim().to_owned()
}

fn entity(node: &Node) -> Result<Entity, String> {
    let uid = node.get("uid");
    let name = full_name(node);
    if uid.is_empty() || name.is_empty() {
        return Err(format!("entry {uid:?} lacks a number or a name"));
    }
    let mut entity = Entity::new(uid, EntityType::parse(node.get("sdnType")), &name);
    entity.programs =
        node.items("programList", "program").map(|program| program.text().to_owned()).collect();
    for alias in node.items("akaList", "aka") {
        let kind = match (alias.get("type"), alias.get("category")) {
            ("f.k.a.", _) => NameKind::Former,
            (_, "weak") => NameKind::Weak,
            _ => NameKind::Strong,
        };
        entity.add_name(&full_name(alias), kind);
    }
    for item in node.items("dateOfBirthList", "dateOfBirthItem") {
        if let Some(date) = BirthDate::parse(item.get("dateOfBirth")) {
            entity.add_birth_date(date);
        }
    }
    for (list, item) in [("nationalityList", "nationality"), ("citizenshipList", "citizenship")] {
        entity
            .nationalities
            .extend(node.items(list, item).map(|item| item.get("country").to_owned()));
    }
    for address in node.items("addressList", "address") {
        let line: Vec<&str> = [
            "address1",
            "address2",
            "address3",
            "city",
            "stateOrProvince",
            "postalCode",
            "country",
        ]
        .iter()
        .map(|part| address.get(part))
        .filter(|part| !part.is_empty())
        .collect();
        if !line.is_empty() {
            entity.addresses.push(line.join(", "));
        }
        let country = address.get("country");
        if !country.is_empty() && !entity.countries.iter().any(|known| known == country) {
            entity.countries.push(country.to_owned());
        }
    }
    for id in node.items("idList", "id") {
        let (kind, number) = (id.get("idType"), id.get("idNumber"));
        if kind == "Gender" {
            entity.gender = Gender::parse(number);
        } else if !number.is_empty() {
            let country = id.get("idCountry");
            entity.identifiers.push(Identifier {
                kind: kind.to_owned(),
                value: number.trim_start_matches("IMO ").to_owned(),
                country: (!country.is_empty()).then(|| country.to_owned()),
            });
        }
    }
    for vessel in node.all("vesselInfo") {
        let flag = vessel.get("vesselFlag");
        if !flag.is_empty() {
            entity.countries.push(flag.to_owned());
        }
        let sign = vessel.get("callSign");
        if !sign.is_empty() {
            entity.identifiers.push(Identifier {
                kind: "Call sign".to_owned(),
                value: sign.to_owned(),
                country: None,
            });
        }
    }
    let remarks = node.get("remarks");
    ofac_csv::read_remarks(&mut entity, remarks);
    entity.remarks = (!remarks.is_empty()).then(|| remarks.to_owned());
    entity.source_url =
        Some(format!("https://sanctionssearch.ofac.treas.gov/Details.aspx?id={uid}"));
    Ok(entity)
}

#[cfg(test)]
mod tests {
    use super::super::{Format, ParseError, Source, parse};
    use super::*;

    const LIST: &str = r#"<?xml version="1.0"?><sdnList xmlns="https://example.org/XML"><publshInformation>
<Publish_Date>11/20/2026</Publish_Date><Record_Count>2</Record_Count></publshInformation>
<sdnEntry><uid>77</uid><firstName>Ana</firstName><lastName>QUILL</lastName><sdnType>Individual</sdnType>
<programList><program>SDGT</program></programList>
<idList><id><uid>1</uid><idType>Gender</idType><idNumber>Female</idNumber></id><id><uid>2</uid><idType>Passport</idType><idNumber>A1234567</idNumber><idCountry>Mexico</idCountry></id></idList>
<akaList><aka><uid>3</uid><type>a.k.a.</type><category>weak</category><lastName>LA PLUMA</lastName></aka></akaList>
<dateOfBirthList><dateOfBirthItem><uid>4</uid><dateOfBirth>circa 1968</dateOfBirth><mainEntry>true</mainEntry></dateOfBirthItem></dateOfBirthList></sdnEntry>
<sdnEntry><uid>78</uid><lastName>SEA LARK</lastName><sdnType>Vessel</sdnType><vesselInfo><callSign>T2EA4</callSign><vesselFlag>Panama</vesselFlag></vesselInfo></sdnEntry></sdnList>"#;

    #[test]
    fn entries_are_read() {
        let parsed = parse(Format::OfacXml, &[Source::new("sdn.xml", LIST.as_bytes())]).unwrap();
        assert_eq!(parsed.edition.as_deref(), Some("11/20/2026"));
        let [person, vessel] = parsed.entities.as_slice() else { panic!("two entries") };
        assert_eq!((person.display_name(), person.gender), ("Ana QUILL", Some(Gender::Female)));
        assert_eq!(
            (person.names[1].kind, person.birth_dates[0].to_string().as_str()),
            (NameKind::Weak, "circa 1968")
        );
        assert_eq!(person.identifiers[0].country.as_deref(), Some("Mexico"));
        assert_eq!(
            (vessel.entity_type, vessel.countries.as_slice()),
            (EntityType::Vessel, &["Panama".to_owned()][..])
        );
    }

    #[test]
    fn a_wrong_record_count_refuses_the_file() {
        let wrong = LIST.replace("<Record_Count>2<", "<Record_Count>3<");
        let error =
            parse(Format::OfacXml, &[Source::new("sdn.xml", wrong.as_bytes())]).unwrap_err();
        assert!(matches!(error, ParseError::Malformed { .. }), "{error}");
    }
}
