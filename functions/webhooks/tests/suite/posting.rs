//! The poster against real receivers on the loopback interface: each does one thing wrong.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use webhooks::address::AddressRules;
use webhooks::callback::CallbackUrl;
use webhooks::post::{Answer, Call, HttpPoster, Limits, MAX_ANSWER, Post, Resolve, SystemResolver};
use webhooks::schedule::Failure;

/// Long enough for a busy machine to be well within it with what it does at once.
const DEADLINE: Duration = Duration::from_secs(2);
const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn rules() -> AddressRules {
    AddressRules::parse("127.0.0.1/32").unwrap()
}

fn call(url: &str) -> Call {
    Call {
        url: CallbackUrl::parse(url, &rules()).unwrap(),
        authorization: None,
        deadline: DEADLINE,
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{\"id\":1}"),
    }
}

fn poster() -> HttpPoster<SystemResolver> {
    HttpPoster::new(SystemResolver, rules(), Limits::default()).unwrap()
}

/// Reads one request with its body of known length.
async fn read_request<S: AsyncReadExt + Unpin>(stream: &mut S) -> Option<String> {
    let mut text = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let read = stream.read(&mut buffer).await.ok()?;
        if read == 0 {
            return None;
        }
        text.extend_from_slice(&buffer[..read]);
        let seen = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = seen.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |n| n.parse().unwrap());
            if body.len() >= length {
                return Some(seen);
            }
        }
    }
}

/// A receiver whose connections are handled by `serve`.
async fn receiver<F, S>(serve: S) -> SocketAddr
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// A receiver that reads the request, writes `answer` and closes.
async fn answering(answer: &'static [u8]) -> SocketAddr {
    receiver(move |mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(answer).await;
        let _ = stream.shutdown().await;
    })
    .await
}

async fn post_to(address: SocketAddr) -> Answer {
    let started = Instant::now();
    let answer = poster().post(call(&format!("http://{address}/hook"))).await;
    assert!(started.elapsed() < DEADLINE * 2, "{:?}", started.elapsed());
    answer
}

#[tokio::test]
async fn what_is_sent_is_what_was_asked_for() {
    let seen = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&seen);
    let address = receiver(move |mut stream| {
        let kept = Arc::clone(&kept);
        async move {
            *kept.lock().unwrap() = read_request(&mut stream).await.unwrap();
            stream.write_all(OK).await.unwrap();
        }
    })
    .await;
    let mut call = call(&format!("http://{address}/hook?x=1"));
    call.authorization = Some(HeaderValue::from_static("Basic dTpw"));
    call.headers.insert("webhook-id", HeaderValue::from_static("e1"));
    let answer = poster().post(call).await;
    assert_eq!(answer.outcome, Ok(200));
    let seen = seen.lock().unwrap().clone();
    assert!(seen.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{seen}");
    for line in [
        "content-type: application/json\r\n",
        "authorization: Basic dTpw\r\n",
        "user-agent: Gatehouse-Webhooks/1\r\n",
        "webhook-id: e1\r\n",
        "content-length: 8\r\n",
    ] {
        assert!(seen.contains(line), "{line} in {seen}");
    }
    assert!(seen.contains(&format!("host: {address}\r\n")), "{seen}");
    assert!(seen.ends_with("{\"id\":1}"), "{seen}");
}

#[tokio::test]
async fn statuses_are_read_and_redirects_are_not_followed() {
    let trap = Arc::new(AtomicUsize::new(0));
    let hits = Arc::clone(&trap);
    let target = receiver(move |_| {
        hits.fetch_add(1, Ordering::SeqCst);
        async {}
    })
    .await;
    let redirect: &'static [u8] = Box::leak(
        format!("HTTP/1.1 307 Go\r\nlocation: http://{target}/\r\ncontent-length: 0\r\n\r\n")
            .into_bytes()
            .into_boxed_slice(),
    );
    for (answer, outcome) in [
        (OK, Ok(200)),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Ok(204)),
        (b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n", Err(Failure::Status(500))),
        (b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n", Err(Failure::Status(410))),
        (redirect, Err(Failure::Redirect(307))),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", Ok(200)),
        (b"SSH-2.0-OpenSSH_9.9\r\n", Err(Failure::Protocol)),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", Err(Failure::Protocol)),
    ] {
        let text = String::from_utf8_lossy(answer).into_owned();
        assert_eq!(post_to(answering(answer).await).await.outcome, outcome, "{text}");
    }
    assert_eq!(trap.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn closing_early_is_a_failure_wherever_it_happens() {
    let at_once = receiver(|stream| async move { drop(stream) }).await;
    let after_request = answering(b"").await;
    let within_head = answering(b"HTTP/1.1 200 OK\r\ncontent-le").await;
    let within_body = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort").await;
    let within_chunks =
        answering(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n").await;
    for address in [at_once, after_request, within_head, within_body, within_chunks] {
        assert_eq!(post_to(address).await.outcome, Err(Failure::ClosedEarly));
    }
}

#[tokio::test]
async fn a_port_nobody_listens_on_is_a_failed_connection() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(post_to(address).await.outcome, Err(Failure::Connect));
}

#[tokio::test]
async fn one_deadline_covers_hanging_and_trickling_at_every_step() {
    let silent = receiver(|mut stream| async move {
        read_request(&mut stream).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
    })
    .await;
    let trickled_head = receiver(|mut stream| async move {
        read_request(&mut stream).await;
        for byte in
            b"HTTP/1.1 200 OK\r\nx: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy".iter().cycle()
        {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let trickled_body = receiver(|mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n").await;
        while stream.write_all(b".").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let endless_continue = receiver(|mut stream| async move {
        read_request(&mut stream).await;
        while stream.write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let answers = tokio::join!(
        post_to(silent),
        post_to(trickled_head),
        post_to(trickled_body),
        post_to(endless_continue)
    );
    for answer in <[Answer; 4]>::from(answers) {
        assert_eq!(answer.outcome, Err(Failure::Timeout));
        assert!(answer.took >= DEADLINE);
    }
}

#[tokio::test]
async fn a_flood_is_cut_off_near_the_limit() {
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    let address = receiver(move |mut stream| {
        let count = Arc::clone(&count);
        async move {
            read_request(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            let block = [b'.'; 4096];
            while stream.write_all(&block).await.is_ok() {
                count.fetch_add(block.len(), Ordering::SeqCst);
            }
        }
    })
    .await;
    let answer = post_to(address).await;
    assert_eq!(answer.outcome, Ok(200));
    assert!(answer.took < DEADLINE, "an endless body must not cost the whole deadline");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let after = written.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(after, written.load(Ordering::SeqCst), "the connection was closed");
    // Socket buffers on both sides hold some megabytes at most.
    assert!(after < 16 * 1024 * 1024 + MAX_ANSWER, "{after}");
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused() {
    let address = receiver(|mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        for n in 0_u32.. {
            if stream.write_all(format!("x-{n}: {}\r\n", "y".repeat(200)).as_bytes()).await.is_err()
            {
                return;
            }
        }
    })
    .await;
    let answer = post_to(address).await;
    assert_eq!(answer.outcome, Err(Failure::Protocol));
}

#[tokio::test]
async fn connections_are_used_again() {
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    let address = receiver(move |mut stream| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            while read_request(&mut stream).await.is_some() {
                stream.write_all(OK).await.unwrap();
            }
        }
    })
    .await;
    let poster = poster();
    for _ in 0..5 {
        assert_eq!(poster.post(call(&format!("http://{address}/"))).await.outcome, Ok(200));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_the_receiver_has_closed_is_replaced() {
    let address = receiver(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(OK).await.unwrap();
    })
    .await;
    let poster = poster();
    for _ in 0..3 {
        assert_eq!(poster.post(call(&format!("http://{address}/"))).await.outcome, Ok(200));
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// A resolver that answers from a script, the last answer for ever.
#[derive(Clone)]
struct Scripted(Arc<Mutex<Vec<Vec<IpAddr>>>>);

impl Scripted {
    fn new(answers: &[&[&str]]) -> Self {
        let parse = |texts: &&[&str]| texts.iter().map(|t| t.parse().unwrap()).collect();
        Self(Arc::new(Mutex::new(answers.iter().map(parse).collect())))
    }
}

impl Resolve for Scripted {
    async fn resolve(&self, _: String) -> io::Result<Vec<IpAddr>> {
        let mut answers = self.0.lock().unwrap();
        Ok(if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() })
    }
}

#[tokio::test]
async fn one_forbidden_answer_refuses_the_name() {
    let trap = Arc::new(AtomicUsize::new(0));
    let hits = Arc::clone(&trap);
    let address = receiver(move |_| {
        hits.fetch_add(1, Ordering::SeqCst);
        async {}
    })
    .await;
    let url = format!("http://receiver.example:{}/", address.port());
    for answers in [
        &["127.0.0.1", "169.254.169.254"][..],
        &["10.0.0.1", "127.0.0.1"],
        &["127.0.0.1", "::ffff:127.0.0.1"],
        &["127.0.0.1", "8.8.8.8"],
    ] {
        let resolver = Scripted::new(&[answers]);
        let poster = HttpPoster::new(resolver, rules(), Limits::default()).unwrap();
        assert_eq!(poster.post(call(&url)).await.outcome, Err(Failure::ForbiddenAddress));
    }
    assert_eq!(trap.load(Ordering::SeqCst), 0, "nothing was connected to");
    let poster = HttpPoster::new(Scripted::new(&[&[]]), rules(), Limits::default()).unwrap();
    assert_eq!(poster.post(call(&url)).await.outcome, Err(Failure::Dns));
}

#[tokio::test]
async fn a_name_that_changes_its_answer_is_checked_at_each_connection() {
    let address = answering(OK).await;
    let url = format!("http://rebinding.example:{}/", address.port());
    let resolver = Scripted::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let poster = HttpPoster::new(resolver.clone(), rules(), Limits::default()).unwrap();
    // The first look-up is the only one of the first connection, and the address it gave is the one used.
    assert_eq!(poster.post(call(&url)).await.outcome, Ok(200));
    assert_eq!(resolver.0.lock().unwrap().len(), 1, "looked up once");
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(poster.post(call(&url)).await.outcome, Err(Failure::ForbiddenAddress));
}

#[tokio::test]
async fn production_rules_refuse_what_a_stored_url_could_still_reach() {
    let address = answering(OK).await;
    let poster =
        HttpPoster::new(SystemResolver, AddressRules::default(), Limits::default()).unwrap();
    for url in [format!("http://{address}/"), format!("http://localhost:{}/", address.port())] {
        assert_eq!(poster.post(call(&url)).await.outcome, Err(Failure::ForbiddenAddress), "{url}");
    }
}

/// A TLS receiver for `name`, and the root that vouches for it.
async fn tls_receiver(name: &str) -> (SocketAddr, RootCertStore) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider();
    let config = ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let address = receiver(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                while read_request(&mut stream).await.is_some() {
                    stream.write_all(OK).await.unwrap();
                }
            }
        }
    })
    .await;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    (address, roots)
}

#[tokio::test]
async fn tls_is_verified_against_the_roots_and_the_name() {
    let (address, roots) = tls_receiver("receiver.example").await;
    let post = async |roots: Option<RootCertStore>, name: &str| {
        let resolver = Scripted::new(&[&["127.0.0.1"]]);
        let poster = match roots {
            Some(roots) => HttpPoster::trusting(roots, resolver, rules(), Limits::default()),
            None => HttpPoster::new(resolver, rules(), Limits::default()),
        };
        let url = format!("https://{name}:{}/", address.port());
        poster.unwrap().post(call(&url)).await.outcome
    };
    assert_eq!(post(Some(roots.clone()), "receiver.example").await, Ok(200));
    assert_eq!(post(Some(roots), "other.example").await, Err(Failure::Tls), "another name");
    assert_eq!(post(None, "receiver.example").await, Err(Failure::Tls), "a root nobody knows");
}

#[tokio::test]
async fn a_receiver_that_never_finishes_tls_meets_the_deadline() {
    let address = receiver(|stream| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    })
    .await;
    let answer = poster().post(call(&format!("https://{address}/"))).await;
    assert_eq!(answer.outcome, Err(Failure::Timeout));
}

#[tokio::test]
async fn receivers_that_hang_do_not_delay_one_that_answers() {
    let hanging = receiver(|mut stream| async move {
        read_request(&mut stream).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
    })
    .await;
    let healthy = answering(OK).await;
    let poster = poster();
    let hang = async || poster.post(call(&format!("http://{hanging}/"))).await.outcome;
    let answer = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let answer = poster.post(call(&format!("http://{healthy}/"))).await;
            assert_eq!(answer.outcome, Ok(200));
            slowest = slowest.max(answer.took);
        }
        slowest
    };
    let (one, two, three, slowest) = tokio::join!(hang(), hang(), hang(), answer);
    assert_eq!([one, two, three], [Err(Failure::Timeout); 3]);
    assert!(slowest < DEADLINE / 2, "{slowest:?}");
}

#[tokio::test]
async fn a_dead_address_leaves_time_for_the_next() {
    let address = answering(OK).await;
    let url = format!("http://two.example:{}/", address.port());
    // Nobody listens on the first; both are permitted.
    let rules = AddressRules::parse("127.0.0.0/8").unwrap();
    let resolver = Scripted::new(&[&["127.0.0.9", "127.0.0.1"]]);
    let poster = HttpPoster::new(resolver, rules, Limits::default()).unwrap();
    assert_eq!(poster.post(call(&url)).await.outcome, Ok(200));
}
