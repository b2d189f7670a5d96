//! Functions behind the API: an event becomes a request, the handler's answer becomes a response, and nothing but an
//! answer in the route's contract ever leaves, whatever happened inside.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use domain::time::Clock as _;
use futures_util::FutureExt as _;
use http_api::{Caller, Contract, Failure, HttpRequest, Reply, Request, Stamp, finish};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use store::Meter;

use crate::log::{Invocation, chain, panic_text};
use crate::{MainResult, SystemClock};

/// Serves the routes of `function` with a handler that needs an authenticated caller. The route's scope has been checked
/// when it runs.
///
/// # Errors
/// When the runtime API cannot be reached.
pub async fn serve_api<A>(
    function: &'static str,
    meter: Arc<Meter>,
    app: A,
    handle: impl AsyncFn(&A, &Caller, &Request) -> Result<Reply, Failure>,
) -> MainResult {
    let handle = &handle;
    serve_requests(
        function,
        meter,
        app,
        async move |app: &A, request: &Request, line: &mut Invocation| {
            let caller = request.authenticate()?;
            line.note("partner", caller.partner.to_string());
            line.note("client", caller.client.to_string());
            // After the line knows who it is: a refused scope is where an operator wants to see it.
            request.authorise(&caller)?;
            handle(app, &caller, request).await
        },
    )
    .await
}

/// Serves the public routes of `function`.
///
/// # Errors
/// When the runtime API cannot be reached.
pub async fn serve_public_api<A>(
    function: &'static str,
    meter: Arc<Meter>,
    app: A,
    handle: impl AsyncFn(&A, &Request) -> Result<Reply, Failure>,
) -> MainResult {
    let handle = &handle;
    serve_requests(
        function,
        meter,
        app,
        async move |app: &A, request: &Request, _: &mut Invocation| handle(app, request).await,
    )
    .await
}

async fn serve_requests<A>(
    function: &'static str,
    meter: Arc<Meter>,
    app: A,
    handle: impl AsyncFn(&A, &Request, &mut Invocation) -> Result<Reply, Failure>,
) -> MainResult {
    let (app, meter, handle) = (&app, &*meter, &handle);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let mut line = Invocation::start(function, &event.context.request_id);
        // Not an API event at all: someone invoked the function by hand with the wrong file.
        // The parser's own words may quote the event, so they stay here.
        let event: HttpRequest =
            serde_json::from_value(event.payload).map_err(|_| "not an API Gateway event")?;
        let (contract, id, asked, answer) = match Request::from_event(event, function) {
            Ok(request) => {
                line.note(
                    "route",
                    format!("{} {}", request.route.method.as_str(), request.route.path),
                );
                line.note("api_request_id", request.id.clone());
                let answer =
                    AssertUnwindSafe(handle(app, &request, &mut line)).catch_unwind().await;
                let answer = answer.unwrap_or_else(|_| Err(Failure::internal(panic_text())));
                (request.route.contract, request.id.clone(), Some(request), answer)
            }
            Err(rejected) => {
                line.note("api_request_id", rejected.id.clone());
                if let Some(route) = rejected.route {
                    line.note("route", format!("{} {}", route.method.as_str(), route.path));
                }
                let contract = rejected.route.map_or(Contract::Cos, |route| route.contract);
                (contract, rejected.id, None, Err(rejected.failure))
            }
        };
        // A contract of its own (OAuth) refuses with a reply.
        let of_reply = |reply: &Reply| if reply.status() < 400 { "ok" } else { "refused" };
        let outcome = answer.as_ref().map_or_else(Failure::kind, of_reply);
        let reply = answer.unwrap_or_else(|failure| {
            if failure.status_in(contract) >= 424 {
                line.note("error", chain(&failure));
            }
            let stamp = Stamp { request_id: &id, at: SystemClock.now() };
            failure.into_reply_at(contract, &stamp)
        });
        let reply = match &asked {
            Some(request) if contract == Contract::NewDay => finish(reply, request),
            _ => reply,
        };
        line.note("status", reply.status());
        line.finish(outcome, reply.status() >= 500, meter.take());
        Ok::<Value, &'static str>(reply.into_event(&id))
    }))
    .await
}
