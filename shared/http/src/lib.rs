//! The edge between API Gateway and the capabilities: a proxy event becomes a [`Request`] with a [`Caller`], and a
//! [`Reply`] or [`Failure`] becomes a proxy response.
//!
//! Invariants: every route of the product stands in [`ROUTES`] and nowhere else; a handler never sees a request whose
//! route scope its caller lacks; status codes and error bodies are decided here alone, and no body ever carries an
//! internal message.

mod caller;
mod contract;
mod cos_error;
mod failure;
mod moment;
mod network;
mod object_reader;
mod paging;
mod problem_json;
mod reply;
mod request;
mod routes;
mod scope;
mod sources;
mod straddle_error;

pub use caller::{Caller, Environment};
pub use contract::Contract;
pub use cos_error::CosCode;
pub use failure::{Failure, RuleViolation, Stated};
pub use moment::read_moment;
pub use network::{Network, NotANetwork};
pub use object_reader::{ObjectReader, read_object};
pub use paging::{Page, Paging};
pub use problem_json::finish;
pub use reply::Reply;
pub use request::{HttpRequest, MAX_BODY_BYTES, RejectedEvent, Request, RequestId};
pub use routes::{Method, Operation, ROUTES, Route, route};
pub use scope::{Scope, Scopes, UnknownScope};
pub use sources::SourceList;
pub use straddle_error::Stamp;
