//! The US consolidated screening list.
//!
//! Invariant: one entity a row; cells hold lists separated by semicolons; rows without an entry number (several of its
//! source lists have none) get a key made of source and name, so that it stays the same between editions. Sections
//! have vanished from this list for days, so how many entries each source has is counted.

use super::csv_rows::{Header, Row, TOO_WIDE, rows};
use super::{Lost, ParseError, Parsed, Source, lines_of, natural_order};
use crate::date::BirthDate;
use crate::entity::{Entity, EntityType, Identifier, NameKind, collapse_spaces};

pub(super) fn parse(sources: &[Source<'_>]) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::default();
    for source in sources {
        let file = source.file_name();
        let text = lines_of(source)?;
        let mut rows = rows(&text, b',');
        let header = rows.next().map(|row| Header::of(&row));
        let Some(header) = header
            .filter(|header| ["source", "name"].iter().all(|name| header.column(name).is_some()))
        else {
            return Err(ParseError::Malformed {
                file: file.to_owned(),
                reason: "no header with source and name".to_owned(),
            });
        };
        for row in rows.by_ref() {
            match entity(&header, &row) {
                Ok(entity) => {
                    *parsed.sections.entry(header.get(&row, "source").to_owned()).or_default() += 1;
                    parsed.add((file, row.line), entity);
                }
                Err((reason, lost)) => parsed.reject((file, row.line), reason, lost, &row.text()),
            }
        }
        rows.end(file)?;
    }
    Ok(parsed)
}

fn parts<'r>(header: &Header, row: &'r Row, column: &str) -> impl Iterator<Item = &'r str> {
    header.get(row, column).split(';').map(str::trim).filter(|part| !part.is_empty())
}

fn entity(header: &Header, row: &Row) -> Result<Entity, (&'static str, Lost)> {
    let get = |column| header.get(row, column);
    if header.is_exceeded_by(row) {
        return Err((TOO_WIDE, Lost::SomeEntry));
    }
    let name = collapse_spaces(get("name"));
    let list = get("source");
    let number = [get("entity_number"), get("_id")].into_iter().find(|number| !number.is_empty());
    if name.is_empty() || list.is_empty() {
        let lost = match number.filter(|_| !list.is_empty()) {
            Some(number) => Lost::Entry(format!("{}-{number}", short(list))),
            None => Lost::SomeEntry,
        };
        return Err(("empty source or name", lost));
    }
    let kind = EntityType::parse(get("type"));
    let person = kind == EntityType::Person;
    let uid = match number {
        Some(number) => format!("{}-{number}", short(list)),
        None => {
            let start = get("start_date");
            let hash = xxhash_rust::xxh3::xxh3_64(
                format!("{name}\u{1f}{start}\u{1f}{}", get("addresses")).as_bytes(),
            );
            format!("{}-{hash:016x}", short(list))
        }
    };
    let shown = if person { natural_order(&name) } else { name };
    let mut entity = Entity::new(&uid, kind, &shown);
    for alias in parts(header, row, "alt_names") {
        let alias = alias.trim_start_matches("and ").trim_end_matches('.');
        entity.add_name(
            &if person { natural_order(alias) } else { alias.to_owned() },
            NameKind::Strong,
        );
    }
    parts(header, row, "dates_of_birth")
        .filter_map(BirthDate::parse)
        .for_each(|date| entity.add_birth_date(date));
    for column in ["nationalities", "citizenships"] {
        entity.nationalities.extend(parts(header, row, column).map(str::to_owned));
    }
    for address in parts(header, row, "addresses") {
        entity.addresses.push(address.to_owned());
        // The country is the last part, as a code.
        let country = address.rsplit(',').next().unwrap_or("").trim();
        if crate::country::code_of(country).is_some()
            && !entity.countries.iter().any(|known| known == country)
        {
            entity.countries.push(country.to_owned());
        }
    }
    let flag = get("vessel_flag");
    if !flag.is_empty() {
        entity.countries.push(flag.to_owned());
    }
    entity.identifiers = parts(header, row, "ids").filter_map(identifier).collect();
    entity.programs = parts(header, row, "programs").map(str::to_owned).collect();
    entity.programs.push(list.to_owned());
    let remarks = get("remarks");
    entity.remarks = (!remarks.is_empty()).then(|| remarks.to_owned());
    let url = get("source_information_url");
    entity.source_url = (!url.is_empty()).then(|| url.to_owned());
    Ok(entity)
}

/// "Denied Persons List (DPL) - Bureau of Industry and Security" to "DPL".
fn short(list: &str) -> &str {
    list.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or(list, |(short, _)| short)
}

/// "US, 80-0890696, Tax ID No."
fn identifier(text: &str) -> Option<Identifier> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let digits = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    match parts.as_slice() {
        [country, number, kind, ..] if digits(number) => Some(Identifier {
            kind: (*kind).to_owned(),
            value: (*number).to_owned(),
            country: (!country.is_empty()).then(|| (*country).to_owned()),
        }),
        [number, kind] if digits(number) => Some(Identifier {
            kind: (*kind).to_owned(),
            value: (*number).to_owned(),
            country: None,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, Source, parse};
    use super::*;

    #[test]
    fn rows_become_entities_with_lasting_keys() {
        let text = "source,entity_number,type,programs,name,addresses,alt_names,dates_of_birth,nationalities,ids,start_date\n\
            Specially Designated Nationals (SDN) - Treasury Department,77,Individual,SDGT; IRAQ2,\"QUILL, Ana\",\"1 Elm St, Monterrey, MX\",\"QUILL, Anna; MARSH, A.\",1969-12-11,MX,\"US, 80-0890696, Tax ID No.\",\n\
            Denied Persons List (DPL) - Bureau of Industry and Security,,,,OXENMARK TRADING,\"2 Oak St, AZ, US\",,,,,2017-10-16\n\
            ,,,,NOBODY,,,,,,\n";
        let parsed = parse(Format::CslCsv, &[Source::new("csl.csv", text.as_bytes())]).unwrap();
        let [person, trader] = parsed.entities.as_slice() else { panic!("two entities") };
        assert_eq!((person.uid.as_str(), person.display_name()), ("SDN-77", "Ana QUILL"));
        assert_eq!(
            (person.names.len(), person.identifiers.len(), person.countries.as_slice()),
            (3, 1, &["MX".to_owned()][..])
        );
        assert!(trader.uid.starts_with("DPL-") && trader.entity_type == EntityType::Unknown);
        assert_eq!(parsed.rejected[0].line, 4);
        let again = parse(Format::CslCsv, &[Source::new("csl.csv", text.as_bytes())]).unwrap();
        assert_eq!(again.entities[1].uid, trader.uid);
        assert_eq!(parsed.rejected[0].lost, Lost::SomeEntry);
        assert_eq!(parsed.sections.values().copied().collect::<Vec<_>>(), [1, 1]);
    }

    /// Sections of this list have vanished for days.
    #[test]
    fn a_section_that_is_gone_refuses_the_list_however_small_it_was() {
        let list = |sections: &[(&str, usize)]| {
            let mut text = "source,entity_number,name\n".to_owned();
            for (source, count) in sections {
                for number in 0..*count {
                    text.push_str(&format!("{source},{number},NAME {number}\n"));
                }
            }
            parse(Format::CslCsv, &[Source::new("csl.csv", text.as_bytes())]).unwrap()
        };
        let in_use = list(&[("SDN", 900), ("DPL", 40), ("CAP", 1)]).extent();
        assert_eq!(in_use.sections["DPL"], 40);
        for (sections, lost) in [
            (vec![("SDN", 900), ("DPL", 39), ("CAP", 1), ("NEW", 1)], None),
            (vec![("SDN", 900), ("DPL", 40)], Some("1 of the 1 entries of section CAP")),
            (vec![("SDN", 900), ("CAP", 1)], Some("40 of the 40 entries of section DPL")),
            (
                vec![("SDN", 900), ("DPL", 19), ("CAP", 1)],
                Some("21 of the 40 entries of section DPL"),
            ),
        ] {
            let checked = list(&sections).check_against(&in_use);
            let refused = lost.map(|lost| ParseError::Missing(lost.to_owned()));
            assert_eq!(checked.err(), refused, "{sections:?}");
        }
    }
}
