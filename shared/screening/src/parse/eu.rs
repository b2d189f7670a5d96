//! The EU's consolidated financial sanctions list, as XML and as semicolon-separated rows.
//!
//! Invariant: rows that share an entity number describe one entity, each adding what it holds; columns are found by name.

use super::csv_rows::{Header, Row, TOO_WIDE, rows};
use super::xml::{Node, walk};
use super::{Lost, ParseError, Parsed, Source, lines_of, text_of};
use crate::date::{BirthDate, PartialDate};
use crate::entity::{Entity, EntityType, Gender, Identifier, NameKind};
use std::collections::HashMap;

pub(super) fn parse_xml(sources: &[Source<'_>]) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::default();
    for source in sources {
        let file = source.file_name();
        let text = text_of(source.bytes);
        let mut records = Vec::new();
        let seen = walk(
            file,
            &text,
            |name| name == "sanctionEntity",
            |node, line| {
                let lost = || (Lost::entry(node.attribute("logicalId")), format!("{node:?}"));
                records.push((line, entity(&node).map_err(|reason| (reason, lost()))));
            },
        )?;
        if seen.root.name != "export" {
            return Err(ParseError::Malformed {
                file: file.to_owned(),
                reason: "not an export".to_owned(),
            });
        }
        let edition = seen.root.attribute("generationDate");
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

fn type_of(code: &str) -> EntityType {
    match code {
        "P" | "person" => EntityType::Person,
        "E" | "enterprise" => EntityType::Organisation,
        _ => EntityType::Unknown,
    }
}

fn alias_name(whole: &str, parts: [&str; 3]) -> String {
    if !whole.trim().is_empty() {
        return whole.trim().to_owned();
    }
    let parts: Vec<&str> =
        parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

fn entity(node: &Node) -> Result<Entity, String> {
    let uid = node.attribute("logicalId");
    if uid.is_empty() {
        return Err("no logicalId".to_owned());
    }
    let kind = node.all("subjectType").next().map_or(EntityType::Unknown, |kind| {
        match type_of(kind.attribute("classificationCode")) {
            EntityType::Unknown => type_of(kind.attribute("code")),
            known => known,
        }
    });
    let mut entity: Option<Entity> = None;
    for alias in node.all("nameAlias") {
        let parts = ["firstName", "middleName", "lastName"].map(|part| alias.attribute(part));
        let name = alias_name(alias.attribute("wholeName"), parts);
        if name.is_empty() {
            continue;
        }
        let strength =
            if alias.attribute("strong") == "false" { NameKind::Weak } else { NameKind::Strong };
        match &mut entity {
            None => entity = Some(Entity::new(uid, kind, &name)),
            Some(entity) => entity.add_name(&name, strength),
        }
        if let Some(entity) = &mut entity {
            entity.gender = entity.gender.or_else(|| Gender::parse(alias.attribute("gender")));
        }
    }
    let mut entity = entity.ok_or_else(|| format!("entity {uid} has no name"))?;
    for date in node.all("birthdate") {
        let circa = date.attribute("circa") == "true";
        let (from, to) = (date.attribute("yearRangeFrom"), date.attribute("yearRangeTo"));
        let read = match (PartialDate::parse(from), PartialDate::parse(to)) {
            (Some(from), Some(to)) => Some(BirthDate::span(from, to, circa)),
            _ => PartialDate::parse(date.attribute("birthdate"))
                .or_else(|| PartialDate::parse(date.attribute("year")))
                .map(|date| BirthDate::from_date(date, circa)),
        };
        if let Some(date) = read {
            entity.add_birth_date(date);
        }
    }
    entity.nationalities =
        node.all("citizenship").map(|item| item.attribute("countryIso2Code").to_owned()).collect();
    for address in node.all("address") {
        let line: Vec<&str> = ["street", "city", "zipCode", "countryDescription"]
            .iter()
            .map(|part| address.attribute(part))
            .filter(|part| !part.is_empty())
            .collect();
        if !line.is_empty() {
            entity.addresses.push(line.join(", "));
        }
        push_new(&mut entity.countries, address.attribute("countryIso2Code"));
    }
    for id in node.all("identification") {
        push_identifier(
            &mut entity,
            id.attribute("identificationTypeCode"),
            id.attribute("number"),
            id.attribute("countryIso2Code"),
        );
    }
    for regulation in node.all("regulation") {
        push_new(&mut entity.programs, regulation.attribute("programme"));
    }
    let remarks: Vec<&str> =
        node.all("remark").map(Node::text).filter(|text| !text.is_empty()).collect();
    entity.remarks = (!remarks.is_empty()).then(|| remarks.join(" "));
    let url =
        node.all("regulation").map(|item| item.get("publicationUrl")).find(|url| !url.is_empty());
    entity.source_url = url.map(str::to_owned);
    Ok(entity)
}

fn push_new(list: &mut Vec<String>, value: &str) {
    let value = value.trim();
    // "00" stands for "unknown country" in this list.
    if !value.is_empty() && value != "00" && !list.iter().any(|known| known == value) {
        list.push(value.to_owned());
    }
}

fn push_identifier(entity: &mut Entity, kind: &str, number: &str, country: &str) {
    if number.is_empty() || entity.identifiers.iter().any(|known| known.value == number) {
        return;
    }
    let country = (!country.is_empty() && country != "00").then(|| country.to_owned());
    entity.identifiers.push(Identifier {
        kind: kind.to_owned(),
        value: number.to_owned(),
        country,
    });
}

pub(super) fn parse_csv(sources: &[Source<'_>]) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::default();
    let mut known: HashMap<String, usize> = HashMap::new();
    for source in sources {
        let file = source.file_name();
        let text = lines_of(source)?;
        let mut rows = rows(&text, b';');
        let header = rows.next().map(|row| Header::of(&row));
        let needed = ["entity_logicalid", "namealias_wholename"];
        let Some(header) =
            header.filter(|header| needed.iter().all(|name| header.column(name).is_some()))
        else {
            return Err(ParseError::Malformed {
                file: file.to_owned(),
                reason: "no header with Entity_LogicalId and NameAlias_WholeName".to_owned(),
            });
        };
        // Rows before an entity's first name wait here: facts may be printed in any order.
        let mut waiting: Vec<(String, Row)> = Vec::new();
        for row in rows.by_ref() {
            let uid = header.get(&row, "entity_logicalid").to_owned();
            let problem = if header.is_exceeded_by(&row) {
                Some(TOO_WIDE.to_owned())
            } else if uid.is_empty() || !uid.bytes().all(|byte| byte.is_ascii_digit()) {
                Some(format!("{uid:?} is no entity number"))
            } else {
                None
            };
            if let Some(reason) = problem {
                let text = row.text_without(header.column("filegenerationdate"));
                parsed.reject((file, row.line), reason, Lost::SomeEntry, &text);
                continue;
            }
            let edition = header.get(&row, "filegenerationdate");
            if parsed.edition.is_none() && !edition.is_empty() {
                parsed.edition = Some(edition.to_owned());
            }
            let name = row_name(&header, &row);
            if name.is_empty() {
                waiting.push((uid, row));
                continue;
            }
            let at = *known.entry(uid.clone()).or_insert_with(|| {
                let kind = ["entity_subjecttype_classificationcode", "entity_subjecttype"]
                    .iter()
                    .map(|column| type_of(header.get(&row, column)))
                    .find(|kind| *kind != EntityType::Unknown)
                    .unwrap_or(EntityType::Unknown);
                parsed.add((file, row.line), Entity::new(&uid, kind, &name));
                parsed.entities.len() - 1
            });
            if let Some(entity) = parsed.entities.get_mut(at) {
                entity.add_name(&name, NameKind::Strong);
                facts(&header, &row, entity);
            }
        }
        rows.end(file)?;
        for (uid, row) in waiting {
            match known.get(&uid).and_then(|at| parsed.entities.get_mut(*at)) {
                Some(entity) => facts(&header, &row, entity),
                None => {
                    let reason = format!("entity {uid} has no name");
                    let text = row.text_without(header.column("filegenerationdate"));
                    parsed.reject((file, row.line), reason, Lost::Entry(uid), &text);
                }
            }
        }
    }
    Ok(parsed)
}

fn row_name(header: &Header, row: &Row) -> String {
    let parts = ["namealias_firstname", "namealias_middlename", "namealias_lastname"];
    alias_name(header.get(row, "namealias_wholename"), parts.map(|part| header.get(row, part)))
}

fn facts(header: &Header, row: &Row, entity: &mut Entity) {
    let get = |column| header.get(row, column);
    entity.gender = entity.gender.or_else(|| Gender::parse(get("namealias_gender")));
    let date =
        [get("birthdate_birthdate"), get("birthdate_year")].into_iter().find_map(BirthDate::parse);
    if let Some(date) = date {
        entity.add_birth_date(date);
    }
    push_new(&mut entity.nationalities, get("citizenship_countryiso2code"));
    push_new(&mut entity.countries, get("address_countryiso2code"));
    let address: Vec<&str> =
        ["address_street", "address_city", "address_zipcode", "address_countrydescription"]
            .iter()
            .map(|column| get(column))
            .filter(|part| !part.is_empty())
            .collect();
    push_new(&mut entity.addresses, &address.join(", "));
    push_identifier(
        entity,
        get("identification_typecode"),
        get("identification_number"),
        get("identification_countryiso2code"),
    );
    push_new(&mut entity.programs, get("entity_regulation_programme"));
    let remark = get("entity_remark");
    if entity.remarks.is_none() && !remark.is_empty() {
        entity.remarks = Some(remark.to_owned());
    }
    let url = get("entity_regulation_publicationurl");
    if entity.source_url.is_none() && !url.is_empty() {
        entity.source_url = Some(url.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, ParseError, Source, parse};
    use super::*;

    #[test]
    fn xml_entities_are_read() {
        let text = r#"<export xmlns="http://eu.europa.ec/fpi/fsd/export" generationDate="2026-06-01T10:00:00"><sanctionEntity
 euReferenceNumber="EU.27.28" logicalId="13"><remark>UNSC</remark><regulation programme="IRQ"><publicationUrl>http://eur-lex.europa.eu/x</publicationUrl></regulation>
<subjectType code="person" classificationCode="P"/><nameAlias firstName="Ana" lastName="Quill" wholeName="Ana Quill" gender="F" strong="true"/>
<nameAlias wholeName="La Pluma" strong="false"/><citizenship countryIso2Code="IQ"/><birthdate circa="true" year="1937"/>
<identification number="PP998877" identificationTypeCode="passport" countryIso2Code="00"/></sanctionEntity><sanctionEntity logicalId="14"/></export>"#;
        let parsed = parse(Format::EuXml, &[Source::new("eu.xml", text.as_bytes())]).unwrap();
        let [entity] = parsed.entities.as_slice() else { panic!("one entity") };
        assert_eq!(
            (entity.entity_type, entity.names[1].kind),
            (EntityType::Person, NameKind::Weak)
        );
        assert_eq!(entity.birth_dates[0].to_string(), "circa 1937");
        assert_eq!(
            (entity.identifiers[0].country.as_deref(), entity.programs[0].as_str()),
            (None, "IRQ")
        );
        assert_eq!(parsed.rejected[0].reason, "entity 14 has no name");
    }

    #[test]
    fn csv_rows_of_one_entity_are_joined() {
        let text = "\u{feff}fileGenerationDate;Entity_LogicalId;Entity_SubjectType;NameAlias_WholeName;BirthDate_BirthDate;Citizenship_CountryIso2Code\n\
            2026-06-01;13;P;Ana Quill;;\n2026-06-01;13;P;Anna Quill;;\n2026-06-01;13;P;;1937-04-28;\n2026-06-01;13;P;;;IQ\n\
            2026-06-01;15;E;Oxenmark Trading;;\n2026-06-01;99;E;;;SY\nx;y\n";
        let parsed = parse(Format::EuCsv, &[Source::new("eu.csv", text.as_bytes())]).unwrap();
        let [person, body] = parsed.entities.as_slice() else { panic!("two entities") };
        assert_eq!(
            (person.names.len(), person.birth_dates.len(), person.nationalities.as_slice()),
            (2, 1, &["IQ".to_owned()][..])
        );
        assert_eq!(body.entity_type, EntityType::Organisation);
        assert_eq!(parsed.rejected.len(), 2);
        assert!(matches!(
            parse(Format::EuCsv, &[Source::new("eu.csv", b"a;b\n")]),
            Err(ParseError::Malformed { .. })
        ));
    }
}
