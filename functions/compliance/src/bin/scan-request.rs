//! Lambda: reads the customer table's stream and asks for the screenings that its events call for.

use compliance_functions::scan_request::{App, handle};
use runtime::{Clients, MainResult, serve_stream, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::from_settings(&clients)?;
    serve_stream("scan-request", clients.meter(), app, handle).await
}
