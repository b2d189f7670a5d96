//! Getting a further issuer's key set.
//!
//! Invariant: only a 200 answer within the deadline and the size bound gives a document; what those protect from is
//! tested where they are enforced, in `runtime::HttpsGet`.

use std::time::Duration;

use crypto::{BoxError, Pending};
use runtime::HttpsGet;

/// The authorizer has API Gateway waiting; a slow issuer must not hold it.
const DEADLINE: Duration = Duration::from_secs(3);

/// A key set of a hundred RSA keys has half of this.
const MAX_DOCUMENT: usize = 128 * 1024;

/// Gets documents.
pub trait FetchKeys: Send + Sync {
    /// The body of a 200 answer.
    fn fetch<'a>(&'a self, url: &'a str) -> Pending<'a, Vec<u8>>;
}

/// The issuer has no key set where its entry says.
#[derive(Debug, thiserror::Error)]
#[error("the issuer answered with status {0}")]
struct UnexpectedStatus(u16);

impl FetchKeys for HttpsGet {
    fn fetch<'a>(&'a self, url: &'a str) -> Pending<'a, Vec<u8>> {
        Box::pin(async move {
            let headers = [("accept", "application/json")];
            let answer = self.get(url, &headers, MAX_DOCUMENT, DEADLINE).await?;
            if answer.status == 200 {
                Ok(answer.body)
            } else {
                Err(BoxError::from(UnexpectedStatus(answer.status)))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    fn server(answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(answer);
        });
        url
    }

    #[tokio::test]
    async fn only_a_200_gives_a_document() {
        let good = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
        assert_eq!(HttpsGet::new().fetch(&good).await.unwrap(), b"{}");
        for answer in [
            b"HTTP/1.1 302 Found\r\nlocation: https://other.test/\r\ncontent-length: 2\r\n\r\n{}"
                .as_slice(),
            b"HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\n{}",
        ] {
            assert!(HttpsGet::new().fetch(&server(answer)).await.is_err());
        }
    }
}
