//! A fresh DynamoDB per test, in process.
//!
//! The engine is dynoxide: real expressions, indexes, transactions and streams over SQLite. The ordinary SDK client talks
//! to it through a connector that hands requests over in memory, so what is tested is what runs, without a port.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use crypto::KeyRing;
use domain::time::{Clock, Random};
use dynoxide::Database;
use serde_json::{Value, json};

use crate::{DataKeyTable, Item, Meter, Table};

/// A database with the product's three tables, all empty.
#[derive(Clone)]
pub struct TestDatabase {
    database: Database,
    client: Client,
    calls: Arc<AtomicU64>,
    last: Arc<AtomicU64>,
}

impl std::fmt::Debug for TestDatabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TestDatabase")
    }
}

/// The index that lists a partner's customers.
fn tables() -> [Value; 3] {
    let table = |name: &str, extra: &[&str], indexes: Value| {
        let attributes: Vec<Value> = ["pk", "sk"]
            .iter()
            .chain(extra)
            .map(|name| json!({ "AttributeName": name, "AttributeType": "S" }))
            .collect();
        let mut table = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": attributes,
            "KeySchema": key_schema("pk", "sk"),
            "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
        });
        if indexes.as_array().is_some_and(|indexes| !indexes.is_empty()) {
            table["GlobalSecondaryIndexes"] = indexes;
        }
        table
    };
    let index = |name: &str, pk: &str, sk: &str, projection: &str| {
        json!({
            "IndexName": name,
            "KeySchema": key_schema(pk, sk),
            "Projection": { "ProjectionType": projection },
        })
    };
    let summaries = |name: &str, pk: &str, sk: &str| {
        let mut index = index(name, pk, sk, "INCLUDE");
        index["Projection"]["NonKeyAttributes"] = json!(["summary"]);
        index
    };
    [
        table(
            "customers",
            &["accountPk", "casePk", "listPk", "listSk", "nameSk"],
            json!([
                index("by-partner", "listPk", "listSk", "ALL"),
                index("open-cases", "casePk", "listSk", "ALL"),
                summaries("by-name", "listPk", "nameSk"),
                summaries("by-account", "accountPk", "listSk"),
                summaries("by-account-name", "accountPk", "nameSk"),
            ]),
        ),
        table(
            "webhooks",
            &["dueShard", "dueAt"],
            json!([index("due", "dueShard", "dueAt", "KEYS_ONLY")]),
        ),
        table("auth", &[], json!([])),
    ]
}

fn key_schema(pk: &str, sk: &str) -> Value {
    json!([
        { "AttributeName": pk, "KeyType": "HASH" },
        { "AttributeName": sk, "KeyType": "RANGE" },
    ])
}

impl TestDatabase {
    /// A new database, gone when dropped.
    ///
    /// # Panics
    /// When the engine does not start; this is for tests.
    pub fn new() -> Self {
        Self::holding(tables())
    }

    /// A new database whose tables have no streams. The engine reads a table's whole stream to number the next record of it,
    /// which makes thousands of writes take hours.
    ///
    /// # Panics
    /// As [`TestDatabase::new`].
    pub fn without_streams() -> Self {
        let mut tables = tables();
        for table in &mut tables {
            table["StreamSpecification"] = json!({ "StreamEnabled": false });
        }
        Self::holding(tables)
    }

    #[expect(clippy::expect_used, reason = "a test without its database must stop")]
    fn holding(tables: [Value; 3]) -> Self {
        let database = Database::memory().expect("an in-memory database");
        for table in tables {
            let request = serde_json::from_value(table).expect("a table definition");
            database.create_table(request).expect("a new table");
        }
        let calls = Arc::new(AtomicU64::new(0));
        let last = Arc::new(AtomicU64::new(u64::MAX));
        let (counted, until) = (Arc::clone(&calls), Arc::clone(&last));
        let connector = InProcess { database: database.clone(), calls: counted, last: until };
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .http_client(connector)
            .build();
        Self { database, client: Client::from_conf(config), calls, last }
    }

    /// Lets so many further calls through and none after them, as if the process had died; `None` lets all through again.
    pub fn cut_after(&self, calls: Option<u64>) {
        let last = calls.map_or(u64::MAX, |calls| self.calls() + calls);
        self.last.store(last, Ordering::SeqCst);
    }

    /// The SDK client of this database.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The customers table.
    pub fn customers(&self) -> Table {
        self.table("customers")
    }

    /// The webhooks table.
    pub fn webhooks(&self) -> Table {
        self.table("webhooks")
    }

    /// The auth table.
    pub fn auth(&self) -> Table {
        self.table("auth")
    }

    fn table(&self, name: &str) -> Table {
        let client = self.client();
        Table::new(crypto::lazy(move || client), name, Arc::new(Meter::default()))
    }

    /// A ring whose keys are in the customers table, as in a deployment.
    pub fn key_ring(&self, clock: &Arc<dyn Clock>, random: &Arc<dyn Random>) -> Arc<KeyRing> {
        let keys = Arc::new(DataKeyTable::new(self.customers()));
        crypto::test_support::key_ring_over(keys, Arc::clone(clock), Arc::clone(random))
    }

    /// How many calls reached the database.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Every item of a table, for assertions about what is stored.
    ///
    /// # Panics
    /// When the table cannot be read.
    #[expect(clippy::expect_used, reason = "for tests")]
    pub async fn dump(&self, table: &Table) -> Vec<Item> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let scan = self.client.scan().table_name(table.name()).set_exclusive_start_key(start);
            let answer = scan.send().await.expect("a readable table");
            items.extend(answer.items.into_iter().flatten());
            start = answer.last_evaluated_key;
            if start.is_none() {
                return items;
            }
        }
    }

    /// The records of a table's stream so far, in the shape in which Lambda hands them to a function.
    ///
    /// # Panics
    /// When the stream cannot be read.
    #[expect(clippy::expect_used, reason = "for tests")]
    pub fn stream_records(&self, table: &Table) -> Vec<Value> {
        let ask = |operation: &str, body: Value| -> Value {
            let answer = dispatch(&self.database, operation, &body.to_string()).expect(operation);
            serde_json::from_str(&answer).expect("JSON")
        };
        let streams = ask("ListStreams", json!({ "TableName": table.name() }));
        let arn = streams["Streams"][0]["StreamArn"].clone();
        let described = ask("DescribeStream", json!({ "StreamArn": arn }));
        let shards = described["StreamDescription"]["Shards"].as_array().cloned();
        let mut records = Vec::new();
        for shard in shards.into_iter().flatten() {
            let request = json!({
                "StreamArn": arn,
                "ShardId": shard["ShardId"],
                "ShardIteratorType": "TRIM_HORIZON",
            });
            let mut iterator = ask("GetShardIterator", request)["ShardIterator"].clone();
            loop {
                let answer = ask("GetRecords", json!({ "ShardIterator": iterator }));
                let found = answer["Records"].as_array().cloned().into_iter().flatten();
                let before = records.len();
                records.extend(found);
                iterator = answer["NextShardIterator"].clone();
                if records.len() == before || iterator.is_null() {
                    break;
                }
            }
        }
        records
    }
}

impl Default for TestDatabase {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Clone)]
struct InProcess {
    database: Database,
    calls: Arc<AtomicU64>,
    last: Arc<AtomicU64>,
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpClient for InProcess {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(self.answer(&request))
    }
}

impl InProcess {
    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let target = request.headers().get("x-amz-target").map(str::to_owned);
        let operation = target.as_deref().and_then(|target| target.rsplit('.').next());
        let body = request.body().bytes().and_then(|bytes| std::str::from_utf8(bytes).ok());
        let (Some(operation), Some(body)) = (operation, body) else {
            return Err(ConnectorError::user("not a DynamoDB request".into()));
        };
        if self.calls.load(Ordering::SeqCst) >= self.last.load(Ordering::SeqCst) {
            return Err(ConnectorError::user("the process is dead".into()));
        }
        self.calls.fetch_add(1, Ordering::SeqCst);
        let (status, text) = match dispatch(&self.database, operation, body) {
            Ok(text) => (200, text),
            Err(error) => (error.status_code(), error.to_json()),
        };
        let status =
            StatusCode::try_from(status).map_err(|error| ConnectorError::user(error.into()))?;
        Ok(HttpResponse::new(status, SdkBody::from(text)))
    }
}

macro_rules! operations {
    ($database:expr, $operation:expr, $body:expr, { $($name:literal => $method:ident),* $(,)? }) => {
        match $operation {
            $($name => {
                let request = serde_json::from_str($body).map_err(|error| {
                    dynoxide::errors::DynoxideError::SerializationException(error.to_string())
                })?;
                let answer = $database.$method(request)?;
                serde_json::to_string(&answer).map_err(|error| {
                    dynoxide::errors::DynoxideError::InternalServerError(error.to_string())
                })
            })*
            other => Err(dynoxide::errors::DynoxideError::ValidationException(other.to_owned())),
        }
    };
}

fn dispatch(
    database: &Database,
    operation: &str,
    body: &str,
) -> Result<String, dynoxide::errors::DynoxideError> {
    operations!(database, operation, body, {
        "PutItem" => put_item,
        "GetItem" => get_item,
        "DeleteItem" => delete_item,
        "UpdateItem" => update_item,
        "Query" => query,
        "Scan" => scan,
        "BatchGetItem" => batch_get_item,
        "BatchWriteItem" => batch_write_item,
        "TransactWriteItems" => transact_write_items,
        "TransactGetItems" => transact_get_items,
        "ListStreams" => list_streams,
        "DescribeStream" => describe_stream,
        "GetShardIterator" => get_shard_iterator,
        "GetRecords" => get_records,
    })
}
