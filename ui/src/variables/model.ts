/** What a query variable of this data source saves, and how the text form of older dashboards is read. */
import type { DataQuery as GrafanaQuery } from '@grafana/schema';
import type { Filter } from '../generated/query';

/** The values of one dimension. */
export interface VariableQuery extends GrafanaQuery {
  dimension: string;
  /** Conditions on the rows whose values count, e.g. on another variable. */
  filters?: Filter[];
}

export type SavedVariable = Partial<VariableQuery> | string | undefined;

/** A saved variable query. As text it is `ServiceName` or `values(ServiceName)`. */
export function readVariable(saved: SavedVariable): Pick<VariableQuery, 'dimension' | 'filters'> {
  if (typeof saved === 'string') {
    const text = saved.trim();
    const inner = /^values\(\s*(.*?)\s*\)$/.exec(text);
    return { dimension: inner ? inner[1] : text };
  }
  return { dimension: saved?.dimension ?? '', filters: saved?.filters };
}
