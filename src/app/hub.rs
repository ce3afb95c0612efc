//! What all instances of a process share: the operator's limits, the lanes, kept results, one import at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant as Moment;

use super::DimensionInfo;
use super::common::Common;
use super::connector::Connector;
use super::kept::{Kept, Weight};
use super::lanes::Lanes;
use super::limits::Operator;
use crate::model::Clock;
use crate::query::Answer;

/// Room for kept answers, for lists of values, and for lists of dimensions.
const ANSWERS_ROOM: usize = 64 << 20;
const VALUES_ROOM: usize = 8 << 20;
const DIMENSIONS_ROOM: usize = 2 << 20;

/// What all instances share.
#[derive(Debug)]
pub(super) struct Hub {
    pub operator: Operator,
    pub common: Arc<Common>,
    pub connector: Box<dyn Connector>,
    pub lanes: Lanes,
    pub answers: Kept<Answer>,
    pub values: Kept<Vec<String>>,
    pub dimensions: Kept<Vec<DimensionInfo>>,
    /// Key of this process for fingerprints of settings and secrets; a plain hash would let weak secrets be guessed.
    pub key: [u8; 32],
    numbers: AtomicU64,
    started: Moment,
}

impl Hub {
    pub(super) fn new(operator: Operator, clock: Arc<dyn Clock>, connector: Box<dyn Connector>) -> Self {
        let room = |bytes| if operator.answer_cache { bytes } else { 0 };
        Self {
            common: Arc::new(Common::new(clock, operator.clone())),
            connector,
            lanes: Lanes::default(),
            answers: Kept::with_room(room(ANSWERS_ROOM)),
            values: Kept::with_room(room(VALUES_ROOM)),
            dimensions: Kept::with_room(room(DIMENSIONS_ROOM)),
            key: random_key(),
            numbers: AtomicU64::new(1),
            started: Moment::now(),
            operator,
        }
    }

    /// A number that no other instance has.
    pub(super) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Seconds since the start.
    pub(super) fn seconds(&self) -> u64 {
        self.started.elapsed().as_secs()
    }
}

/// A fresh key; from the address space and the time of start where the system has no randomness to give.
fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    if getrandom::fill(&mut key).is_err() {
        let seed = format!("{:?} {:p} {}", Moment::now(), &raw const key, std::process::id());
        key = *blake3::hash(seed.as_bytes()).as_bytes();
    }
    key
}

impl Weight for Vec<DimensionInfo> {
    fn weight(&self) -> usize {
        self.iter().map(|dimension| dimension.name.len() + dimension.description.len() + 56).sum()
    }
}
