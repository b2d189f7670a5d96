//! Who is asked about.
//!
//! Invariant: a query is personal data: it has no `Display`, and its `Debug` shows only its shape.

use crate::date::PartialDate;
use crate::entity::{EntityType, Gender};

/// A customer to screen. Holds personal data, so `Debug` shows only its shape.
#[derive(Clone, Default)]
pub struct Query {
    /// The type of customer; `Unknown` meets every type.
    pub entity_type: QueryType,
    /// Names to try; the best one counts. Natural or "SURNAME, Given" order, any script.
    pub names: Vec<String>,
    /// Full or partial birth date.
    pub birth_date: Option<PartialDate>,
    /// Countries of nationality, residence or registration: ISO codes or English names.
    pub countries: Vec<String>,
    /// Gender, where known.
    pub gender: Option<Gender>,
    /// Passport, tax, registration, IMO, LEI numbers or wallets.
    pub identifiers: Vec<String>,
}

/// The type asked for; a plain name for the default that meets everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryType(pub EntityType);

impl Default for QueryType {
    fn default() -> Self {
        Self(EntityType::Unknown)
    }
}

impl Query {
    /// A person by full name.
    #[must_use]
    pub fn person(name: &str) -> Self {
        Self::named(EntityType::Person, name)
    }

    /// An organisation by name.
    #[must_use]
    pub fn organisation(name: &str) -> Self {
        Self::named(EntityType::Organisation, name)
    }

    /// Anything by name.
    #[must_use]
    pub fn named(entity_type: EntityType, name: &str) -> Self {
        Self {
            entity_type: QueryType(entity_type),
            names: vec![name.to_owned()],
            ..Self::default()
        }
    }

    /// Builds a full name from structured parts, skipping empty ones.
    #[must_use]
    pub fn from_parts(entity_type: EntityType, parts: &[&str]) -> Self {
        let joined: Vec<&str> =
            parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
        Self::named(entity_type, &joined.join(" "))
    }

    /// Adds another name to try.
    #[must_use]
    pub fn or_name(mut self, name: &str) -> Self {
        self.names.push(name.to_owned());
        self
    }

    /// With a birth date, as ISO text ("1969-12-11", "1969-12" or "1969"). Text that is no date is left out.
    #[must_use]
    pub fn born(mut self, text: &str) -> Self {
        self.birth_date = PartialDate::parse(text);
        self
    }

    /// With a country code or name.
    #[must_use]
    pub fn country(mut self, country: &str) -> Self {
        self.countries.push(country.to_owned());
        self
    }

    /// With an identity or registration number.
    #[must_use]
    pub fn identifier(mut self, value: &str) -> Self {
        self.identifiers.push(value.to_owned());
        self
    }

    /// With a gender.
    #[must_use]
    pub fn gender(mut self, gender: Gender) -> Self {
        self.gender = Some(gender);
        self
    }
}

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Query")
            .field("entity_type", &self.entity_type.0)
            .field("names", &self.names.len())
            .field("birth_date", &self.birth_date.is_some())
            .field("countries", &self.countries.len())
            .field("identifiers", &self.identifiers.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_keeps_personal_data_out_of_debug_output() {
        let shown =
            format!("{:?}", Query::person("Ana Quill").born("1970-01-02").identifier("X123"));
        assert!(
            !shown.contains("Quill") && !shown.contains("1970") && !shown.contains("X123"),
            "{shown}"
        );
    }
}
