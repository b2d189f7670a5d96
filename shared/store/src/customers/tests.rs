//! Customers against a real expression engine.
