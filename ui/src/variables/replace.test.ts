import type { ScopedVars } from '@grafana/data';
import { ALL } from '../generated/defaults';
import type { Filter, Operator } from '../generated/query';
import type { OutlayQuery } from '../query/model';
import { aDataSource } from '../testing/datasource';
import { expectRequest } from '../testing/contract';
import { templates } from '../testing/templates';
import { texts } from './replace';

const SERVICE = templates({
  none: { value: [], multi: true },
  one: { value: ['Bank A'], multi: true },
  two: { value: ['Bank A', `O'Neill "& Co"`], multi: true },
  single: { value: 'Bank B' },
  bucket: { value: '' },
  all: { value: [ALL], options: ['Bank A', 'Bank B'], multi: true },
  custom: { value: ALL, options: ['x'], allValue: 'Bank.*' },
  blank: { value: '', type: 'textbox' },
  dotted: { value: ['a.b', 'c|d'], multi: true },
  typed: { value: 'prod-.*', type: 'textbox' },
  dims: { value: ['ServiceName', 'Client'], multi: true },
});

function filtered(values: string[], operator: Operator = '=|', scoped: ScopedVars = {}): Filter[] | undefined {
  const { datasource } = aDataSource(SERVICE);
  const query: OutlayQuery = { refId: 'A', kind: 'cost', filters: [{ key: 'Client', operator, values }] };
  return datasource.applyTemplateVariables(query, scoped).filters;
}

describe('variables in filters', () => {
  it.each<[string, string[], string[]]>([
    ['no variable', ['Bank A'], ['Bank A']],
    ['the bucket without a value', [''], ['']],
    ['none chosen', ['$none'], []],
    ['one of a list', ['$one'], ['Bank A']],
    ['two of a list, quotes and all', ['${two}'], ['Bank A', `O'Neill "& Co"`]],
    ['the old spelling', ['[[single]]'], ['Bank B']],
    ['a format that would join them', ['${two:raw}'], ['Bank A,O\'Neill "& Co"']],
    ['a chosen bucket without a value', ['$bucket'], ['']],
    ['All', ['$all'], [ALL]],
    ['All beside others', ['Bank C', '$all'], [ALL]],
    ['All with a text of its own', ['$custom'], ['Bank.*']],
    ['an empty text box', ['$blank'], []],
    ['text around two', ['x-$two-y'], ['x-Bank A-y', `x-O'Neill "& Co"-y`]],
    ['text around All', ['x-${all}'], ['x-Bank A', 'x-Bank B']],
    ['two variables', ['${single}/${two}'], ['Bank B/Bank A', `Bank B/O'Neill "& Co"`]],
    ['a name that no variable has', ['$unknown'], ['$unknown']],
  ])('%s', (_, values, expected) => {
    expect(filtered(values)).toEqual([{ key: 'Client', operator: '=|', values: expected }]);
  });

  it('prefers the value of a repeated panel', () => {
    expect(filtered(['$all'], '=|', { all: { text: 'Bank B', value: 'Bank B' } })?.[0].values).toEqual(['Bank B']);
  });

  it('takes picked values literally in a pattern, and typed ones as they are', () => {
    expect(filtered(['$dotted'], '=~')?.[0].values).toEqual(['a\\.b', 'c\\|d']);
    expect(filtered(['$dotted'], '=')?.[0].values).toEqual(['a.b', 'c|d']);
    expect(filtered(['$typed'], '=~')?.[0].values).toEqual(['prod-.*']);
  });
});

describe('variables elsewhere', () => {
  const { datasource } = aDataSource(SERVICE);

  it('spread in the group-by, and leave nothing where nothing is chosen', () => {
    const query: OutlayQuery = { refId: 'A', kind: 'cost', groupBy: ['$dims', 'Market', '$none', '$blank'] };
    expect(datasource.applyTemplateVariables(query, {})).toMatchObject({
      groupBy: ['ServiceName', 'Client', 'Market'],
    });
  });

  it('stand for a metric, a grain, a currency and a time zone', () => {
    const service = templates({
      metric: { value: 'BilledCost' },
      grain: { value: 'month' },
      currency: { value: ALL, options: ['SGD', 'USD'] },
      __timezone: { value: 'Asia/Singapore' },
    });
    const query = {
      refId: 'A',
      kind: 'cost',
      metric: '$metric',
      grain: '${grain}',
      currency: '$currency',
      timezone: '$__timezone',
    } as unknown as OutlayQuery;
    const replaced = aDataSource(service).datasource.applyTemplateVariables(query, {});
    expect(replaced).toMatchObject({
      metric: 'BilledCost',
      grain: 'month',
      currency: ALL,
      timezone: 'Asia/Singapore',
    });
    expectRequest('cost-variables-replaced', replaced);
  });

  it('leave no empty currency or time zone behind', () => {
    const query: OutlayQuery = { refId: 'A', kind: 'cost', currency: '$blank', timezone: '$blank' };
    const replaced = JSON.parse(JSON.stringify(datasource.applyTemplateVariables(query, {})));
    expect(replaced).toEqual({ refId: 'A', kind: 'cost', filters: [] });
  });

  it('stay in a query of an unknown kind', () => {
    const query = { refId: 'A', kind: 'weather', place: '$one' } as unknown as OutlayQuery;
    expect(datasource.applyTemplateVariables(query, {})).toEqual(query);
  });

  it('give one text for each combination', () => {
    const service = templates({ a: { value: ['1', '2'] }, b: { value: ['x', 'y'] } });
    expect(texts(service, '$a-$b', {})).toEqual(['1-x', '1-y', '2-x', '2-y']);
  });
});

describe('ad-hoc filters', () => {
  const { datasource } = aDataSource(SERVICE);
  const query: OutlayQuery = {
    refId: 'A',
    kind: 'cost',
    filters: [{ key: 'Market', operator: '=', values: ['Japan'] }],
  };

  it('join those of the query, with all operators', () => {
    const replaced = datasource.applyTemplateVariables(query, {}, [
      { key: 'Client', operator: '=', value: 'Bank A' },
      { key: 'Client', operator: '!=', value: 'Bank B' },
      { key: 'ServiceName', operator: '=|', value: 'Amazon EC2', values: ['Amazon EC2', 'Cloud SQL'] },
      { key: 'ServiceName', operator: '!=|', value: 'x', values: ['x', 'y'] },
      { key: 'RegionId', operator: '=~', value: 'ap-.*' },
      { key: 'RegionId', operator: '!~', value: 'eu-.*' },
    ]);
    expect(replaced.filters?.map(({ key, operator, values }) => `${key} ${operator} ${values?.join('+')}`)).toEqual([
      'Market = Japan',
      'Client = Bank A',
      'Client != Bank B',
      'ServiceName =| Amazon EC2+Cloud SQL',
      'ServiceName !=| x+y',
      'RegionId =~ ap-.*',
      'RegionId !~ eu-.*',
    ]);
    expectRequest('cost-ad-hoc', replaced);
  });

  it('are left out while they have no key', () => {
    expect(datasource.applyTemplateVariables(query, {}, [{ key: '', operator: '=', value: '' }])).toMatchObject(query);
  });

  it('reach the backend even with an operator that it refuses, so that it says so', () => {
    const [, adHoc] = datasource.applyTemplateVariables(query, {}, [{ key: 'Client', operator: '<', value: '3' }])
      .filters as Filter[];
    expect(adHoc).toEqual({ key: 'Client', operator: '<', values: ['3'] });
  });

  it('concern loaded data only by its columns', () => {
    const data: OutlayQuery = { refId: 'A', kind: 'data' };
    const replaced = datasource.applyTemplateVariables(data, {}, [
      { key: 'Client', operator: '=', value: 'Bank A' },
      { key: 'currency', operator: '=', value: 'SGD' },
    ]);
    expect(replaced.filters).toEqual([{ key: 'currency', operator: '=', values: ['SGD'] }]);
    expectRequest('data-ad-hoc', replaced);
  });
});
