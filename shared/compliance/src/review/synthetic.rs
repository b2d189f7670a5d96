//! The module `synthetic`: signs that an identity was made up (fabricated) or bent (manipulated).
//!
//! Pure, over the codes that the other modules emitted. The two patterns are rules that can be read here; the score is the
//! table's column, see [`weights`](super::weights).

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::applicant::Applicant;
use super::code::Code;
use super::kyc::age;

/// Whoever was born before was an adult when assignment became random, and has an older number unless they came later.
const ADULT_AT_RANDOMISATION: i16 = 33;

/// The patterns that the codes so far make, and the applicant's age.
#[must_use]
pub fn patterns(applicant: &Applicant, codes: &BTreeSet<Code>, today: Date) -> BTreeSet<Code> {
    let mut found = BTreeSet::new();
    let has = |code: Code| codes.contains(&code);
    let unknown = has(Code::I1001);
    let born = applicant.person().and_then(|person| person.birth_date);
    let years = born.map(|born| age(born, today));
    // Young people have little history for a good reason; it is said, and weighs little.
    if unknown && years.is_some_and(|years| (0..=21).contains(&years)) {
        found.insert(Code::I920);
    }
    // A number issued after 2011 to somebody who was grown up then, whom nobody has seen and nothing confirms, with an
    // address for mail that fits no name.
    let late_number = has(Code::I912) && years.is_some_and(|years| years > ADULT_AT_RANDOMISATION);
    let faceless = [Code::R557, Code::R558, Code::R560, Code::R565, Code::R567, Code::R568]
        .into_iter()
        .any(has)
        || !has(Code::I557) && !has(Code::I558);
    if late_number && unknown && has(Code::R222) && faceless {
        found.insert(Code::R299);
    }
    // A real number with another name or birth date than it has come with, or one person with several numbers.
    let bent = has(Code::R203) && (has(Code::R207) || has(Code::R1001));
    if bent || has(Code::R956) {
        found.insert(Code::R298);
    }
    found
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::review::applicant::{Party, samples};

    fn look(born: Date, codes: &[Code]) -> Vec<Code> {
        let mut applicant = samples::person();
        let Party::Person(person) = &mut applicant.party else { unreachable!() };
        person.birth_date = Some(born);
        let codes = codes.iter().copied().collect();
        patterns(&applicant, &codes, date(2026, 12, 1)).into_iter().collect()
    }

    #[test]
    fn patterns_are_these() {
        let old = date(1980, 1, 1);
        let young = date(2006, 1, 1);
        let cases: &[(Date, &[Code], &[Code])] = &[
            (old, &[], &[]),
            (old, &[Code::I1001], &[]),
            (young, &[Code::I1001], &[Code::I920]),
            (old, &[Code::I912, Code::I1001, Code::R222], &[Code::R299]),
            (old, &[Code::I912, Code::I1001, Code::R222, Code::I557], &[]),
            (old, &[Code::I912, Code::I1001, Code::R222, Code::I557, Code::R557], &[Code::R299]),
            (old, &[Code::I912, Code::R222], &[]),
            (old, &[Code::I912, Code::I1001], &[]),
            (young, &[Code::I912, Code::I1001, Code::R222], &[Code::I920]),
            (old, &[Code::R203], &[]),
            (old, &[Code::R203, Code::R207], &[Code::R298]),
            (old, &[Code::R203, Code::R1001], &[Code::R298]),
            (old, &[Code::R956], &[Code::R298]),
        ];
        for (born, codes, expected) in cases {
            assert_eq!(look(*born, codes), *expected, "{codes:?}");
        }
        let business =
            patterns(&samples::business(), &BTreeSet::from([Code::I1001]), date(2026, 12, 1));
        assert!(business.is_empty());
    }
}
