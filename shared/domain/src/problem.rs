//! What can be wrong with one value, said without the value.
//!
//! Every newtype refuses bad input with a [`Problem`]; whoever knows where the input came from adds the
//! field's path and gets a [`Violation`]. Invariant: no text in this module contains input, because these
//! texts reach answers and logs and the input may be personal data.

use std::fmt;

/// Why a value was refused. The texts are stable: clients and tests may compare them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The value is missing, or empty where something is needed.
    #[error("is required")]
    Required,
    /// The JSON type is not the documented one.
    #[error("must be {expected}")]
    WrongType {
        /// For example "a string".
        expected: &'static str,
    },
    /// More characters than allowed.
    #[error("must have at most {max} characters")]
    TooLong {
        /// The most characters allowed.
        max: usize,
    },
    /// Fewer characters than needed.
    #[error("must have at least {min} characters")]
    TooShort {
        /// The fewest characters allowed.
        min: usize,
    },
    /// The right type but the wrong shape.
    #[error("must be {expected}")]
    Malformed {
        /// The shape in words, for example "a date (YYYY-MM-DD)".
        expected: &'static str,
    },
    /// Not a value of a closed list.
    #[error("must be one of {}", List(.allowed))]
    NotOneOf {
        /// The whole list, as documented.
        allowed: &'static [&'static str],
    },
    /// A date after today.
    #[error("must not be in the future")]
    InFuture,
    /// A date before anything plausible.
    #[error("must not be before {earliest}")]
    TooEarly {
        /// The first date allowed, YYYY-MM-DD.
        earliest: &'static str,
    },
    /// A number outside its range.
    #[error("must be between {min} and {max}")]
    OutOfRange {
        /// The smallest number allowed.
        min: i64,
        /// The largest number allowed.
        max: i64,
    },
    /// Given where it has no meaning.
    #[error("does not apply: {reason}")]
    NotApplicable {
        /// The rule in words.
        reason: &'static str,
    },
    /// Refers to something that does not exist for this caller.
    #[error("does not refer to {expected}")]
    UnknownReference {
        /// What it should have named, for example "a Personal customer".
        expected: &'static str,
    },
    /// More items than allowed.
    #[error("must have at most {max} items")]
    TooMany {
        /// The most items allowed.
        max: usize,
    },
}

/// Joins a closed list for a message.
struct List<'a>(&'a [&'static str]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// A problem and the field that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field's path in the contract, for example `name.firstName`.
    pub field: String,
    /// What is wrong with it.
    pub problem: Problem,
}

impl Violation {
    /// Says that `field` has `problem`.
    pub fn new(field: impl Into<String>, problem: Problem) -> Self {
        Self { field: field.into(), problem }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.problem)
    }
}

/// Every violation of one request, in the order in which they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations(pub Vec<Violation>);

impl Violations {
    /// Nothing wrong yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records one more.
    pub fn push(&mut self, field: impl Into<String>, problem: Problem) {
        self.0.push(Violation::new(field, problem));
    }

    /// Keeps the value of a result, or records its problem against `field`.
    pub fn take<T>(&mut self, field: &str, result: Result<T, Problem>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(problem) => {
                self.push(field, problem);
                None
            }
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `Ok` when nothing is wrong.
    ///
    /// # Errors
    /// The violations themselves, when there are any.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl From<Violation> for Violations {
    fn from(violation: Violation) -> Self {
        Self(vec![violation])
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            violation.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_stable() {
        let cases = [
            (Problem::Required, "is required"),
            (Problem::WrongType { expected: "a string" }, "must be a string"),
            (Problem::TooLong { max: 50 }, "must have at most 50 characters"),
            (Problem::TooShort { min: 2 }, "must have at least 2 characters"),
            (Problem::NotOneOf { allowed: &["A", "B"] }, "must be one of A, B"),
            (Problem::InFuture, "must not be in the future"),
            (Problem::TooEarly { earliest: "1900-01-01" }, "must not be before 1900-01-01"),
            (Problem::OutOfRange { min: 1, max: 50 }, "must be between 1 and 50"),
        ];
        for (problem, text) in cases {
            assert_eq!(problem.to_string(), text);
        }
    }

    #[test]
    fn violations_keep_their_order_and_render_with_the_field() {
        let mut found = Violations::new();
        assert_eq!(found.take("a", Ok::<_, Problem>(1)), Some(1));
        assert_eq!(found.take::<u8>("name.firstName", Err(Problem::Required)), None);
        found.push("name.lastName", Problem::Required);
        assert_eq!(found.to_string(), "name.firstName is required; name.lastName is required");
        assert!(found.into_result().is_err());
        assert!(Violations::new().into_result().is_ok());
    }
}
