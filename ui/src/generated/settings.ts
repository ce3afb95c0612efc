// Rendered from the Rust types by `OUTLAY_UPDATE_GENERATED=1 cargo test --lib typescript`. Not edited by hand.

/** How rows are given to clients and markets. */
export type RawAllocation = {
  /** Tag keys kept in daily sums, so that panels by them are fast. Default `client`, `env`, `team`, `product`. */
  promotedTags?: Array<string>,
  /** Tag keys that name the client of a row, the first present one wins. Default `client`. */
  clientTags?: Array<string>,
  /** Region id to market, before the built-in rules, e.g. `{"ap-southeast-1": "Singapore"}`. */
  markets?: { [key in string]: string },
};

/** One billing source. Secrets are in secureJsonData under `billing.<id>.<field>`: `accessKeyId`, `secretAccessKey`, `sessionToken`. */
export type RawBilling = {
  /** Name of the source, unique in the datasource: letters, digits, `-`, `_`. */
  id?: string,
  /** `auto` (default), `focus` or `sample`. */
  format?: string,
  /** `s3://bucket/prefix` or `file:///folder`. */
  location?: string,
  /** Region of the bucket. */
  region?: string,
  /** Address of an S3-compatible service, e.g. `https://minio.example.com`. AWS itself without it. */
  endpoint?: string,
  /** Put the bucket into the path instead of the host name; the default where an endpoint is set. */
  pathStyle?: boolean,
  /** How often to look for changes: `15m`, `6h`, `1d`. Default `15m`; at least `1m`. */
  refresh?: string,
  /** Leave out billing months before this one, `YYYY-MM`. */
  since?: string,
};

/** The `jsonData` of a datasource. Everything is optional; `{}` serves the sample. */
export type RawSettings = {
  /** Where bills are read from. None: the sample. */
  billing?: Array<RawBilling>,
  /** How rows are given to clients and markets. */
  allocation?: RawAllocation,
};
