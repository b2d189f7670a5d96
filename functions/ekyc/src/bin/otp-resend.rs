//! Sends another passcode for the same session (`POST …/otp/{authId}/resend`).

use ekyc::otp::OtpApp;
use ekyc::resend::resend;
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = OtpApp::start(&clients)?;
    serve_api("otp-resend", clients.meter(), app, resend).await
}
