//! What can go wrong with a place or a file, named after what the reader of the message can do about it.

/// Why a source or one of its files cannot be read. No variant holds a credential, a response body or a URL query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The place does not answer.
    #[error("`{place}` cannot be reached: {why}; check the location, `endpoint` and the network")]
    Unreachable {
        /// Bucket or host.
        place: String,
        /// In short.
        why: String,
    },
    /// Credentials are wrong or lack rights.
    #[error("access to `{place}` is denied ({why}); check the access keys and that they may list and read it")]
    Denied {
        /// Bucket or folder.
        place: String,
        /// Provider's code.
        why: String,
    },
    /// The operator does not allow this place.
    #[error("`{place}` is not allowed: {why}")]
    NotAllowed {
        /// What was asked for.
        place: String,
        /// Which operator setting would allow it.
        why: String,
    },
    /// No such folder, bucket or file.
    #[error("`{place}` does not exist; check the location")]
    NotFound {
        /// What was looked for.
        place: String,
    },
    /// The place holds nothing that looks like an export.
    #[error("`{place}` holds no billing export ({found}); expected FOCUS files (.csv, .csv.gz, .parquet)")]
    Empty {
        /// The location.
        place: String,
        /// What is there instead.
        found: String,
    },
    /// The file was replaced while it was being read.
    #[error("`{file}` changed while it was read; it is read again at the next refresh")]
    Changed {
        /// Path below the location.
        file: String,
    },
    /// The header is no known billing format.
    #[error("`{file}` is no billing export that Outlay knows: {found}")]
    UnknownFormat {
        /// Path below the location.
        file: String,
        /// What the header holds, or which columns are missing.
        found: String,
    },
    /// Slashed dates whose order of day and month nothing in the file tells.
    #[error("`{file}` cannot be read without guessing a date: {found}; deliver dates as 2023-09-02")]
    AmbiguousDates {
        /// Path below the location.
        file: String,
        /// The dates in question.
        found: String,
    },
    /// A format version newer than this reader.
    #[error("`{file}` has version {found}; Outlay reads up to {known}: update the plugin")]
    UnsupportedVersion {
        /// Path below the location.
        file: String,
        /// As stated.
        found: String,
        /// The newest known.
        known: String,
    },
    /// The bytes are broken: torn gzip, truncated Parquet, invalid text.
    #[error("`{file}` is damaged at {place}: {why}; deliver it again")]
    Damaged {
        /// Path below the location.
        file: String,
        /// Row or byte.
        place: String,
        /// In short.
        why: String,
    },
    /// A manifest cannot be followed.
    #[error("manifest `{file}` cannot be used: {why}")]
    Manifest {
        /// Path below the location.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// A size, count or length past its limit.
    #[error("`{file}` is over a limit: {what} is {found}, at most {limit}")]
    TooLarge {
        /// Path below the location.
        file: String,
        /// Which measure.
        what: String,
        /// What it has.
        found: String,
        /// What is allowed.
        limit: String,
    },
    /// A setting of the source makes no sense.
    #[error("billing source `{source_id}`: {why}")]
    Settings {
        /// Id of the source.
        source_id: String,
        /// Which setting and how to mend it.
        why: String,
    },
    /// The machine failed us: disk full, permission, I/O error on a local file.
    #[error("`{file}` cannot be read: {why}")]
    Io {
        /// Path below the location.
        file: String,
        /// The system's own words.
        why: String,
    },
}
