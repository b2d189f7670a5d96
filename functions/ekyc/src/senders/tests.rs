use domain::email::EmailAddress;
use domain::phone::PhoneNumber;

use super::stub::{Scripted, Stub};
use super::*;

const ID: &str = "0190b2c4-0000-7000-8000-000000000001";

fn choices(of: &[(&'static str, &str)]) -> Choices {
    let given = |name| of.iter().find(|(known, _)| *known == name);
    Choices::read(|name| given(name).map(|(_, value)| (*value).to_owned())).unwrap()
}

fn everything() -> Choices {
    choices(&[
        ("OTP_SENDER_ID", "AcmeCard"),
        ("OTP_VOICE_ORIGINATION", "+442071234567"),
        ("OTP_EMAIL_FROM", "codes@bank.example"),
        ("OTP_CONFIGURATION_SET", "codes"),
    ])
}

async fn send(
    sender: &AwsSender,
    channel: Channel,
    destination: &Destination,
) -> Result<Sent, SendError> {
    let code = Passcode::parse("012345").unwrap();
    PasscodeSender::send(
        sender,
        Message {
            partner: PartnerId::parse(ID).unwrap(),
            auth: AuthId::parse(ID).unwrap(),
            channel,
            destination,
            code: &code,
            valid_for: SignedDuration::from_mins(10),
            locale: Some("en-GB"),
            templates: &Templates::default(),
        },
    )
    .await
}

fn phone() -> Destination {
    Destination::Phone(PhoneNumber::parse("+447400123456").unwrap())
}

fn mailbox() -> Destination {
    Destination::Email(EmailAddress::parse("Jane@bank.example").unwrap())
}

#[tokio::test]
async fn a_text_goes_through_sns_unless_chosen_otherwise() {
    let (stub, post) = Stub::start(&[]);
    let sent = send(&AwsSender::new(post, everything()), Channel::Sms, &phone()).await.unwrap();
    assert_eq!(sent.message_id, "id-Publish");
    let taken = stub.taken();
    assert_eq!((taken.len(), taken[0].operation), (1, "Publish"));
    let body = &taken[0].body;
    assert_eq!(body["PhoneNumber"], "+447400123456");
    assert!(body["Message"].as_str().unwrap().starts_with("012345 is your code to "));
    assert_eq!(body["MessageAttributes.entry.1.Value.StringValue"], "Transactional");
    assert_eq!(body["MessageAttributes.entry.2.Value.StringValue"], "AcmeCard");
}

#[tokio::test]
async fn a_text_goes_through_end_user_messaging_when_chosen() {
    let (stub, post) = Stub::start(&[]);
    let mut choices = everything();
    choices.sms = SmsService::EndUserMessaging;
    let sent = send(&AwsSender::new(post, choices), Channel::Sms, &phone()).await.unwrap();
    assert_eq!(sent.message_id, "id-SendTextMessage");
    let taken = stub.taken().remove(0);
    let text = taken.body["MessageBody"].as_str().unwrap().to_owned();
    assert!(text.starts_with("012345 is your code to "));
    assert_eq!(
        taken.body,
        serde_json::json!({
            "DestinationPhoneNumber": "+447400123456",
            "OriginationIdentity": "AcmeCard",
            "MessageBody": text,
            "MessageType": "TRANSACTIONAL",
            "TimeToLive": 600,
            "Context": { "authId": ID },
            "ConfigurationSetName": "codes",
        })
    );
}

#[tokio::test]
async fn a_call_goes_through_end_user_messaging() {
    let (stub, post) = Stub::start(&[]);
    let sent = send(&AwsSender::new(post, everything()), Channel::Voice, &phone()).await.unwrap();
    assert_eq!(sent.message_id, "id-SendVoiceMessage");
    let taken = stub.taken().remove(0);
    assert_eq!(taken.operation, "SendVoiceMessage");
    assert_eq!(taken.body["VoiceId"], "AMY");
    assert_eq!(taken.body["OriginationIdentity"], "+442071234567");
    assert!(taken.body["MessageBody"].as_str().unwrap().starts_with("<speak>"));
}

#[tokio::test]
async fn an_e_mail_goes_through_ses() {
    let (stub, post) = Stub::start(&[]);
    let sent = send(&AwsSender::new(post, everything()), Channel::Email, &mailbox()).await.unwrap();
    assert_eq!(sent.message_id, "id-SendEmail");
    let body = stub.taken().remove(0).body;
    assert_eq!(body["FromEmailAddress"], "codes@bank.example");
    assert_eq!(body["Destination"], serde_json::json!({ "ToAddresses": ["Jane@bank.example"] }));
    let simple = &body["Content"]["Simple"];
    assert!(!simple["Subject"]["Data"].as_str().unwrap().contains("012345"));
    assert!(simple["Body"]["Text"]["Data"].as_str().unwrap().contains("012345"));
    assert_eq!(body["EmailTags"][0]["Value"], ID);
}

#[tokio::test]
async fn documented_failures_become_facts() {
    const OPTED_OUT: &str =
        r#"{"__type":"ConflictException","Reason":"DESTINATION_PHONE_NUMBER_OPTED_OUT"}"#;
    const OTHER_CONFLICT: &str =
        r#"{"__type":"ConflictException","Reason":"NUMBER_NOT_AUTHENTICATED"}"#;
    const BAD_NUMBER: &str = r#"{"__type":"ValidationException","Reason":"FIELD_VALIDATION_FAILED","Fields":[{"Name":"DestinationPhoneNumber","Message":"x"}]}"#;
    const BAD_POOL: &str = r#"{"__type":"ValidationException","Reason":"FIELD_VALIDATION_FAILED","Fields":[{"Name":"OriginationIdentity","Message":"x"}]}"#;
    const SNS_OPTED_OUT: &str =
        "<ErrorResponse><Error><Code>OptedOut</Code></Error></ErrorResponse>";
    const SNS_DENIED: &str =
        "<ErrorResponse><Error><Code>AuthorizationError</Code></Error></ErrorResponse>";
    let (sns, eum) = (SmsService::Sns, SmsService::EndUserMessaging);
    let cases: [(SmsService, Channel, Scripted, &str); 11] = [
        (sns, Channel::Sms, (400, None, SNS_OPTED_OUT), "rejected"),
        (sns, Channel::Sms, (403, None, SNS_DENIED), "unavailable"),
        (sns, Channel::Sms, (500, None, ""), "unknown"),
        (sns, Channel::Sms, (0, None, ""), "unknown"),
        (eum, Channel::Sms, (400, None, OPTED_OUT), "rejected"),
        (eum, Channel::Sms, (400, None, OTHER_CONFLICT), "unavailable"),
        (eum, Channel::Voice, (400, None, BAD_NUMBER), "rejected"),
        (eum, Channel::Voice, (400, None, BAD_POOL), "unavailable"),
        (sns, Channel::Email, (400, Some("MessageRejected"), "{}"), "rejected"),
        (sns, Channel::Email, (400, Some("AccountSuspendedException"), "{}"), "unavailable"),
        (sns, Channel::Email, (503, None, ""), "unavailable"),
    ];
    for (service, channel, scripted, expected) in cases {
        let (stub, post) = Stub::start(&[scripted]);
        let mut choices = everything();
        choices.sms = service;
        let destination = if channel == Channel::Email { mailbox() } else { phone() };
        let error = send(&AwsSender::new(post, choices), channel, &destination).await.unwrap_err();
        let fact = match &error {
            SendError::Rejected(_) => "rejected",
            SendError::Throttled => "throttled",
            SendError::Unavailable(_) => "unavailable",
            SendError::Unknown(_) => "unknown",
        };
        assert_eq!(fact, expected, "{scripted:?}: {error:?}");
        assert_eq!(stub.taken().len(), 1, "what may have been taken is not offered again");
        let shown = format!("{error:?}{error}");
        assert!(!shown.contains("7400123456") && !shown.contains("012345"), "{shown}");
    }
}

#[tokio::test]
async fn a_throttled_message_is_offered_again_a_few_times() {
    const THROTTLED: Scripted = (400, None, "<E><Code>Throttling</Code></E>");
    let (stub, post) = Stub::start(&[THROTTLED, THROTTLED]);
    let sent = send(&AwsSender::new(post, everything()), Channel::Sms, &phone()).await;
    assert!(sent.is_ok(), "{sent:?}");
    assert_eq!(stub.taken().len(), 3);
    let (stub, post) = Stub::start(&[THROTTLED; 5]);
    let sent = send(&AwsSender::new(post, everything()), Channel::Sms, &phone()).await;
    assert!(matches!(sent, Err(SendError::Throttled)), "{sent:?}");
    assert_eq!(stub.taken().len(), 3);
}

#[tokio::test]
async fn what_is_not_set_up_sends_nothing() {
    let (stub, post) = Stub::start(&[]);
    let sender = AwsSender::new(post, choices(&[]));
    for (channel, destination) in [(Channel::Voice, phone()), (Channel::Email, mailbox())] {
        let sent = send(&sender, channel, &destination).await;
        assert!(matches!(sent, Err(SendError::Unavailable(_))), "{sent:?}");
    }
    for (channel, destination) in [(Channel::Sms, mailbox()), (Channel::Email, phone())] {
        let sent =
            send(&AwsSender::new(Stub::start(&[]).1, everything()), channel, &destination).await;
        assert!(matches!(sent, Err(SendError::Rejected(_))), "{sent:?}");
    }
    assert!(stub.taken().is_empty());
}

#[test]
fn settings_that_cannot_work_are_refused_at_the_start() {
    for (name, value, good) in [
        ("OTP_SMS_SERVICE", "sns", true),
        ("OTP_SMS_SERVICE", "end-user-messaging", true),
        ("OTP_SMS_SERVICE", "pigeon", false),
        ("OTP_SENDER_ID", "AcmeCard", true),
        ("OTP_SENDER_ID", "12345", false),
        ("OTP_SENDER_ID", "Acme Card", false),
        ("OTP_SENDER_ID", "TwelveLetter", false),
        ("OTP_WEB_ORIGIN", "bank.example", true),
        ("OTP_WEB_ORIGIN", "https://bank.example", false),
        ("OTP_WEB_ORIGIN", "localhost", false),
    ] {
        let read = Choices::read(|asked| (asked == name).then(|| value.to_owned()));
        assert_eq!(read.is_ok(), good, "{name}={value}: {read:?}");
    }
}
