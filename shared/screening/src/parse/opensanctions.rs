//! OpenSanctions `targets.simple.csv`: one entity a row, lists inside a cell separated by semicolons.
//!
//! Invariant: columns are found by their header, because the publisher adds columns; `id`, `schema` and `name` are needed.

use super::csv_rows::{Header, Row, TOO_WIDE, rows};
use super::{Lost, ParseError, Parsed, Source, lines_of};
use crate::date::BirthDate;
use crate::entity::{Entity, EntityType, Identifier, NameKind};

pub(super) fn parse(sources: &[Source<'_>]) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::default();
    for source in sources {
        let text = lines_of(source)?;
        let mut rows = rows(&text, b',');
        let header = rows.next().map(|row| Header::of(&row));
        let Some(header) = header.filter(|header| {
            ["id", "schema", "name"].iter().all(|name| header.column(name).is_some())
        }) else {
            return Err(ParseError::Malformed {
                file: source.file_name().to_owned(),
                reason: "no header with id, schema and name".to_owned(),
            });
        };
        for row in rows.by_ref() {
            match entity(&header, &row) {
                Ok(entity) => parsed.add((source.file_name(), row.line), entity),
                Err((reason, lost)) => {
                    parsed.reject((source.file_name(), row.line), reason, lost, &row.text());
                }
            }
        }
        rows.end(source.file_name())?;
    }
    Ok(parsed)
}

fn parts<'r>(header: &Header, row: &'r Row, column: &str) -> impl Iterator<Item = &'r str> {
    header.get(row, column).split(';').map(str::trim).filter(|part| !part.is_empty())
}

fn entity(header: &Header, row: &Row) -> Result<Entity, (&'static str, Lost)> {
    if header.is_exceeded_by(row) {
        return Err((TOO_WIDE, Lost::SomeEntry));
    }
    let (uid, name) = (header.get(row, "id"), header.get(row, "name"));
    if uid.is_empty() || name.is_empty() {
        return Err(("empty id or name", Lost::entry(uid)));
    }
    let entity_type = EntityType::parse(header.get(row, "schema"));
    let mut entity = Entity::new(uid, entity_type, name);
    parts(header, row, "aliases").for_each(|alias| entity.add_name(alias, NameKind::Strong));
    parts(header, row, "birth_date")
        .filter_map(BirthDate::parse)
        .for_each(|date| entity.add_birth_date(date));
    let countries = parts(header, row, "countries").map(str::to_owned).collect();
    if entity_type == EntityType::Person {
        entity.nationalities = countries;
    } else {
        entity.countries = countries;
    }
    entity.addresses = parts(header, row, "addresses").map(str::to_owned).collect();
    entity.identifiers = parts(header, row, "identifiers")
        .map(|value| Identifier {
            kind: "Identifier".to_owned(),
            value: value.to_owned(),
            country: None,
        })
        .collect();
    entity.programs = ["sanctions", "program_ids", "dataset"]
        .iter()
        .flat_map(|column| parts(header, row, column))
        .map(str::to_owned)
        .collect();
    entity.programs.dedup();
    entity.source_url = Some(format!("https://www.opensanctions.org/entities/{uid}/"));
    Ok(entity)
}

#[cfg(test)]
mod tests {
    use super::super::{Format, ParseError, Source, parse};

    #[test]
    fn rows_are_read_by_header() {
        let text = concat!(
            "\"id\",\"schema\",\"name\",\"aliases\",\"birth_date\",\"countries\",\"addresses\",\"identifiers\",\"dataset\"\n",
            "\"Q1\",\"Person\",\"Ana Quill\",\"Anna Quill;A. Quill\",\"1970-05-01;1970\",\"mx;us\",\"\",\"ZZ12345\",\"PEPs\"\n",
            "\"\",\"Person\",\"Nobody\"\n"
        );
        let parsed =
            parse(Format::OpenSanctionsCsv, &[Source::new("targets.simple.csv", text.as_bytes())])
                .unwrap();
        let [entity] = parsed.entities.as_slice() else { panic!("one entity") };
        assert_eq!(
            (entity.names.len(), entity.birth_dates.len(), entity.nationalities.len()),
            (3, 2, 2)
        );
        assert_eq!(parsed.rejected[0].line, 3);
        let headless = parse(Format::OpenSanctionsCsv, &[Source::new("t.csv", b"a,b\n1,2\n")]);
        assert!(matches!(headless, Err(ParseError::Malformed { .. })));
    }
}
