//! Makes two calls to an HTTPS server, so that `make bench` can say what the first one costs.
//!
//! Invariant: the TLS library, its settings and the HTTP client are the product's own; the second call has what the first
//! one set up, so the difference between them is the price of a cold start.

use std::time::{Duration, Instant};

use runtime::{HttpsGet, MainResult};

const DEADLINE: Duration = Duration::from_secs(30);
const MAX_BYTES: usize = 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    let url = std::env::args().nth(1).ok_or("usage: first-call https://…")?;
    let client = HttpsGet::new();
    let mut milliseconds = Vec::new();
    for _ in 0..2 {
        let started = Instant::now();
        client.get(&url, &[], MAX_BYTES, DEADLINE).await?;
        milliseconds.push(started.elapsed().as_secs_f64() * 1e3);
    }
    println!("{}", serde_json::json!({ "first": milliseconds[0], "second": milliseconds[1] }));
    Ok(())
}
