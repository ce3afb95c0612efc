/** Pick lists of the editors, asked from the backend when they are opened. */
import type { OutlayDataSource } from '../datasource';
import { DATA_FILTERS, SOURCE_STATES } from '../generated/defaults';
import type { Filter } from '../generated/query';
import { asChoices, type Choice } from './words';

/** How many values a pick list shows; typing narrows them. */
const SHOWN = 500;

/** How long the other filters may be to be told along; they travel in an address. */
const LONGEST = 1500;

const VARIABLES = 'Dashboard variables';
const FAST = 'Kept in daily sums: fast';
const SLOW = 'From single billing rows: slower';

const containing = (typed: string) => {
  const wanted = typed.toLowerCase();
  return ({ value, label }: Choice) => `${value} ${label}`.toLowerCase().includes(wanted);
};

/** Dashboard variables, as they are written in a query. */
export function variables(datasource: OutlayDataSource): Choice[] {
  return asChoices(datasource.variableNames(), VARIABLES);
}

/** Dimensions to group and filter by, fast ones first, then dashboard variables. */
export async function dimensions(datasource: OutlayDataSource, typed: string): Promise<Choice[]> {
  const found = await datasource.dimensions();
  const listed = found.map(({ name, description, fast }) => ({
    value: name,
    label: name,
    ...(description && { description }),
    group: fast ? FAST : SLOW,
  }));
  return [...listed, ...variables(datasource)].filter(containing(typed));
}

/** Values of a dimension in rows that pass the other filters, then dashboard variables. */
export async function values(
  datasource: OutlayDataSource,
  key: string,
  typed: string,
  others: Filter[] = []
): Promise<Choice[]> {
  // Filters with variables would have to be replaced first, long ones don't fit; a wider list does no harm.
  const plain = others.filter(({ values }) => !values?.some((value) => /[$]|\[\[/.test(value)));
  const told = JSON.stringify(plain).length <= LONGEST ? plain : [];
  const found = await datasource.values(key, typed, told, SHOWN);
  return [...asChoices(found), ...variables(datasource).filter(containing(typed))];
}

/** Columns that filters of kind `data` may name. */
export const DATA_KEYS: Choice[] = asChoices(DATA_FILTERS);

/** Values of a column of kind `data`. */
export async function dataValues(datasource: OutlayDataSource, key: string, typed: string): Promise<Choice[]> {
  return [...asChoices(await known(datasource, key)), ...variables(datasource)].filter(containing(typed));
}

async function known(datasource: OutlayDataSource, key: string): Promise<readonly string[]> {
  switch (key) {
    case 'source':
      return (await datasource.status()).map(({ source }) => source);
    case 'state':
      return SOURCE_STATES;
    case 'currency':
      return datasource.values('BillingCurrency');
    default:
      return [];
  }
}
