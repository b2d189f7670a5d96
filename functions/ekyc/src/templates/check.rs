//! The rules for a partner's own texts.

use std::collections::BTreeMap;

use serde_json::Value;

use super::render::fill;
use super::{Locale, Part, Templates, builtin, gsm};
use crate::passcode::MAX_LENGTH;

/// More than any partner speaks.
const MAX_LOCALES: usize = 20;
/// The longest life of a code that a configuration may ask for: 7 days.
const LONGEST_LIFE_SECONDS: i64 = 7 * 24 * 3600;
/// The life that takes most characters: `119 minutes` is longer than `168 hours` in every language here.
const WORDIEST_LIFE_SECONDS: i64 = 119 * 60;

const MAX_VOICE: usize = 600;
const MAX_SUBJECT: usize = 120;
const MAX_BODY: usize = 2_000;
const MAX_PURPOSE: usize = 60;

/// A text that breaks a rule. Nothing of the text is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} {rule}")]
pub struct TemplateProblem {
    /// Which text, for example `messageTemplates.en-GB.sms`.
    pub path: String,
    /// What it breaks, for example "must contain {code} once".
    pub rule: &'static str,
}

type Texts = BTreeMap<Locale, BTreeMap<Part, String>>;

const ROOT: &str = "messageTemplates";

pub(super) fn read(json: &Value) -> Result<Texts, Vec<TemplateProblem>> {
    let problem = |path: &str, rule| TemplateProblem { path: path.to_owned(), rule };
    let Some(locales) = json.as_object() else {
        return Err(vec![problem(ROOT, "must be an object")]);
    };
    let mut wrong = Vec::new();
    if locales.len() > MAX_LOCALES {
        wrong.push(problem(ROOT, "must have at most 20 locales"));
    }
    let mut texts = Texts::new();
    // More are not looked at: a body may be all locales.
    for (locale, parts) in locales.iter().take(MAX_LOCALES) {
        let Ok(locale) = Locale::parse(locale) else {
            wrong.push(problem(ROOT, "must be named by locales such as en-GB"));
            continue;
        };
        let path = format!("{ROOT}.{locale}");
        let Some(parts) = parts.as_object() else {
            wrong.push(problem(&path, "must be an object"));
            continue;
        };
        let read = read_parts(&path, parts, &mut wrong);
        if texts.insert(locale, read).is_some() {
            wrong.push(problem(ROOT, "must name each locale once"));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    // Together, because a purpose of the partner's own goes into texts that may be built in.
    let templates = Templates(texts);
    let long = templates.0.keys().filter(|locale| !fits_one_segment(&templates, locale));
    let too_long = "must fit one text message of 160 GSM characters";
    wrong.extend(long.map(|locale| problem(&format!("{ROOT}.{locale}.sms"), too_long)));
    if wrong.is_empty() { Ok(templates.0) } else { Err(wrong) }
}

fn read_parts(
    path: &str,
    parts: &serde_json::Map<String, Value>,
    wrong: &mut Vec<TemplateProblem>,
) -> BTreeMap<Part, String> {
    let mut read = BTreeMap::new();
    let is_known = |name: &String| Part::ALL.iter().any(|(known, _)| known == name);
    if !parts.keys().all(is_known) {
        wrong.push(TemplateProblem {
            path: path.to_owned(),
            rule: "must have no members but sms, voice, emailSubject, emailBody, purposePhone and purposeEmail",
        });
    }
    for (name, part) in Part::ALL {
        let Some(text) = parts.get(name) else { continue };
        let text = text.as_str().ok_or("must be a string");
        match text.and_then(|text| check(part, text).map(|()| text)) {
            Ok(text) => _ = read.insert(part, text.to_owned()),
            Err(rule) => wrong.push(TemplateProblem { path: format!("{path}.{name}"), rule }),
        }
    }
    read
}

/// What holds for one text by itself.
fn check(part: Part, text: &str) -> Result<(), &'static str> {
    let (max, codes, too_long) = match part {
        Part::Sms => (gsm::SEGMENT, 1, "must fit one text message of 160 GSM characters"),
        Part::Voice => (MAX_VOICE, 2, "must have at most 600 characters"),
        Part::EmailSubject => (MAX_SUBJECT, 0, "must have at most 120 characters"),
        Part::EmailBody => (MAX_BODY, 1, "must have at most 2000 characters"),
        Part::PurposePhone | Part::PurposeEmail => {
            (MAX_PURPOSE, 0, "must have at most 60 characters")
        }
    };
    if text.trim().is_empty() {
        return Err("must not be empty");
    }
    if text.chars().count() > max {
        return Err(too_long);
    }
    if text.chars().any(|c| c.is_control() && !(c == '\n' && part == Part::EmailBody)) {
        return Err("must have no control characters");
    }
    let names = placeholders(text)
        .ok_or("must have no braces but those of {code}, {purpose} and {life}")?;
    if matches!(part, Part::PurposePhone | Part::PurposeEmail) && !names.is_empty() {
        return Err("must have no placeholders");
    }
    if names.iter().filter(|name| **name == "code").count() != codes {
        return Err(match codes {
            0 => "must not contain {code}",
            1 => "must contain {code} once",
            _ => "must contain {code} twice",
        });
    }
    let twice = |name| names.iter().filter(|found| **found == name).count() > 1;
    if twice("purpose") || twice("life") {
        return Err("must contain {purpose} and {life} at most once");
    }
    if text.chars().any(char::is_numeric) {
        return Err("must have no digits: the code is the only number to type");
    }
    if has_address(text) {
        return Err("must have no web or e-mail addresses");
    }
    Ok(())
}

/// The placeholders in their order; `None` when a brace is not part of a known one.
fn placeholders(text: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}')?;
        if before.contains('}') || !["code", "purpose", "life"].contains(&name) {
            return None;
        }
        names.push(name);
        rest = behind;
    }
    (!rest.contains('}')).then_some(names)
}

/// Anything that a phone would make a link of: `a@b`, `//`, `www.`, or a dot with a letter right behind it.
fn has_address(text: &str) -> bool {
    let mut behind_dot = false;
    for character in text.chars() {
        if character == '@' || (behind_dot && (character.is_alphanumeric() || character == '{')) {
            return true;
        }
        behind_dot = character == '.';
    }
    text.contains("//")
}

/// Whether the text message of a locale fits with the longest code and the longest words for its life.
fn fits_one_segment(templates: &Templates, locale: &Locale) -> bool {
    let code = "0".repeat(usize::from(MAX_LENGTH));
    let purpose = templates.text(locale, Part::PurposePhone);
    [LONGEST_LIFE_SECONDS, WORDIEST_LIFE_SECONDS].iter().all(|seconds| {
        let life = builtin::life(locale.language(), *seconds);
        let text = fill(templates.text(locale, Part::Sms), &code, purpose, &life);
        gsm::septets(&text).is_some_and(|septets| septets <= gsm::SEGMENT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_texts_obey_the_rules() {
        for texts in &builtin::ALL {
            let locale = Locale::parse(texts.locale).unwrap();
            for (name, part) in Part::ALL {
                let text = builtin::text(texts.locale, part).unwrap();
                assert_eq!(check(part, text), Ok(()), "{locale} {name}");
            }
            assert!(fits_one_segment(&Templates::default(), &locale), "{locale}");
        }
    }

    #[test]
    fn texts_that_could_mislead_are_refused() {
        use Part::{EmailBody, EmailSubject, PurposePhone, Sms, Voice};
        let braces = "must have no braces but those of {code}, {purpose} and {life}";
        let addresses = "must have no web or e-mail addresses";
        let digits = "must have no digits: the code is the only number to type";
        for (part, text, expected) in [
            (Sms, "{code}", Ok(())),
            (Sms, "Acme Card: {code} to {purpose}, for {life}.", Ok(())),
            (Sms, " ", Err("must not be empty")),
            (Sms, "Your code", Err("must contain {code} once")),
            (Sms, "{code} {code}", Err("must contain {code} once")),
            (Sms, "{code} {life} {life}", Err("must contain {purpose} and {life} at most once")),
            (Sms, "{code} {name}", Err(braces)),
            (Sms, "{code", Err(braces)),
            (Sms, "code} {code}", Err(braces)),
            (Sms, "{code} }", Err(braces)),
            (Sms, "{{code}}", Err(braces)),
            (Sms, "{code} or call 0800", Err(digits)),
            (Sms, "{code} ٣", Err(digits)),
            (Sms, "{code} see bank.example", Err(addresses)),
            (Sms, "{code} https://bank", Err(addresses)),
            (Sms, "{code} help@bank", Err(addresses)),
            (Sms, "www.{code}", Err(addresses)),
            (Sms, "{code}\nmore", Err("must have no control characters")),
            (Voice, "{code} {code}", Ok(())),
            (Voice, "{code}", Err("must contain {code} twice")),
            (EmailSubject, "Your code", Ok(())),
            (EmailSubject, "Your code {code}", Err("must not contain {code}")),
            (EmailBody, "Line\n{code}\n", Ok(())),
            (PurposePhone, "open the door", Ok(())),
            (PurposePhone, "open {purpose}", Err("must have no placeholders")),
        ] {
            assert_eq!(check(part, text), expected, "{text}");
        }
    }
}
