//! Functions that are invoked with an event and answer with a value: operators' functions, schedules, the authorizer.

use futures_util::FutureExt as _;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use store::Meter;

use crate::MainResult;
use crate::log::{Invocation, chain, panic_text};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An answer that is an error by protocol and not a failure: the authorizer's "Unauthorized". Its text goes to Lambda as it
/// is, and the log counts it as refused.
#[derive(Debug, thiserror::Error)]
#[error("{answer}")]
pub struct Refused {
    /// What Lambda is told.
    pub answer: &'static str,
    /// Why, for the log.
    #[source]
    pub reason: BoxError,
}

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
        let answer = AssertUnwindSafe(Box::pin(handle(app, event.payload))).catch_unwind().await;
        let answer = answer.unwrap_or_else(|_| Err(panic_text().into()));
        match &answer {
            Ok(_) => invocation.finish("ok", false, meter.take()),
            Err(error) => {
                let refused = error.is::<Refused>();
                invocation.note(if refused { "reason" } else { "error" }, chain(&**error));
                let outcome = if refused { "refused" } else { "failed" };
                invocation.finish(outcome, !refused, meter.take());
            }
        }
        answer.map_err(|error| Diagnostic {
            error_type: if error.is::<Refused>() { "Refused" } else { "Failed" }.to_owned(),
            error_message: error.to_string(),
        })
    }))
    .await
}
