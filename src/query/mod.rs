//! Answering: check a query, plan it, run it over one snapshot, shape the answer.
//! A query reads the store and nothing else: never a source, never the network.

pub mod answer;
pub mod error;
pub(crate) mod filter;
pub mod kinds;
pub mod request;
mod run;
mod shape;
mod timing;
mod told;
mod units;
mod values;

use std::sync::Arc;

pub use answer::Answer;
pub use error::Error;
pub use request::{PanelQuery, Request};
pub use values::{dimension_names, values};

use crate::engine::Stop;
use crate::model::Instant;
use crate::store::Snapshot;

/// What one query sees: every source's newest generation, held from start to end.
#[derive(Clone, Debug)]
pub struct View {
    /// The sources, in the order of their ids.
    pub sources: Vec<SourceView>,
    /// The current instant.
    pub now: Instant,
    /// Most rows of one answer.
    pub row_limit: u64,
}

/// One source at one moment.
#[derive(Clone, Debug)]
pub struct SourceView {
    /// Id of the source.
    pub id: String,
    /// The newest generation.
    pub snapshot: Arc<Snapshot>,
    /// What the source is doing.
    pub state: SourceState,
    /// What the reader should know, e.g. `importing, 3 of 18 deliveries`; empty for nothing.
    pub message: String,
    /// Deliveries that could not be read, with the reason.
    pub failures: Vec<(String, String)>,
}

/// State of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceState {
    /// Read, nothing to do.
    Ready,
    /// An import is running.
    Importing,
    /// The newest look at the source failed; older data answers.
    Stale,
    /// Nothing could be read.
    Failed,
}

impl SourceState {
    /// The name in frames and in `status`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Importing => "importing",
            Self::Stale => "stale",
            Self::Failed => "failed",
        }
    }
}

/// Answers one query over one view.
///
/// # Errors
/// [`Error`], for the author of the query.
pub fn answer(view: &View, request: &Request, stop: &Stop) -> Result<Answer, Error> {
    timing::check(request.period)?;
    match &request.query {
        PanelQuery::Cost(query) => kinds::cost::answer(view, request, query, stop),
        PanelQuery::Data(query) => kinds::data::answer(view, request, query),
    }
}
