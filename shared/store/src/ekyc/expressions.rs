//! Expressions whose placeholders are the attributes' own names: `#state` is `state`. Many of them are reserved words.

use jiff::Timestamp;

use crate::{Expression, StoreError};

/// An expression in which `#name` stands for the attribute `name`.
pub(super) fn on(text: &str) -> Expression {
    let mut expression = Expression::new(text);
    for part in text.split('#').skip(1) {
        let name: String = part.chars().take_while(char::is_ascii_alphanumeric).collect();
        expression = expression.name(&format!("#{name}"), &name);
    }
    expression
}

/// Times are compared by conditions, so they are whole milliseconds everywhere.
pub(super) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

pub(super) fn moment(millis: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(millis).map_err(|_| StoreError::Malformed("a time".to_owned()))
}
