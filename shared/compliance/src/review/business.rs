//! The three modules of a business: `business_identification` (who it says it is), `business_validation` (whether that holds
//! together), `business_evaluation` (who acts for it).
//!
//! Pure, from what was given, what the network has seen and what a provider confirms. Registers of companies are not asked:
//! they would take a provider, and nothing here claims them.

use domain::network::{AttributeKind, View};
use jiff::Timestamp;

use super::applicant::{Applicant, BusinessFacts, digits_of};
use super::code::Code;
use super::ein::{Structure, structure};
use super::email::{is_free_provider, is_special};
use super::finding::{Score, Signals};
use super::names::{states_legal_form, without_legal_form, words};
use super::phone::line;
use super::provider::IdentityAnswer;

/// What the three modules saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BusinessSignals {
    /// Who it says it is.
    pub identification: Signals,
    /// Whether that holds together.
    pub validation: Signals,
    /// Who acts for it.
    pub evaluation: Signals,
}

/// Looks at a business. `None` for a person.
#[must_use]
pub fn signals(
    applicant: &Applicant,
    network: &View,
    answer: &IdentityAnswer,
    now: Timestamp,
) -> Option<BusinessSignals> {
    let business = applicant.business()?;
    Some(BusinessSignals {
        identification: identification(business, network, answer, now),
        validation: validation(applicant, business),
        evaluation: evaluation(business),
    })
}

fn identification(
    business: &BusinessFacts,
    network: &View,
    answer: &IdentityAnswer,
    now: Timestamp,
) -> Signals {
    let mut signals = Signals::default();
    match business.ein.as_deref() {
        None => signals.add(Code::BR008),
        Some(number) => {
            match digits_of(number).map_or(Structure::Impossible, |it| structure(&it)) {
                Structure::Possible => signals.add(Code::BI001),
                Structure::Placeholder => signals.add(Code::BR002),
                Structure::Impossible => signals.add(Code::BR001),
            }
        }
    }
    signals.add_if(
        [Some(business.name.as_str()), business.legal_name.as_deref()]
            .into_iter()
            .flatten()
            .any(states_legal_form),
        Code::BI003,
    );
    signals.add_if(is_placeholder(&business.name), Code::BR009);
    let seen = network.by_others(AttributeKind::TaxId, now);
    let witnesses = network.by_witnesses(AttributeKind::TaxId, now);
    let same = witnesses.iter().any(|sighting| sighting.facts.same_name(&network.own));
    let other = seen.iter().any(|sighting| !sighting.facts.same_name(&network.own));
    signals.add_if(same, Code::BI007);
    signals.add_if(other, Code::BR007);
    if let IdentityAnswer::Answered(confirmed) = answer {
        signals.add_if(confirmed.business == Some(true), Code::BI008);
        signals.add_if(confirmed.business == Some(false), Code::BR012);
    }
    let points = match business.legal_name.as_deref() {
        None => 400,
        Some(legal) => likeness(&business.name, legal),
    };
    if business.legal_name.is_some() {
        signals.add(if points >= 500 { Code::BI002 } else { Code::BR003 });
    }
    signals.correlation = Some(Score::thousandths(points));
    signals
}

/// The share of the words of the shorter name that stand in the other one, legal forms aside, in thousandths.
fn likeness(name: &str, legal: &str) -> i32 {
    let (one, other) = (without_legal_form(name), without_legal_form(legal));
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    if short.is_empty() {
        return 0;
    }
    let shared = short.iter().filter(|word| long.contains(word)).count();
    i32::try_from(shared * 950 / short.len()).unwrap_or(0)
}

const PLACEHOLDERS: &[&str] = &[
    "asdf",
    "business",
    "businessname",
    "company",
    "companyname",
    "fake",
    "na",
    "name",
    "none",
    "null",
    "test",
    "testbusiness",
    "testcompany",
    "unknown",
    "xxx",
];

fn is_placeholder(name: &str) -> bool {
    let squeezed = words(name).concat();
    squeezed.is_empty() || PLACEHOLDERS.contains(&squeezed.as_str())
}

/// The host of a website, lower case, without `www.`. `None` when the text is no web address.
fn host_of(website: &str) -> Option<String> {
    let text = website.trim().to_ascii_lowercase();
    let text = text.as_str();
    let rest =
        text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    let authority = rest.split(['/', '?', '#']).next()?;
    if authority.contains('@') {
        return None;
    }
    let host = authority.split(':').next()?.to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host).to_owned();
    // The rules of an e-mail domain are those of a host name with a dot in it.
    domain::email::EmailAddress::parse(&format!("a@{host}")).is_ok().then_some(host)
}

fn validation(applicant: &Applicant, business: &BusinessFacts) -> Signals {
    let mut signals = Signals::default();
    let mail = applicant.email.as_deref().and_then(|email| email.rsplit_once('@'));
    let mail = mail.map(|(_, domain)| domain.trim().to_ascii_lowercase());
    let mut points = 300;
    if let Some(website) = business.website.as_deref() {
        match host_of(website) {
            None => signals.add(Code::BR004),
            Some(host) => {
                signals.add(Code::BI005);
                signals.add_if(is_special(&host), Code::BR010);
                let under = |inner: &str, outer: &str| {
                    inner == outer || inner.ends_with(&format!(".{outer}"))
                };
                let shared =
                    mail.as_deref().is_some_and(|mail| under(mail, &host) || under(&host, mail));
                let squeezed: String = without_legal_form(&business.name).concat();
                let named = !squeezed.is_empty()
                    && host
                        .chars()
                        .filter(char::is_ascii_alphabetic)
                        .collect::<String>()
                        .contains(&squeezed);
                signals.add_if(shared, Code::BI004);
                points = match (shared, named) {
                    (true, true) => 950,
                    (true, false) => 750,
                    (false, true) => 650,
                    (false, false) => 350,
                };
            }
        }
    }
    signals.add_if(mail.as_deref().is_some_and(is_free_provider), Code::BR005);
    signals.correlation = Some(Score::thousandths(points));
    signals
}

fn evaluation(business: &BusinessFacts) -> Signals {
    let mut signals = Signals::default();
    let invalid = business.representatives.iter().any(|who| {
        let email = who
            .email
            .as_deref()
            .is_some_and(|email| domain::email::EmailAddress::parse(email.trim()).is_err());
        email || who.phone.as_deref().is_some_and(|phone| line(phone).is_none())
    });
    signals.add(if business.representatives.is_empty() { Code::BR006 } else { Code::BI006 });
    signals.add_if(invalid, Code::BR011);
    signals
}

#[cfg(test)]
mod tests {
    use domain::network::{Facts, Fingerprint, History, Outcome, Sighting};
    use proptest::prelude::*;

    use super::*;
    use crate::review::applicant::{Party, Representative, samples};
    use crate::review::provider::Confirmed;

    fn now() -> Timestamp {
        "2026-12-01T12:00:00Z".parse().unwrap()
    }

    fn changed(change: impl FnOnce(&mut BusinessFacts)) -> BusinessSignals {
        let mut applicant = samples::business();
        let Party::Business(facts) = &mut applicant.party else { unreachable!() };
        change(facts);
        signals(&applicant, &View::default(), &IdentityAnswer::NotConfigured, now()).unwrap()
    }

    fn codes(signals: Signals) -> Vec<Code> {
        signals.codes.into_iter().collect()
    }

    #[test]
    fn identification_says_who_it_is() {
        type Change = fn(&mut BusinessFacts);
        let cases: &[(Change, &[Code])] = &[
            (|_| {}, &[Code::BI001, Code::BI002, Code::BI003]),
            (|it| it.ein = None, &[Code::BI002, Code::BI003, Code::BR008]),
            (|it| it.ein = Some("00-3817204".into()), &[Code::BI002, Code::BI003, Code::BR001]),
            (|it| it.ein = Some("12-3456789".into()), &[Code::BI002, Code::BI003, Code::BR002]),
            (|it| it.legal_name = None, &[Code::BI001, Code::BI003]),
            (
                |it| it.legal_name = Some("Northgate Holdings Inc".into()),
                &[Code::BI001, Code::BI003, Code::BR003],
            ),
            (
                |it| {
                    it.name = "Test Company".into();
                    it.legal_name = None;
                },
                &[Code::BI001, Code::BI003, Code::BR009],
            ),
        ];
        for (change, expected) in cases {
            assert_eq!(codes(changed(change).identification), *expected);
        }
    }

    #[test]
    fn validation_says_whether_it_holds_together() {
        type Change = fn(&mut BusinessFacts);
        let cases: &[(Change, &[Code], u16)] = &[
            (|_| {}, &[Code::BI004, Code::BI005], 950),
            (|it| it.website = None, &[], 300),
            (|it| it.website = Some("https://other.com".into()), &[Code::BI005], 350),
            (
                |it| it.website = it.website.as_ref().map(|site| site.to_ascii_uppercase()),
                &[Code::BI004, Code::BI005],
                950,
            ),
            (|it| it.website = Some("https://user@x.com/".into()), &[Code::BR004], 300),
            (|it| it.website = Some("https://10.0.0.1/".into()), &[Code::BR004], 300),
            (|it| it.website = Some("not a site".into()), &[Code::BR004], 300),
            (
                |it| it.website = Some("https://shop.example".into()),
                &[Code::BI005, Code::BR010],
                350,
            ),
            (|it| it.name = "Harbor Goods".into(), &[Code::BI004, Code::BI005], 750),
        ];
        for (change, expected, points) in cases {
            let found = changed(change).validation;
            let likeness = found.correlation.unwrap().points();
            assert_eq!((codes(found), likeness), (expected.to_vec(), *points));
        }
        let mut free = samples::business();
        free.email = Some("bakery@gmail.com".into());
        let found =
            signals(&free, &View::default(), &IdentityAnswer::NotConfigured, now()).unwrap();
        assert!(found.validation.has(Code::BR005) && !found.validation.has(Code::BI004));
    }

    #[test]
    fn evaluation_says_who_acts() {
        assert_eq!(codes(changed(|_| {}).evaluation), [Code::BI006]);
        assert_eq!(codes(changed(|it| it.representatives.clear()).evaluation), [Code::BR006]);
        let broken = changed(|it| {
            it.representatives.push(Representative {
                name: "B".into(),
                email: Some("nowhere".into()),
                phone: None,
            });
        });
        assert_eq!(codes(broken.evaluation), [Code::BI006, Code::BR011]);
    }

    #[test]
    fn the_network_and_a_provider_count() {
        let print = Fingerprint::of_digest;
        let own = Facts { last_name: Some(print("bakery")), ..Facts::default() };
        for (name, code) in [("bakery", Code::BI007), ("other", Code::BR007)] {
            let facts = Facts { last_name: Some(print(name)), ..Facts::default() };
            let mut history = History::default();
            let outcome = Some(Outcome::Approved);
            let seen = Sighting { member: print("m"), at: now(), facts, outcome };
            history.record(print("c"), seen, now());
            let histories = [(AttributeKind::TaxId, history)].into();
            let view = View { own: own.clone(), histories, ..View::default() };
            let found = signals(&samples::business(), &view, &IdentityAnswer::NotConfigured, now());
            assert!(found.unwrap().identification.has(code));
        }
        for (says, code) in [(true, Code::BI008), (false, Code::BR012)] {
            let confirmed = Confirmed { business: Some(says), ..Confirmed::default() };
            let answer = IdentityAnswer::Answered(Box::new(confirmed));
            let found = signals(&samples::business(), &View::default(), &answer, now());
            assert!(found.unwrap().identification.has(code));
        }
    }

    #[test]
    fn a_person_is_no_business() {
        let answer = IdentityAnswer::NotConfigured;
        assert!(signals(&samples::person(), &View::default(), &answer, now()).is_none());
    }

    proptest! {
        #[test]
        fn no_text_panics(name in "\\PC{0,30}", legal in "\\PC{0,30}", ein in "\\PC{0,12}", website in "\\PC{0,40}") {
            let one = changed(|it| {
                it.name = name;
                it.legal_name = Some(legal);
                it.ein = Some(ein);
                it.website = Some(website);
            });
            prop_assert!(one.identification.correlation.is_some());
        }
    }
}
