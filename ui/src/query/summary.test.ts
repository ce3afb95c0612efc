import type { OutlayQuery } from './model';
import { summary } from './summary';

it.each<[Partial<OutlayQuery>, string]>([
  [{}, 'Effective cost'],
  [{ kind: 'cost', groupBy: ['ServiceName'] }, 'Effective cost by ServiceName (top 10 and the rest)'],
  [
    { kind: 'cost', metric: 'ListCost', groupBy: ['Client', 'Market'], top: 3, others: false, grain: 'month' },
    'List cost by Client, Market (top 3) per month',
  ],
  [{ kind: 'cost', groupBy: ['Client'], top: 0, grain: 'total' }, 'Effective cost by Client, total'],
  [
    {
      kind: 'cost',
      filters: [
        { key: 'Client', values: [''] },
        { key: 'Market', operator: '!=|', values: ['a', 'b', 'c', 'd'] },
        { key: 'ServiceName', values: [] },
        { key: 'RegionId', values: ['$__all'] },
      ],
    },
    'Effective cost where Client is one of (none) and Market is none of a, b, c, …',
  ],
  [
    {
      kind: 'cost',
      currency: 'SGD',
      timezone: 'Asia/Tokyo',
      cumulative: true,
      compare: 'previousYear',
      excludeIncomplete: true,
    },
    'Effective cost, only SGD, days of Asia/Tokyo, cumulative, with previous year, complete days only',
  ],
  [{ kind: 'data' }, 'Loaded data'],
  [{ kind: 'data', filters: [{ key: 'state', operator: '=', values: ['stale'] }] }, 'Loaded data where state is stale'],
  [{ queryType: 'data' }, 'Loaded data'],
  [{ kind: 'weather' } as unknown as OutlayQuery, 'Unknown kind "weather"'],
])('%j', (query, words) => {
  expect(summary(query)).toBe(words);
});
