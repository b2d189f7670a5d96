//! The log: one JSON line per invocation, with its figures as CloudWatch metrics.
//!
//! Invariant: a line holds ids, names of routes and rules, and figures. Types of personal data have no `Display` and a
//! redacting `Debug`, errors never quote input, and bodies are never logged.

use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use store::Cost;
use tracing::level_filters::LevelFilter;

use crate::metrics;

/// Sends what libraries report through `tracing` to standard output as JSON. `AWS_LAMBDA_LOG_LEVEL` sets the level.
pub fn start_logging() {
    std::panic::set_hook(Box::new(note_panic));
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").ok();
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::WARN);
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_max_level(level)
        .init();
}

static NOTES: Mutex<Vec<(&'static str, String)>> = Mutex::new(Vec::new());

/// Adds a field to this invocation's line: an id or a rule, never personal data.
pub fn note(name: &'static str, value: impl Into<String>) {
    NOTES.lock().unwrap_or_else(PoisonError::into_inner).push((name, value.into()));
}

/// An invocation being served.
pub(crate) struct Invocation {
    function: &'static str,
    started: Instant,
    fields: Map<String, Value>,
}

static COLD: AtomicBool = AtomicBool::new(true);

impl Invocation {
    pub(crate) fn start(function: &'static str, request_id: &str) -> Self {
        let mut fields = Map::new();
        fields.insert("request_id".into(), request_id.into());
        if COLD.swap(false, Ordering::Relaxed) {
            fields.insert("cold_start".into(), true.into());
        }
        Self { function, started: Instant::now(), fields }
    }

    /// Adds a field to the line.
    pub(crate) fn note(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    /// Writes the line.
    pub(crate) fn finish(self, outcome: &str, failed: bool, cost: Cost) {
        let line = self.line(outcome, failed, cost, Timestamp::now());
        // Nothing can be done about a closed standard output, least of all log it.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }

    fn line(self, outcome: &str, failed: bool, cost: Cost, now: Timestamp) -> Value {
        let mut line = self.fields;
        let notes = std::mem::take(&mut *NOTES.lock().unwrap_or_else(PoisonError::into_inner));
        line.extend(notes.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
        let mut metrics = vec![
            json!({ "Name": "duration_ms", "Unit": "Milliseconds" }),
            json!({ "Name": "invocations", "Unit": "Count" }),
            json!({ "Name": "failures", "Unit": "Count" }),
            json!({ "Name": "dynamodb_round_trips", "Unit": "Count" }),
            json!({ "Name": "dynamodb_capacity_units", "Unit": "Count" }),
        ];
        let mut put = |name: &str, value: Value| line.insert(name.to_owned(), value);
        let environment = std::env::var("ENVIRONMENT").unwrap_or_else(|_| "unnamed".to_owned());
        put("level", if failed { "ERROR" } else { "INFO" }.into());
        put("function", self.function.into());
        put("environment", environment.into());
        put("outcome", outcome.into());
        put("duration_ms", json!((self.started.elapsed().as_secs_f64() * 1e6).round() / 1e3));
        put("invocations", 1.into());
        put("failures", u8::from(failed).into());
        put("dynamodb_round_trips", cost.round_trips.into());
        put("dynamodb_capacity_units", cost.capacity_units.into());
        for (metric, count) in metrics::take() {
            let name = format!("{metric:?}");
            metrics.push(json!({ "Name": name, "Unit": "Count" }));
            put(&name, count.into());
        }
        put(
            "_aws",
            json!({
                "Timestamp": now.as_millisecond(),
                "CloudWatchMetrics": [{
                    "Namespace": "Gatehouse",
                    "Dimensions": [["environment", "function"]],
                    "Metrics": metrics,
                }],
            }),
        );
        Value::Object(line)
    }
}

/// An error and its causes, outermost first.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

static PANICKED_AT: Mutex<Option<String>> = Mutex::new(None);

/// Where the last panic happened, and not what it said: a slice's panic quotes the text it was cut from.
fn note_panic(panic: &PanicHookInfo<'_>) {
    let place =
        panic.location().map(|place| format!("panicked at {}:{}", place.file(), place.line()));
    // A panic outside a request ends the process: this line is all that remains of it.
    let _ = writeln!(std::io::stderr().lock(), "{}", place.as_deref().unwrap_or("panicked"));
    *PANICKED_AT.lock().unwrap_or_else(PoisonError::into_inner) = place;
}

/// What the log says of a panic that was just caught.
pub(crate) fn panic_text() -> String {
    let place = PANICKED_AT.lock().unwrap_or_else(PoisonError::into_inner).take();
    place.unwrap_or_else(|| "panicked".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_also_a_metric() {
        let mut invocation = Invocation::start("customer-get", "r-1");
        invocation.note("partner", "p-1");
        metrics::count(metrics::Metric::Replays, 2);
        let cost = Cost { round_trips: 1, capacity_units: 0.5 };
        let line = invocation.line("ok", false, cost, Timestamp::UNIX_EPOCH);
        assert_eq!(line["function"], "customer-get");
        assert_eq!(line["partner"], "p-1");
        assert_eq!(line["dynamodb_round_trips"], 1);
        assert_eq!(line["Replays"], 2);
        let named = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
        for metric in named {
            let name = metric["Name"].as_str().unwrap();
            assert!(line[name].is_number(), "{name} is announced but not there");
        }
        assert!(named.iter().any(|metric| metric["Name"] == "Replays"));
    }
}
