//! Writes the sample as export files: FOCUS columns of a version, as CSV, CSV.gz or Parquet, alone or in a folder.
//! What is written is what providers write; nothing in a file says that it is made up.

mod columns;
mod csv;
mod folder;
mod parquet;
#[cfg(test)]
mod tests;

pub use columns::{Column, Columns, TimeColumn};
pub use csv::{write_csv, write_csv_gz};
pub use folder::{Folder, Format, write_folder};
pub use parquet::{Money, write_parquet};
