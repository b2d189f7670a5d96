//! Both providers over HTTPS, by one small JSON contract that `docs/identity-review.md` specifies: a gateway to a bureau
//! translates it, so that no bureau's format is in the product.
//!
//! `POST <base>/identity` and `POST <base>/address` with a bearer key. Invariants: personal data is in the body only, never
//! in an address or an error; one try, within the deadline; at most 64 KB are read; a redirect is no answer.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use crypto::Secret;
use http_body_util::{BodyExt as _, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{
    AddressProvider, Confirmed, Delivery, DeliveryAnswer, IdentityAnswer, IdentityProvider, Pending,
};
use crate::review::applicant::{Applicant, Party, PostalAddress};

/// A bureau that takes longer keeps a customer waiting who is waiting for us.
const DEADLINE: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_millis(800);
const LARGEST_ANSWER: usize = 64 * 1024;

/// A provider behind HTTPS.
pub struct HttpsProvider {
    base: String,
    key: Secret<String>,
    deadline: Duration,
    connector: OnceLock<Connector>,
}

impl fmt::Debug for HttpsProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpsProvider({})", self.base)
    }
}

/// Why there is no provider, or no answer. Names no applicant.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Neither HTTPS nor a loopback address.
    #[error("the provider's address must be https")]
    NotHttps,
    /// The request could not be made.
    #[error("the request to the provider could not be made")]
    Request,
    /// Connecting, TLS or HTTP failed.
    #[error("the exchange with the provider failed")]
    Exchange,
    /// Not in time.
    #[error("the provider did not answer in time")]
    Deadline,
    /// Another status than 200.
    #[error("the provider answered {0}")]
    Status(u16),
    /// Not the contract's answer.
    #[error("the provider's answer cannot be read")]
    Answer,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IdentityQuestion<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    birth_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<AddressQuestion<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AddressQuestion<'a> {
    line1: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line2: Option<&'a str>,
    city: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<&'a str>,
    country: &'a str,
}

impl<'a> From<&'a PostalAddress> for AddressQuestion<'a> {
    fn from(address: &'a PostalAddress) -> Self {
        Self {
            line1: &address.line1,
            line2: address.line2.as_deref(),
            city: &address.city,
            state: address.state.as_deref(),
            postal_code: address.postal_code.as_deref(),
            country: &address.country,
        }
    }
}

impl<'a> From<&'a Applicant> for IdentityQuestion<'a> {
    fn from(applicant: &'a Applicant) -> Self {
        let (person, business) = match &applicant.party {
            Party::Person(person) => (Some(person), None),
            Party::Business(business) => (None, Some(business)),
        };
        Self {
            first_name: person.map(|person| person.first_name.as_str()),
            last_name: person.map(|person| person.last_name.as_str()),
            business_name: business
                .map(|business| business.legal_name.as_deref().unwrap_or(&business.name)),
            birth_date: person.and_then(|person| person.birth_date).map(|date| date.to_string()),
            tax_id: person
                .and_then(|person| person.ssn.as_deref())
                .or_else(|| business.and_then(|business| business.ein.as_deref())),
            email: applicant.email.as_deref(),
            phone: applicant.phone.as_deref(),
            address: applicant.address.as_ref().map(AddressQuestion::from),
        }
    }
}

impl HttpsProvider {
    /// The provider at `base`, called with `key`. Nothing is connected before the first question.
    ///
    /// # Errors
    /// [`ProviderError::NotHttps`].
    pub fn new(base: &str, key: Secret<String>) -> Result<Self, ProviderError> {
        let base = base.trim_end_matches('/');
        if !is_allowed(base) {
            return Err(ProviderError::NotHttps);
        }
        let connector = OnceLock::new();
        Ok(Self { base: base.to_owned(), key, deadline: DEADLINE, connector })
    }

    /// The same provider with another deadline.
    #[must_use]
    pub const fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    fn connector(&self) -> &Connector {
        self.connector.get_or_init(|| {
            let settings =
                HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
            Connector::builder()
                .connector_settings(settings)
                .sleep_impl(TokioSleep::new())
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                .build()
        })
    }

    /// Asks one question.
    ///
    /// # Errors
    /// [`ProviderError`].
    async fn ask<A: DeserializeOwned>(
        &self,
        path: &str,
        question: &impl Serialize,
    ) -> Result<A, ProviderError> {
        let body = serde_json::to_vec(question).map_err(|_| ProviderError::Request)?;
        tokio::time::timeout(self.deadline, self.exchange(path, body))
            .await
            .map_err(|_| ProviderError::Deadline)?
    }

    async fn exchange<A: DeserializeOwned>(
        &self,
        path: &str,
        body: Vec<u8>,
    ) -> Result<A, ProviderError> {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").map_err(|_| ProviderError::Request)?;
        request.set_uri(format!("{}{path}", self.base)).map_err(|_| ProviderError::Request)?;
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json".to_owned()),
            ("authorization", format!("Bearer {}", self.key.reveal())),
        ];
        for (name, value) in headers {
            request
                .headers_mut()
                .try_insert(name.to_owned(), value)
                .map_err(|_| ProviderError::Request)?;
        }
        let answer = self.connector().call(request).await;
        let answer = answer.map_err(|_| ProviderError::Exchange)?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(ProviderError::Status(status));
        }
        let body = Limited::new(answer.into_body(), LARGEST_ANSWER)
            .collect()
            .await
            .map_err(|_| ProviderError::Answer)?;
        serde_json::from_slice(&body.to_bytes()).map_err(|_| ProviderError::Answer)
    }
}

impl IdentityProvider for HttpsProvider {
    fn confirm<'a>(&'a self, applicant: &'a Applicant) -> Pending<'a, IdentityAnswer> {
        Box::pin(async move {
            let question = IdentityQuestion::from(applicant);
            match self.ask::<Confirmed>("/identity", &question).await {
                Ok(confirmed) => IdentityAnswer::Answered(Box::new(confirmed)),
                Err(_) => IdentityAnswer::Unavailable,
            }
        })
    }
}

impl AddressProvider for HttpsProvider {
    fn delivery<'a>(&'a self, address: &'a PostalAddress) -> Pending<'a, DeliveryAnswer> {
        Box::pin(async move {
            match self.ask::<Delivery>("/address", &AddressQuestion::from(address)).await {
                Ok(delivery) => DeliveryAnswer::Answered(delivery),
                Err(_) => DeliveryAnswer::Unavailable,
            }
        })
    }
}

/// HTTPS anywhere; HTTP to this machine only, where there is nobody in between.
fn is_allowed(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return url.starts_with("https://") };
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    host.parse::<std::net::SocketAddr>().is_ok_and(|address| address.ip().is_loopback())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::super::{AddressKind, Deliverability};
    use super::*;
    use crate::review::applicant::samples;

    const PATIENCE: Duration = Duration::from_millis(700);

    /// Answers one connection and gives what was asked.
    fn stub(answer: Vec<u8>) -> (HttpsProvider, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/v1/", listener.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut part) = (Vec::new(), [0; 4096]);
            loop {
                let read = stream.read(&mut part).unwrap_or(0);
                request.extend_from_slice(&part[..read]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else {
                    if read == 0 {
                        return text;
                    }
                    continue;
                };
                let length = head
                    .lines()
                    .find_map(|line| {
                        line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
                    })
                    .unwrap_or(0);
                if body.len() >= length || read == 0 {
                    let _ = stream.write_all(&answer);
                    std::thread::sleep(Duration::from_millis(if answer.is_empty() {
                        1500
                    } else {
                        0
                    }));
                    return text;
                }
            }
        });
        let key = Secret::new("k-123".to_owned());
        (HttpsProvider::new(&base, key).unwrap().within(PATIENCE), asked)
    }

    fn http(status: &str, body: &str) -> Vec<u8> {
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    #[tokio::test]
    async fn an_identity_is_asked_for_in_the_body_and_answered_element_by_element() {
        let (provider, asked) =
            stub(http("200 OK", r#"{"firstName":true,"taxId":false,"deceased":true,"new":1}"#));
        let answer = provider.confirm(&samples::person()).await;
        let IdentityAnswer::Answered(confirmed) = answer else { panic!("{answer:?}") };
        assert_eq!((confirmed.first_name, confirmed.tax_id), (Some(true), Some(false)));
        assert_eq!((confirmed.last_name, confirmed.deceased), (None, true));

        let asked = asked.join().unwrap();
        let (head, body) = asked.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /v1/identity HTTP/1.1"), "{head}");
        assert!(head.to_ascii_lowercase().contains("authorization: bearer k-123"), "{head}");
        for personal in ["Mira", "529", "1988", "oduya@"] {
            assert!(!head.contains(personal) && body.contains(personal), "{personal}");
        }
        assert!(!format!("{provider:?} {confirmed:?}").contains("k-123"));
    }

    #[tokio::test]
    async fn a_business_is_asked_for_by_its_legal_name() {
        let (provider, asked) = stub(http("200 OK", r#"{"business":true,"taxId":true}"#));
        let answer = provider.confirm(&samples::business()).await;
        assert!(matches!(answer, IdentityAnswer::Answered(it) if it.business == Some(true)));
        let asked = asked.join().unwrap();
        assert!(asked.contains(r#""businessName":"Blue Harbor Bakery LLC""#), "{asked}");
        assert!(!asked.contains("firstName"));
    }

    #[tokio::test]
    async fn an_address_is_asked_for() {
        let (provider, asked) = stub(http(
            "200 OK",
            r#"{"deliverability":"missingUnit","kind":"postOfficeBox","corrected":true}"#,
        ));
        let address = samples::person().address.unwrap();
        let expected = Delivery {
            deliverability: Deliverability::MissingUnit,
            kind: Some(AddressKind::PostOfficeBox),
            corrected: true,
        };
        assert_eq!(provider.delivery(&address).await, DeliveryAnswer::Answered(expected));
        assert!(asked.join().unwrap().starts_with("POST /v1/address"));
    }

    #[tokio::test]
    async fn whatever_goes_wrong_confirms_nothing() {
        let large = format!("{{\"x\":\"{}\"}}", "a".repeat(LARGEST_ANSWER));
        for answer in [
            http("500 Internal Server Error", "{}"),
            http("302 Found", "{}"),
            http("200 OK", "no JSON"),
            http("200 OK", r#"{"firstName":"yes"}"#),
            http("200 OK", &large),
            Vec::new(),
        ] {
            let (provider, _) = stub(answer);
            assert_eq!(provider.confirm(&samples::person()).await, IdentityAnswer::Unavailable);
        }
        let nobody = HttpsProvider::new("http://127.0.0.1:1", Secret::new(String::new())).unwrap();
        let address = samples::person().address.unwrap();
        assert_eq!(nobody.delivery(&address).await, DeliveryAnswer::Unavailable);
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        for (url, allowed) in [
            ("https://bureau.example", true),
            ("http://127.0.0.1:80", true),
            ("http://bureau.example", false),
            ("http://127.0.0.1:80@bureau.example", false),
            ("ftp://bureau.example", false),
        ] {
            let made = HttpsProvider::new(url, Secret::new("k".to_owned()));
            assert_eq!(made.is_ok(), allowed, "{url}");
        }
    }
}
