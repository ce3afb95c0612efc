//! One file per query kind: its wire struct, its check, its plan and its shape.

pub mod cost;
pub mod data;
