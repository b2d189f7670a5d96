//! Posts deliveries to partners.

use runtime::{Clients, MainResult, QueueMessage, RecordError, serve_queue, start_logging};
use webhooks::dispatch::Dispatcher;
use webhooks::post::{HttpPoster, SystemResolver};
use webhooks::queue::SqsQueue;
use webhooks::start;

/// All messages of a batch at once: a receiver that hangs must not delay the others.
const AT_ONCE: usize = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let dispatcher = start::dispatcher(&clients)?;
    serve_queue("webhook-dispatch", clients.meter(), dispatcher, AT_ONCE, handle).await
}

async fn handle(
    dispatcher: &Dispatcher<HttpPoster<SystemResolver>, SqsQueue>,
    message: &QueueMessage,
) -> Result<(), RecordError> {
    let message = serde_json::from_str(&message.body).map_err(RecordError::new)?;
    // Boxed: the AWS futures inside are deeper than the compiler lays out in one piece.
    Box::pin(dispatcher.handle(&message)).await.map_err(RecordError::new)
}
