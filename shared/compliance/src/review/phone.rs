//! The module `phone`: what a number says by itself, and how it fits the address.
//!
//! Pure: numbering plans (Google's metadata), the area codes of the United States, and what the network has seen. Whether a
//! line is in service is not asked: it would take a carrier look-up, and nothing here claims it. In North America a number
//! does not tell mobile from landline, so neither is said there.

use domain::network::{AttributeKind, Facts, View};
use jiff::Timestamp;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType, Region};

use super::applicant::Applicant;
use super::area_codes::states_of;
use super::code::Code;
use super::finding::{Score, Signals};

/// Longer input is no number; the parser is spared.
const LONGEST: usize = 40;

/// What a numbering plan says of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// ISO 3166-1 alpha-2 of the region that the number belongs to.
    pub region: String,
    /// The kind of line.
    pub kind: PhoneNumberType,
    /// In E.164, digits only.
    digits: String,
}

/// Reads a number in international form, or a US one. `None` when the plans know no such number.
pub(super) fn line(text: &str) -> Option<Line> {
    let text = text.trim();
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '.' | '(' | ')');
    if text.len() > LONGEST || !text.chars().all(plain) {
        return None;
    }
    let number = PHONE_NUMBER_UTIL.parse(text, Some(Region::US)).ok()?;
    if !number.is_valid() {
        return None;
    }
    Some(Line {
        region: number.get_region_code()?.to_string(),
        kind: number.get_type(),
        digits: number.format_as(PhoneNumberFormat::E164).trim_start_matches('+').to_owned(),
    })
}

impl Line {
    /// The three digits of a North American area code.
    fn area(&self) -> Option<&str> {
        (self.digits.len() == 11 && self.digits.starts_with('1')).then(|| &self.digits[1..4])
    }

    /// 555-0100 to 555-0199 are set aside for fiction in every area (NANPA).
    fn is_fictional(&self) -> bool {
        self.area().is_some() && &self.digits[4..9] == "55501"
    }
}

/// Looks at the phone. `None` when there is none.
#[must_use]
pub fn signals(applicant: &Applicant, network: &View, now: Timestamp) -> Option<Signals> {
    let text = applicant.phone.as_deref()?;
    let mut signals = Signals::default();
    let Some(line) = line(text) else {
        signals.add(Code::R603);
        signals.correlation = Some(Score::thousandths(0));
        return Some(signals);
    };
    signals.codes.extend(of_kind(line.kind));
    signals.add_if(line.is_fictional(), Code::R606);
    let likeness = compare_with_address(&line, applicant, &mut signals);
    signals.correlation = Some(with_history(likeness, network, now, &mut signals));
    Some(signals)
}

/// What a kind of line means for a consumer.
const fn of_kind(kind: PhoneNumberType) -> Option<Code> {
    match kind {
        PhoneNumberType::FixedLine => Some(Code::I601),
        PhoneNumberType::Mobile => Some(Code::I602),
        PhoneNumberType::PremiumRate => Some(Code::I605),
        PhoneNumberType::TollFree => Some(Code::R614),
        PhoneNumberType::VoIP => Some(Code::R615),
        PhoneNumberType::Pager
        | PhoneNumberType::UAN
        | PhoneNumberType::VoiceMail
        | PhoneNumberType::SharedCost => Some(Code::R611),
        PhoneNumberType::FixedLineOrMobile
        | PhoneNumberType::PersonalNumber
        | PhoneNumberType::Unknown => None,
    }
}

/// The country whose postal addresses a region has. The United States' territories have numbers as regions of their own, and are
/// states of an address.
fn nation(region: &str) -> String {
    match region.to_ascii_uppercase().as_str() {
        "AS" | "GU" | "MP" | "PR" | "VI" => "US".to_owned(),
        region => region.to_owned(),
    }
}

/// How well the number fits the address, in thousandths.
fn compare_with_address(line: &Line, applicant: &Applicant, signals: &mut Signals) -> i32 {
    let Some(address) = &applicant.address else { return 400 };
    if nation(&address.country) != nation(&line.region) {
        signals.add(Code::R602);
        return 100;
    }
    let state = address.state.as_deref().unwrap_or("").trim().to_ascii_uppercase();
    let Some(states) = line.area().and_then(states_of) else { return 450 };
    if states.split(' ').any(|known| known == state) {
        signals.add(Code::I610);
        650
    } else {
        // People keep their number when they move; this alone says little.
        signals.add(Code::R607);
        350
    }
}

fn with_history(likeness: i32, network: &View, now: Timestamp, signals: &mut Signals) -> Score {
    let seen = network.by_others(AttributeKind::Phone, now);
    let own = &network.own;
    let witnesses = network.by_witnesses(AttributeKind::Phone, now);
    let attested = |fact: &dyn Fn(&Facts) -> bool| witnesses.iter().any(|seen| fact(&seen.facts));
    let same = attested(&|facts| facts.same_name(own));
    let first = attested(&|facts| own.first_name.is_some() && facts.first_name == own.first_name);
    let last = attested(&|facts| own.last_name.is_some() && facts.last_name == own.last_name);
    let strangers = seen.iter().any(|sighting| !sighting.facts.same_name(own));
    signals.add_if(same, Code::I618);
    signals.add_if(first, Code::I621);
    signals.add_if(last, Code::I622);
    let mut numbers: Vec<_> =
        seen.iter().filter_map(|sighting| sighting.facts.tax_id.as_ref()).collect();
    numbers.extend(own.tax_id.as_ref());
    numbers.sort();
    numbers.dedup();
    signals.add_if(numbers.len() >= 4, Code::R224);
    Score::thousandths(if same {
        970
    } else if last {
        800
    } else if strangers {
        likeness - 150
    } else {
        likeness
    })
}

#[cfg(test)]
#[path = "phone_tests.rs"]
mod tests;
