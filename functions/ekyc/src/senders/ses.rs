//! E-mails through SES v2 `SendEmail`.
//!
//! <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>: JSON over REST.

use domain::ekyc::Destination;
use runtime::{AwsService, SignedAnswer, SignedPost};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::answer::{Read, json_error, outcome};
use super::{Choices, Envelope, SendError, Sent, needed};

const SERVICE: AwsService =
    AwsService { signing_name: "ses", host: "email", endpoint_variable: "AWS_ENDPOINT_URL_SESV2" };

const PATH: &str = "/v2/email/outbound-emails";
const HEADERS: [(&str, &str); 1] = [("content-type", "application/json")];

pub(super) async fn send(
    post: &SignedPost,
    choices: &Choices,
    envelope: &Envelope<'_>,
    subject: &str,
    text: &str,
) -> Result<Sent, SendError> {
    let from = needed(choices.email_from.as_ref(), "OTP_EMAIL_FROM")?;
    let Destination::Email(address) = envelope.destination else {
        return Err(SendError::Rejected("NotAMailbox".to_owned()));
    };
    let content = |data: &str| json!({ "Data": data, "Charset": "UTF-8" });
    let mut body = json!({
        "FromEmailAddress": from,
        "Destination": { "ToAddresses": [address.as_str()] },
        "Content": { "Simple": { "Subject": content(subject), "Body": { "Text": content(text) } } },
        "EmailTags": [{ "Name": "authId", "Value": envelope.auth.to_string() }],
    });
    if let Some(set) = &choices.configuration_set {
        body["ConfigurationSetName"] = set.as_str().into();
    }
    let body = Zeroizing::new(body.to_string());
    outcome(&post.post(&SERVICE, PATH, &HEADERS, body.as_bytes()).await?, read)
}

/// How SES words that an address cannot be one, under the one name that it has for every malformed request. The sender's
/// address was read as one at the start, so it is the recipient's.
const ADDRESS_FAULTS: [&str; 6] = [
    "illegal address",
    "invalid domain name",
    "missing final '@domain'",
    "local address",
    "domain contains",
    "domain starts with",
];

fn read(answer: &SignedAnswer) -> Read {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let error = json_error(answer, &body);
    // Not MessageRejected: that is an unverified sender, an account in the sandbox, or the content, and all are ours.
    let said = body.get("message").or_else(|| body.get("Message")).and_then(Value::as_str);
    let about_destination = error.as_deref() == Some("BadRequestException")
        && said.is_some_and(|said| {
            let said = said.to_ascii_lowercase();
            ADDRESS_FAULTS.iter().any(|fault| said.contains(fault))
        });
    let message_id = body.get("MessageId").and_then(Value::as_str).map(str::to_owned);
    Read { message_id, error, about_destination }
}
