/** What choices are called. Typed by the generated names: a new one does not compile until it has a word here. */
import type { Compare, Format, GrainName, MetricName, Operator } from '../generated/query';
import type { Kind } from './model';

interface Words {
  label: string;
  description?: string;
}

export const KIND_WORDS: Record<Kind, Words> = {
  cost: { label: 'Cost', description: 'What was spent, by what, over time' },
  data: { label: 'Loaded data', description: 'What is loaded, how fresh, what was rejected' },
};

export const FORMAT_WORDS: Record<Format, Words> = {
  timeseries: { label: 'Time series', description: 'Values over time' },
  table: { label: 'Table', description: 'One row per group' },
};

export const METRIC_WORDS: Record<MetricName, Words> = {
  EffectiveCost: { label: 'Effective cost', description: 'Amortised, after all discounts: what use cost' },
  BilledCost: { label: 'Billed cost', description: 'Invoice basis: what is paid' },
  ContractedCost: { label: 'Contracted cost', description: 'Negotiated price, before commitments' },
  ListCost: { label: 'List cost', description: 'Public price' },
  ConsumedQuantity: { label: 'Consumed quantity', description: 'In its unit; refused where units mix' },
};

export const GRAIN_WORDS: Record<GrainName, Words> = {
  auto: { label: 'Auto', description: 'From the time range and the width of the panel' },
  hour: { label: 'Hour' },
  day: { label: 'Day' },
  week: { label: 'Week', description: 'From Monday' },
  month: { label: 'Month' },
  quarter: { label: 'Quarter' },
  total: { label: 'Total', description: 'One number for the whole range' },
};

export const COMPARE_WORDS: Record<Compare, Words> = {
  previousPeriod: { label: 'Previous period', description: 'The range of equal length right before' },
  previousYear: { label: 'Previous year', description: 'The same range one year before' },
};

export const OPERATOR_WORDS: Record<Operator, Words> = {
  '=|': { label: 'is one of', description: '=|' },
  '!=|': { label: 'is none of', description: '!=|' },
  '=': { label: 'is', description: '=' },
  '!=': { label: 'is not', description: '!=' },
  '=~': { label: 'matches', description: '=~, the whole value' },
  '!~': { label: 'does not match', description: '!~, the whole value' },
};

/** What stands for rows without a value. */
export const NO_VALUE = '(none)';

export interface Choice<T extends string = string> {
  value: T;
  label: string;
  description?: string;
  group?: string;
}

/** The choices of a word list, in its order. */
export function choices<T extends string>(words: Record<T, Words>): Array<Choice<T>> {
  // The keys of a literal that is typed by T are T; the library types them as strings.
  return (Object.keys(words) as T[]).map((value) => ({ value, ...words[value] }));
}

/** A value as it is shown; the empty value is the bucket of rows without one. */
export function shown(value: string): string {
  return value === '' ? NO_VALUE : value;
}

/** Values as choices of a pick list. */
export function asChoices(values: readonly string[], group?: string): Choice[] {
  return values.map((value) => ({ value, label: shown(value), ...(group && { group }) }));
}
