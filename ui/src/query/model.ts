/** The query of this data source: Grafana's own fields beside the generated model. Nothing here decides what a field means; the backend does. */
import type { DataQuery as GrafanaQuery } from '@grafana/schema';
import { DEFAULT_QUERY, KINDS, VERSION } from '../generated/defaults';
import type { PanelQuery } from '../generated/query';

/** What a dashboard saves for one row of the query editor. */
export type OutlayQuery = GrafanaQuery & PanelQuery;

/** Name of a query kind. */
export type Kind = PanelQuery['kind'];

/** The query of one kind. */
export type QueryOf<K extends Kind> = Extract<OutlayQuery, { kind: K }>;

/** The fields that belong to one kind, without Grafana's. */
export type FieldsOf<K extends Kind> = Omit<Extract<PanelQuery, { kind: K }>, 'kind'>;

/** Props that all kind editors share. */
export interface KindEditorProps<K extends Kind> {
  query: QueryOf<K>;
  /** Takes the changed fields and runs the query; `undefined` takes a field away. */
  change: (fields: Partial<FieldsOf<K>>) => void;
}

/** A query of a saved row: an absent kind is read as the backend reads it. */
export function complete(query: Partial<OutlayQuery>): OutlayQuery {
  const kind = query.kind ?? query.queryType ?? DEFAULT_QUERY.kind;
  // What a dashboard saved can be of any kind, a later version's included; `isKnown` tells.
  return { refId: 'A', ...query, kind } as OutlayQuery;
}

/** The query of a row as Grafana runs it: one that nobody has filled yet is run, and so shown, as the default query. */
export function started(row: Partial<OutlayQuery>): OutlayQuery {
  const filled = row.kind !== undefined || row.queryType !== undefined;
  return complete(filled ? row : { ...DEFAULT_QUERY, ...row });
}

/** Whether this version has an editor for the kind. */
export function isKnown(kind: string): kind is Kind {
  return KINDS.some((known) => known === kind);
}

/** The query as an editor writes it: with its version, and its kind where Grafana looks for it. */
export function stamped<T extends OutlayQuery>(query: T): T {
  return { ...query, version: VERSION, queryType: query.kind };
}

/** The row as a query of another kind: Grafana's own fields stay, and the kind gets its fields. */
export function ofKind(row: OutlayQuery, kind: Kind, fields: Partial<PanelQuery> = {}): OutlayQuery {
  const { refId, datasource, hide, key } = row;
  const own = Object.entries({ refId, datasource, hide, key }).filter(([, value]) => value !== undefined);
  // Fields of a kind belong to that kind: they were taken from a query of it.
  return stamped({ ...fields, ...Object.fromEntries(own), kind } as OutlayQuery);
}
