//! Providers over real HTTP on this machine.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use compliance::review::provider::{AddressKind, Deliverability, Delivery};
use compliance::review::{BusinessFacts, Party};
use domain::time::FixedClock;
use jiff::civil::date;

use super::*;

/// For those who never answer. Who does has the product's own time, of which a busy machine needs some.
const BRIEFLY: Duration = Duration::from_millis(300);

fn applicant() -> Applicant {
    Applicant {
        party: Party::Person(compliance::review::PersonFacts {
            first_name: "Mira".to_owned(),
            last_name: "Oduya".to_owned(),
            birth_date: Some(date(1988, 2, 14)),
            ssn: Some("219099876".to_owned()),
        }),
        email: Some("mira.oduya@gmail.com".to_owned()),
        phone: None,
        address: None,
        device: None,
    }
}

fn address() -> PostalAddress {
    PostalAddress {
        line1: "9 Elm St".to_owned(),
        line2: None,
        city: "Reno".to_owned(),
        state: Some("NV".to_owned()),
        postal_code: Some("89501".to_owned()),
        country: "US".to_owned(),
    }
}

/// An answer with its length.
fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn ok(body: &str) -> String {
    http("200 OK", body)
}

/// Answers every request on every connection with `answer` (never, when that is empty) and tells each request.
fn stub(answer: String) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, tell, answer) = (stream.unwrap(), tell.clone(), answer.clone());
            std::thread::spawn(move || {
                let (mut text, mut part) = (String::new(), [0; 4096]);
                while let Ok(read @ 1..) = stream.read(&mut part) {
                    text.push_str(&String::from_utf8_lossy(&part[..read]));
                    let Some((head, sent)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head.to_ascii_lowercase();
                    let length = length.split("content-length: ").nth(1).unwrap();
                    let length: usize = length.lines().next().unwrap().parse().unwrap();
                    if sent.len() < length {
                        continue;
                    }
                    let _ = tell.send(std::mem::take(&mut text));
                    let _ = stream.write_all(answer.as_bytes());
                }
            });
        }
    });
    (url, told)
}

/// Secrets in the order in which they are read, the last one for ever; and how often one was.
fn secrets(texts: &[Option<&str>]) -> (ReadSecret, Arc<AtomicUsize>) {
    let texts: Vec<Option<String>> = texts.iter().map(|text| text.map(str::to_owned)).collect();
    let reads = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reads);
    let read: ReadSecret = Box::new(move || {
        let at = count.fetch_add(1, Ordering::SeqCst).min(texts.len() - 1);
        let text = texts[at].clone();
        Box::pin(async move { text.map(Secret::new).ok_or(SecretError::NoText) })
    });
    (read, reads)
}

fn provider(
    url: &str,
    texts: &[Option<&str>],
) -> (ConfiguredProvider, Arc<FixedClock>, Arc<AtomicUsize>) {
    let clock = Arc::new(FixedClock::at_text("2026-01-25T22:55:24Z"));
    let (read, reads) = secrets(texts);
    let made = ConfiguredProvider::new("identity", url.to_owned(), read, Arc::clone(&clock) as _);
    (made, clock, reads)
}

#[tokio::test]
async fn a_key_is_read_when_first_asked_and_again_after_five_minutes() {
    let (url, told) = stub(ok(r#"{"firstName":true,"taxId":true}"#));
    let keys = [Some(r#"{"key":"one"}"#), Some(r#"{"key":"two"}"#), None];
    let (provider, clock, reads) = provider(&url, &keys);
    assert_eq!(reads.load(Ordering::SeqCst), 0, "nothing before it is asked");
    for (after, key, read) in [(0, "one", 1), (299, "one", 1), (300, "two", 2), (600, "two", 3)] {
        clock.set(
            "2026-01-25T22:55:24Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(after),
        );
        let answer = provider.confirm(&applicant()).await;
        assert!(matches!(answer, IdentityAnswer::Answered(_)), "{answer:?}");
        let asked = told.recv().unwrap();
        assert!(asked.contains(&format!("authorization: Bearer {key}\r\n")), "{asked}");
        // The last one cannot be read: the one that is known serves on.
        assert_eq!(reads.load(Ordering::SeqCst), read);
    }
    let debug = format!("{:?}", provider.confirm(&applicant()).await);
    assert!(!debug.contains("two"));
}

#[tokio::test]
async fn an_identity_is_asked_for_in_the_body_and_answered_element_by_element() {
    let (url, told) = stub(ok(r#"{"firstName":true,"taxId":false,"deceased":true,"new":1}"#));
    // A slash at its end is no part of the address.
    let (provider, ..) = provider(&format!("{url}/"), &[Some(r#"{"key":"one"}"#)]);
    let answer = provider.confirm(&applicant()).await;
    let IdentityAnswer::Answered(confirmed) = answer else { panic!("{answer:?}") };
    assert_eq!((confirmed.first_name, confirmed.tax_id), (Some(true), Some(false)));
    assert_eq!((confirmed.last_name, confirmed.deceased), (None, true));
    let asked = told.recv().unwrap();
    let (head, body) = asked.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/identity HTTP/1.1\r\n"), "{head}");
    for personal in ["Mira", "219099876", "1988-0", "oduya@"] {
        assert!(!head.contains(personal) && body.contains(personal), "{personal}");
    }
}

#[tokio::test]
async fn a_business_is_asked_for_by_its_legal_name() {
    let (url, told) = stub(ok(r#"{"business":true,"taxId":true}"#));
    let (provider, ..) = provider(&url, &[Some(r#"{"key":"one"}"#)]);
    let facts = BusinessFacts {
        name: "Blue Harbor".to_owned(),
        legal_name: Some("Blue Harbor Bakery LLC".to_owned()),
        ..BusinessFacts::default()
    };
    let business = Applicant { party: Party::Business(facts), ..applicant() };
    let answer = provider.confirm(&business).await;
    assert!(matches!(answer, IdentityAnswer::Answered(it) if it.business == Some(true)));
    let asked = told.recv().unwrap();
    assert!(asked.contains(r#""businessName":"Blue Harbor Bakery LLC""#), "{asked}");
    assert!(!asked.contains("firstName"), "{asked}");
}

#[tokio::test]
async fn an_address_service_is_asked_likewise() {
    let (url, told) =
        stub(ok(r#"{"deliverability":"missingUnit","kind":"postOfficeBox","corrected":true}"#));
    let (provider, ..) = provider(&url, &[Some(r#"{"key":"one"}"#)]);
    let expected = Delivery {
        deliverability: Deliverability::MissingUnit,
        kind: Some(AddressKind::PostOfficeBox),
        corrected: true,
    };
    assert_eq!(provider.delivery(&address()).await, DeliveryAnswer::Answered(expected));
    assert!(told.recv().unwrap().starts_with("POST /v1/address HTTP/1.1\r\n"));
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_that_none_came() {
    let key = Some(r#"{"key":"one"}"#);
    let (good, _told) = stub(ok(r#"{"firstName":true}"#));
    let (silent, _told) = stub(String::new());
    let (nonsense, _told) = stub(ok("<html>"));
    let (other, _told) = stub(ok(r#"{"firstName":"yes"}"#));
    let (large, _told) = stub(ok(&format!("{{\"x\":\"{}\"}}", "a".repeat(64 * 1024))));
    let (failed, _told) = stub(http("500 Internal Server Error", r#"{"firstName":true}"#));
    let (elsewhere, _told) = stub(http("302 Found", "{}"));
    for (url, secret) in [
        (good.as_str(), None),
        (&good, Some("{}")),
        (&good, Some("one")),
        (&good, Some(r#"{"key":""}"#)),
        (&good, Some(r#"{"key":"a b"}"#)),
        ("http://bureau.example", key),
        ("http://127.0.0.1:1", key),
        (&silent, key),
        (&nonsense, key),
        (&other, key),
        (&large, key),
        (&failed, key),
        (&elsewhere, key),
    ] {
        let (provider, ..) = provider(url, &[secret]);
        let provider = if url == silent { provider.within(BRIEFLY) } else { provider };
        let begun = std::time::Instant::now();
        assert_eq!(
            provider.confirm(&applicant()).await,
            IdentityAnswer::Unavailable,
            "{url} {secret:?}"
        );
        assert_eq!(
            provider.delivery(&address()).await,
            DeliveryAnswer::Unavailable,
            "{url} {secret:?}"
        );
        assert!(begun.elapsed() < DEADLINE * 2, "{url} {secret:?}");
    }
}

#[tokio::test]
async fn reading_the_key_is_part_of_the_deadline() {
    let (url, _told) = stub(ok(r#"{"firstName":true}"#));
    let clock = Arc::new(FixedClock::at_text("2026-01-25T22:55:24Z"));
    let never: ReadSecret = Box::new(|| Box::pin(std::future::pending()));
    let provider = ConfiguredProvider::new("identity", url, never, clock).within(BRIEFLY);
    assert_eq!(provider.confirm(&applicant()).await, IdentityAnswer::Unavailable);
}
