// Rendered from the Rust types by `OUTLAY_UPDATE_GENERATED=1 cargo test --lib typescript`. Not edited by hand.

/** What an answer is compared with. */
export type Compare = "previousPeriod" | "previousYear";

/** What was spent, by what, over time. */
export type CostQuery = {
  /** Version of the query model that wrote this; absent means the newest. */
  version?: number,
  /** Conditions; all must hold. */
  filters?: Array<Filter>,
  /** Over time, or one row per group. */
  format?: Format,
  /** Which cost is summed. */
  metric?: MetricName,
  /** Dimensions to split by: FOCUS columns, `Tags.<key>`, `Client`, `Market`. At most 8. */
  groupBy?: Array<string>,
  /** How finely time is cut. */
  grain?: GrainName,
  /** How many groups to show, the largest first; 0 shows all. */
  top?: number,
  /** Show the rest beyond `top` as one group "other", so that the parts add up. */
  others?: boolean,
  /** Show only this billing currency. Without it, a mix of currencies is an error that names them. */
  currency?: string,
  /** IANA time zone whose days are counted; UTC without it, as in the bill. */
  timezone?: string,
  /** Running total over the range. */
  cumulative?: boolean,
  /** Add the same figures for an earlier range. */
  compare?: Compare,
  /** Leave out days that the bill does not cover completely yet. */
  excludeIncomplete?: boolean,
};

/** What is loaded: one row per source and billing month. */
export type DataQuery = {
  /** Version of the query model that wrote this; absent means the newest. */
  version?: number,
  /** Conditions on the columns `source`, `period`, `state` and `currency`; all must hold. */
  filters?: Array<Filter>,
  /** Always answered as a table; kept so that all kinds share their common fields. */
  format?: Format,
};

/** A condition on one dimension. All filters of a query must hold. */
export type Filter = {
  /** A FOCUS column name, `Tags.<key>`, `Client` or `Market`. */
  key: string,
  /** How values are compared; equality to any of the values if not given. */
  operator?: Operator,
  /** Values to compare with. An empty list filters nothing; the value "" means rows without a value;
   * `$__all` means every value. */
  values?: Array<string>,
};

/** Whether an answer is drawn over time or read as rows. */
export type Format = "timeseries" | "table";

/** How finely time is cut. */
export type GrainName = "auto" | "hour" | "day" | "week" | "month" | "quarter" | "total";

/** Which cost, or which quantity, is summed. */
export type MetricName = "EffectiveCost" | "BilledCost" | "ContractedCost" | "ListCost" | "ConsumedQuantity";

/** How a filter compares; the spellings are those of Grafana's ad-hoc filters. */
export type Operator = "=" | "!=" | "=|" | "!=|" | "=~" | "!~";

/** One panel query, told apart by its `kind`. */
export type PanelQuery = { "kind": "cost" } & CostQuery | { "kind": "data" } & DataQuery;
