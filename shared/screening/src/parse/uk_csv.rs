//! The UK sanctions list, and the older consolidated list of the Treasury's sanctions office.
//!
//! Invariant: rows that share a unique number describe one entity; "Name 6" is the family or the whole name and "Name 1"
//! to "Name 5" the given names; the header may stand under a line with the report's date.

use super::csv_rows::{Header, Row, TOO_WIDE, rows};
use super::{Lost, ParseError, Parsed, Source, lines_of};
use crate::date::BirthDate;
use crate::entity::{Entity, EntityType, Gender, Identifier, NameKind, collapse_spaces};
use std::collections::HashMap;

pub(super) fn parse(sources: &[Source<'_>]) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::default();
    let mut known: HashMap<String, usize> = HashMap::new();
    for source in sources {
        let file = source.file_name();
        let text = lines_of(source)?;
        let mut rows = rows(&text, b',');
        let mut header = None;
        for row in rows.by_ref().take(3) {
            let candidate = Header::of(&row);
            if candidate.column("name 6").is_some() {
                header = Some(candidate);
                break;
            }
            let line: Vec<&str> = row.fields().filter(|field| !field.is_empty()).collect();
            parsed.edition = line.last().map(|text| (*text).to_owned());
        }
        let number = ["unique id", "group id"];
        let Some(header) =
            header.filter(|header| number.iter().any(|name| header.column(name).is_some()))
        else {
            return Err(ParseError::Malformed {
                file: file.to_owned(),
                reason: "no header with Name 6 and a unique number".to_owned(),
            });
        };
        for row in rows.by_ref() {
            let uid = first(&header, &row, &number).to_owned();
            let name = name_of(&header, &row);
            let problem = match (uid.is_empty() || name.is_empty(), header.is_exceeded_by(&row)) {
                (_, true) => Some((TOO_WIDE, Lost::SomeEntry)),
                (true, _) => Some(("no unique number or no name", Lost::entry(&uid))),
                _ => None,
            };
            if let Some((reason, lost)) = problem {
                parsed.reject((file, row.line), reason, lost, &row.text());
                continue;
            }
            let at = *known.entry(uid.clone()).or_insert_with(|| {
                let kind = first(
                    &header,
                    &row,
                    &["designation type", "individual, entity, ship", "group type"],
                );
                parsed.add((file, row.line), Entity::new(&uid, EntityType::parse(kind), &name));
                parsed.entities.len() - 1
            });
            if let Some(entity) = parsed.entities.get_mut(at) {
                add(&header, &row, entity, &name);
            }
        }
        rows.end(file)?;
    }
    for entity in &mut parsed.entities {
        // The first row of an entity need not hold its main name.
        entity.names.sort_by_key(|name| name.kind);
        entity.names.dedup_by(|other, one| other.text == one.text);
    }
    Ok(parsed)
}

fn first<'r>(header: &Header, row: &'r Row, columns: &[&str]) -> &'r str {
    columns
        .iter()
        .map(|column| header.get(row, column))
        .find(|value| !value.is_empty())
        .unwrap_or("")
}

fn name_of(header: &Header, row: &Row) -> String {
    let parts = ["name 1", "name 2", "name 3", "name 4", "name 5", "name 6"]
        .map(|column| header.get(row, column));
    collapse_spaces(&parts.join(" "))
}

fn add(header: &Header, row: &Row, entity: &mut Entity, name: &str) {
    let get = |column| header.get(row, column);
    let kind = first(header, row, &["name type", "alias type"]).to_ascii_lowercase();
    let strength = first(header, row, &["alias strength", "alias quality"]).to_ascii_lowercase();
    let kind = if kind.starts_with("primary name") && !kind.contains("variation") {
        NameKind::Primary
    } else if kind.contains("f.k.a") || kind.contains("fka") || kind.contains("formerly") {
        NameKind::Former
    } else if strength.contains("low") || strength.contains("weak") {
        NameKind::Weak
    } else {
        NameKind::Strong
    };
    match entity.names.iter_mut().find(|known| known.text == name) {
        Some(known)
            if entity.addresses.is_empty()
                && known.kind == NameKind::Primary
                && entity_is_fresh(kind) =>
        {
            known.kind = kind;
        }
        Some(_) => {}
        None => entity.add_name(name, kind),
    }
    let script = first(header, row, &["name non-latin script", "name non-latin script type"]);
    if !script.is_empty() && !script.is_ascii() {
        entity.add_name(script, NameKind::Strong);
    }
    if let Some(date) =
        ["d.o.b", "dob"].iter().find_map(|column| BirthDate::parse(&readable(get(column))))
    {
        entity.add_birth_date(date);
    }
    entity.gender = entity.gender.or_else(|| Gender::parse(get("gender")));
    for nationality in first(header, row, &["nationality(/ies)", "nationality"]).split(['/', ';']) {
        push_new(&mut entity.nationalities, nationality);
    }
    for column in ["address country", "country", "current believed flag of ship"] {
        push_new(&mut entity.countries, get(column));
    }
    let lines = [
        "address line 1",
        "address line 2",
        "address line 3",
        "address line 4",
        "address line 5",
        "address line 6",
    ];
    let old = ["address 1", "address 2", "address 3", "address 4", "address 5", "address 6"];
    let address: Vec<&str> = lines
        .iter()
        .chain(&old)
        .chain(&["address postal code", "post/zip code", "address country"])
        .map(|column| get(column))
        .filter(|part| !part.is_empty())
        .collect();
    push_new(&mut entity.addresses, &address.join(", "));
    for (kind, columns) in [
        ("Passport", ["passport number", "passport details"]),
        ("National ID", ["national identifier number", "national identification number"]),
        (
            "Registration number",
            ["business registration number (s)", "business registration number"],
        ),
        ("IMO", ["imo number", "imo"]),
    ] {
        let value = first(header, row, &columns);
        if !value.is_empty() && !entity.identifiers.iter().any(|known| known.value == value) {
            entity.identifiers.push(Identifier {
                kind: kind.to_owned(),
                value: value.to_owned(),
                country: None,
            });
        }
    }
    push_new(&mut entity.programs, first(header, row, &["regime name", "regime"]));
    let remark = get("other information");
    if entity.remarks.is_none() && !remark.is_empty() {
        entity.remarks = Some(remark.to_owned());
    }
    if entity.source_url.is_none() {
        entity.source_url =
            Some("https://www.gov.uk/government/publications/the-uk-sanctions-list".to_owned());
    }
}

/// The row that made the entity names its kind too.
fn entity_is_fresh(kind: NameKind) -> bool {
    kind != NameKind::Primary
}

/// "dd/mm/1968" and "00/00/1968" know only the year.
fn readable(date: &str) -> String {
    date.replace("dd/", "00/").replace("mm/", "00/").replace("DD/", "00/").replace("MM/", "00/")
}

fn push_new(list: &mut Vec<String>, value: &str) {
    let value = value.trim();
    if !value.is_empty() && !list.iter().any(|known| known == value) {
        list.push(value.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, ParseError, Source, parse};
    use super::*;

    const LIST: &str = "Report Date: 20-Nov-2026\n\
        Last Updated,Unique ID,OFSI Group ID,Name 6,Name 1,Name 2,Name type,Alias strength,Name non-latin script,Regime Name,Designation Type,Address Country,D.O.B,Nationality(/ies),Passport number,Gender,IMO number\n\
        01/02/2025,ABC0001,111,QUILL,Anna,,Alias,Good quality,,Testland,Individual,,,,,,\n\
        01/02/2025,ABC0001,111,QUILL,Ana,Maria,Primary Name,,Ана Квилл,Testland,Individual,Mexico,dd/mm/1968,Mexico,X7654321,Female,\n\
        01/02/2025,ABC0001,111,PLUMA,La,,Alias,Low quality,,Testland,Individual,,11/12/1969,,,,\n\
        01/02/2025,ABC0002,112,SEA LARK,,,Primary Name,,,Testland,Ship,,,,,,9187629\n\
        01/02/2025,,113,NOBODY,,,Primary Name,,,Testland,Entity,,,,,,\n";

    #[test]
    fn rows_of_one_entity_are_joined() {
        let parsed = parse(Format::UkCsv, &[Source::new("uk.csv", LIST.as_bytes())]).unwrap();
        assert_eq!(parsed.edition.as_deref(), Some("Report Date: 20-Nov-2026"));
        let [person, ship] = parsed.entities.as_slice() else { panic!("two entities {parsed:?}") };
        assert_eq!(person.display_name(), "Ana Maria QUILL");
        let kinds: Vec<NameKind> = person.names.iter().map(|name| name.kind).collect();
        assert_eq!(kinds, [NameKind::Primary, NameKind::Strong, NameKind::Strong, NameKind::Weak]);
        assert_eq!(person.birth_dates.len(), 2);
        assert_eq!(
            (person.gender, person.countries.as_slice()),
            (Some(Gender::Female), &["Mexico".to_owned()][..])
        );
        assert_eq!(
            (ship.entity_type, ship.identifiers[0].value.as_str()),
            (EntityType::Vessel, "9187629")
        );
        assert_eq!(parsed.rejected[0].line, 7);
    }

    #[test]
    fn a_file_without_its_header_is_refused() {
        let error = parse(Format::UkCsv, &[Source::new("uk.csv", b"a,b\n1,2\n")]).unwrap_err();
        assert!(matches!(error, ParseError::Malformed { .. }));
    }
}
