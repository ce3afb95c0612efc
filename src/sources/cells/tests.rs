//! Cells from files: the shapes of CSV, the types of Parquet.
