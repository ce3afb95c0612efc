// Rendered from the Rust types by `OUTLAY_UPDATE_GENERATED=1 cargo test --lib typescript`. Not edited by hand.

/** A dimension on offer. */
export type DimensionInfo = {
  /** Name for `groupBy` and `filters`. */
  name: string,
  /** One line on what it means. */
  description: string,
  /** True where panels are answered from daily sums, the fast way. */
  fast: boolean,
};

/** State of one source. */
export type SourceStatus = {
  /** Id of the source. */
  source: string,
  /** `ready`, `importing`, `stale` or `failed`. */
  state: string,
  /** Generation of its store. */
  generation: number,
  /** What is going on, e.g. `importing, 3 of 18 periods`; for viewers without locations and error details. */
  message: string,
};
