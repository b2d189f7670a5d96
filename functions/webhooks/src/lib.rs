//! Webhooks: who wants to hear of what, and telling them.
//!
//! How it fits together: a domain event leaves the customers' table by its stream; [`fanout`] turns it into one delivery
//! per registration and sends a message; [`dispatch`] claims, posts and records; [`release`] sees to what waits behind a
//! suspended, restarted or deleted registration; [`sweep`] brings back whatever was lost between two of these.
//!
//! Invariant: the table says what is to happen, messages only say when to look. So a message that is lost, doubled or
//! late, or a process that ends anywhere, loses no event and changes no outcome; a receiver may see an event twice, under
//! the same id.

pub mod address;
pub mod body;
pub mod callback;
pub mod credentials;
pub mod dispatch;
pub mod envelope;
pub mod event_name;
pub mod events;
pub mod fanout;
pub mod health;
mod own_id;
pub mod post;
pub mod queue;
pub mod registrations;
pub mod release;
pub mod schedule;
pub mod signature;
pub mod start;
pub mod sweep;
pub mod worker;
