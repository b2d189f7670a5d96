//! The texts that carry a passcode, per locale, and a partner's own ones instead.
//!
//! Invariants: a text holds three things that change (the code, what it is for and how long it lasts) and fixed words with
//! neither digits nor addresses, so that the code is the only number to type and there is nothing to click; a text message
//! is one segment of the GSM alphabet; a call says the digits twice, slowly; an e-mail's subject has no code, because
//! subjects are shown on locked screens and written to logs of mail servers. Nothing of a request gets into a text: a
//! stranger cannot have words of their own sent to somebody's phone.

mod builtin;
mod check;
mod gsm;
mod render;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use check::TemplateProblem;
pub use render::Rendered;

/// A language and perhaps a country: `en`, `en-GB`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Locale(String);

/// Not a locale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a locale such as en-GB")]
pub struct NotALocale;

impl Locale {
    /// What is used where nothing else was asked for, or is there.
    #[must_use]
    pub fn british() -> Self {
        Self("en-GB".to_owned())
    }

    /// Reads a language of two letters, alone or with a country of two, in any case and with `-` or `_` between.
    ///
    /// # Errors
    /// [`NotALocale`].
    pub fn parse(text: &str) -> Result<Self, NotALocale> {
        let letters = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_alphabetic());
        match text.split_once(['-', '_']) {
            None if letters(text) => Ok(Self(text.to_ascii_lowercase())),
            Some((language, country)) if letters(language) && letters(country) => Ok(Self(
                format!("{}-{}", language.to_ascii_lowercase(), country.to_ascii_uppercase()),
            )),
            _ => Err(NotALocale),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn language(&self) -> &str {
        self.0.get(..2).unwrap_or(&self.0)
    }
}

impl TryFrom<String> for Locale {
    type Error = NotALocale;

    fn try_from(text: String) -> Result<Self, NotALocale> {
        Self::parse(&text)
    }
}

impl From<Locale> for String {
    fn from(locale: Locale) -> Self {
        locale.0
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The parts of a locale's texts, by the names that a partner's configuration gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Part {
    /// A text message.
    Sms,
    /// What a call says.
    Voice,
    /// The subject of an e-mail.
    EmailSubject,
    /// The text of an e-mail.
    EmailBody,
    /// What a code to a phone is for, as it stands in the other parts.
    PurposePhone,
    /// What a code to a mailbox is for.
    PurposeEmail,
}

impl Part {
    pub(crate) const ALL: [(&'static str, Self); 6] = [
        ("sms", Self::Sms),
        ("voice", Self::Voice),
        ("emailSubject", Self::EmailSubject),
        ("emailBody", Self::EmailBody),
        ("purposePhone", Self::PurposePhone),
        ("purposeEmail", Self::PurposeEmail),
    ];
}

/// A partner's own texts; whatever it has not given is built in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Templates(BTreeMap<Locale, BTreeMap<Part, String>>);

impl Templates {
    /// Reads a partner's texts, `{"<locale>": {"sms": …, "voice": …, "emailSubject": …, "emailBody": …, "purposePhone": …,
    /// "purposeEmail": …}}`, and tries every one of them with the longest code and life that there can be.
    ///
    /// # Errors
    /// Every text that breaks a rule, with the first rule that it breaks.
    pub fn parse(json: &serde_json::Value) -> Result<Self, Vec<TemplateProblem>> {
        check::read(json).map(Self)
    }

    /// Whether every text is a built-in one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of a part: the partner's own one or the built-in one of that very locale, then those of another country
    /// of the same language, then British English.
    fn text(&self, locale: &Locale, part: Part) -> &str {
        let british = Locale::british();
        self.exact(locale, part)
            .or_else(|| self.of_language(locale.language(), part))
            .or_else(|| self.exact(&british, part))
            .unwrap_or("")
    }

    fn exact(&self, locale: &Locale, part: Part) -> Option<&str> {
        let own = self.0.get(locale).and_then(|parts| parts.get(&part));
        own.map(String::as_str).or_else(|| builtin::text(locale.as_str(), part))
    }

    fn of_language(&self, language: &str, part: Part) -> Option<&str> {
        let own = self.0.iter().filter(|(locale, _)| locale.language() == language);
        own.filter_map(|(_, parts)| parts.get(&part).map(String::as_str))
            .next()
            .or_else(|| builtin::text_of_language(language, part))
    }
}

#[cfg(test)]
mod tests;
