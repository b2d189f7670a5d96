//! One DynamoDB table: the calls that are made on it, each metered.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, ReturnConsumedCapacity, ReturnValue,
    ReturnValuesOnConditionCheckFailure, Select,
};
use crypto::Lazy;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::keys::Key;
use crate::{Expression, Meter, Query, StoreError, Update, WriteError};

/// An item as DynamoDB has it.
pub type Item = HashMap<String, AttributeValue>;

/// BatchGetItem takes at most this many keys.
const BATCH_KEYS: usize = 100;
/// How often the unread rest of a batch is asked for again.
const BATCH_TRIES: usize = 5;

/// Turns a serialisable record into an item.
///
/// # Errors
/// [`StoreError::Malformed`] when it is not a map.
pub fn to_item(record: &impl Serialize) -> Result<Item, StoreError> {
    serde_dynamo::aws_sdk_dynamodb_1::to_item(record)
        .map_err(|error| StoreError::Malformed(error.to_string()))
}

/// Reads a record from an item.
///
/// # Errors
/// [`StoreError::Malformed`] when the item was not written by this code.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
        .map_err(|error| StoreError::Malformed(error.to_string()))
}

/// A text attribute.
pub fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// A whole-number attribute.
pub fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// One answer to a query.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The items.
    pub items: Vec<Item>,
    /// Where the next query continues; `None` at the end.
    pub next: Option<Item>,
}

/// A table and the client to reach it.
#[derive(Debug, Clone)]
pub struct Table {
    pub(crate) client: Lazy<Client>,
    pub(crate) name: Arc<str>,
    pub(crate) meter: Arc<Meter>,
}

macro_rules! refused {
    ($operation:literal, $variant:path, $error:expr) => {{
        let error = $error;
        match error.as_service_error() {
            Some($variant(inner)) => WriteError::Refused(inner.item.clone().map(Box::new)),
            _ => WriteError::Store(StoreError::call($operation, &error)),
        }
    }};
}

impl Table {
    /// The table called `name`.
    pub fn new(client: Lazy<Client>, name: impl Into<Arc<str>>, meter: Arc<Meter>) -> Self {
        Self { client, name: name.into(), meter }
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the calls so far cost; starts again from zero.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// One item, strongly consistent. 1 round trip, 1 unit per 4 KB.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn get(&self, key: &impl Key) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&*self.name)
            .set_key(Some(key.to_item()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::call("GetItem", &error))?;
        self.meter.record(&answer.consumed_capacity);
        Ok(answer.item)
    }

    /// Several items by key, strongly consistent, in no particular order. 1 round trip per 100 keys.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`] when DynamoDB keeps leaving keys out.
    pub async fn get_all(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        self.get_chunks(keys, None).await
    }

    /// As [`Self::get_all`], and of each item these attributes alone.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`] when DynamoDB keeps leaving keys out.
    pub async fn get_all_of(
        &self,
        keys: Vec<Item>,
        attributes: &str,
    ) -> Result<Vec<Item>, StoreError> {
        self.get_chunks(keys, Some(attributes)).await
    }

    async fn get_chunks(
        &self,
        keys: Vec<Item>,
        attributes: Option<&str>,
    ) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(BATCH_KEYS) {
            let mut left = chunk.to_vec();
            for _ in 0..BATCH_TRIES {
                let (items, unread) = self.get_batch(left, attributes).await?;
                found.extend(items);
                left = unread;
                if left.is_empty() {
                    break;
                }
            }
            if !left.is_empty() {
                return Err(StoreError::Incomplete);
            }
        }
        Ok(found)
    }

    async fn get_batch(
        &self,
        keys: Vec<Item>,
        attributes: Option<&str>,
    ) -> Result<(Vec<Item>, Vec<Item>), StoreError> {
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .set_projection_expression(attributes.map(str::to_owned))
            .consistent_read(true)
            .build()
            .map_err(|error| StoreError::Malformed(error.to_string()))?;
        let mut answer = self
            .client
            .batch_get_item()
            .request_items(&*self.name, wanted)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::call("BatchGetItem", &error))?;
        self.meter.record(answer.consumed_capacity());
        let items = answer.responses.as_mut().and_then(|all| all.remove(&*self.name));
        let unread = answer.unprocessed_keys.as_mut().and_then(|all| all.remove(&*self.name));
        Ok((
            items.into_iter().flatten().collect(),
            unread.map(|left| left.keys).into_iter().flatten().collect(),
        ))
    }

    /// One answer of a query. 1 round trip, 1 unit per 4 KB read (half when eventually consistent).
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        let asked =
            self.ask(query).set_limit(query.limit).set_exclusive_start_key(query.start.clone());
        let answer = asked.send().await.map_err(|error| StoreError::call("Query", &error))?;
        self.meter.record(&answer.consumed_capacity);
        let next = answer.last_evaluated_key;
        Ok(Page { items: answer.items.into_iter().flatten().collect(), next })
    }

    /// The call that a query makes, but for where it starts and ends.
    fn ask(&self, query: &Query) -> QueryFluentBuilder {
        let mut names = query.condition.names.clone();
        let mut values = query.condition.values.clone();
        if let Some(filter) = &query.filter {
            names.extend(filter.names.clone());
            values.extend(filter.values.clone());
        }
        self.client
            .query()
            .table_name(&*self.name)
            .set_index_name(query.index.map(str::to_owned))
            .key_condition_expression(&query.condition.text)
            .set_filter_expression(query.filter.as_ref().map(|filter| filter.text.clone()))
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .scan_index_forward(!query.backward)
            .consistent_read(query.consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }

    /// How many items a query matches, over as many answers as it takes but no more than `most`, and whether these are
    /// all. The items are read and paid for, and stay there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn count(&self, query: &Query, most: usize) -> Result<(u64, bool), StoreError> {
        let mut start = query.start.clone();
        let mut total = 0;
        for _ in 0..most {
            let asked = self.ask(query).set_exclusive_start_key(start.take()).select(Select::Count);
            let answer = asked.send().await.map_err(|error| StoreError::call("Query", &error))?;
            self.meter.record(&answer.consumed_capacity);
            total += u64::try_from(answer.count).unwrap_or(0);
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok((total, true));
            }
        }
        Ok((total, false))
    }

    /// One answer of a walk over a part of an index, for jobs that must see everything and have time: never on the
    /// path of a request. `part` of `parts` parts may walk side by side. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn walk(
        &self,
        index: &str,
        (part, parts): (u16, u16),
        start: Option<Item>,
        limit: u16,
    ) -> Result<Page, StoreError> {
        let answer = self
            .client
            .scan()
            .table_name(&*self.name)
            .index_name(index)
            .segment(i32::from(part))
            .total_segments(i32::from(parts))
            .set_exclusive_start_key(start)
            .limit(i32::from(limit))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::call("Scan", &error))?;
        self.meter.record(&answer.consumed_capacity);
        let next = answer.last_evaluated_key;
        Ok(Page { items: answer.items.into_iter().flatten().collect(), next })
    }

    /// Every item that a query matches, over as many answers as it takes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn query_all(&self, query: &Query) -> Result<Vec<Item>, StoreError> {
        let mut query = query.clone();
        let mut items = Vec::new();
        loop {
            let page = self.query(&query).await?;
            items.extend(page.items);
            match page.next {
                Some(next) => query.start = Some(next),
                None => return Ok(items),
            }
        }
    }

    /// Writes an item when the condition holds. 1 round trip, 1 unit per KB.
    ///
    /// # Errors
    /// [`WriteError::Refused`] with the item that stands there.
    pub async fn put(&self, item: Item, condition: Expression) -> Result<(), WriteError> {
        let answer = self
            .client
            .put_item()
            .table_name(&*self.name)
            .set_item(Some(item))
            .condition_expression(condition.text)
            .set_expression_attribute_names(some(condition.names))
            .set_expression_attribute_values(some(condition.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| {
                refused!("PutItem", PutItemError::ConditionalCheckFailedException, error)
            })?;
        self.meter.record(&answer.consumed_capacity);
        Ok(())
    }

    /// Writes an item whatever stands there: for caches such as page bookmarks, where the last writer is as good as
    /// any.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn replace(&self, item: Item) -> Result<(), StoreError> {
        let answer = self
            .client
            .put_item()
            .table_name(&*self.name)
            .set_item(Some(item))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::call("PutItem", &error))?;
        self.meter.record(&answer.consumed_capacity);
        Ok(())
    }

    /// Changes an item when the condition holds and gives back the new one. 1 round trip.
    ///
    /// # Errors
    /// [`WriteError::Refused`] with the item that stands there.
    pub async fn update(&self, key: &impl Key, update: Update) -> Result<Item, WriteError> {
        let answer = self
            .client
            .update_item()
            .table_name(&*self.name)
            .set_key(Some(key.to_item()))
            .set_expression_attribute_names(some(update.names()))
            .set_expression_attribute_values(some(update.values()))
            .update_expression(update.update.text)
            .condition_expression(update.condition.text)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| {
                refused!("UpdateItem", UpdateItemError::ConditionalCheckFailedException, error)
            })?;
        self.meter.record(&answer.consumed_capacity);
        Ok(answer.attributes.unwrap_or_else(HashMap::new))
    }

    /// Removes an item when the condition holds. 1 round trip.
    ///
    /// # Errors
    /// [`WriteError::Refused`] with the item that stands there.
    pub async fn delete(&self, key: &impl Key, condition: Expression) -> Result<(), WriteError> {
        let answer = self
            .client
            .delete_item()
            .table_name(&*self.name)
            .set_key(Some(key.to_item()))
            .condition_expression(condition.text)
            .set_expression_attribute_names(some(condition.names))
            .set_expression_attribute_values(some(condition.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| {
                refused!("DeleteItem", DeleteItemError::ConditionalCheckFailedException, error)
            })?;
        self.meter.record(&answer.consumed_capacity);
        Ok(())
    }
}

/// DynamoDB refuses empty maps of names or values.
pub(crate) fn some<V>(map: HashMap<String, V>) -> Option<HashMap<String, V>> {
    (!map.is_empty()).then_some(map)
}
