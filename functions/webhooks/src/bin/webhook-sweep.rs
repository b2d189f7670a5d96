//! Hands overdue deliveries to the queue again, every minute.

use runtime::{Clients, MainResult, serve, start_logging};
use serde_json::Value;
use webhooks::queue::SqsQueue;
use webhooks::worker::Worker;
use webhooks::{start, sweep};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let worker = start::plain_worker(&clients)?;
    serve("webhook-sweep", clients.meter(), worker, handle).await
}

async fn handle(
    worker: &Worker<SqsQueue>,
    event: Value,
) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
    let ahead = sweep::ahead(&event)?;
    // Boxed: the AWS futures inside are deeper than the compiler lays out in one piece.
    Ok(Box::pin(sweep::sweep(worker, ahead)).await?.to_json())
}
