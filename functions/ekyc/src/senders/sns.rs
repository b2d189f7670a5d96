//! Text messages through SNS `Publish` to a phone number.
//!
//! <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>: the query protocol, a form in and XML out.

use runtime::{AwsService, SignedAnswer, SignedPost};
use zeroize::Zeroizing;

use super::answer::{Read, outcome};
use super::{Choices, Envelope, SendError, Sent, phone};

const SERVICE: AwsService =
    AwsService { signing_name: "sns", host: "sns", endpoint_variable: "AWS_ENDPOINT_URL_SNS" };

const HEADERS: [(&str, &str); 1] =
    [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];

pub(super) async fn send_text(
    post: &SignedPost,
    choices: &Choices,
    envelope: &Envelope<'_>,
    text: &str,
) -> Result<Sent, SendError> {
    let form = form(choices, phone(envelope)?, text);
    let answer = post.post(&SERVICE, "/", &HEADERS, form.as_bytes()).await?;
    outcome(&answer, read)
}

fn form(choices: &Choices, number: &str, text: &str) -> Zeroizing<String> {
    let attributes = [
        ("AWS.SNS.SMS.SMSType", Some("Transactional")),
        ("AWS.SNS.SMS.SenderID", choices.sender_id.as_deref()),
        ("AWS.MM.SMS.OriginationNumber", choices.sms_origination.as_deref()),
    ];
    let mut form = Zeroizing::new(String::with_capacity(1024 + 3 * text.len()));
    form.push_str("Action=Publish&Version=2010-03-31&PhoneNumber=");
    encode(&mut form, number);
    form.push_str("&Message=");
    encode(&mut form, text);
    let given = attributes.into_iter().filter_map(|(name, value)| Some((name, value?)));
    for ((name, value), entry) in given.zip(1..) {
        let prefix = format!("&MessageAttributes.entry.{entry}.");
        for (member, value) in
            [("Name=", name), ("Value.DataType=", "String"), ("Value.StringValue=", value)]
        {
            form.push_str(&prefix);
            form.push_str(member);
            encode(&mut form, value);
        }
    }
    form
}

/// Percent-encodes all but RFC 3986's unreserved characters.
fn encode(form: &mut String, text: &str) {
    const HEX: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            form.push(char::from(byte));
        } else {
            form.push('%');
            form.push(HEX[usize::from(byte >> 4)]);
            form.push(HEX[usize::from(byte & 15)]);
        }
    }
}

fn read(answer: &SignedAnswer) -> Read {
    let body = String::from_utf8_lossy(&answer.body);
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        let (value, _) = rest.split_once(&format!("</{name}>"))?;
        Some(value.trim().to_owned())
    };
    let error = element("Code");
    // Two names cover everything that can be wrong with a request; what is wrong stands in the message. The number is the
    // only part of ours that differs from message to message. An account in the sandbox refuses numbers that it has not
    // verified: that is no fault of theirs.
    let is_parameter =
        matches!(error.as_deref(), Some("InvalidParameter" | "InvalidParameterValue"));
    let about_destination = is_parameter
        && element("Message").is_some_and(|message| {
            let message = message.to_ascii_lowercase();
            let names_number =
                ["phonenumber", "phone number", "opted out"].iter().any(|of| message.contains(of));
            let is_ours = ["sandbox", "verified"].iter().any(|of| message.contains(of));
            names_number && !is_ours
        });
    Read { message_id: element("MessageId"), error, about_destination }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded() {
        let choices =
            Choices::read(|name| (name == "OTP_SENDER_ID").then(|| "AcmeCard".to_owned())).unwrap();
        assert_eq!(
            form(&choices, "+447400123456", "012345 é&=").as_str(),
            "Action=Publish&Version=2010-03-31&PhoneNumber=%2B447400123456&Message=012345%20%C3%A9%26%3D\
             &MessageAttributes.entry.1.Name=AWS.SNS.SMS.SMSType\
             &MessageAttributes.entry.1.Value.DataType=String\
             &MessageAttributes.entry.1.Value.StringValue=Transactional\
             &MessageAttributes.entry.2.Name=AWS.SNS.SMS.SenderID\
             &MessageAttributes.entry.2.Value.DataType=String\
             &MessageAttributes.entry.2.Value.StringValue=AcmeCard"
        );
    }

    #[test]
    fn answers_are_read() {
        let answer = |body: &str| SignedAnswer {
            status: 400,
            error_type: None,
            body: body.as_bytes().to_vec(),
        };
        let sent = read(&answer(
            "<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>",
        ));
        assert_eq!((sent.message_id.as_deref(), sent.error), (Some("m-1"), None));
        for (message, expected) in [
            ("Invalid parameter: PhoneNumber Reason: +44 is not valid to publish to", true),
            ("Phone number is opted out", true),
            ("Invalid parameter: Message too long", false),
            ("Invalid parameter: PhoneNumber Reason: not verified in the sandbox", false),
        ] {
            let body = format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidParameter</Code><Message>{message}</Message></Error></ErrorResponse>"
            );
            let refused = read(&answer(&body));
            assert_eq!(refused.error.as_deref(), Some("InvalidParameter"));
            assert_eq!(refused.about_destination, expected, "{message}");
        }
        let nothing = read(&answer("<html>"));
        assert_eq!((nothing.message_id, nothing.error), (None, None));
    }
}
