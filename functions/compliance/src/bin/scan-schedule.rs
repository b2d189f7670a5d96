//! Lambda: asks for a screening of every customer, once a night.

use compliance_functions::scan_schedule::{App, handle};
use runtime::{Clients, MainResult, serve, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::from_settings(&clients)?;
    serve("scan-schedule", clients.meter(), app, handle).await
}
