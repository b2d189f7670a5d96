//! The HTTP client: one request, one deadline over everything, a bounded answer.

use std::error::Error;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::connect::{Guarded, NotConnected, Resolve};
use super::{Answer, Call, MAX_ANSWER, Post};
use crate::address::AddressRules;
use crate::schedule::{Failure, Outcome, outcome_of_status};

/// How long a connection is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Common servers close idle connections after 5 seconds; a connection kept longer would be found dead by
    /// the next delivery, which would count as the receiver's failure.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { idle: Duration::from_secs(4) }
    }
}

/// Most bytes of an answer's head; hyper's own default is 400 KiB.
const MAX_HEAD: usize = 16 * 1024;

/// Posts over HTTP/1.1 with kept connections.
pub struct HttpPoster<R: Resolve> {
    client: Client<Guarded<R>, Full<Bytes>>,
}

impl<R: Resolve> HttpPoster<R> {
    /// A client that trusts the bundled public roots.
    ///
    /// # Errors
    /// When the TLS library refuses its own default versions, which a build mistake could cause.
    pub fn new(resolver: R, rules: AddressRules, limits: Limits) -> Result<Self, rustls::Error> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Self::trusting(roots, resolver, rules, limits)
    }

    /// A client that trusts the given roots instead.
    ///
    /// # Errors
    /// As [`HttpPoster::new`].
    pub fn trusting(
        roots: RootCertStore,
        resolver: R,
        rules: AddressRules,
        limits: Limits,
    ) -> Result<Self, rustls::Error> {
        let tls = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(limits.idle)
            .pool_max_idle_per_host(4)
            .http1_max_buf_size(MAX_HEAD)
            .build(Guarded::new(resolver, rules, tls));
        Ok(Self { client })
    }

    async fn exchange(&self, call: Call) -> Outcome {
        let response =
            self.client.request(request(call)).await.map_err(|error| failure_of(&error))?;
        let status = response.status().as_u16();
        drain(response.into_body()).await?;
        outcome_of_status(status)
    }
}

impl<R: Resolve> Post for HttpPoster<R> {
    async fn post(&self, call: Call) -> Answer {
        let started = Instant::now();
        let outcome = tokio::time::timeout(call.deadline, self.exchange(call))
            .await
            .unwrap_or(Err(Failure::Timeout));
        Answer { outcome, took: started.elapsed() }
    }
}

fn request(call: Call) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(call.body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = call.url.uri().clone();
    let headers = request.headers_mut();
    headers.extend(call.headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static("Gatehouse-Webhooks/1"));
    if let Some(authorization) = call.authorization {
        headers.insert(AUTHORIZATION, authorization);
    }
    request
}

/// Reads the body to its end or to the limit. A body cut short is a receiver that fell over while answering.
async fn drain(mut body: Incoming) -> Result<(), Failure> {
    let mut read = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| failure_of(&error))?;
        read = read.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if read >= MAX_ANSWER {
            // Dropping the rest closes the connection: there is no way to stop a sender politely.
            break;
        }
    }
    Ok(())
}

/// Finds the reason in an error's chain of causes.
fn failure_of(error: &(dyn Error + 'static)) -> Failure {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if let Some(NotConnected(failure)) = current.downcast_ref() {
            return *failure;
        }
        if let Some(error) = current.downcast_ref::<hyper::Error>() {
            // `is_parse` covers a malformed status, malformed headers and a head over the limit.
            return if error.is_parse() { Failure::Protocol } else { Failure::ClosedEarly };
        }
        cause = current.source();
    }
    Failure::ClosedEarly
}
