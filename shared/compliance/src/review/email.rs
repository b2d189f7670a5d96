//! The module `email`: what an address says about who uses it.
//!
//! Pure: the address, the name beside it, and what the network has seen. Whether a mailbox exists is not asked: it would
//! take a provider, and nothing here claims it.

use domain::email::EmailAddress;
use domain::network::{AttributeKind, Sighting, View};
use jiff::{SignedDuration, Timestamp};

use super::applicant::Applicant;
use super::code::Code;
use super::email_lists::{
    COLLEGE_TLD, COMMON_PROVIDERS, DISPOSABLE, HIDING, INVALID_TLDS, RISKY_TLDS, SPECIAL_DOMAINS,
    SPECIAL_TLDS, TECHNICAL_ROLES, is_rare_pair,
};
use super::finding::{Score, Signals};
use super::names::{COMMON_GIVEN_NAMES, fold};

const DAYS: fn(i64) -> SignedDuration = |days| SignedDuration::from_hours(24 * days);

/// Handles longer than this are longer than nine in ten million that people choose.
const LONG_HANDLE: usize = 40;

/// Looks at the e-mail address. `None` when there is none.
#[must_use]
pub fn signals(applicant: &Applicant, network: &View, now: Timestamp) -> Option<Signals> {
    let text = applicant.email.as_deref()?.trim();
    let mut signals = Signals::default();
    let Ok(address) = EmailAddress::parse(text) else {
        signals.add(Code::R551);
        signals.correlation = Some(Score::thousandths(0));
        return Some(signals);
    };
    let folded = address.folded();
    let (handle, domain) = folded.rsplit_once('@').unwrap_or((folded.as_str(), ""));
    look_at_domain(domain, &mut signals);
    let zip = applicant.address.as_ref().and_then(|address| address.postal_code.as_deref());
    look_at_handle(handle, domain, zip, &mut signals);
    let seen = network.by_others(AttributeKind::Email, now);
    look_at_history(&seen, network, now, &mut signals);
    let likeness = correlate(handle, applicant, &mut signals);
    signals.correlation = Some(with_history(likeness, &seen, network, now, &mut signals));
    Some(signals)
}

/// Whether the domain, or one that it lies under, is in a sorted list.
pub(super) fn is_listed(domain: &str, list: &[&str]) -> bool {
    let mut rest = domain;
    loop {
        if list.binary_search(&rest).is_ok() {
            return true;
        }
        match rest.split_once('.') {
            Some((_, parent)) => rest = parent,
            None => return false,
        }
    }
}

/// Whether a domain is one that nobody can receive mail at, or reserved for examples.
pub(super) fn is_special(domain: &str) -> bool {
    let top = domain.rsplit('.').next().unwrap_or(domain);
    SPECIAL_TLDS.contains(&top) || is_listed(domain, SPECIAL_DOMAINS)
}

/// Whether a domain gives mailboxes to anybody.
pub(super) fn is_free_provider(domain: &str) -> bool {
    COMMON_PROVIDERS.binary_search(&domain).is_ok()
}

fn look_at_domain(domain: &str, signals: &mut Signals) {
    let top = domain.rsplit('.').next().unwrap_or(domain);
    signals.add_if(INVALID_TLDS.contains(&top), Code::R563);
    signals.add_if(is_special(domain), Code::I563);
    signals.add_if(RISKY_TLDS.binary_search(&top).is_ok(), Code::R567);
    signals.add_if(is_listed(domain, DISPOSABLE), Code::R557);
    signals.add_if(is_listed(domain, HIDING), Code::R565);
    signals.add_if(is_free_provider(domain), Code::I566);
    signals.add_if(top == COLLEGE_TLD, Code::I561);
}

fn look_at_handle(handle: &str, domain: &str, zip: Option<&str>, signals: &mut Signals) {
    let base = handle.split('+').next().unwrap_or(handle);
    let length = base.chars().count();
    let digits = base.chars().filter(char::is_ascii_digit).count();
    let letters = base.chars().filter(char::is_ascii_alphabetic).count();
    let symbols = length - digits - letters;
    signals.add_if(base.chars().any(|c| !is_usual(c)), Code::I564);
    signals.add_if(length >= 4 && digits * 2 > length, Code::R560);
    signals.add_if(length >= 2 && symbols * 2 > length, Code::R574);
    signals.add_if(length > LONG_HANDLE, Code::R569);
    let parts = base.split(|c: char| !c.is_ascii_alphabetic()).filter(|part| !part.is_empty());
    signals.add_if(parts.clone().count() >= 5, Code::I567);
    signals.add_if(TECHNICAL_ROLES.binary_search(&base).is_ok(), Code::I565);
    let zip5 =
        zip.and_then(|zip| zip.get(..5)).filter(|zip| zip.bytes().all(|b| b.is_ascii_digit()));
    signals.add_if(zip5.is_some_and(|zip| base.contains(zip)), Code::I562);
    let whole = fold(base);
    let has_name = COMMON_GIVEN_NAMES.iter().any(|name| {
        parts.clone().any(|part| part == *name) || (name.len() > 4 && whole.contains(name))
    });
    signals.add_if(has_name, Code::I568);
    signals.add_if(looks_generated(base), Code::R558);
    signals.add_if(looks_scrambled(base), Code::R568);
    signals.add_if(has_rare_pairs(base), Code::R573);
    signals.add_if(breaks_provider_rules(base, domain), Code::R564);
}

/// What the large providers let a handle consist of.
const fn is_usual(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// Letters and digits in turns: what a program draws and a person does not.
fn looks_generated(base: &str) -> bool {
    let bare: Vec<char> = base.chars().filter(char::is_ascii_alphanumeric).collect();
    let turns =
        bare.windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
    bare.len() >= 8 && turns >= 4
}

/// Runs of six consonants, or eight letters and more with hardly a vowel.
fn looks_scrambled(base: &str) -> bool {
    base.split(|c: char| !c.is_ascii_alphabetic()).any(|word| {
        let vowels = word.chars().filter(|c| is_vowel(*c)).count();
        let longest = word.split(is_vowel).map(str::len).max().unwrap_or(0);
        longest >= 6 || (word.len() >= 8 && vowels * 7 < word.len())
    })
}

const fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

fn has_rare_pairs(base: &str) -> bool {
    let letters: Vec<u8> = base.bytes().collect();
    let pairs = letters.windows(2).filter(|pair| pair.iter().all(u8::is_ascii_alphabetic));
    let rare = pairs.filter(|pair| is_rare_pair(pair[0], pair[1])).count();
    rare >= 2
}

/// Gmail hands out 6 to 30 letters, digits and dots (its help page "Create a username"); dots do not count.
fn breaks_provider_rules(base: &str, domain: &str) -> bool {
    if !matches!(domain, "gmail.com" | "googlemail.com") {
        return false;
    }
    let length = base.chars().filter(|c| *c != '.').count();
    !(6..=30).contains(&length) || base.chars().any(|c| !c.is_ascii_alphanumeric() && c != '.')
}

/// How much of the name stands in the handle, in thousandths.
fn correlate(handle: &str, applicant: &Applicant, signals: &mut Signals) -> Option<i32> {
    let (first, last) = applicant.folded_names();
    let base = fold(handle.split('+').next().unwrap_or(handle));
    if last.is_empty() && first.is_empty() {
        return None;
    }
    let contains = |name: &str| name.len() >= 2 && base.contains(name);
    let (has_first, has_last) = (contains(&first), contains(&last));
    signals.add_if(has_first, Code::I557);
    signals.add_if(has_first, Code::I569);
    signals.add_if(has_last, Code::I558);
    signals.add_if(has_last, Code::I570);
    signals.add_if(!first.is_empty() && base == first, Code::I554);
    signals.add_if(!last.is_empty() && base == last, Code::I559);
    let initial = first.chars().next().map_or_else(String::new, String::from);
    let initial_and_last = has_last
        && !initial.is_empty()
        && (base.starts_with(&initial) || base == format!("{last}{initial}"));
    Some(match (has_first, has_last) {
        (true, true) => 950,
        (false, true) if initial_and_last => 850,
        (false, true) => 700,
        (true, false) => 550,
        (false, false) if signals.has(Code::I565) => 100,
        (false, false) => 250,
    })
}

/// What is known of the address moves the likeness: the same name with it elsewhere confirms it, other names do not.
fn with_history(
    likeness: Option<i32>,
    seen: &[&Sighting],
    network: &View,
    now: Timestamp,
    signals: &mut Signals,
) -> Score {
    let is_same = |sighting: &&Sighting| sighting.facts.same_name(&network.own);
    let same = network.by_witnesses(AttributeKind::Email, now).iter().any(is_same);
    signals.add_if(same, Code::I556);
    let likeness = likeness.unwrap_or(250);
    Score::thousandths(if same {
        990
    } else if seen.iter().all(is_same) {
        likeness
    } else {
        likeness - 200
    })
}

fn look_at_history(seen: &[&Sighting], network: &View, now: Timestamp, signals: &mut Signals) {
    if let Some(first) = seen.iter().map(|sighting| sighting.at).min() {
        let known = now.duration_since(first);
        signals.add(if known > DAYS(731) {
            Code::I553
        } else if known >= DAYS(365) {
            Code::I551
        } else if known >= DAYS(180) {
            Code::I550
        } else {
            Code::R561
        });
    }
    let lately = seen.iter().filter(|sighting| now.duration_since(sighting.at) <= DAYS(731));
    let mut phones: Vec<_> = lately.filter_map(|sighting| sighting.facts.phone.as_ref()).collect();
    phones.extend(network.own.phone.as_ref());
    phones.sort();
    phones.dedup();
    signals.add_if(phones.len() > 2, Code::R572);
}

#[cfg(test)]
#[path = "email_tests.rs"]
mod tests;
