//! Functions that are invoked with an event and answer with a value: operators' functions, schedules, the authorizer.

use futures_util::FutureExt as _;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use store::Meter;

use crate::MainResult;
use crate::log::{Invocation, chain, panic_text};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Serves events with `handle` until Lambda ends the process. An error is reported to Lambda as the invocation's failure,
/// by its text only; its causes go to the log.
///
/// # Errors
/// When the runtime API cannot be reached.
pub async fn serve<A>(
    function: &'static str,
    meter: Arc<Meter>,
    app: A,
    handle: impl AsyncFn(&A, Value) -> Result<Value, BoxError>,
) -> MainResult {
    let (app, meter, handle) = (&app, &*meter, &handle);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let mut invocation = Invocation::start(function, &event.context.request_id);
        let answer = AssertUnwindSafe(handle(app, event.payload)).catch_unwind().await;
        let answer = answer.unwrap_or_else(|panic| Err(panic_text(&*panic).to_owned().into()));
        match &answer {
            Ok(_) => invocation.finish("ok", false, meter.take()),
            Err(error) => {
                invocation.note("error", chain(&**error));
                invocation.finish("failed", true, meter.take());
            }
        }
        answer
    }))
    .await
}
