//! A server that takes messages as AWS documents it, for tests.
//!
//! It refuses what the services would refuse (no signature for the service, missing or impossible members), and otherwise
//! gives the answers that a test put in, or the documented success.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use aws_types::region::Region;
use runtime::{Clients, SignedPost};
use serde_json::{Value, json};

/// One request that was taken.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) operation: &'static str,
    pub(super) body: Value,
}

/// What to answer: status, the header `x-amzn-errortype`, body. Status 0 hangs up instead.
pub(super) type Scripted = (u16, Option<&'static str>, &'static str);

#[derive(Clone, Default)]
pub(super) struct Stub {
    taken: Arc<Mutex<Vec<Taken>>>,
    script: Arc<Mutex<VecDeque<Scripted>>>,
}

impl Stub {
    /// A stub that gives these answers first, and a client that talks to it.
    pub(super) fn start(script: &[Scripted]) -> (Self, SignedPost) {
        let stub = Self::default();
        stub.script.lock().unwrap().extend(script);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = stub.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(&stream.unwrap()));
            }
        });
        let credentials = Credentials::new("AKID", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .region(Region::new("eu-west-2"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(url)
            .build();
        (stub, SignedPost::new(&Clients::with_config(config)))
    }

    pub(super) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    fn serve(&self, stream: &TcpStream) {
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut reader = BufReader::new(stream);
        while let Some((line, headers, body)) = request(&mut reader) {
            let path = line.split(' ').nth(1).unwrap();
            let (operation, body) = understand(path, &headers, &body);
            self.taken.lock().unwrap().push(Taken { operation, body: body.clone() });
            let scripted = self.script.lock().unwrap().pop_front();
            let (status, error, answer) = match (scripted, fault(operation, &body)) {
                (Some((0, ..)), _) => return,
                (Some((status, error, answer)), _) => (status, error, answer.to_owned()),
                (None, Some(fault)) => (
                    400,
                    None,
                    json!({ "__type": "ValidationException", "Reason": fault }).to_string(),
                ),
                (None, None) => (200, None, success(operation)),
            };
            let error =
                error.map(|name| format!("x-amzn-errortype: {name}\r\n")).unwrap_or_default();
            let head =
                format!("HTTP/1.1 {status} X\r\n{error}content-length: {}\r\n\r\n", answer.len());
            let mut stream = stream;
            stream.write_all(&[head.as_bytes(), answer.as_bytes()].concat()).unwrap();
        }
    }
}

type Headers = BTreeMap<String, String>;

fn request(reader: &mut BufReader<&TcpStream>) -> Option<(String, Headers, Vec<u8>)> {
    let mut first = String::new();
    if reader.read_line(&mut first).ok()? == 0 {
        return None;
    }
    let mut headers = Headers::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some((first, headers, body))
}

/// The operation and its parameters, in whatever protocol.
fn understand(path: &str, headers: &Headers, body: &[u8]) -> (&'static str, Value) {
    let (operation, service) = match (path, headers.get("x-amz-target").map(String::as_str)) {
        ("/v2/email/outbound-emails", None) => ("SendEmail", "ses"),
        ("/", Some("PinpointSMSVoiceV2.SendTextMessage")) => ("SendTextMessage", "sms-voice"),
        ("/", Some("PinpointSMSVoiceV2.SendVoiceMessage")) => ("SendVoiceMessage", "sms-voice"),
        ("/", None) => ("Publish", "sns"),
        other => panic!("{other:?}"),
    };
    let expected = format!("/eu-west-2/{service}/aws4_request");
    assert!(headers["authorization"].contains(&expected), "{operation} is signed for {service}");
    if operation == "Publish" {
        let form = std::str::from_utf8(body).unwrap();
        let pairs = form.split('&').map(|pair| pair.split_once('=').unwrap());
        return (operation, pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect());
    }
    (operation, serde_json::from_slice(body).unwrap())
}

fn decoded(text: &str) -> Value {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap().into()
}

/// What the service's reference would not allow.
fn fault(operation: &str, body: &Value) -> Option<&'static str> {
    let number = |name: &str| {
        let digits = body[name].as_str()?.strip_prefix('+')?;
        (digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(())
    };
    let life = || body["TimeToLive"].as_i64().is_some_and(|life| (5..=259_200).contains(&life));
    let length = |most| body["MessageBody"].as_str().is_some_and(|text| text.len() <= most);
    match operation {
        "Publish" if number("PhoneNumber").is_none() => Some("PhoneNumber"),
        "SendTextMessage" if number("DestinationPhoneNumber").is_none() => Some("number"),
        "SendTextMessage" if !life() || !length(1_600) => Some("life or body"),
        "SendTextMessage" if body["MessageType"] != "TRANSACTIONAL" => Some("type"),
        "SendVoiceMessage" if !life() || !length(6_000) => Some("life or body"),
        "SendVoiceMessage" if body["OriginationIdentity"].as_str().is_none() => Some("origin"),
        "SendVoiceMessage" if body["MessageBodyTextType"] != "SSML" => Some("text type"),
        "SendEmail" if body["Content"]["Simple"]["Body"]["Text"]["Data"].is_null() => Some("body"),
        _ => None,
    }
}

fn success(operation: &str) -> String {
    if operation == "Publish" {
        return "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
                <MessageId>id-Publish</MessageId></PublishResult></PublishResponse>"
            .to_owned();
    }
    json!({ "MessageId": format!("id-{operation}") }).to_string()
}
