//! The smallest function that this runtime can serve, so that `make bench` can say what Gatehouse adds to a start.
//!
//! Invariant: it is built with the product's profile and runtime crate, and does nothing else.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(|event: LambdaEvent<Value>| async move { Ok::<Value, Error>(event.payload) }))
        .await
}
