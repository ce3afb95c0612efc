//! A made-up company from one seed: bills of twelve client banks on three clouds, with every total known beforehand.
//! It is a source like any other: its files are real exports that go the ordinary walk. Knows nothing of the clock.

mod bought;
mod build;
pub mod catalog;
pub mod clouds;
pub mod commitments;
pub mod company;
pub mod export;
mod extras;
mod fleet;
mod ids;
pub mod line;
pub mod meters;
pub mod month;
pub mod planted;
mod seed;
mod source;
mod stretches;
pub mod timeline;
pub mod truth;
pub mod usage;
mod words;

pub use catalog::Catalog;
pub use month::Edition;
pub use source::SampleSource;
pub use timeline::Timeline;
pub use truth::{Truth, truth};
