//! What can go wrong while a bill is taken in, named after what its reader can do about it.

/// Why a refresh, or one delivery of it, did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The source or one of its files.
    #[error(transparent)]
    Source(#[from] crate::sources::Error),
    /// The store.
    #[error(transparent)]
    Store(crate::store::Error),
    /// What was read and what would be stored differ; nothing of the delivery was published.
    #[error(
        "`{delivery}` does not reconcile: {what} is {stored} as stored but {read} as read; the older version stays"
    )]
    NotReconciled {
        /// Key of the delivery.
        delivery: String,
        /// `rows`, or cost column and currency.
        what: String,
        /// What the store would hold.
        stored: String,
        /// What the independent second count of the reader says.
        read: String,
    },
    /// An amount left the range of exact sums.
    #[error("`{delivery}`: the sum of {column} left the range of exact amounts")]
    Overflow {
        /// Key of the delivery.
        delivery: String,
        /// The column.
        column: String,
    },
    /// Asked to stop.
    #[error("stopped")]
    Stopped,
    /// A fault of this plugin; the log has more.
    #[error("internal error while importing; the plugin's log has more")]
    Panicked,
}
