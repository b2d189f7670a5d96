//! Verifies a customer's audit chain; invoked by an operator with `{"partnerId": "…", "customerId": "…"}`.

use customers::{App, verify_audit};
use runtime::{Clients, MainResult, serve, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::start(&clients)?;
    serve("audit-verify", clients.meter(), app, async |app: &App, event| {
        // The parser's own words may quote the event.
        let asked =
            serde_json::from_value(event).map_err(|_| "partnerId and customerId are needed")?;
        Ok(serde_json::to_value(verify_audit(app, asked).await?)?)
    })
    .await
}
