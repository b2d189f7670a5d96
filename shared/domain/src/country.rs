//! Countries and the regions inside them that addresses name.
//!
//! Invariant: a [`Country`] is one of the 249 officially assigned ISO 3166-1 alpha-2 codes; a [`Region`] of the
//! United States is one of the codes of USPS Publication 28, appendix B (50 states, DC, the territories and freely
//! associated states, and the military "states" AA, AE and AP). Other countries' regions are text: their codes are
//! not needed for anything, and half the world writes them in full.

use std::fmt;

use crate::problem::Problem;
use crate::text::Text;

/// ISO 3166-1 alpha-2, officially assigned, sorted, one space between.
const COUNTRIES: &str = "\
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB \
BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY \
BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX \
CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK \
FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS \
GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR \
IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA \
LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK \
ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE \
NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM \
PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG \
SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF \
TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY \
UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// USPS Publication 28, appendix B, sorted.
const US_REGIONS: &str = "AA AE AK AL AP AR AS AZ CA CO CT DC DE FL FM GA GU HI IA ID IL IN KS KY LA MA MD ME MH \
MI MN MO MP MS MT NC ND NE NH NJ NM NV NY OH OK OR PA PR PW RI SC SD TN TX UM UT VA VI VT WA WI WV WY";

/// A country.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// The United States.
    pub const US: Self = Self(*b"US");

    /// Reads a code in either letter case.
    ///
    /// # Errors
    /// [`Problem::Malformed`] when no such code is assigned.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        two_letters(text)
            .filter(|code| listed(COUNTRIES, *code))
            .map(Self)
            .ok_or(Problem::Malformed { expected: "an ISO 3166-1 alpha-2 country code" })
    }

    /// The two capital letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII letters get in.
        std::str::from_utf8(&self.0).unwrap_or("")
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Country({})", self.as_str())
    }
}

/// A state, province or county, as its country writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region(Text<50>);

impl Region {
    /// Reads a region of `country`: a USPS code in either case for the United States, text elsewhere.
    ///
    /// # Errors
    /// [`Problem`] when it is no US code, empty, or too long.
    pub fn parse(text: &str, country: Country) -> Result<Self, Problem> {
        if country != Country::US {
            return Text::parse(text).map(Self);
        }
        let code = two_letters(text)
            .filter(|code| listed(US_REGIONS, *code))
            .ok_or(Problem::Malformed { expected: "a US state or territory code" })?;
        Text::parse(std::str::from_utf8(&code).unwrap_or("")).map(Self)
    }

    /// Reads two capital letters, whether there is such a state or not: for contracts that take every such code and
    /// judge it later.
    ///
    /// # Errors
    /// [`Problem::Malformed`] for anything else.
    pub fn of_form(text: &str) -> Result<Self, Problem> {
        if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
            Text::parse(text).map(Self)
        } else {
            Err(Problem::Malformed { expected: "two capital letters" })
        }
    }

    /// Reads a region that was accepted before.
    ///
    /// # Errors
    /// [`Problem`] when it is empty or too long.
    pub fn restore(text: &str) -> Result<Self, Problem> {
        Text::parse(text).map(Self)
    }

    /// The code or text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// A post code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostalCode(Text<16>);

impl PostalCode {
    /// Reads a post code of `country`: `12345` or `12345-6789` for the United States; elsewhere up to 16 letters,
    /// digits, spaces and hyphens.
    ///
    /// # Errors
    /// [`Problem`] when it is not one.
    pub fn parse(text: &str, country: Country) -> Result<Self, Problem> {
        let code: Text<16> = Text::parse(text)?;
        if country == Country::US {
            if is_zip(code.as_str().as_bytes()) {
                return Ok(Self(code));
            }
            return Err(Problem::Malformed { expected: "a ZIP code (12345 or 12345-6789)" });
        }
        if code.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-')) {
            Ok(Self(code))
        } else {
            Err(Problem::Malformed { expected: "letters, digits, spaces and hyphens" })
        }
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

fn is_zip(bytes: &[u8]) -> bool {
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    match bytes.len() {
        5 => digits(bytes),
        10 => digits(&bytes[..5]) && bytes[5] == b'-' && digits(&bytes[6..]),
        _ => false,
    }
}

fn two_letters(text: &str) -> Option<[u8; 2]> {
    let code: [u8; 2] = text.as_bytes().try_into().ok()?;
    let code = code.map(|b| b.to_ascii_uppercase());
    code.iter().all(u8::is_ascii_uppercase).then_some(code)
}

/// Binary search in a table of two-letter codes with one space between.
fn listed(table: &str, code: [u8; 2]) -> bool {
    let bytes = table.as_bytes();
    let (mut low, mut high) = (0, bytes.len().div_ceil(3));
    while low < high {
        let middle = low.midpoint(high);
        let at = [bytes[middle * 3], bytes[middle * 3 + 1]];
        match at.cmp(&code) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codes(table: &str) -> Vec<&str> {
        table.split(' ').collect()
    }

    #[test]
    fn the_tables_are_sorted_and_complete() {
        let countries = codes(COUNTRIES);
        assert_eq!(countries.len(), 249);
        assert!(countries.is_sorted());
        assert!(
            countries.iter().all(|code| Country::parse(code).is_ok_and(|c| c.as_str() == *code))
        );
        // 50 states, DC, AS GU MP PR VI UM, FM MH PW, AA AE AP.
        let regions = codes(US_REGIONS);
        assert_eq!(regions.len(), 50 + 1 + 6 + 3 + 3);
        assert!(regions.is_sorted());
        assert!(regions.iter().all(|code| Region::parse(code, Country::US).is_ok()));
    }

    #[test]
    fn unassigned_codes_are_refused() {
        assert_eq!(Country::parse("us"), Ok(Country::US));
        for wrong in ["", "U", "USA", "XX", "UK", "EU", "ZZ", "U1", "Ü"] {
            assert!(Country::parse(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "XX", "New York", "N", "ZZ"] {
            assert!(Region::parse(wrong, Country::US).is_err(), "{wrong}");
        }
        assert_eq!(Region::parse("ny", Country::US).unwrap().as_str(), "NY");
        let gb = Country::parse("GB").unwrap();
        assert_eq!(Region::parse("Kent", gb).unwrap().as_str(), "Kent");
    }

    #[test]
    fn post_codes_follow_their_country() {
        let gb = Country::parse("GB").unwrap();
        for (text, country, good) in [
            ("12345", Country::US, true),
            ("12345-6789", Country::US, true),
            ("1234", Country::US, false),
            ("123456789", Country::US, false),
            ("12345-678", Country::US, false),
            ("1234a", Country::US, false),
            ("N1C 4DA", gb, true),
            ("N1C_4DA", gb, false),
            ("", gb, false),
        ] {
            assert_eq!(PostalCode::parse(text, country).is_ok(), good, "{text} {country}");
        }
    }

    proptest! {
        #[test]
        fn the_search_agrees_with_the_list(code in "[A-Za-z]{2}") {
            let listed = codes(COUNTRIES).contains(&code.to_uppercase().as_str());
            prop_assert_eq!(Country::parse(&code).is_ok(), listed);
        }

        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = Country::parse(&text);
            let _ = Region::parse(&text, Country::US);
            let _ = PostalCode::parse(&text, Country::US);
        }
    }
}
