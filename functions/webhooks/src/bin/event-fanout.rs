//! Turns domain events from the customers' stream into deliveries.

use runtime::{Clients, MainResult, RecordError, StreamRecord, serve_stream, start_logging};
use webhooks::queue::SqsQueue;
use webhooks::worker::Worker;
use webhooks::{fanout, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let worker = start::plain_worker(&clients)?;
    serve_stream("event-fanout", clients.meter(), worker, handle).await
}

async fn handle(worker: &Worker<SqsQueue>, record: &StreamRecord) -> Result<(), RecordError> {
    // Boxed: the AWS futures inside are deeper than the compiler lays out in one piece.
    Box::pin(fanout::fan_out(worker, record)).await.map_err(RecordError::new)
}
