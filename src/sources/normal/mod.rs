//! What all billing formats have in common once their columns are named: times, numbers, texts and tags in every
//! spelling that was seen, each repair and reject counted. Knows the canonical columns, not who wrote the file.

pub(super) mod control;
pub(super) mod lists;
pub(super) mod marks;
pub(super) mod numbers;
pub(super) mod periods;
pub(super) mod tags;
pub(super) mod texts;
pub(super) mod time_text;
pub(super) mod times;
