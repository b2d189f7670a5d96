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

/// The service of a channel, and a body that names an error as the service does.
#[derive(Clone, Copy)]
enum Service {
    Sns,
    TextMessaging,
    VoiceMessaging,
    Ses,
}

const SNS: fn(&str, &str) -> String =
    |code, message| format!("<E><Code>{code}</Code><Message>{message}</Message></E>");
const JSON: fn(&str, &str) -> String =
    |code, rest| format!(r#"{{"__type":"com.amazonaws#{code}:http://internal/"{rest}}}"#);

/// What each documented error name is: a fault of the recipient's, of ours, or of the moment. Only the first may be the
/// client's 400.
#[tokio::test]
async fn documented_failures_become_facts() {
    use Service::{Ses, Sns, TextMessaging, VoiceMessaging};
    let sns = |status, code, message: &str, fact| (Sns, status, code, SNS(code, message), fact);
    let json =
        |service, status, code, rest: &str, fact| (service, status, code, JSON(code, rest), fact);
    let of = |reason: &str| format!(r#","Reason":"{reason}""#);
    let field = |name: &str| {
        format!(r#","Reason":"FIELD_VALIDATION_FAILED","Fields":[{{"Name":"{name}"}}]"#)
    };
    let said = |message: &str| format!(r#","message":"{message}""#);
    let opted_out = of("DESTINATION_PHONE_NUMBER_OPTED_OUT");
    let cases = [
        // SNS Publish.
        sns(400, "InvalidParameter", "Invalid parameter: PhoneNumber Reason: +44", "rejected"),
        sns(400, "InvalidParameterValue", "Invalid parameter: PhoneNumber", "rejected"),
        sns(400, "OptedOut", "", "rejected"),
        sns(400, "InvalidParameter", "Invalid parameter: Message too long", "misconfigured"),
        sns(400, "InvalidParameterValue", "The sender ID is invalid", "misconfigured"),
        sns(400, "InvalidParameter", "phone number is not verified (sandbox)", "misconfigured"),
        sns(400, "ParameterValueInvalid", "", "misconfigured"),
        sns(403, "AuthorizationError", "", "misconfigured"),
        sns(403, "InvalidSecurity", "", "misconfigured"),
        sns(403, "InvalidClientTokenId", "", "misconfigured"),
        sns(403, "SignatureDoesNotMatch", "", "misconfigured"),
        sns(403, "AccessDenied", "", "misconfigured"),
        sns(403, "OptInRequired", "", "misconfigured"),
        sns(400, "KMSAccessDenied", "", "misconfigured"),
        sns(400, "KMSNotFound", "", "misconfigured"),
        sns(400, "EndpointDisabled", "", "misconfigured"),
        sns(404, "NotFound", "", "misconfigured"),
        sns(400, "Throttling", "", "throttled"),
        sns(400, "KMSThrottling", "", "throttled"),
        sns(500, "InternalError", "", "unknown"),
        sns(503, "ServiceUnavailable", "", "unavailable"),
        // End User Messaging.
        json(TextMessaging, 400, "ConflictException", &opted_out, "rejected"),
        json(
            TextMessaging,
            400,
            "ConflictException",
            &of("DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"),
            "rejected",
        ),
        json(
            VoiceMessaging,
            400,
            "ValidationException",
            &field("DestinationPhoneNumber"),
            "rejected",
        ),
        json(
            TextMessaging,
            400,
            "ConflictException",
            &of("DESTINATION_PHONE_NUMBER_NOT_VERIFIED"),
            "misconfigured",
        ),
        json(
            TextMessaging,
            400,
            "ConflictException",
            &of("NUMBER_NOT_AUTHENTICATED"),
            "misconfigured",
        ),
        json(
            VoiceMessaging,
            400,
            "ValidationException",
            &field("OriginationIdentity"),
            "misconfigured",
        ),
        json(TextMessaging, 400, "AccessDeniedException", &opted_out, "misconfigured"),
        json(TextMessaging, 403, "AccessDeniedException", &of("ACCOUNT_DISABLED"), "misconfigured"),
        json(TextMessaging, 404, "ResourceNotFoundException", "", "misconfigured"),
        json(TextMessaging, 402, "ServiceQuotaExceededException", "", "misconfigured"),
        json(TextMessaging, 403, "UnrecognizedClientException", "", "misconfigured"),
        json(VoiceMessaging, 400, "ThrottlingException", "", "throttled"),
        json(TextMessaging, 500, "InternalServerException", "", "unknown"),
        // SES.
        json(Ses, 400, "BadRequestException", &said("Missing final '@domain'"), "rejected"),
        json(Ses, 400, "BadRequestException", &said("Illegal address"), "rejected"),
        json(Ses, 400, "BadRequestException", &said("Domain contains dot-dot"), "rejected"),
        json(
            Ses,
            400,
            "BadRequestException",
            &said("1 validation error detected"),
            "misconfigured",
        ),
        json(Ses, 400, "BadRequestException", "", "misconfigured"),
        json(
            Ses,
            400,
            "MessageRejected",
            &said("Email address is not verified. The following identities failed the check"),
            "misconfigured",
        ),
        json(Ses, 400, "MailFromDomainNotVerifiedException", "", "misconfigured"),
        json(Ses, 400, "AccountSuspendedException", "", "misconfigured"),
        json(Ses, 400, "SendingPausedException", "", "misconfigured"),
        json(Ses, 404, "NotFoundException", "", "misconfigured"),
        json(Ses, 403, "AccessDeniedException", "", "misconfigured"),
        json(Ses, 400, "LimitExceededException", "", "misconfigured"),
        json(Ses, 429, "TooManyRequestsException", "", "throttled"),
        json(Ses, 500, "InternalFailure", "", "unknown"),
        json(Ses, 503, "ServiceUnavailable", "", "unavailable"),
    ];
    for (service, status, code, body, expected) in cases {
        let scripted: Scripted = (status, None, body.leak());
        let (stub, post) = Stub::start(&[scripted; 3]);
        let mut choices = everything();
        let (channel, destination) = match service {
            Sns => (Channel::Sms, phone()),
            TextMessaging => {
                choices.sms = SmsService::EndUserMessaging;
                (Channel::Sms, phone())
            }
            VoiceMessaging => (Channel::Voice, phone()),
            Ses => (Channel::Email, mailbox()),
        };
        let error = send(&AwsSender::new(post, choices), channel, &destination).await.unwrap_err();
        assert_eq!(fact(&error), expected, "{status} {code}: {error:?}");
        let offered = if expected == "throttled" { 3 } else { 1 };
        assert_eq!(
            stub.taken().len(),
            offered,
            "{code}: what may have been taken is not offered again"
        );
        let shown = format!("{error:?}{error}");
        assert!(!shown.contains("7400123456") && !shown.contains("012345"), "{shown}");
    }
    // A connection that ends without an answer.
    let (_stub, post) = Stub::start(&[(0, None, "")]);
    let lost = send(&AwsSender::new(post, everything()), Channel::Sms, &phone()).await;
    assert_eq!(fact(&lost.unwrap_err()), "unknown");
}

fn fact(error: &SendError) -> &'static str {
    match error {
        SendError::Rejected(_) => "rejected",
        SendError::Throttled => "throttled",
        SendError::Misconfigured(_) => "misconfigured",
        SendError::Unavailable(_) => "unavailable",
        SendError::Unknown(_) => "unknown",
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
        assert!(matches!(sent, Err(SendError::Misconfigured(_))), "{sent:?}");
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
        ("OTP_EMAIL_FROM", "codes@bank.example", true),
        ("OTP_EMAIL_FROM", "Acme <codes@bank.example>", false),
        ("OTP_EMAIL_FROM", "codes", false),
        ("OTP_WEB_ORIGIN", "bank.example", true),
        ("OTP_WEB_ORIGIN", "https://bank.example", false),
        ("OTP_WEB_ORIGIN", "localhost", false),
    ] {
        let read = Choices::read(|asked| (asked == name).then(|| value.to_owned()));
        assert_eq!(read.is_ok(), good, "{name}={value}: {read:?}");
    }
}
