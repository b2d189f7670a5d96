//! Lambda: brings the watchlists up to date, on a schedule or when an operator invokes it.

use compliance_functions::refresh::{App, handle};
use runtime::{Clients, MainResult, serve, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::from_settings(&clients)?;
    serve("watchlist-refresh", clients.meter(), app, handle).await
}
