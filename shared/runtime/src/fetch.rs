//! Getting a document from somebody else's HTTPS server: watchlist files, key sets.
//!
//! Invariants: the whole exchange ends within one deadline, the document is bounded, and a redirect is an answer and not
//! followed. Plain HTTP is for loopback addresses only. Nothing is built before the first request.

use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An HTTPS client with the platform's roots.
#[derive(Debug, Default)]
pub struct HttpsGet(OnceLock<Connector>);

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// HTTP status.
    pub status: u16,
    /// The `ETag` header.
    pub etag: Option<String>,
    /// The `Last-Modified` header.
    pub last_modified: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Neither HTTPS nor a loopback address.
    #[error("not an https URL")]
    NotHttps,
    /// The request could not be built from what was given.
    #[error("the URL or a header is malformed")]
    Malformed,
    /// Not done in time.
    #[error("no answer in time")]
    Deadline,
    /// More than the bound.
    #[error("the document is too large")]
    TooLarge,
    /// Resolving, connecting, TLS or HTTP failed.
    #[error("the exchange failed")]
    Exchange(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl HttpsGet {
    /// A client that has not been built yet.
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    fn connector(&self) -> &Connector {
        self.0.get_or_init(|| {
            let settings =
                HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
            Connector::builder()
                .connector_settings(settings)
                .sleep_impl(TokioSleep::new())
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                .build()
        })
    }

    /// Gets a document of at most `max_bytes` within `deadline`, with further headers such as `if-none-match`.
    ///
    /// # Errors
    /// [`FetchError`]. An answer of any status is not an error.
    pub async fn get(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        max_bytes: usize,
        deadline: Duration,
    ) -> Result<Fetched, FetchError> {
        if !is_allowed(url) {
            return Err(FetchError::NotHttps);
        }
        tokio::time::timeout(deadline, self.exchange(url, headers, max_bytes))
            .await
            .map_err(|_| FetchError::Deadline)?
    }

    async fn exchange(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        max_bytes: usize,
    ) -> Result<Fetched, FetchError> {
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_uri(url).map_err(|_| FetchError::Malformed)?;
        for (name, value) in headers {
            request
                .headers_mut()
                .try_insert((*name).to_owned(), (*value).to_owned())
                .map_err(|_| FetchError::Malformed)?;
        }
        let answer = self.connector().call(request).await;
        let answer = answer.map_err(|error| FetchError::Exchange(error.into()))?;
        let header = |name: &str| answer.headers().get(name).map(str::to_owned);
        let (status, etag, last_modified) =
            (answer.status().as_u16(), header("etag"), header("last-modified"));
        let body =
            Limited::new(answer.into_body(), max_bytes).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    FetchError::TooLarge
                } else {
                    FetchError::Exchange(error)
                }
            })?;
        Ok(Fetched { status, etag, last_modified, body: body.to_bytes().to_vec() })
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

    use super::*;

    const DEADLINE: Duration = Duration::from_millis(700);

    /// Answers one connection with `answer`, gives what was asked, and keeps the connection open.
    fn server(answer: Vec<u8>) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/list.csv", listener.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).unwrap_or(0);
            let _ = stream.write_all(&answer);
            std::thread::sleep(DEADLINE * 2);
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        (url, asked)
    }

    fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    }

    #[tokio::test]
    async fn a_document_comes_with_what_identifies_it() {
        let (url, asked) = server(http("200 OK", "ETag: \"a1\"\r\n", b"1,2"));
        let client = HttpsGet::new();
        let fetched = client.get(&url, &[("if-none-match", "\"a0\"")], 10, DEADLINE).await.unwrap();
        assert_eq!((fetched.status, fetched.body.as_slice()), (200, b"1,2".as_slice()));
        assert_eq!(fetched.etag.as_deref(), Some("\"a1\""));
        assert!(asked.join().unwrap().to_ascii_lowercase().contains("if-none-match: \"a0\""));
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer() {
        let (url, _) = server(http("302 Found", "location: http://127.0.0.1:1/\r\n", b""));
        let fetched = HttpsGet::new().get(&url, &[], 10, DEADLINE).await.unwrap();
        assert_eq!(fetched.status, 302);
    }

    #[tokio::test]
    async fn floods_and_silence_end() {
        let (url, _) = server(http("200 OK", "", b"12345678901"));
        let flooded = HttpsGet::new().get(&url, &[], 10, DEADLINE).await;
        assert!(matches!(flooded, Err(FetchError::TooLarge)), "{flooded:?}");
        let (url, _) = server(Vec::new());
        let silent = HttpsGet::new().get(&url, &[], 10, DEADLINE).await;
        assert!(matches!(silent, Err(FetchError::Deadline)), "{silent:?}");
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        for (url, allowed) in [
            ("https://lists.example/sdn.csv", true),
            ("http://127.0.0.1:80/x", true),
            ("http://[::1]:80/x", true),
            ("http://lists.example/sdn.csv", false),
            ("http://127.0.0.1:80@lists.example/x", false),
            ("http://10.0.0.1:80/x", false),
            ("ftp://lists.example/x", false),
        ] {
            assert_eq!(is_allowed(url), allowed, "{url}");
        }
    }
}
