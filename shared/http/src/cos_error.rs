//! The COS contract's error body and its codes.
//!
//! The contract publishes ranges only (1000–1999 validation, 2000–2999 rules, 3000–3999 permission, 9999 system) and
//! one number, 1000 for "required". The others are Gatehouse's own and stable; `docs/api-cos.md` lists them.

use domain::problem::{Problem, Violation};
use serde_json::{Value, json};

/// A stable error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation; docs/api-cos.md explains each")]
pub enum CosCode {
    Required = 1000,
    WrongType = 1001,
    TooLong = 1002,
    TooShort = 1003,
    Malformed = 1004,
    NotAllowedValue = 1005,
    DateInFuture = 1006,
    DateTooEarly = 1007,
    OutOfRange = 1008,
    NotApplicable = 1009,
    UnknownReference = 1010,
    TooMany = 1011,
    InvalidValue = 1012,
    BodyNotJson = 1020,
    BodyTooLarge = 1021,
    IdempotencyKeyInvalid = 1022,
    RuleViolated = 2000,
    NotFound = 2001,
    Conflict = 2002,
    AlreadyExists = 2003,
    PrimaryInUse = 2004,
    StateForbids = 2005,
    Unauthenticated = 3000,
    MissingScope = 3001,
    TooManyRequests = 3002,
    System = 9999,
}

impl CosCode {
    /// Every code, for the documentation test.
    pub const ALL: [CosCode; 26] = [
        CosCode::Required,
        CosCode::WrongType,
        CosCode::TooLong,
        CosCode::TooShort,
        CosCode::Malformed,
        CosCode::NotAllowedValue,
        CosCode::DateInFuture,
        CosCode::DateTooEarly,
        CosCode::OutOfRange,
        CosCode::NotApplicable,
        CosCode::UnknownReference,
        CosCode::TooMany,
        CosCode::InvalidValue,
        CosCode::BodyNotJson,
        CosCode::BodyTooLarge,
        CosCode::IdempotencyKeyInvalid,
        CosCode::RuleViolated,
        CosCode::NotFound,
        CosCode::Conflict,
        CosCode::AlreadyExists,
        CosCode::PrimaryInUse,
        CosCode::StateForbids,
        CosCode::Unauthenticated,
        CosCode::MissingScope,
        CosCode::TooManyRequests,
        CosCode::System,
    ];

    /// The number on the wire.
    pub const fn number(self) -> u16 {
        self as u16
    }
}

impl From<&Problem> for CosCode {
    fn from(problem: &Problem) -> Self {
        match problem {
            Problem::Required => CosCode::Required,
            Problem::WrongType { .. } => CosCode::WrongType,
            Problem::TooLong { .. } => CosCode::TooLong,
            Problem::TooShort { .. } => CosCode::TooShort,
            Problem::Malformed { .. } => CosCode::Malformed,
            Problem::NotOneOf { .. } => CosCode::NotAllowedValue,
            Problem::InFuture => CosCode::DateInFuture,
            Problem::TooEarly { .. } => CosCode::DateTooEarly,
            Problem::OutOfRange { .. } => CosCode::OutOfRange,
            Problem::NotApplicable { .. } => CosCode::NotApplicable,
            Problem::UnknownReference { .. } => CosCode::UnknownReference,
            Problem::TooMany { .. } => CosCode::TooMany,
            _ => CosCode::InvalidValue,
        }
    }
}

/// The objects whose fields are the customer's own. The contract's sample names such a field without its object
/// ("firstName is required"); a field of a primary sub-resource keeps it, because several of those share names.
const OWN_OBJECTS: [&str; 4] = ["name.", "profile.", "dueDiligence.", "businessDueDiligence."];

/// A violation in the contract's words.
pub(crate) fn message(violation: &Violation) -> String {
    let text = violation.to_string();
    let own = OWN_OBJECTS.iter().find_map(|object| text.strip_prefix(object));
    own.map(str::to_owned).unwrap_or(text)
}

/// `{"Errors":[{"Code":1000,"Message":"firstName is required"}]}`
pub(crate) fn body(errors: impl IntoIterator<Item = (CosCode, String)>) -> Value {
    let errors: Vec<Value> = errors
        .into_iter()
        .map(|(code, message)| json!({ "Code": code.number(), "Message": message }))
        .collect();
    json!({ "Errors": errors })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_as_in_the_sample_of_the_contract() {
        for (field, named) in [
            ("name.firstName", "firstName is required"),
            ("firstName", "firstName is required"),
            ("profile.birthDate", "birthDate is required"),
            ("primaryAddress.street1", "primaryAddress.street1 is required"),
            ("classification", "classification is required"),
        ] {
            assert_eq!(message(&Violation::new(field, Problem::Required)), named);
        }
    }

    #[test]
    fn numbers_are_distinct_and_in_order() {
        for pair in CosCode::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number());
        }
    }
}
