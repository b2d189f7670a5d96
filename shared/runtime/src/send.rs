//! Asking somebody else's HTTPS service: one request, one answer.
//!
//! Invariants: the whole exchange ends within one deadline, the answer is bounded, and a redirect is an answer and not
//! followed. Plain HTTP is for loopback addresses only. Nothing is sent twice by itself, and nothing is built before the
//! first request.

use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::fetch::FetchError;
use crate::signed::never_connected;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An HTTPS client with the platform's roots.
#[derive(Debug)]
pub struct HttpsSend {
    connect_timeout: Duration,
    connector: OnceLock<Connector>,
}

/// One request.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// `GET`, `POST` and so on.
    pub method: &'a str,
    /// Where to.
    pub url: &'a str,
    /// Headers beside the host and the length, which the client sets.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body; empty for none.
    pub body: &'a [u8],
    /// The most bytes that are read of the answer's body.
    pub max_bytes: usize,
    /// Over connecting, sending and the whole answer together.
    pub deadline: Duration,
}

/// What a service answered.
#[derive(Clone)]
pub struct Received {
    /// HTTP status.
    pub status: u16,
    /// Header names in lower case, with their values where these are text.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

// Bodies of requests and answers are other people's affairs.
impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Received({}, {} bytes)", self.status, self.body.len())
    }
}

impl HttpsSend {
    /// A client that has not been built yet.
    pub const fn new() -> Self {
        Self::connecting_within(CONNECT_TIMEOUT)
    }

    /// One that waits for a connection no longer than this.
    pub const fn connecting_within(connect_timeout: Duration) -> Self {
        Self { connect_timeout, connector: OnceLock::new() }
    }

    /// Whether it sends there: HTTPS anywhere; HTTP to this machine only, where there is nobody in between.
    pub fn allows(url: &str) -> bool {
        let Some(rest) = url.strip_prefix("http://") else { return url.starts_with("https://") };
        let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        host.parse::<std::net::SocketAddr>().is_ok_and(|address| address.ip().is_loopback())
    }

    fn connector(&self) -> &Connector {
        self.connector.get_or_init(|| {
            let settings =
                HttpConnectorSettings::builder().connect_timeout(self.connect_timeout).build();
            Connector::builder()
                .connector_settings(settings)
                .sleep_impl(TokioSleep::new())
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                .build()
        })
    }

    /// Sends one request and reads its answer.
    ///
    /// # Errors
    /// [`FetchError`]; an answer of any status is not one. After [`FetchError::NotHttps`], [`FetchError::Malformed`] and
    /// [`FetchError::Unreachable`] nothing was sent; after the others, the service may have done what it was asked.
    pub async fn send(&self, request: Outgoing<'_>) -> Result<Received, FetchError> {
        if !Self::allows(request.url) {
            return Err(FetchError::NotHttps);
        }
        tokio::time::timeout(request.deadline, self.exchange(request))
            .await
            .map_err(|_| FetchError::Deadline)?
    }

    async fn exchange(&self, outgoing: Outgoing<'_>) -> Result<Received, FetchError> {
        let mut request = HttpRequest::new(SdkBody::from(outgoing.body.to_vec()));
        request.set_method(outgoing.method).map_err(|_| FetchError::Malformed)?;
        request.set_uri(outgoing.url).map_err(|_| FetchError::Malformed)?;
        for (name, value) in outgoing.headers {
            request
                .headers_mut()
                .try_insert((*name).to_owned(), (*value).to_owned())
                .map_err(|_| FetchError::Malformed)?;
        }
        let answer = self.connector().call(request).await.map_err(|error| {
            if never_connected(&error) {
                FetchError::Unreachable(error.into())
            } else {
                FetchError::Exchange(error.into())
            }
        })?;
        read(answer, outgoing.max_bytes).await
    }
}

impl Default for HttpsSend {
    fn default() -> Self {
        Self::new()
    }
}

async fn read(answer: HttpResponse, max_bytes: usize) -> Result<Received, FetchError> {
    let status = answer.status().as_u16();
    let headers = answer.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let body = Limited::new(answer.into_body(), max_bytes).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            FetchError::TooLarge
        } else {
            FetchError::Exchange(error)
        }
    })?;
    Ok(Received { status, headers, body: body.to_bytes().to_vec() })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    const DEADLINE: Duration = Duration::from_millis(700);

    /// Answers one connection with `answer` and gives what was asked.
    fn server(answer: &'static [u8]) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/payments?x=1", listener.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut text = String::new();
            let mut part = [0; 1024];
            while !text.ends_with("{\"a\":1}") {
                match stream.read(&mut part) {
                    Ok(read) if read > 0 => text.push_str(&String::from_utf8_lossy(&part[..read])),
                    _ => break,
                }
            }
            let _ = stream.write_all(answer);
            std::thread::sleep(DEADLINE * 2);
            text
        });
        (url, asked)
    }

    async fn post(url: &str, max_bytes: usize) -> Result<Received, FetchError> {
        let request = Outgoing {
            method: "POST",
            url,
            headers: &[("content-type", "application/json"), ("x-mod-nonce", "n1")],
            body: b"{\"a\":1}",
            max_bytes,
            deadline: DEADLINE,
        };
        HttpsSend::new().send(request).await
    }

    #[tokio::test]
    async fn a_request_arrives_whole_and_its_answer_is_read() {
        let (url, asked) =
            server(b"HTTP/1.1 201 Created\r\nRetry-After: 7\r\ncontent-length: 2\r\n\r\n{}");
        let received = post(&url, 10).await.unwrap();
        assert_eq!((received.status, received.body.as_slice()), (201, b"{}".as_slice()));
        assert_eq!((received.header("retry-after"), received.header("x")), (Some("7"), None));
        let asked = asked.join().unwrap();
        assert!(asked.starts_with("POST /payments?x=1 HTTP/1.1\r\n"), "{asked}");
        for line in ["content-type: application/json", "x-mod-nonce: n1", "content-length: 7"] {
            assert!(asked.contains(&format!("{line}\r\n")), "{asked}");
        }
    }

    #[tokio::test]
    async fn redirects_are_answers_and_floods_and_silence_end() {
        let (url, _) = server(
            b"HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
        );
        assert_eq!(post(&url, 10).await.unwrap().status, 307);
        let (url, _) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n12345678901");
        assert!(matches!(post(&url, 10).await, Err(FetchError::TooLarge)));
        let (url, _) = server(b"");
        assert!(matches!(post(&url, 10).await, Err(FetchError::Deadline)));
    }

    #[tokio::test]
    async fn what_cannot_be_sent_safely_is_not_sent() {
        assert!(matches!(post("http://bank.example/x", 10).await, Err(FetchError::NotHttps)));
        let bad = post("https://bank.example/a b", 10).await;
        assert!(matches!(bad, Err(FetchError::Malformed)), "{bad:?}");
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused = post(&format!("http://{closed}/x"), 10).await;
        assert!(matches!(refused, Err(FetchError::Unreachable(_))), "{refused:?}");
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        for (url, allowed) in [
            ("https://lists.example/sdn.csv", true),
            ("http://127.0.0.1:80", true),
            ("http://127.0.0.1:80/x", true),
            ("http://[::1]:80/x", true),
            ("http://lists.example/sdn.csv", false),
            ("http://127.0.0.1:80@lists.example/x", false),
            ("http://10.0.0.1:80/x", false),
            ("ftp://lists.example/x", false),
        ] {
            assert_eq!(HttpsSend::allows(url), allowed, "{url}");
        }
    }
}
