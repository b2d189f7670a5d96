//! Telephone lines: what a number that somebody typed can be used for.
//!
//! Invariants: a number is read once, by the rules of its country, into E.164, and only that form goes further; whether a
//! code may be sent to a number depends on the number alone, so that the answer says nothing about who is known here;
//! numbers that cost their caller or belong to nobody's pocket (premium, shared cost, personal, pager, VoIP, company
//! numbers) get no codes.

use domain::country::Country;
use domain::ekyc::Channel;
use domain::phone::PhoneNumber;
use rlibphonenumber::enums::Region;
use rlibphonenumber::{PhoneNumberFormat, PhoneNumberType};

/// Longer texts are not numbers, whatever is in them.
const MAX_TEXT: usize = 40;

/// What is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// A mobile phone.
    Mobile,
    /// A landline.
    Fixed,
    /// One or the other: in North America, nobody can tell.
    MobileOrFixed,
    /// Anything else that has a number.
    Other,
}

/// Where a request named the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// As a mobile number, to be sent a text.
    MobileNumber,
    /// As a home number, to be called.
    HomeNumber,
}

/// A valid number of a known country. Its number has a redacting `Debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    phone: PhoneNumber,
    country: Country,
    kind: LineKind,
}

/// Why a number gets no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    /// No number of any country, or one that is not assigned.
    #[error("must be a valid telephone number")]
    Malformed,
    /// Its country is not among those that codes are sent to.
    #[error("must be a number of a country that passcodes are sent to")]
    CountryNotAllowed,
    /// It cannot receive texts.
    #[error("must be a mobile number")]
    NotMobile,
    /// It is nobody's own line.
    #[error("must be a landline or mobile number")]
    NotCallable,
}

impl LineProblem {
    /// The rule that was broken, for the answer. The same as the error's text.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Malformed => "must be a valid telephone number",
            Self::CountryNotAllowed => "must be a number of a country that passcodes are sent to",
            Self::NotMobile => "must be a mobile number",
            Self::NotCallable => "must be a landline or mobile number",
        }
    }
}

/// The countries that codes are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Countries(Vec<Country>);

impl Countries {
    /// These and no others.
    #[must_use]
    pub const fn new(allowed: Vec<Country>) -> Self {
        Self(allowed)
    }

    fn allow(&self, country: Country) -> bool {
        self.0.contains(&country)
    }
}

impl Line {
    /// Reads a number in any usual form: national ones are British, others begin with `+` or `00`.
    ///
    /// # Errors
    /// [`LineProblem::Malformed`].
    pub fn parse(text: &str) -> Result<Self, LineProblem> {
        Self::read(text).ok_or(LineProblem::Malformed)
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        // Letters would be read as the keys that they stand on.
        if text.len() > MAX_TEXT || text.chars().any(char::is_alphabetic) {
            return None;
        }
        let number = rlibphonenumber::PhoneNumber::parse(text, Some(Region::GB)).ok()?;
        if !number.is_valid() || number.extension.is_some() {
            return None;
        }
        let country = Country::parse(&number.get_region_code()?.as_region_str()).ok()?;
        let kind = match number.get_type() {
            PhoneNumberType::Mobile => LineKind::Mobile,
            PhoneNumberType::FixedLine => LineKind::Fixed,
            PhoneNumberType::FixedLineOrMobile => LineKind::MobileOrFixed,
            _ => LineKind::Other,
        };
        let phone = PhoneNumber::parse(&number.format_as(PhoneNumberFormat::E164)).ok()?;
        Some(Self { phone, country, kind })
    }

    /// The number.
    #[must_use]
    pub const fn phone(&self) -> &PhoneNumber {
        &self.phone
    }

    /// What is at the other end.
    #[must_use]
    pub const fn kind(&self) -> LineKind {
        self.kind
    }

    /// The country, as an ISO 3166 code.
    #[must_use]
    pub fn country(&self) -> &str {
        self.country.as_str()
    }
}

/// How a code reaches a line: a text to a mobile, a call to a landline.
///
/// # Errors
/// When the line is not of the kind that was named, or of a country that codes are not sent to.
pub fn sms_or_voice(
    line: &Line,
    asked: Asked,
    allow_voice_fallback: bool,
    countries: &Countries,
) -> Result<Channel, LineProblem> {
    if !countries.allow(line.country) {
        return Err(LineProblem::CountryNotAllowed);
    }
    match (asked, line.kind) {
        (Asked::MobileNumber, LineKind::Mobile | LineKind::MobileOrFixed) => Ok(Channel::Sms),
        (Asked::MobileNumber, LineKind::Fixed) if allow_voice_fallback => Ok(Channel::Voice),
        (Asked::MobileNumber, _) => Err(LineProblem::NotMobile),
        (Asked::HomeNumber, LineKind::Other) => Err(LineProblem::NotCallable),
        (Asked::HomeNumber, _) => Ok(Channel::Voice),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_in_every_usual_form() {
        for text in [
            "07400 123456",
            "07400123456",
            " (07400) 123-456 ",
            "+44 7400 123456",
            "+44 (0)7400 123456",
            "0044 7400 123456",
        ] {
            let line = Line::parse(text).unwrap();
            assert_eq!(line.phone().e164(), "+447400123456", "{text}");
            assert_eq!((line.country(), line.kind()), ("GB", LineKind::Mobile), "{text}");
        }
    }

    #[test]
    fn lines_are_of_their_country_and_kind() {
        use LineKind::{Fixed, Mobile, MobileOrFixed, Other};
        for (text, country, kind) in [
            ("020 7946 0123", "GB", Fixed),
            ("0161 496 0000", "GB", Fixed),
            ("07624 312345", "IM", Mobile),
            ("07781 123456", "GG", Mobile),
            ("07797 712345", "JE", Mobile),
            ("070 1234 5678", "GB", Other),
            ("07640 123456", "GB", Other),
            ("0909 879 0123", "GB", Other),
            ("0345 601 2345", "GB", Other),
            ("056 1234 5678", "GB", Other),
            ("+353 85 012 3456", "IE", Mobile),
            ("+1 201 555 0123", "US", MobileOrFixed),
            ("+33 6 12 34 56 78", "FR", Mobile),
        ] {
            let line = Line::parse(text).unwrap_or_else(|_| panic!("{text}"));
            assert_eq!((line.country(), line.kind()), (country, kind), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in [
            "",
            "7",
            "999",
            "07400",
            "07400 12345",
            "07400 1234567",
            "0800 CALL ME",
            "07700 900123", // reserved for drama, so assigned to nobody
            "+44 20 7946 0123 ext. 5",
            "+999 123456789",
            "020 7946 0123 0000 0000 0000 0000 0000 0000 0000",
        ] {
            assert_eq!(Line::parse(text), Err(LineProblem::Malformed), "{text}");
        }
    }

    #[test]
    fn the_line_decides_between_text_and_call() {
        let gb = Countries::new(vec![Country::parse("GB").unwrap()]);
        let both = Countries::new(vec![Country::parse("GB").unwrap(), Country::US]);
        let (mobile, home) = (Asked::MobileNumber, Asked::HomeNumber);
        use LineProblem::{CountryNotAllowed, NotCallable, NotMobile};
        for (text, asked, fallback, countries, expected) in [
            ("07400 123456", mobile, false, &gb, Ok(Channel::Sms)),
            ("07400 123456", home, false, &gb, Ok(Channel::Voice)),
            ("020 7946 0123", home, false, &gb, Ok(Channel::Voice)),
            ("020 7946 0123", mobile, false, &gb, Err(NotMobile)),
            ("020 7946 0123", mobile, true, &gb, Ok(Channel::Voice)),
            ("0909 879 0123", mobile, true, &gb, Err(NotMobile)),
            ("0909 879 0123", home, true, &gb, Err(NotCallable)),
            ("070 1234 5678", mobile, true, &gb, Err(NotMobile)),
            ("07624 312345", mobile, true, &gb, Err(CountryNotAllowed)),
            ("+1 201 555 0123", mobile, true, &gb, Err(CountryNotAllowed)),
            ("+1 201 555 0123", mobile, false, &both, Ok(Channel::Sms)),
            ("+1 201 555 0123", home, false, &both, Ok(Channel::Voice)),
        ] {
            let line = Line::parse(text).unwrap();
            assert_eq!(sms_or_voice(&line, asked, fallback, countries), expected, "{text}");
        }
    }

    #[test]
    fn a_rule_is_the_text_of_its_error() {
        use LineProblem::{CountryNotAllowed, Malformed, NotCallable, NotMobile};
        for problem in [Malformed, CountryNotAllowed, NotMobile, NotCallable] {
            assert_eq!(problem.to_string(), problem.rule());
        }
    }

    #[test]
    fn debug_does_not_show_the_number() {
        let shown = format!("{:?}", Line::parse("07400 123456").unwrap());
        assert!(!shown.contains("7400"), "{shown}");
    }

    proptest! {
        #[test]
        fn a_number_reads_back_from_its_e164(digits in "0[1-9][0-9]{8,9}") {
            if let Ok(line) = Line::parse(&digits) {
                prop_assert_eq!(Line::parse(line.phone().e164()), Ok(line));
            }
        }

        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = Line::parse(&text);
        }
    }
}
