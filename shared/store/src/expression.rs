//! Condition, filter and update expressions with their names and values.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// A condition or filter: its text and what the placeholders stand for.
#[derive(Debug, Clone)]
pub struct Expression {
    pub(crate) text: String,
    pub(crate) names: HashMap<String, String>,
    pub(crate) values: HashMap<String, AttributeValue>,
}

impl Expression {
    /// An expression from its text, for example `#v = :v`.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), names: HashMap::new(), values: HashMap::new() }
    }

    /// The item must not exist.
    pub fn absent() -> Self {
        Self::new("attribute_not_exists(pk)")
    }

    /// The item must exist.
    pub fn present() -> Self {
        Self::new("attribute_exists(pk)")
    }

    /// The item must not exist, or its time to live must be over: TTL deletion may lag by days, so expiry is always
    /// part of the condition.
    pub fn absent_or_expired(now: jiff::Timestamp) -> Self {
        Self::new("attribute_not_exists(pk) OR #expiresAt < :now")
            .name("#expiresAt", "expiresAt")
            .number(":now", now.as_second())
    }

    /// What a `#name` stands for.
    #[must_use]
    pub fn name(mut self, placeholder: &str, attribute: &str) -> Self {
        self.names.insert(placeholder.to_owned(), attribute.to_owned());
        self
    }

    /// What a `:value` stands for.
    #[must_use]
    pub fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    /// A text value.
    #[must_use]
    pub fn text(self, placeholder: &str, value: impl Into<String>) -> Self {
        self.value(placeholder, AttributeValue::S(value.into()))
    }

    /// A whole number.
    #[must_use]
    pub fn number(self, placeholder: &str, value: impl Into<i128>) -> Self {
        self.value(placeholder, AttributeValue::N(value.into().to_string()))
    }

    /// Nothing is required: for writes that hold whatever stands there, such as counting.
    pub fn always() -> Self {
        Self::new("attribute_exists(pk) OR attribute_not_exists(pk)")
    }

    /// Both must hold.
    #[must_use]
    pub fn and(mut self, other: Expression) -> Self {
        self.text = format!("({}) AND ({})", self.text, other.text);
        self.names.extend(other.names);
        self.values.extend(other.values);
        self
    }
}

/// An update expression and the condition under which it applies.
#[derive(Debug, Clone)]
pub struct Update {
    pub(crate) update: Expression,
    pub(crate) condition: Expression,
}

impl Update {
    /// Applies `update`, for example `SET #s = :s`, when `condition` holds.
    pub fn when(condition: Expression, update: Expression) -> Self {
        Self { update, condition }
    }

    pub(crate) fn names(&self) -> HashMap<String, String> {
        let mut names = self.update.names.clone();
        names.extend(self.condition.names.clone());
        names
    }

    pub(crate) fn values(&self) -> HashMap<String, AttributeValue> {
        let mut values = self.update.values.clone();
        values.extend(self.condition.values.clone());
        values
    }
}
