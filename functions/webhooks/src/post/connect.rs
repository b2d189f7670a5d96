//! Connecting to a receiver: resolve once, check every answer, connect to what was checked.
//!
//! Invariant: the address handed to the operating system is one of the addresses that passed the check in the
//! same call. A name whose answers include one forbidden address is refused whole: such an answer is either an
//! attack or a mistake, and picking the good half would hide both.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::address::AddressRules;
use crate::callback::Host;
use crate::schedule::Failure;

/// Looks names up.
pub trait Resolve: Send + Sync + 'static {
    /// Every address of `name`.
    fn resolve(&self, name: String) -> impl Future<Output = io::Result<Vec<IpAddr>>> + Send;
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    async fn resolve(&self, name: String) -> io::Result<Vec<IpAddr>> {
        // The port only satisfies the signature; the answer's is ignored.
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|answer| answer.ip()).collect())
    }
}

/// A connection that was not made, and why. Travels inside hyper's error.
#[derive(Debug, thiserror::Error)]
#[error("no connection: {}", .0.class())]
pub struct NotConnected(pub Failure);

/// The connector under hyper's connection pool.
pub struct Guarded<R> {
    shared: Arc<Shared<R>>,
}

struct Shared<R> {
    resolver: R,
    rules: AddressRules,
    tls: TlsConnector,
}

impl<R> Guarded<R> {
    /// Connects by `rules`, with `tls` for https.
    pub fn new(resolver: R, rules: AddressRules, tls: ClientConfig) -> Self {
        let tls = TlsConnector::from(Arc::new(tls));
        Self { shared: Arc::new(Shared { resolver, rules, tls }) }
    }
}

// Derived `Clone` would ask it of the resolver too.
impl<R> Clone for Guarded<R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<R: Resolve> tower_service::Service<Uri> for Guarded<R> {
    type Response = Stream;
    type Error = NotConnected;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, NotConnected>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NotConnected>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { shared.connect(&uri).await.map_err(NotConnected) })
    }
}

impl<R: Resolve> Shared<R> {
    async fn connect(&self, uri: &Uri) -> Result<Stream, Failure> {
        let encrypted = uri.scheme_str() == Some("https");
        // Parsed again, not trusted from the caller: this is the last place before the network.
        let host = uri.host().and_then(Host::parse).ok_or(Failure::ForbiddenAddress)?;
        let addresses = self.checked_addresses(&host, encrypted).await?;
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let tcp = connect_to_first(&addresses, port).await?;
        if !encrypted {
            return Ok(Stream::Plain(TokioIo::new(tcp)));
        }
        let name = match host {
            Host::Name(name) => ServerName::try_from(name).map_err(|_| Failure::Tls)?,
            Host::Address(address) => ServerName::from(address),
        };
        let tls = self.tls.connect(name, tcp).await.map_err(|_| Failure::Tls)?;
        Ok(Stream::Tls(Box::new(TokioIo::new(tls))))
    }

    async fn checked_addresses(
        &self,
        host: &Host,
        encrypted: bool,
    ) -> Result<Vec<IpAddr>, Failure> {
        let addresses = match host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => {
                self.resolver.resolve(name.clone()).await.map_err(|_| Failure::Dns)?
            }
        };
        if addresses.is_empty() {
            return Err(Failure::Dns);
        }
        if addresses.iter().all(|address| self.rules.permit(*address, encrypted)) {
            Ok(addresses)
        } else {
            Err(Failure::ForbiddenAddress)
        }
    }
}

/// An address that does not answer must not use up the time of those behind it.
const PATIENCE: Duration = Duration::from_millis(2_500);

async fn connect_to_first(addresses: &[IpAddr], port: u16) -> Result<TcpStream, Failure> {
    let Some((last, before)) = addresses.split_last() else { return Err(Failure::Dns) };
    for address in before {
        let connecting = TcpStream::connect(SocketAddr::new(*address, port));
        if let Ok(Ok(tcp)) = tokio::time::timeout(PATIENCE, connecting).await {
            return without_delay(tcp);
        }
    }
    let tcp = TcpStream::connect(SocketAddr::new(*last, port)).await;
    without_delay(tcp.map_err(|_| Failure::Connect)?)
}

/// A delivery is one small write; waiting to merge it with a next one only delays it.
fn without_delay(tcp: TcpStream) -> Result<TcpStream, Failure> {
    tcp.set_nodelay(true).map_err(|_| Failure::Connect)?;
    Ok(tcp)
}

/// A connection to a receiver, with or without TLS.
pub enum Stream {
    /// Configured networks only.
    Plain(TokioIo<TcpStream>),
    /// Everything else. Boxed: the TLS state is large.
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_read(context, buffer),
            Self::Tls(io) => Pin::new(&mut **io).poll_read(context, buffer),
        }
    }
}

impl Write for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write(context, bytes),
            Self::Tls(io) => Pin::new(&mut **io).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_flush(context),
            Self::Tls(io) => Pin::new(&mut **io).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_shutdown(context),
            Self::Tls(io) => Pin::new(&mut **io).poll_shutdown(context),
        }
    }
}
