//! Posting to an AWS service without its SDK crate.
//!
//! An SDK crate adds about half a megabyte to a function (`scan-schedule`, which has the one of SQS, is 5.9 MB;
//! `scan-request`, which has not, 5.4 MB), and what sends passcodes would need three of them for one call each. The signing
//! and the HTTPS client are linked anyway, so such calls are written out: a path, a few headers, a body.
//!
//! Invariants: nothing is built before the first request; an exchange ends within one deadline; a failure says whether the
//! request can have reached the service, because what is not known to have failed must not be repeated.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt as _, Limited};

use crate::Clients;
use crate::clients::amazon_roots;

const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_500);
/// From the connection on. Messaging services answer within some 300 ms.
const DEADLINE: Duration = Duration::from_secs(6);
/// More than any answer of the services that are called so.
const MAX_ANSWER: usize = 64 * 1024;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A service by the names that a call needs.
#[derive(Debug, Clone, Copy)]
pub struct AwsService {
    /// What signatures are scoped to, such as `ses`.
    pub signing_name: &'static str,
    /// The first label of its host, such as `email`.
    pub host: &'static str,
    /// The variable that points the service alone at another endpoint, such as `AWS_ENDPOINT_URL_SESV2`.
    pub endpoint_variable: &'static str,
}

/// What a service answered, whatever the status.
#[derive(Debug, Clone)]
pub struct SignedAnswer {
    /// HTTP status.
    pub status: u16,
    /// The header `x-amzn-errortype`.
    pub error_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SignedPostError {
    /// The request never left: no credentials, no region, no connection.
    #[error("the request was not sent")]
    NotSent(#[source] BoxError),
    /// The request left and its answer did not come.
    #[error("the answer was lost")]
    Lost(#[source] BoxError),
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Because(&'static str);

/// Signs and posts.
#[derive(Debug)]
pub struct SignedPost {
    clients: Clients,
    connector: OnceLock<Connector>,
}

impl SignedPost {
    /// A client that has not been built yet.
    #[must_use]
    pub fn new(clients: &Clients) -> Self {
        Self { clients: clients.clone(), connector: OnceLock::new() }
    }

    fn connector(&self) -> &Connector {
        self.connector.get_or_init(|| {
            let settings =
                HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
            let builder = Connector::builder()
                .connector_settings(settings)
                .sleep_impl(TokioSleep::new())
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc));
            match amazon_roots() {
                Some(context) => builder.tls_context(context).build(),
                None => builder.build(),
            }
        })
    }

    /// Posts a body once.
    ///
    /// # Errors
    /// [`SignedPostError`]. An answer of any status is not an error.
    pub async fn post(
        &self,
        service: &AwsService,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &[u8],
    ) -> Result<SignedAnswer, SignedPostError> {
        let request = self.signed(service, path, headers, body).await?;
        match tokio::time::timeout(DEADLINE, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(SignedPostError::Lost(elapsed.into())),
        }
    }

    async fn exchange(&self, request: HttpRequest) -> Result<SignedAnswer, SignedPostError> {
        let answer = self.connector().call(request).await.map_err(|error| {
            if never_connected(&error) {
                SignedPostError::NotSent(error.into())
            } else {
                SignedPostError::Lost(error.into())
            }
        })?;
        let status = answer.status().as_u16();
        let error_type = answer.headers().get("x-amzn-errortype").map(str::to_owned);
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(SignedPostError::Lost)?.to_bytes().to_vec();
        Ok(SignedAnswer { status, error_type, body })
    }

    async fn signed(
        &self,
        service: &AwsService,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &[u8],
    ) -> Result<HttpRequest, SignedPostError> {
        let not_sent = SignedPostError::NotSent;
        let config = self.clients.config();
        let region = config.region().ok_or_else(|| not_sent(Because("no region").into()))?;
        let provider = config.credentials_provider();
        let provider = provider.ok_or_else(|| not_sent(Because("no credentials").into()))?;
        let credentials = provider.provide_credentials().await;
        let identity = credentials.map_err(|error| not_sent(error.into()))?.into();
        let url = format!("{}{path}", endpoint(service, region.as_ref(), config.endpoint_url()));

        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region.as_ref())
            .name(service.signing_name)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| not_sent(error.into()))?
            .into();
        let signable = SignableRequest::new(
            "POST",
            url.as_str(),
            headers.iter().copied(),
            SignableBody::Bytes(body),
        )
        .map_err(|error| not_sent(error.into()))?;
        let signed = sign(signable, &parameters).map_err(|error| not_sent(error.into()))?;

        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").map_err(|error| not_sent(error.into()))?;
        request.set_uri(url).map_err(|error| not_sent(error.into()))?;
        let (instructions, _) = signed.into_parts();
        for (name, value) in headers.iter().copied().chain(instructions.headers()) {
            request
                .headers_mut()
                .try_insert(name.to_owned(), value.to_owned())
                .map_err(|error| not_sent(error.into()))?;
        }
        Ok(request)
    }
}

/// The service's own endpoint variable, then the one for all, then AWS.
fn endpoint(service: &AwsService, region: &str, all: Option<&str>) -> String {
    let own = std::env::var(service.endpoint_variable).ok().filter(|url| !url.is_empty());
    let given = own.or_else(|| all.map(str::to_owned));
    given.map_or_else(
        || {
            let domain =
                if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
            format!("https://{}.{region}.{domain}", service.host)
        },
        |url| url.trim_end_matches('/').to_owned(),
    )
}

/// Whether an exchange failed before there was a connection to send anything through.
pub(crate) fn never_connected(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            return error.is_connect();
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_types::SdkConfig;
    use aws_types::region::Region;

    use super::*;

    const SERVICE: AwsService = AwsService {
        signing_name: "ses",
        host: "email",
        endpoint_variable: "AWS_ENDPOINT_URL_NONE",
    };

    fn post_to(url: &str) -> SignedPost {
        let credentials = Credentials::new("AKID", "secret", Some("session".into()), None, "test");
        let config = SdkConfig::builder()
            .region(Region::new("eu-west-2"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(url)
            .build();
        SignedPost::new(&Clients::with_config(config))
    }

    /// Takes one request and answers with `answer`, or hangs up without one.
    fn server(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut part = [0; 4096];
            while !request.ends_with(b"{\"a\":1}") {
                let read = stream.read(&mut part).unwrap();
                assert!(read > 0, "the request ended early");
                request.extend_from_slice(&part[..read]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(request).unwrap().to_ascii_lowercase()
        });
        (url, asked)
    }

    #[tokio::test]
    async fn a_request_is_signed_for_its_service() {
        let (url, asked) = server(
            "HTTP/1.1 400 Bad Request\r\nx-amzn-ErrorType: MessageRejected\r\ncontent-length: 2\r\n\r\n{}",
        );
        let headers = [("content-type", "application/json")];
        let answer =
            post_to(&url).post(&SERVICE, "/v2/email", &headers, b"{\"a\":1}").await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (400, b"{}".as_slice()));
        assert_eq!(answer.error_type.as_deref(), Some("MessageRejected"));
        let asked = asked.join().unwrap();
        assert!(asked.starts_with("post /v2/email http/1.1\r\n"), "{asked}");
        assert!(asked.contains("/eu-west-2/ses/aws4_request"), "{asked}");
        assert!(asked.contains("signedheaders=content-type;host;x-amz-date"), "{asked}");
        assert!(asked.contains("x-amz-security-token: session"), "{asked}");
    }

    #[tokio::test]
    async fn what_was_not_sent_and_what_was_lost_are_told_apart() {
        let closed = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            format!("http://{}", listener.local_addr().unwrap())
        };
        let answer = post_to(&closed).post(&SERVICE, "/", &[], b"{\"a\":1}").await;
        assert!(matches!(answer, Err(SignedPostError::NotSent(_))), "{answer:?}");
        let (url, asked) = server("");
        let answer = post_to(&url).post(&SERVICE, "/", &[], b"{\"a\":1}").await;
        assert!(matches!(answer, Err(SignedPostError::Lost(_))), "{answer:?}");
        asked.join().unwrap();
        let nobody = SignedPost::new(&Clients::with_config(SdkConfig::builder().build()));
        let answer = nobody.post(&SERVICE, "/", &[], b"").await;
        assert!(matches!(answer, Err(SignedPostError::NotSent(_))), "{answer:?}");
    }

    #[test]
    fn endpoints() {
        for (region, all, expected) in [
            ("eu-west-2", None, "https://email.eu-west-2.amazonaws.com"),
            ("cn-north-1", None, "https://email.cn-north-1.amazonaws.com.cn"),
            ("eu-west-2", Some("http://127.0.0.1:4566/"), "http://127.0.0.1:4566"),
        ] {
            assert_eq!(endpoint(&SERVICE, region, all), expected);
        }
    }
}
