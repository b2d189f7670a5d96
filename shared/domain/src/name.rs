//! What a customer is called.
//!
//! Invariant: a person has a first and a last name; a company has one name. The name in full is derived, never
//! stored, so it can not contradict its parts.

use crate::text::Text;

/// One part of a person's name.
pub type NamePart = Text<100>;
/// A title or suffix.
pub type NameAffix = Text<30>;
/// A company's name.
pub type EntityName = Text<200>;

/// A person's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonName {
    /// "Ms."
    pub prefix: Option<NameAffix>,
    /// The given name.
    pub first: NamePart,
    /// Further given names.
    pub middle: Option<NamePart>,
    /// The family name.
    pub last: NamePart,
    /// "Jr."
    pub suffix: Option<NameAffix>,
    /// What the person wants to be called.
    pub preferred: Option<NamePart>,
}

impl PersonName {
    /// First, middle, last and suffix, joined by spaces: "Bob Smith". Prefix and preferred name stay out, because
    /// neither belongs to the legal name.
    #[must_use]
    pub fn full(&self) -> String {
        let mut full = self.first.as_str().to_owned();
        let rest = [
            self.middle.as_ref().map(Text::as_str),
            Some(self.last.as_str()),
            self.suffix.as_ref().map(Text::as_str),
        ];
        for part in rest.into_iter().flatten() {
            full.push(' ');
            full.push_str(part);
        }
        full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_name_joins_the_legal_parts() {
        let mut name = PersonName {
            prefix: Some(Text::parse("Ms.").unwrap()),
            first: Text::parse("Dana").unwrap(),
            middle: None,
            last: Text::parse("Rivers").unwrap(),
            suffix: None,
            preferred: Some(Text::parse("D").unwrap()),
        };
        assert_eq!(name.full(), "Dana Rivers");
        name.middle = Some(Text::parse("Q").unwrap());
        name.suffix = Some(Text::parse("Jr.").unwrap());
        assert_eq!(name.full(), "Dana Q Rivers Jr.");
        assert!(!format!("{name:?}").contains("Dana"));
    }
}
