/** Says a query in one line, for collapsed rows, history and help. */
import { DEFAULTS, ALL } from '../generated/defaults';
import type { CostQuery, Filter } from '../generated/query';
import { complete, isKnown, type OutlayQuery } from './model';
import { COMPARE_WORDS, METRIC_WORDS, OPERATOR_WORDS, shown } from './words';

const MOST_VALUES = 3;

export function summary(saved: Partial<OutlayQuery>): string {
  const query = complete(saved);
  if (!isKnown(query.kind)) {
    return `Unknown kind "${String((query as { kind: string }).kind)}"`;
  }
  switch (query.kind) {
    case 'cost':
      return costWords({ ...DEFAULTS.cost, ...query });
    case 'data':
      return `Loaded data${filterWords(query.filters ?? [])}`;
  }
}

type Told = CostQuery & Required<Pick<CostQuery, keyof typeof DEFAULTS.cost>>;

function costWords(query: Told): string {
  const words = [METRIC_WORDS[query.metric]?.label ?? query.metric];
  if (query.groupBy.length > 0) {
    words.push(` by ${query.groupBy.join(', ')}`);
    if (query.top > 0) {
      words.push(` (top ${query.top}${query.others ? ' and the rest' : ''})`);
    }
  }
  if (query.grain === 'total') {
    words.push(', total');
  } else if (query.grain !== 'auto') {
    words.push(` per ${query.grain}`);
  }
  words.push(filterWords(query.filters));
  if (query.currency) {
    words.push(`, only ${query.currency}`);
  }
  if (query.timezone) {
    words.push(`, days of ${query.timezone}`);
  }
  if (query.cumulative) {
    words.push(', cumulative');
  }
  if (query.compare) {
    words.push(`, with ${COMPARE_WORDS[query.compare]?.label.toLowerCase() ?? query.compare}`);
  }
  if (query.excludeIncomplete) {
    words.push(', complete days only');
  }
  return words.join('');
}

function filterWords(filters: Filter[]): string {
  const told = filters.filter(({ values }) => values && values.length > 0 && !values.includes(ALL));
  if (told.length === 0) {
    return '';
  }
  return ` where ${told.map(filterInWords).join(' and ')}`;
}

function filterInWords({ key, operator, values = [] }: Filter): string {
  const sign = OPERATOR_WORDS[operator ?? '=|']?.label ?? operator;
  const some = values.slice(0, MOST_VALUES).map(shown).join(', ');
  return `${key} ${sign} ${some}${values.length > MOST_VALUES ? ', …' : ''}`;
}
