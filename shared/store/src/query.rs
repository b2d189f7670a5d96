//! What is asked of one partition of a table or of an index.
//!
//! Invariant: it names one partition, so that what it costs is bounded by what is in there.

use crate::{Expression, Item};

/// A query over one partition of the table or of an index.
#[derive(Debug, Clone)]
pub struct Query {
    pub(crate) index: Option<&'static str>,
    pub(crate) condition: Expression,
    pub(crate) filter: Option<Expression>,
    pub(crate) limit: Option<i32>,
    pub(crate) start: Option<Item>,
    pub(crate) backward: bool,
    pub(crate) consistent: bool,
    pub(crate) partition_attribute: &'static str,
    pub(crate) sort_attribute: &'static str,
}

impl Query {
    /// A whole partition of the table, strongly consistent.
    pub fn partition(pk: impl Into<String>) -> Self {
        Self::of(None, "pk", "sk", pk.into(), true)
    }

    /// A whole partition of an index; indexes are eventually consistent.
    pub fn index(
        index: &'static str,
        partition_attribute: &'static str,
        sort_attribute: &'static str,
        value: impl Into<String>,
    ) -> Self {
        Self::of(Some(index), partition_attribute, sort_attribute, value.into(), false)
    }

    fn of(
        index: Option<&'static str>,
        partition_attribute: &'static str,
        sort_attribute: &'static str,
        value: String,
        consistent: bool,
    ) -> Self {
        let condition =
            Expression::new("#pk = :pk").name("#pk", partition_attribute).text(":pk", value);
        Self {
            index,
            condition,
            filter: None,
            limit: None,
            start: None,
            backward: false,
            consistent,
            partition_attribute,
            sort_attribute,
        }
    }

    fn with_sort(mut self, condition: &str) -> Self {
        self.condition.text = format!("#pk = :pk AND {condition}");
        self.condition = self.condition.name("#sk", self.sort_attribute);
        self
    }

    /// Only sort keys that begin so.
    #[must_use]
    pub fn beginning(self, prefix: impl Into<String>) -> Self {
        let mut query = self.with_sort("begins_with(#sk, :sk)");
        query.condition = query.condition.text(":sk", prefix);
        query
    }

    /// Only sort keys from `low` to `high`, both included.
    #[must_use]
    pub fn between(self, low: impl Into<String>, high: impl Into<String>) -> Self {
        let mut query = self.with_sort("#sk BETWEEN :low AND :high");
        query.condition = query.condition.text(":low", low).text(":high", high);
        query
    }

    /// Only sort keys up to `high`, included.
    #[must_use]
    pub fn up_to(self, high: impl Into<String>) -> Self {
        let mut query = self.with_sort("#sk <= :high");
        query.condition = query.condition.text(":high", high);
        query
    }

    /// Drops items on the server side after they were read.
    #[must_use]
    pub fn filter(mut self, filter: Expression) -> Self {
        self.filter = Some(match self.filter {
            Some(held) => held.and(filter),
            None => filter,
        });
        self
    }

    /// Reads at most so many items.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = i32::try_from(limit).ok();
        self
    }

    /// Starts behind this key.
    #[must_use]
    pub fn after(mut self, start: Option<Item>) -> Self {
        self.start = start;
        self
    }

    /// Highest sort key first.
    #[must_use]
    pub fn backward(mut self) -> Self {
        self.backward = true;
        self
    }

    /// Gives up strong consistency for half the read cost.
    #[must_use]
    pub fn eventually_consistent(mut self) -> Self {
        self.consistent = false;
        self
    }

    /// The start key that continues behind `item`.
    pub(crate) fn key_after(&self, item: &Item) -> Item {
        ["pk", "sk", self.partition_attribute, self.sort_attribute]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())))
            .collect()
    }
}
