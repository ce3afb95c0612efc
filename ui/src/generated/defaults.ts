// Rendered from the Rust types by `OUTLAY_UPDATE_GENERATED=1 cargo test --lib typescript`. Not edited by hand.

import type { CostQuery, DataQuery } from './query';

/** Version of the query model that these editors write. */
export const VERSION = 1;

/** All kinds, in the order of the kind switch. */
export const KINDS = ["cost","data"] as const;

/** What an absent field means, where the kind has a value for it. */
export const DEFAULTS = {
  cost: {
    cumulative: false,
    excludeIncomplete: false,
    filters: [],
    format: "timeseries",
    grain: "auto",
    groupBy: [],
    metric: "EffectiveCost",
    others: true,
    top: 10,
  } satisfies CostQuery,
  data: {
    filters: [],
    format: "timeseries",
  } satisfies DataQuery,
};

/** The query of a new panel. */
export const DEFAULT_QUERY = {"groupBy":["BillingCurrency"],"kind":"cost","version":1} satisfies CostQuery & { kind: 'cost' };

/** What a dashboard variable set to "All" becomes in a filter. */
export const ALL = '$__all';

/** Columns that filters of kind `data` may name. */
export const DATA_FILTERS = ["source","period","state","currency"] as const;

/** States of a source. */
export const SOURCE_STATES = ["ready","importing","stale","failed"] as const;
