//! Answering: check a query, plan it, run it over one snapshot, shape the answer.
//! A query reads the store and nothing else: never a source, never the network.

pub mod answer;
pub mod error;
pub mod kinds;
pub mod request;

pub use answer::Answer;
pub use error::Error;
pub use request::{PanelQuery, Request};
