//! A value that must not be printed.
//!
//! Invariant: `Secret` has no `Display`, no `Serialize` and a `Debug` without the value; it is wiped when dropped.
//! Reading it takes a call to `reveal`, which is easy to find in a review.

use std::fmt;

use zeroize::Zeroize;

/// Wraps a secret until someone asks for it by name.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes the value in.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Callers neither log it nor keep a copy longer than they need.
    pub const fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_value() {
        let secret = Secret::new(String::from("hunter2"));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert!(!format!("{:#?}", Some(&secret)).contains("hunter2"));
        assert_eq!(secret.reveal(), "hunter2");
    }

    #[test]
    fn dropping_wipes() {
        struct Wiped(std::sync::Arc<std::sync::atomic::AtomicBool>);
        impl Zeroize for Wiped {
            fn zeroize(&mut self) {
                self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let wiped = std::sync::Arc::default();
        drop(Secret::new(Wiped(std::sync::Arc::clone(&wiped))));
        assert!(wiped.load(std::sync::atomic::Ordering::SeqCst));
    }
}
