import { CoreApp, dateTime, type DataQueryRequest, type TimeRange } from '@grafana/data';
import { lastValueFrom } from 'rxjs';
import { KINDS } from './generated/defaults';
import type { OutlayQuery } from './query/model';
import { EXAMPLES } from './query/QueryHelp';
import { aDataSource } from './testing/datasource';
import { expectRequest } from './testing/contract';
import { templates } from './testing/templates';
import type { SavedVariable, VariableQuery } from './variables/model';
import { OutlayVariables } from './variables/support';

const range: TimeRange = { from: dateTime(0), to: dateTime(1), raw: { from: 'now-1h', to: 'now' } };

describe('queries', () => {
  const { datasource } = aDataSource();

  it('starts with one that shows something', () => {
    const start = datasource.getDefaultQuery(CoreApp.Explore);
    expect(start).toEqual({ version: 1, kind: 'cost', queryType: 'cost', groupBy: ['BillingCurrency'] });
    expect(datasource.filterQuery({ refId: 'A', ...start } as OutlayQuery)).toBe(true);
  });

  it('asks what has a kind, and no row that nobody has filled', () => {
    expect(datasource.filterQuery({ refId: 'A' } as OutlayQuery)).toBe(false);
    expect(datasource.filterQuery({ refId: 'A', queryType: 'data' } as OutlayQuery)).toBe(true);
  });

  it('does not test itself: that is the health check of the backend', () => {
    expect(Object.getOwnPropertyNames(Object.getPrototypeOf(datasource))).not.toContain('testDatasource');
    expect(Object.getOwnPropertyNames(Object.getPrototypeOf(datasource))).not.toContain('query');
  });

  it.each(EXAMPLES.map(({ title, query }, at) => [at + 1, title, query] as const))(
    'has example %d that the backend reads: %s',
    (number, _, query) => expectRequest(`${query.kind}-example-${number}`, { refId: 'A', ...query })
  );

  it('has an example of every kind', () => {
    expect(new Set(EXAMPLES.map(({ query }) => query.kind))).toEqual(new Set(KINDS));
  });
});

describe('variables', () => {
  it.each<[string, SavedVariable]>([
    ['what our editor writes', { refId: 'v', dimension: 'Client' }],
    ['a bare name', 'Client'],
    ['a call', 'values( Client )'],
    ['a name from another variable', '$dimension'],
  ])('lists values by %s', async (_, saved) => {
    const { datasource, asked } = aDataSource(templates({ dimension: { value: 'Client' } }));
    expect(await datasource.metricFindQuery(saved)).toEqual([
      { text: '(none)', value: '' },
      { text: 'Bank A', value: 'Bank A' },
      { text: 'Bank B', value: 'Bank B' },
    ]);
    expect(asked).toHaveBeenCalledWith('values', { dimension: 'Client', limit: 10_000 });
  });

  it('depends on other variables by its filters', async () => {
    const { datasource, asked } = aDataSource(templates({ market: { value: ['Japan', 'Korea'], multi: true } }));
    const saved = { refId: 'v', dimension: 'Client', filters: [{ key: 'Market', values: ['$market'] }] };
    await datasource.metricFindQuery(saved);
    expect(asked).toHaveBeenCalledWith('values', {
      dimension: 'Client',
      limit: 10_000,
      filters: JSON.stringify([{ key: 'Market', values: ['Japan', 'Korea'] }]),
    });
  });

  it.each<SavedVariable>(['', undefined, {}])('lists nothing for %p, without asking', async (saved) => {
    const { datasource, asked } = aDataSource();
    expect(await datasource.metricFindQuery(saved)).toEqual([]);
    expect(asked).not.toHaveBeenCalled();
  });

  it('answers Grafana with values', async () => {
    const { datasource } = aDataSource();
    expect(datasource.variables).toBeInstanceOf(OutlayVariables);
    const request = { targets: [{ refId: 'v', dimension: 'BillingCurrency' }], range, scopedVars: {} };
    const answer = await lastValueFrom(
      new OutlayVariables(datasource).query(request as unknown as DataQueryRequest<VariableQuery>)
    );
    expect(answer.data).toEqual([
      { text: 'SGD', value: 'SGD' },
      { text: 'USD', value: 'USD' },
    ]);
  });
});

describe('ad-hoc filters', () => {
  it('offers dimensions as keys', async () => {
    const { datasource } = aDataSource();
    expect(await datasource.getTagKeys()).toEqual([
      { text: 'Client', value: 'Client' },
      { text: 'ServiceName', value: 'ServiceName' },
      { text: 'ResourceId', value: 'ResourceId' },
    ]);
  });

  it('offers values in rows that pass the other filters', async () => {
    const { datasource, asked } = aDataSource();
    const filters = [{ key: 'Market', operator: '=', value: 'Japan' }];
    const found = await datasource.getTagValues({ key: 'BillingCurrency', filters });
    expect(found.map(({ value }) => value)).toEqual(['SGD', 'USD']);
    expect(asked).toHaveBeenCalledWith('values', {
      dimension: 'BillingCurrency',
      limit: 10_000,
      filters: JSON.stringify([{ key: 'Market', operator: '=', values: ['Japan'] }]),
    });
  });
});
