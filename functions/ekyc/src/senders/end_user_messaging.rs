//! Text messages and calls through AWS End User Messaging.
//!
//! <https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html> and
//! `API_SendVoiceMessage.html`: JSON 1.0 with the operation in a header. A message that cannot be delivered while its code
//! lives is given up by the service (`TimeToLive`).

use runtime::{AwsService, SignedAnswer, SignedPost};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::answer::{Read, json_error, outcome};
use super::{Choices, Envelope, SendError, Sent, needed, phone};

const SERVICE: AwsService = AwsService {
    signing_name: "sms-voice",
    host: "sms-voice",
    endpoint_variable: "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2",
};

/// The service takes lives of 5 seconds to 72 hours.
const SHORTEST_LIFE_SECONDS: i64 = 5;
const LONGEST_LIFE_SECONDS: i64 = 72 * 3600;

pub(super) async fn send_text(
    post: &SignedPost,
    choices: &Choices,
    envelope: &Envelope<'_>,
    text: &str,
) -> Result<Sent, SendError> {
    let mut body = common(choices, envelope)?;
    body.insert("MessageBody".into(), text.into());
    body.insert("MessageType".into(), "TRANSACTIONAL".into());
    let origination = choices.sms_origination.as_ref().or(choices.sender_id.as_ref());
    if let Some(identity) = origination {
        body.insert("OriginationIdentity".into(), identity.as_str().into());
    }
    call(post, "PinpointSMSVoiceV2.SendTextMessage", body).await
}

pub(super) async fn send_voice(
    post: &SignedPost,
    choices: &Choices,
    envelope: &Envelope<'_>,
    ssml: &str,
    voice: &str,
) -> Result<Sent, SendError> {
    let identity = needed(choices.voice_origination.as_ref(), "OTP_VOICE_ORIGINATION")?;
    let mut body = common(choices, envelope)?;
    body.insert("OriginationIdentity".into(), identity.into());
    body.insert("MessageBody".into(), ssml.into());
    body.insert("MessageBodyTextType".into(), "SSML".into());
    body.insert("VoiceId".into(), voice.into());
    call(post, "PinpointSMSVoiceV2.SendVoiceMessage", body).await
}

fn common(choices: &Choices, envelope: &Envelope<'_>) -> Result<Map<String, Value>, SendError> {
    let life = envelope.valid_for.as_secs().clamp(SHORTEST_LIFE_SECONDS, LONGEST_LIFE_SECONDS);
    let mut body = Map::new();
    body.insert("DestinationPhoneNumber".into(), phone(envelope)?.into());
    body.insert("TimeToLive".into(), life.into());
    // Comes back in delivery events; an id and nothing personal.
    body.insert("Context".into(), serde_json::json!({ "authId": envelope.auth.to_string() }));
    if let Some(set) = &choices.configuration_set {
        body.insert("ConfigurationSetName".into(), set.as_str().into());
    }
    Ok(body)
}

async fn call(
    post: &SignedPost,
    target: &str,
    body: Map<String, Value>,
) -> Result<Sent, SendError> {
    let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target)];
    let body = Zeroizing::new(Value::Object(body).to_string());
    outcome(&post.post(&SERVICE, "/", &headers, body.as_bytes()).await?, read)
}

fn read(answer: &SignedAnswer) -> Read {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let error = json_error(answer, &body);
    let reason = body.get("Reason").and_then(Value::as_str).unwrap_or("");
    let names_destination = || {
        let fields = body.get("Fields").and_then(Value::as_array);
        fields.is_some_and(|fields| {
            fields.iter().any(|field| field["Name"] == "DestinationPhoneNumber")
        })
    };
    // DESTINATION_PHONE_NUMBER_OPTED_OUT, DESTINATION_COUNTRY_BLOCKED_… and their like; but a number that is "not verified"
    // is one that our account, in its sandbox, may not send to yet. What is not permitted is never said of a destination.
    let is_destinations = reason.starts_with("DESTINATION_") && !reason.contains("NOT_VERIFIED");
    let about_destination = match error.as_deref() {
        Some("ConflictException") => is_destinations,
        Some("ValidationException") => is_destinations || names_destination(),
        _ => false,
    };
    let message_id = body.get("MessageId").and_then(Value::as_str).map(str::to_owned);
    Read { message_id, error, about_destination }
}
