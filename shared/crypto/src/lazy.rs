//! A client that is built when it is first used.
//!
//! Invariant: a function's start waits for no client that its first request may not need. Building one costs some tenths
//! of a millisecond, a third of what a function's whole start takes.

use std::sync::{Arc, LazyLock};

/// Built on first use, once; clones share it.
pub type Lazy<T> = Arc<LazyLock<T, Box<dyn FnOnce() -> T + Send>>>;

/// What `build` will make.
pub fn lazy<T>(build: impl FnOnce() -> T + Send + 'static) -> Lazy<T> {
    Arc::new(LazyLock::new(Box::new(build)))
}
