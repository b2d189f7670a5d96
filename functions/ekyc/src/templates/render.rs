//! A text with its code in it.

use std::fmt;

use domain::ekyc::Channel;
use jiff::SignedDuration;
use zeroize::Zeroizing;

use super::{Locale, Part, Templates, builtin, gsm};
use crate::passcode::Passcode;

/// Between two digits of a call: long enough to write one down.
const BETWEEN_DIGITS: &str = "<break time=\"700ms\"/>";

/// What goes out. Holds the code, so `Debug` shows nothing and memory is wiped.
#[derive(Clone)]
pub enum Rendered {
    /// A text message.
    Text(Zeroizing<String>),
    /// A call.
    Speech {
        /// What is said, in the Speech Synthesis Markup Language.
        ssml: Zeroizing<String>,
        /// The Polly voice that says it.
        voice: &'static str,
    },
    /// An e-mail.
    Mail {
        /// Its subject, without the code.
        subject: String,
        /// Its plain text.
        body: Zeroizing<String>,
    },
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rendered(…)")
    }
}

impl Templates {
    /// The text that carries `code` through `channel`. `origin` is the host of a page that may fill the code in by itself
    /// (the line that browsers look for at the end of a text message); it is left out where it would not fit.
    #[must_use]
    pub fn render(
        &self,
        channel: Channel,
        locale: &Locale,
        code: &Passcode,
        valid_for: SignedDuration,
        origin: Option<&str>,
    ) -> Rendered {
        let life = builtin::life(locale.language(), valid_for.as_secs());
        let purpose = match channel {
            Channel::Sms | Channel::Voice => self.text(locale, Part::PurposePhone),
            Channel::Email => self.text(locale, Part::PurposeEmail),
        };
        let filled = |part: Part, code: &str| fill(self.text(locale, part), code, purpose, &life);
        match channel {
            Channel::Sms => {
                let text = filled(Part::Sms, code.reveal());
                Rendered::Text(with_origin(text, code, origin))
            }
            Channel::Voice => {
                // The words are escaped before the digits come in, because the digits bring markup with them.
                let words = escape(self.text(locale, Part::Voice));
                let spoken = fill(&words, &digits(code), &escape(purpose), &life);
                let mut ssml = Zeroizing::new(String::with_capacity(spoken.len() + 32));
                for part in ["<speak>", &spoken, "</speak>"] {
                    ssml.push_str(part);
                }
                Rendered::Speech { ssml, voice: builtin::voice(locale.as_str()) }
            }
            Channel::Email => Rendered::Mail {
                subject: filled(Part::EmailSubject, "").to_string(),
                body: filled(Part::EmailBody, code.reveal()),
            },
        }
    }
}

/// Puts the three things into a text, in one walk: what is put in is not looked at again.
pub(super) fn fill(text: &str, code: &str, purpose: &str, life: &str) -> Zeroizing<String> {
    let room = text.len() + 2 * code.len() + 2 * purpose.len() + 2 * life.len();
    let mut filled = Zeroizing::new(String::with_capacity(room));
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(match name {
            "code" => code,
            "purpose" => purpose,
            "life" => life,
            _ => "",
        });
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

/// <https://wicg.github.io/sms-one-time-codes/>: the last line is `@host #code`.
fn with_origin(
    text: Zeroizing<String>,
    code: &Passcode,
    origin: Option<&str>,
) -> Zeroizing<String> {
    let Some(origin) = origin else { return text };
    let mut bound = Zeroizing::new(String::with_capacity(gsm::SEGMENT * 2));
    for part in [text.as_str(), "\n@", origin, " #", code.reveal()] {
        bound.push_str(part);
    }
    match gsm::septets(&bound) {
        Some(septets) if septets <= gsm::SEGMENT => bound,
        _ => text,
    }
}

/// Every digit by itself, slowly.
fn digits(code: &Passcode) -> Zeroizing<String> {
    const OPEN: &str = "<say-as interpret-as=\"digits\">";
    const CLOSE: &str = "</say-as>";
    const AROUND: usize = 64;
    let each = OPEN.len() + 1 + CLOSE.len() + BETWEEN_DIGITS.len();
    let mut spoken = Zeroizing::new(String::with_capacity(code.len() * each + AROUND));
    spoken.push_str("<prosody rate=\"slow\">");
    for digit in code.reveal().chars() {
        spoken.push_str(OPEN);
        spoken.push(digit);
        spoken.push_str(CLOSE);
        spoken.push_str(BETWEEN_DIGITS);
    }
    spoken.push_str("</prosody>");
    spoken
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            other => escaped.push(other),
        }
    }
    escaped
}
