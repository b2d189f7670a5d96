//! Sending a passcode: by text message, call or e-mail, through the AWS service that the deployment chose.
//!
//! Invariants: a message is handed over at most once per call, except where the service said that it did not take it;
//! every failure is one of five facts (refused, throttled, ours to mend, surely not sent, perhaps sent), because the
//! caller's accounting and the operator's alarm depend on which; what is wrong with our own setup is never said of a
//! destination; neither codes nor destinations get into errors or logs; nothing is built before the first message.

mod answer;
mod end_user_messaging;
mod pace;
#[cfg(test)]
pub(crate) mod recording;
mod ses;
mod sns;
#[cfg(test)]
mod stub;

use std::sync::Arc;
use std::time::Instant;

use domain::ekyc::{Channel, Destination};
use domain::email::EmailAddress;
use domain::ids::{AuthId, PartnerId};
use domain::time::Random;
use jiff::SignedDuration;
use runtime::{Clients, Settings, SignedPost, SystemRandom, pause};

use crate::Answer;
use crate::passcode::Passcode;
use crate::templates::{Locale, Rendered, Templates};
use pace::Pace;

/// How often a throttled message is offered again, with growing pauses between.
const THROTTLED_RETRIES: u32 = 2;

/// The settings that [`start`] reads. All may be absent.
pub const NAMES: [&str; 7] = [
    "OTP_SMS_SERVICE",
    "OTP_SENDER_ID",
    "OTP_SMS_ORIGINATION",
    "OTP_VOICE_ORIGINATION",
    "OTP_EMAIL_FROM",
    "OTP_CONFIGURATION_SET",
    "OTP_WEB_ORIGIN",
];

/// A code on its way.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the parts say so by their names")]
pub struct Message<'a> {
    pub partner: PartnerId,
    pub auth: AuthId,
    pub channel: Channel,
    pub destination: &'a Destination,
    pub code: &'a Passcode,
    pub valid_for: SignedDuration,
    /// What the caller asked for; British English where it is none that is known.
    pub locale: Option<&'a str>,
    pub templates: &'a Templates,
}

/// A message that a service took over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// What the service calls it.
    pub message_id: String,
}

/// The cause of a failure.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a message is not known to be on its way.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The service will not send to this destination: opted out, blocked, not a number. It was not sent.
    #[error("the destination was refused ({0})")]
    Rejected(String),
    /// Too many at once, still after some tries. It was not sent.
    #[error("the service takes no more messages now")]
    Throttled,
    /// The service is not set up as it must be: no permission, an unverified sender, a missing resource or setting. It was
    /// not sent, and no other message will be.
    #[error("the sender is not set up: {0}")]
    Misconfigured(#[source] BoxError),
    /// The service is down or out of reach. It was not sent.
    #[error("the message could not be sent")]
    Unavailable(#[source] BoxError),
    /// It may have been sent, or not.
    #[error("whether the message was sent is not known")]
    Unknown(#[source] BoxError),
}

/// Sends passcodes.
pub trait PasscodeSender: Send + Sync {
    /// Hands a message to the service of its channel.
    fn send<'a>(&'a self, message: Message<'a>) -> Answer<'a, Result<Sent, SendError>>;

    /// Takes as long as sending lately took, without sending: a message that is held back must not be told by time.
    fn pace(&self, channel: Channel) -> Answer<'_, ()>;
}

/// What a service is given, apart from the text.
pub(crate) struct Envelope<'a> {
    destination: &'a Destination,
    auth: AuthId,
    valid_for: SignedDuration,
}

/// Which service takes text messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SmsService {
    Sns,
    EndUserMessaging,
}

/// What a deployment chose.
#[derive(Debug, Clone)]
pub(crate) struct Choices {
    sms: SmsService,
    sender_id: Option<String>,
    sms_origination: Option<String>,
    voice_origination: Option<String>,
    email_from: Option<String>,
    configuration_set: Option<String>,
    web_origin: Option<String>,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{name} {rule}")]
pub struct WrongChoice {
    /// The variable.
    pub name: &'static str,
    /// What it must be.
    pub rule: &'static str,
}

impl Choices {
    fn read(mut of: impl FnMut(&'static str) -> Option<String>) -> Result<Self, WrongChoice> {
        let [service, sender_id, sms, voice, from, set, origin] = NAMES;
        let wrong = |name, rule| WrongChoice { name, rule };
        let choices = Self {
            sms: match of(service).as_deref() {
                None | Some("sns") => SmsService::Sns,
                Some("end-user-messaging") => SmsService::EndUserMessaging,
                Some(_) => return Err(wrong(service, "must be sns or end-user-messaging")),
            },
            sender_id: of(sender_id),
            sms_origination: of(sms),
            voice_origination: of(voice),
            email_from: of(from),
            configuration_set: of(set),
            web_origin: of(origin),
        };
        // https://docs.aws.amazon.com/sms-voice/latest/userguide/sender-id.html
        let is_sender_id = |id: &String| {
            (1..=11).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && id.bytes().any(|b| b.is_ascii_alphabetic())
        };
        if !choices.sender_id.as_ref().is_none_or(is_sender_id) {
            return Err(wrong(sender_id, "must have 1 to 11 letters, digits or '-', one a letter"));
        }
        // A bare address: the function's permission to send is for this one (`ses:FromAddress`).
        if choices.email_from.as_ref().is_some_and(|from| EmailAddress::parse(from).is_err()) {
            return Err(wrong(from, "must be an e-mail address without a name"));
        }
        let is_host = |host: &String| {
            host.contains('.')
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        };
        if !choices.web_origin.as_ref().is_none_or(is_host) {
            return Err(wrong(origin, "must be a host name such as bank.example"));
        }
        Ok(choices)
    }
}

/// Messages through AWS.
#[derive(Debug)]
struct AwsSender {
    post: SignedPost,
    choices: Choices,
    pace: Pace,
    random: SystemRandom,
}

/// The sender of a deployed function; nothing is called yet.
///
/// # Errors
/// [`WrongChoice`] for a setting that cannot be used.
pub fn start(clients: &Clients) -> Result<Arc<dyn PasscodeSender>, WrongChoice> {
    let mut settings = Settings::default();
    let choices = Choices::read(|name| settings.optional(name))?;
    Ok(Arc::new(AwsSender::new(SignedPost::new(clients), choices)))
}

impl AwsSender {
    fn new(post: SignedPost, choices: Choices) -> Self {
        Self { post, choices, pace: Pace::default(), random: SystemRandom }
    }

    async fn offer(&self, envelope: &Envelope<'_>, text: &Rendered) -> Result<Sent, SendError> {
        let Self { post, choices, .. } = self;
        match (text, choices.sms) {
            (Rendered::Text(text), SmsService::Sns) => {
                sns::send_text(post, choices, envelope, text).await
            }
            (Rendered::Text(text), SmsService::EndUserMessaging) => {
                end_user_messaging::send_text(post, choices, envelope, text).await
            }
            (Rendered::Speech { ssml, voice }, _) => {
                end_user_messaging::send_voice(post, choices, envelope, ssml, voice).await
            }
            (Rendered::Mail { subject, body }, _) => {
                ses::send(post, choices, envelope, subject, body).await
            }
        }
    }

    async fn send(&self, message: Message<'_>) -> Result<Sent, SendError> {
        let locale = message.locale.and_then(|text| Locale::parse(text).ok());
        let text = message.templates.render(
            message.channel,
            &locale.unwrap_or_else(Locale::british),
            message.code,
            message.valid_for,
            self.choices.web_origin.as_deref(),
        );
        let Message { destination, auth, valid_for, .. } = message;
        let envelope = Envelope { destination, auth, valid_for };
        let mut round = 0;
        loop {
            let began = Instant::now();
            let outcome = self.offer(&envelope, &text).await;
            match outcome {
                Err(SendError::Throttled) if round < THROTTLED_RETRIES => {
                    round += 1;
                    pause(round, &self.random).await;
                }
                outcome => {
                    if outcome.is_ok() {
                        self.pace.took(message.channel, began.elapsed());
                    }
                    return outcome;
                }
            }
        }
    }
}

impl PasscodeSender for AwsSender {
    fn send<'a>(&'a self, message: Message<'a>) -> Answer<'a, Result<Sent, SendError>> {
        Box::pin(self.send(message))
    }

    fn pace(&self, channel: Channel) -> Answer<'_, ()> {
        let mut lot = [0];
        self.random.fill(&mut lot);
        Box::pin(tokio::time::sleep(self.pace.draw(channel, lot[0])))
    }
}

/// The number of an envelope for a phone.
fn phone<'a>(envelope: &Envelope<'a>) -> Result<&'a str, SendError> {
    match envelope.destination {
        Destination::Phone(number) => Ok(number.e164()),
        Destination::Email(_) => Err(SendError::Rejected("NotAPhone".to_owned())),
    }
}

/// A setting that the channel cannot do without.
fn needed<'a>(value: Option<&'a String>, name: &'static str) -> Result<&'a str, SendError> {
    let missing = || SendError::Misconfigured(Box::new(WrongChoice { name, rule: "is not set" }));
    value.map(String::as_str).ok_or_else(missing)
}

#[cfg(test)]
mod tests;
