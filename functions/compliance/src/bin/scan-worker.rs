//! Lambda: screens the customers that the scan queue names.

use compliance_functions::scan_worker::{App, handle};
use runtime::{Clients, MainResult, serve_queue, start_logging};

/// One at a time: screening is work for the processor, of which a small function has a fraction of one.
const CONCURRENCY: usize = 1;

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::from_settings(&clients)?;
    serve_queue("scan-worker", clients.meter(), app, CONCURRENCY, handle).await
}
