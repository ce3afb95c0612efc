/**
 * Dashboard variables in queries. A variable of many values becomes that many values, never one joined text;
 * "All" becomes a value that filters nothing. Knows Grafana's template service and no query kind but by its fields.
 */
import type { AdHocVariableFilter, ScopedVars } from '@grafana/data';
import type { TemplateSrv } from '@grafana/runtime';
import { ALL, DATA_FILTERS } from '../generated/defaults';
import type { Filter, Operator } from '../generated/query';
import type { OutlayQuery } from '../query/model';

type Templates = Pick<TemplateSrv, 'replace'>;

/** What Grafana tells a format function about the variable. */
interface Told {
  name?: string;
  type?: string;
  multi?: boolean;
  includeAll?: boolean;
}

/** Stands around the number of a variable while its text is replaced; no text of a person holds it. */
const MARK = '\u0000';

const isPattern = (operator?: Operator) => operator === '=~' || operator === '!~';

/** A query with its variables replaced and the dashboard's ad-hoc filters added. */
export function replaced(
  templates: Templates,
  query: OutlayQuery,
  scopedVars: ScopedVars,
  adHoc: AdHocVariableFilter[] = []
): OutlayQuery {
  const one = <T extends string>(text: T | undefined) =>
    text === undefined ? undefined : (texts(templates, text, scopedVars, { allAsMark: true }).join(',') as T);
  const filters = [
    ...(query.filters ?? []).map((filter) => replacedFilter(templates, filter, scopedVars)),
    ...fitting(query, fromAdHoc(adHoc)),
  ];
  switch (query.kind) {
    case 'cost':
      return {
        ...query,
        filters,
        groupBy: query.groupBy?.flatMap((name) => texts(templates, name, scopedVars)).filter((name) => name !== ''),
        metric: one(query.metric),
        grain: one(query.grain),
        currency: one(query.currency) || undefined,
        timezone: one(query.timezone) || undefined,
      };
    case 'data':
      return { ...query, filters };
  }
}

/** A filter with its variables replaced. */
export function replacedFilter(templates: Templates, filter: Filter, scopedVars: ScopedVars): Filter {
  const values = (filter.values ?? []).flatMap((value) =>
    texts(templates, value, scopedVars, { pattern: isPattern(filter.operator), allAsMark: true })
  );
  return { ...filter, key: templates.replace(filter.key, scopedVars), values: values.includes(ALL) ? [ALL] : values };
}

/** Ad-hoc filters as filters of ours. An operator that we don't have is kept, so that the backend names it. */
export function fromAdHoc(adHoc: AdHocVariableFilter[] = []): Filter[] {
  return adHoc
    .filter(({ key }) => key !== '')
    .map(({ key, operator, value, values }) => ({
      key,
      operator: operator as Operator,
      values: values?.length ? values : [value],
    }));
}

/** Ad-hoc filters speak of dimensions of cost; kind `data` takes those that name one of its columns. */
function fitting(query: OutlayQuery, adHoc: Filter[]): Filter[] {
  return query.kind === 'data' ? adHoc.filter(({ key }) => DATA_FILTERS.some((column) => column === key)) : adHoc;
}

interface Found {
  values: string[];
  all: boolean;
}

/**
 * All texts that a text with variables stands for: one for each combination of their values, none where a variable has none.
 * With `allAsMark` a text that is one variable and nothing else, set to "All", becomes the mark that filters nothing.
 */
export function texts(
  templates: Templates,
  text: string,
  scopedVars: ScopedVars,
  { pattern = false, allAsMark = false } = {}
): string[] {
  const found: Found[] = [];
  const marked = templates.replace(text, scopedVars, (value: unknown, variable: Told = {}) => {
    found.push({ values: valuesOf(value, variable, pattern), all: isAll(templates, variable.name, scopedVars) });
    return MARK + (found.length - 1) + MARK;
  });
  const pieces = marked.split(MARK);
  if (allAsMark && found.length === 1 && found[0].all && pieces[0] === '' && pieces[2] === '') {
    return [ALL];
  }
  // Every second piece is the number of a variable.
  const spread = pieces.map((piece, at) => (at % 2 === 0 ? [piece] : found[Number(piece)].values));
  return spread.reduce((heads, tails) => heads.flatMap((head) => tails.map((tail) => head + tail)), ['']);
}

function valuesOf(value: unknown, variable: Told, pattern: boolean): string[] {
  const values = (Array.isArray(value) ? value : [value]).map(String);
  if (variable.type === 'textbox' && values.length === 1 && values[0] === '') {
    return [];
  }
  // As in Grafana's own data sources: a picked value is meant literally, a typed one may be a pattern.
  return pattern && (variable.multi || variable.includeAll) ? values.map(literally) : values;
}

/** Whether the variable is set to "All"; only its form for links says so. */
function isAll(templates: Templates, name: string | undefined, scopedVars: ScopedVars): boolean {
  if (!name) {
    return false;
  }
  const link = templates.replace(`\${${name}:queryparam}`, scopedVars);
  return new URLSearchParams(link).getAll(`var-${name}`).includes(ALL);
}

function literally(value: string): string {
  return value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
