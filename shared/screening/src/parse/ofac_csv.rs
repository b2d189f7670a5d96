//! OFAC's classic comma-separated set, SDN and consolidated.
//!
//! Invariant: `-0-` is the publisher's null; rows have no header; the remarks column overflows into the comments file and
//! is put together again before it is read.

use super::csv_rows::{Row, TOO_WIDE, rows};
use super::{Lost, ParseError, Parsed, RejectedRow, Source, lines_of, natural_order};
use crate::date::BirthDate;
use crate::entity::{Entity, EntityType, Gender, Identifier, NameKind};
use std::collections::{HashMap, HashSet};

fn value(row: &Row, at: usize) -> &str {
    let field = row.field(at);
    if field == "-0-" { "" } else { field }
}

enum Part {
    Primary,
    Aliases,
    Addresses,
    Comments,
}

fn part_of(name: &str) -> Option<Part> {
    let name = name.to_ascii_lowercase();
    if name.contains("comment") {
        Some(Part::Comments)
    } else if name.contains("alt") {
        Some(Part::Aliases)
    } else if name.contains("add") {
        Some(Part::Addresses)
    } else if name.contains("sdn") || name.contains("prim") {
        Some(Part::Primary)
    } else {
        None
    }
}

pub(super) fn parse(sources: &[Source<'_>]) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::default();
    // A key that repeats leaves open whose the aliases are: they are everybody's.
    let mut at_uid: HashMap<String, Vec<usize>> = HashMap::new();
    let mut has = [false; 3];
    let mut comments: HashMap<String, String> = HashMap::new();
    for source in sources {
        match part_of(source.file_name()) {
            Some(Part::Comments) => {
                let text = lines_of(source)?;
                let mut rows = rows(&text, b',');
                for row in rows.by_ref() {
                    comments.entry(row.field(0).to_owned()).or_default().push_str(value(&row, 1));
                }
                rows.end(source.file_name())?;
            }
            Some(Part::Primary) => has[0] = true,
            Some(Part::Aliases) => has[1] = true,
            Some(Part::Addresses) => has[2] = true,
            None => {
                return Err(ParseError::Malformed {
                    file: source.file_name().to_owned(),
                    reason: "not a file of the classic set (sdn, cons_prim, alt, add, comments)"
                        .to_owned(),
                });
            }
        }
    }
    for (there, what) in has.iter().zip(["the primary file", "the alias file", "the address file"])
    {
        if !there {
            return Err(ParseError::Missing(what.to_owned()));
        }
    }
    for source in
        sources.iter().filter(|source| matches!(part_of(source.file_name()), Some(Part::Primary)))
    {
        let text = lines_of(source)?;
        let mut rows = rows(&text, b',');
        for row in rows.by_ref() {
            match primary(&row, &comments) {
                Ok(Some(entity)) => {
                    at_uid.entry(entity.uid.clone()).or_default().push(parsed.entities.len());
                    parsed.add((source.file_name(), row.line), entity);
                }
                Ok(None) => {}
                Err((reason, lost)) => {
                    parsed.reject((source.file_name(), row.line), reason, lost, &row.text());
                }
            }
        }
        rows.end(source.file_name())?;
    }
    let named = |row: &RejectedRow| match &row.lost {
        Lost::Entry(uid) => Some(uid.clone()),
        _ => None,
    };
    let skipped: HashSet<String> = parsed.rejected.iter().filter_map(named).collect();
    for source in sources {
        let part = part_of(source.file_name());
        if !matches!(part, Some(Part::Aliases | Part::Addresses)) {
            continue;
        }
        let text = lines_of(source)?;
        let mut rows = rows(&text, b',');
        for row in rows.by_ref() {
            let uid = row.field(0);
            if is_end_mark(&row) {
                continue;
            }
            let (columns, needed) = match part {
                Some(Part::Aliases) => (ALIAS_COLUMNS, 4),
                _ => (ADDRESS_COLUMNS, 5),
            };
            let problem = if row.exceeds(columns) {
                Some((TOO_WIDE.to_owned(), Lost::SomeEntry))
            } else if skipped.contains(uid) {
                // That row says what is lost.
                Some((format!("the row of entry {uid:?} is skipped"), Lost::Nothing))
            } else if !at_uid.contains_key(uid) {
                // The number may be damaged, and whose name it is cannot be known. Addresses of entries that left the list do
                // stand in published files, and take no name away.
                let is_number = !uid.is_empty() && uid.bytes().all(|byte| byte.is_ascii_digit());
                let left_over = is_number && matches!(part, Some(Part::Addresses));
                let lost = if left_over { Lost::Nothing } else { Lost::SomeEntry };
                Some((format!("no entry has key {uid:?}"), lost))
            } else if row.len() < needed {
                Some((format!("{} columns where {needed} are needed", row.len()), Lost::entry(uid)))
            } else {
                None
            };
            if let Some((reason, lost)) = problem {
                parsed.reject((source.file_name(), row.line), reason, lost, &row.text());
                continue;
            }
            for at in at_uid.get(uid).into_iter().flatten() {
                let Some(entity) = parsed.entities.get_mut(*at) else { continue };
                match part {
                    Some(Part::Aliases) => alias(entity, &row),
                    _ => address(entity, &row),
                }
            }
        }
        rows.end(source.file_name())?;
    }
    Ok(parsed)
}

/// Old files end with a control-Z.
fn is_end_mark(row: &Row) -> bool {
    row.len() <= 1 && row.field(0).trim_matches('\u{1a}').is_empty()
}

/// The publisher's columns, of entries, of aliases and of addresses.
const COLUMNS: usize = 12;
const ALIAS_COLUMNS: usize = 5;
const ADDRESS_COLUMNS: usize = 6;

fn primary(
    row: &Row,
    comments: &HashMap<String, String>,
) -> Result<Option<Entity>, (String, Lost)> {
    if is_end_mark(row) {
        return Ok(None);
    }
    let uid = row.field(0);
    if uid.is_empty() || !uid.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err((format!("{uid:?} is no entry number"), Lost::SomeEntry));
    }
    if row.exceeds(COLUMNS) {
        return Err((TOO_WIDE.to_owned(), Lost::SomeEntry));
    }
    if row.len() + 1 < COLUMNS {
        return Err((format!("{} columns where 12 are needed", row.len()), Lost::entry(uid)));
    }
    let name = value(row, 1);
    if name.is_empty() {
        return Err(("empty name".to_owned(), Lost::entry(uid)));
    }
    let entity_type = match value(row, 2) {
        "" => EntityType::Organisation,
        word => EntityType::parse(word),
    };
    let person = entity_type == EntityType::Person;
    let shown = if person { natural_order(name) } else { name.to_owned() };
    let mut entity = Entity::new(uid, entity_type, &shown);
    entity.programs = value(row, 3)
        .split(']')
        .map(|program| program.trim().trim_start_matches('[').trim().to_owned())
        .collect();
    entity.programs.retain(|program| !program.is_empty());
    let flag = value(row, 9);
    if !flag.is_empty() {
        entity.countries.push(flag.to_owned());
    }
    if !value(row, 5).is_empty() {
        entity.identifiers.push(Identifier {
            kind: "Call sign".to_owned(),
            value: value(row, 5).to_owned(),
            country: None,
        });
    }
    let mut remarks = value(row, 11).to_owned();
    if let Some(more) = comments.get(uid) {
        remarks.push_str(more);
    }
    read_remarks(&mut entity, &remarks);
    if !remarks.is_empty() {
        entity.remarks = Some(remarks);
    }
    entity.source_url =
        Some(format!("https://sanctionssearch.ofac.treas.gov/Details.aspx?id={uid}"));
    Ok(Some(entity))
}

fn alias(entity: &mut Entity, row: &Row) {
    let name = value(row, 3);
    if name.is_empty() {
        return;
    }
    let kind = match value(row, 2).to_ascii_lowercase().as_str() {
        "fka" => NameKind::Former,
        _ if value(row, 4).to_ascii_lowercase().contains("weak") => NameKind::Weak,
        _ => NameKind::Strong,
    };
    let shown = if entity.entity_type == EntityType::Person {
        natural_order(name)
    } else {
        name.to_owned()
    };
    entity.add_name(&shown, kind);
}

fn address(entity: &mut Entity, row: &Row) {
    let parts: Vec<&str> =
        (2..5).map(|at| value(row, at)).filter(|part| !part.is_empty()).collect();
    if !parts.is_empty() {
        entity.addresses.push(parts.join(", "));
    }
    let country = value(row, 4);
    if !country.is_empty() && !entity.countries.iter().any(|known| known == country) {
        entity.countries.push(country.to_owned());
    }
}

/// Remarks hold birth dates, nationality, gender, numbers and low-quality aliases, each behind a word that names it.
pub(super) fn read_remarks(entity: &mut Entity, remarks: &str) {
    for item in remarks.split(';') {
        let item = item.trim().trim_end_matches('.').trim();
        let plain = item.strip_prefix("alt. ").unwrap_or(item);
        if let Some(text) = plain.strip_prefix("DOB ") {
            if let Some(date) = BirthDate::parse(text) {
                entity.add_birth_date(date);
            }
        } else if let Some(text) = plain
            .strip_prefix("nationality ")
            .or_else(|| plain.strip_prefix("citizen "))
            .map(str::trim)
        {
            entity.nationalities.push(text.to_owned());
        } else if let Some(text) = plain.strip_prefix("Gender ") {
            entity.gender = Gender::parse(text);
        } else if let Some(text) = plain.strip_prefix("a.k.a. ") {
            remark_name(entity, text, NameKind::Weak);
        } else if let Some(text) = plain.strip_prefix("f.k.a. ") {
            remark_name(entity, text, NameKind::Former);
        } else {
            entity.identifiers.extend(identifier(plain));
        }
    }
}

/// Names in remarks are quoted; the publisher prints only low-quality ones there.
fn remark_name(entity: &mut Entity, text: &str, kind: NameKind) {
    let text = text.trim().trim_matches(['\'', '"']);
    let shown = if entity.entity_type == EntityType::Person {
        natural_order(text)
    } else {
        text.to_owned()
    };
    entity.add_name(&shown, kind);
}

fn identifier(item: &str) -> Option<Identifier> {
    const KINDS: [&str; 28] = [
        "Passport",
        "National ID No.",
        "Tax ID No.",
        "Cedula No.",
        "C.U.R.P.",
        "R.F.C.",
        "NIT #",
        "SSN",
        "Registration Number",
        "Registration ID",
        "Company Number",
        "Identification Number",
        "Driver's License No.",
        "D.N.I.",
        "RUC #",
        "V.A.T. Number",
        "Vessel Registration Identification",
        "Legal Entity Number",
        "SWIFT/BIC",
        "Birth Certificate Number",
        "Commercial Registry Number",
        "Unified Social Credit Code (USCC)",
        "Chinese Commercial Code",
        "Government Gazette Number",
        "Matricula Mercantil No",
        "Digital Currency Address",
        "Business Number",
        "Aircraft Manufacturer's Serial Number (MSN)",
    ];
    let kind = KINDS.iter().find(|kind| item.starts_with(**kind))?;
    let rest = item.get(kind.len()..)?.trim_start_matches([' ', '#', ':', '-']).trim();
    let (number, country) = match rest.split_once('(') {
        Some((number, country)) => {
            (number.trim(), Some(country.trim_end_matches(')').trim().to_owned()))
        }
        None => (rest, None),
    };
    // "IMO 9187629" and "XBT 1abc..." carry the scheme before the number.
    let number = number.rsplit(' ').next().unwrap_or(number);
    (number.len() >= 3).then(|| Identifier {
        kind: (*kind).to_owned(),
        value: number.to_owned(),
        country,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Format, ParseError, Source, parse};
    use super::*;

    const SDN: &str = concat!(
        "36,\"AEROVIENTO AIRLINES\",-0- ,\"CUBA\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \n",
        "77,\"QUILL MARSH, Ana\",\"individual\",\"SDGT] [IRAQ2\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,",
        "\"DOB 11 Dec 1969; alt. DOB circa 1968; nationality Mexico; Gender Female; Passport A1234567 (Mexico); ",
        "a.k.a. 'LA MARSH'; National ID No. 55\"\n",
        "78,\"SEA LARK\",\"vessel\",\"IRAN\",-0- ,\"T2EA4\",\"Crude\",-0- ,-0- ,\"Panama\",-0- ,",
        "\"Vessel Registration Identification IMO 9187629.\"\n",
        "x,bad\n\u{1a}\n"
    );
    const ALT: &str = "36,12,aka,\"AERO-VIENTO\",-0- \n77,13,\"fka\",\"MARSH, Anna\",-0- \n99,1,aka,\"NOBODY\",-0- \n";
    const ADD: &str =
        "36,25,-0- ,\"Havana\",\"Cuba\",-0- \n77,26,\"1 Elm St\",\"Monterrey\",\"Mexico\",-0- \n";

    fn sources() -> [Source<'static>; 4] {
        [
            Source::new("lists/sdn.csv", SDN.as_bytes()),
            Source::new("alt.csv", ALT.as_bytes()),
            Source::new("add.csv", ADD.as_bytes()),
            Source::new("sdn_comments.csv", b"77,\"4321 (Mexico).\"\n"),
        ]
    }

    #[test]
    fn the_set_is_joined_and_remarks_are_read() {
        let parsed = parse(Format::OfacCsv, &sources()).unwrap();
        assert_eq!(parsed.entities.len(), 3);
        let person = &parsed.entities[1];
        assert_eq!(person.display_name(), "Ana QUILL MARSH");
        assert_eq!(
            person.names.iter().map(|name| name.kind).collect::<Vec<_>>(),
            [NameKind::Primary, NameKind::Weak, NameKind::Former]
        );
        assert_eq!(person.birth_dates.len(), 2);
        assert_eq!(person.programs, ["SDGT", "IRAQ2"]);
        assert_eq!(
            (person.gender, person.nationalities.as_slice()),
            (Some(Gender::Female), &["Mexico".to_owned()][..])
        );
        let numbers: Vec<&str> = person.identifiers.iter().map(|id| id.value.as_str()).collect();
        // The second number was cut by the remarks column and completed from the comments file.
        assert_eq!(numbers, ["A1234567", "554321"]);
        let vessel = &parsed.entities[2];
        assert!(vessel.identifiers.iter().any(|id| id.value == "9187629"));
        assert_eq!(vessel.countries, ["Panama"]);
        assert_eq!(parsed.entities[0].entity_type, EntityType::Organisation);
        let lines: Vec<(&str, u64)> =
            parsed.rejected.iter().map(|row| (row.file.as_str(), row.line)).collect();
        assert_eq!(lines, [("sdn.csv", 4), ("alt.csv", 3)]);
    }

    #[test]
    fn a_missing_file_refuses_the_set() {
        let [sdn, _, add, _] = sources();
        assert_eq!(
            parse(Format::OfacCsv, &[sdn, add]).err(),
            Some(ParseError::Missing("the alias file".to_owned()))
        );
    }
}
