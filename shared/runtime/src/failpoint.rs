//! Named steps at which a kill test can end the process for real.
//!
//! A build for AWS does not contain them: they exist only where debug assertions do.

/// Ends the process here when `GATEHOUSE_FAILPOINT` names this step, as if the sandbox had been killed: no unwinding, no
/// answer, nothing flushed.
pub fn failpoint(step: &str) {
    #[cfg(debug_assertions)]
    if std::env::var("GATEHOUSE_FAILPOINT").is_ok_and(|armed| armed == step) {
        std::process::abort();
    }
    #[cfg(not(debug_assertions))]
    let _ = step;
}
