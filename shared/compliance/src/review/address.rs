//! The module `address`: whether an address can exist, and what stands there.
//!
//! Pure: shape, post code against state, words in the lines, and what a provider answered when one is configured. Without a
//! provider nothing is said about delivery, neither for nor against; nor when it gave no answer, which is said.

use domain::network::{AttributeKind, View};
use jiff::Timestamp;

use super::applicant::{Applicant, PostalAddress};
use super::code::Code;
use super::finding::{Score, Signals};
use super::names::words;
use super::provider::{AddressKind, Delivery, DeliveryAnswer};
use super::uk_postcode::is_post_code;
use super::zip_codes::{Zip, zip};

/// Looks at the address. `None` when there is none.
#[must_use]
pub fn signals(
    applicant: &Applicant,
    network: &View,
    delivery: &DeliveryAnswer,
    now: Timestamp,
) -> Option<Signals> {
    let address = applicant.address.as_ref()?;
    let mut signals = Signals::default();
    let shape = look_at_shape(address, &mut signals);
    look_at_lines(address, &mut signals);
    match delivery {
        DeliveryAnswer::Answered(delivery) => heed_provider(delivery, &mut signals),
        DeliveryAnswer::Unavailable => signals.add(Code::G004),
        DeliveryAnswer::NotConfigured => {}
    }
    signals.correlation = Some(correlate(shape, applicant, network, now, &mut signals));
    Some(signals)
}

/// How the parts agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Post code and state agree, or the post code is of its country's format.
    Agrees,
    /// There is nothing to compare.
    Unknown,
    /// They contradict each other, or parts are missing.
    Wrong,
}

fn look_at_shape(address: &PostalAddress, signals: &mut Signals) -> Shape {
    if is_incomplete(address) || is_placeholder(&address.line1) || is_placeholder(&address.city) {
        signals.add(Code::R703);
        return Shape::Wrong;
    }
    let code = address.postal_code.as_deref().unwrap_or("");
    match address.country.to_ascii_uppercase().as_str() {
        "US" => {
            let state = address.state.as_deref().unwrap_or("").trim().to_ascii_uppercase();
            let found = zip(code);
            if matches!(found, Zip::Malformed | Zip::Unassigned) {
                signals.add(Code::R712);
                Shape::Wrong
            } else if found.is_in(&state) {
                signals.add_if(matches!(state.as_str(), "AA" | "AE" | "AP"), Code::R710);
                Shape::Agrees
            } else {
                signals.add(Code::R713);
                Shape::Wrong
            }
        }
        "GB" | "GG" | "JE" | "IM" => {
            if is_post_code(code) {
                Shape::Agrees
            } else {
                signals.add(Code::R712);
                Shape::Wrong
            }
        }
        _ => Shape::Unknown,
    }
}

/// The United States and the United Kingdom need all four parts; elsewhere a street and a town.
fn is_incomplete(address: &PostalAddress) -> bool {
    let blank = |text: &str| text.trim().is_empty();
    let missing = |text: &Option<String>| text.as_deref().is_none_or(blank);
    let street_and_town = blank(&address.line1) || blank(&address.city);
    match address.country.to_ascii_uppercase().as_str() {
        "US" => street_and_town || missing(&address.state) || missing(&address.postal_code),
        "GB" => street_and_town || missing(&address.postal_code),
        _ => street_and_town,
    }
}

/// What people type who do not want to say where they live.
const PLACEHOLDERS: &[&str] = &[
    "address",
    "asdf",
    "asdfasdf",
    "fake",
    "homeless",
    "na",
    "nil",
    "noaddress",
    "none",
    "notapplicable",
    "null",
    "qwerty",
    "tbd",
    "test",
    "unknown",
    "xxx",
    "xxxx",
];

fn is_placeholder(text: &str) -> bool {
    let squeezed: String =
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    squeezed.is_empty() || PLACEHOLDERS.contains(&squeezed.as_str())
}

/// Words of the lines that say what stands there, as folded words (USPS Publication 28 for units and boxes).
fn look_at_lines(address: &PostalAddress, signals: &mut Signals) {
    let text = format!("{} {}", address.line1, address.line2.as_deref().unwrap_or(""));
    let words = words(&text);
    let has = |names: &[&str]| words.iter().any(|word| names.contains(&word.as_str()));
    let follows = |first: &str, second: &str| {
        words.windows(2).any(|pair| pair[0] == first && pair[1] == second)
    };
    let box_of_office = has(&["pobox", "pob"])
        || (follows("p", "o") && has(&["box"]))
        || follows("po", "box")
        || follows("office", "box")
        || words.first().is_some_and(|word| word == "box");
    // Military mail has boxes by rule ("PSC 1 BOX 2"); they are no post-office boxes.
    let military = has(&["psc", "cmr", "ops", "apo", "fpo", "dpo"]);
    signals.add_if(military, Code::R710);
    signals.add_if(box_of_office && !military, Code::R708);
    let mail_drop =
        has(&["pmb"]) || follows("ups", "store") || follows("mail", "boxes") || follows("c", "o");
    signals.add_if(mail_drop, Code::R707);
    signals.add_if(has(&["penitentiary", "prison", "jail", "inmate", "correctional"]), Code::R704);
    signals.add_if(
        has(&["dorm", "dormitory"])
            || follows("residence", "hall")
            || follows("university", "hall"),
        Code::I706,
    );
    let unit = text.contains('#')
        || has(&["apt", "apartment", "unit", "ste", "suite", "flat", "rm", "room", "trlr", "lot"]);
    let street_number = address.line1.trim().starts_with(|c: char| c.is_ascii_digit());
    signals.add_if(unit, Code::I704);
    signals.add_if(!unit && !box_of_office && street_number, Code::I705);
}

fn heed_provider(delivery: &Delivery, signals: &mut Signals) {
    use super::provider::Deliverability::{
        Deliverable, DropUnit, MissingUnit, NoStreetDelivery, Unconfirmed, Undeliverable, Vacant,
    };
    signals.add(match delivery.deliverability {
        Deliverable => Code::I711,
        DropUnit => Code::I712,
        MissingUnit => Code::I713,
        NoStreetDelivery => Code::I714,
        Vacant => Code::R701,
        Unconfirmed => Code::R702,
        Undeliverable => Code::R703,
    });
    match delivery.kind {
        Some(AddressKind::Residential) => signals.add(Code::I707),
        Some(AddressKind::Commercial) => signals.add(Code::R709),
        Some(AddressKind::PostOfficeBox) => signals.add(Code::R708),
        Some(AddressKind::MailDrop) => signals.add(Code::R707),
        Some(AddressKind::Military) => signals.add(Code::R710),
        None => {}
    }
    signals.add_if(delivery.corrected, Code::R722);
}

/// How well the address fits the person: the network has seen both together, or at least its parts agree.
fn correlate(
    shape: Shape,
    applicant: &Applicant,
    network: &View,
    now: Timestamp,
    signals: &mut Signals,
) -> Score {
    let together =
        [AttributeKind::TaxId, AttributeKind::Email, AttributeKind::Phone, AttributeKind::Person]
            .into_iter()
            .flat_map(|kind| network.by_witnesses(kind, now))
            .any(|seen| {
                seen.facts.same_name(&network.own)
                    && network.own.address.is_some()
                    && seen.facts.address == network.own.address
            });
    signals.add_if(together && shape != Shape::Wrong, Code::I708);
    let delivered = signals.has(Code::I711);
    Score::thousandths(match (shape, together) {
        (Shape::Wrong, _) => 100,
        (_, true) => 950,
        (Shape::Agrees, false) if delivered => 700,
        (Shape::Agrees, false) if applicant.phone.is_some() => 500,
        (Shape::Agrees, false) => 450,
        (Shape::Unknown, false) => 350,
    })
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
