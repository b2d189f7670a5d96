//! Getting a document from somebody else's HTTPS server: watchlist files, key sets.
//!
//! Invariants: the whole exchange ends within one deadline, the document is bounded, and a redirect is an answer unless the
//! caller asks to follow it, which never leaves HTTPS. Plain HTTP is for loopback addresses only. Nothing is built before the first request.

use std::time::{Duration, Instant};

use crate::send::{HttpsSend, Outgoing};

/// An HTTPS client with the platform's roots.
#[derive(Debug, Default)]
pub struct HttpsGet(HttpsSend);

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// HTTP status.
    pub status: u16,
    /// The `ETag` header.
    pub etag: Option<String>,
    /// The `Last-Modified` header.
    pub last_modified: Option<String>,
    /// The `Location` header.
    pub location: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Fetched {
    /// Where a redirect leads to.
    fn redirect(&self) -> Option<&str> {
        let is_redirect = matches!(self.status, 301 | 302 | 303 | 307 | 308);
        self.location.as_deref().filter(|_| is_redirect)
    }
}

/// How many redirects are followed: publishers use one or two.
const MOST_REDIRECTS: usize = 5;

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
    /// There was no connection, so nothing was sent.
    #[error("no connection")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// More than the bound.
    #[error("the document is too large")]
    TooLarge,
    /// The connection or HTTP failed on the way.
    #[error("the exchange failed")]
    Exchange(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl HttpsGet {
    /// A client that has not been built yet.
    pub const fn new() -> Self {
        Self(HttpsSend::new())
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
        let request = Outgoing { method: "GET", url, headers, body: &[], max_bytes, deadline };
        let received = self.0.send(request).await?;
        let header = |name| received.header(name).map(str::to_owned);
        Ok(Fetched {
            status: received.status,
            etag: header("etag"),
            last_modified: header("last-modified"),
            location: header("location"),
            body: received.body,
        })
    }

    /// Gets a document as [`Self::get`] does, following up to five redirects within the one deadline.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::NotHttps`] for a redirect to anything but HTTPS. A redirect too many is an answer.
    pub async fn get_following(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        max_bytes: usize,
        deadline: Duration,
    ) -> Result<Fetched, FetchError> {
        let ends = Instant::now() + deadline;
        let mut url = url.to_owned();
        let mut followed = 0;
        loop {
            let left = ends.saturating_duration_since(Instant::now());
            let fetched = self.get(&url, headers, max_bytes, left).await?;
            match fetched.redirect().and_then(|location| target(&url, location)) {
                Some(next) if followed < MOST_REDIRECTS => url = next,
                _ => return Ok(fetched),
            }
            followed += 1;
        }
    }
}

/// Where `location` leads from `url`: another URL, or another path of the same server.
fn target(url: &str, location: &str) -> Option<String> {
    if !location.starts_with('/') || location.starts_with("//") {
        return Some(location.to_owned());
    }
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    Some(format!("{scheme}://{host}{location}"))
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
    async fn a_redirect_is_followed_when_asked_for_and_never_to_plain_http() {
        let (there, _) = server(http("200 OK", "ETag: \"b\"\r\n", b"1,2"));
        let (here, _) = server(http("302 Found", &format!("location: {there}\r\n"), b""));
        let client = HttpsGet::new();
        let fetched = client.get_following(&here, &[], 10, DEADLINE).await.unwrap();
        assert_eq!((fetched.status, fetched.etag.as_deref()), (200, Some("\"b\"")));
        let (here, _) = server(http("302 Found", "location: http://192.0.2.1/\r\n", b""));
        let away = client.get_following(&here, &[], 10, DEADLINE).await;
        assert!(matches!(away, Err(FetchError::NotHttps)), "{away:?}");
        for (location, leads) in [
            ("https://b.test/x", "https://b.test/x"),
            ("/x?y=1", "https://a.test/x?y=1"),
            ("//b.test/x", "//b.test/x"),
        ] {
            assert_eq!(target("https://a.test/list.csv?z", location).as_deref(), Some(leads));
        }
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

    /// A list that was cut off must not pass for a shorter one.
    #[tokio::test]
    async fn a_document_that_ends_before_its_stated_length_is_none() {
        let (url, _) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n1,2\n".to_vec());
        let cut = HttpsGet::new().get(&url, &[], 1_000, DEADLINE * 10).await;
        assert!(matches!(cut, Err(FetchError::Exchange(_))), "{cut:?}");
    }
}
