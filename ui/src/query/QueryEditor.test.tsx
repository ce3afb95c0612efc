import React, { useState } from 'react';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { CoreApp } from '@grafana/data';
import { aDataSource } from '../testing/datasource';
import { expectRequest } from '../testing/contract';
import { choose, withSizes } from '../testing/screen';
import { templates } from '../testing/templates';
import { complete, type OutlayQuery } from './model';
import { QueryEditor } from './QueryEditor';

beforeAll(withSizes);

/** The editor over a query, as a panel holds it. */
function show(start: Partial<OutlayQuery> = {}, service = templates()) {
  const { datasource } = aDataSource(service);
  return showRow({ ...datasource.getDefaultQuery(CoreApp.PanelEditor), ...start }, service);
}

/** The editor over a row as it was saved. */
function showRow(row: Partial<OutlayQuery>, service = templates()) {
  const { datasource, asked } = aDataSource(service);
  const ran = jest.fn();
  let current = { refId: 'A', ...row } as OutlayQuery;
  const Panel = () => {
    const [query, setQuery] = useState(current);
    current = query;
    return <QueryEditor datasource={datasource} query={query} onChange={setQuery} onRunQuery={ran} />;
  };
  render(<Panel />);
  return { query: () => current, ran, asked };
}

const flip = (label: string) => userEvent.click(screen.getByRole('switch', { name: label }));

describe('the cost editor', () => {
  it('leaves a new query as it is until something is changed', () => {
    const { query, ran } = show();
    expectRequest('cost-new', query());
    expect(ran).not.toHaveBeenCalled();
  });

  it('groups by dimensions that the backend offers', async () => {
    const { query, ran } = show();
    await choose('Group by', 'ServiceName');
    await choose('Group by', 'Client');
    expect(query()).toMatchObject({ groupBy: ['BillingCurrency', 'ServiceName', 'Client'] });
    expect(ran).toHaveBeenCalledTimes(2);
    expectRequest('cost-by-service-and-client', query());
  });

  it('starts an empty row from the default query, which is what Grafana runs for it', async () => {
    const { query } = showRow({});
    await choose('Group by', 'ServiceName');
    expect(query()).toEqual({
      refId: 'A',
      kind: 'cost',
      queryType: 'cost',
      version: 1,
      groupBy: ['BillingCurrency', 'ServiceName'],
    });
  });

  it('takes a dimension that is typed', async () => {
    const { query } = show();
    await choose('Group by', 'Tags.team', 'Tags.team');
    expectRequest('cost-by-typed-tag', query());
  });

  it('changes metric, grain and format', async () => {
    const { query } = show();
    await choose('Metric', 'Billed cost');
    await choose('Grain', 'Month');
    await userEvent.click(screen.getByRole('radio', { name: 'Table' }));
    expect(query()).toMatchObject({ metric: 'BilledCost', grain: 'month', format: 'table' });
    expectRequest('cost-billed-by-month-as-table', query());
  });

  it('shows the defaults of the backend where the query says nothing', () => {
    show();
    expect(screen.getByRole('combobox', { name: 'Metric' })).toHaveValue('Effective cost');
    expect(screen.getByRole('spinbutton', { name: 'Top' })).toHaveValue(10);
    expect(screen.getByRole('switch', { name: 'Others' })).toBeChecked();
    expect(screen.getByRole('radio', { name: 'Time series' })).toBeChecked();
  });

  it('takes a number when it is left, and refuses what is none', async () => {
    const { query, ran } = show();
    const top = screen.getByRole('spinbutton', { name: 'Top' });
    await userEvent.clear(top);
    await userEvent.type(top, '25');
    expect(ran).not.toHaveBeenCalled();
    await userEvent.tab();
    expect(query()).toMatchObject({ top: 25 });
    await userEvent.clear(top);
    await userEvent.type(top, '-3{Enter}');
    expect(query()).toMatchObject({ top: 25 });
    await userEvent.clear(top);
    await userEvent.type(top, '0{Enter}');
    expect(query()).toMatchObject({ top: 0 });
  });

  it('writes every option', async () => {
    const { query } = show();
    await userEvent.clear(screen.getByRole('spinbutton', { name: 'Top' }));
    await userEvent.type(screen.getByRole('spinbutton', { name: 'Top' }), '5{Enter}');
    await flip('Others');
    await flip('Cumulative');
    await flip('Complete days only');
    await choose('Compare with', 'Previous year');
    await choose('Currency', 'SGD');
    await choose('Days of', 'Asia/Singapore', 'Asia/Sing');
    expect(query()).toMatchObject({
      top: 5,
      others: false,
      cumulative: true,
      excludeIncomplete: true,
      compare: 'previousYear',
      currency: 'SGD',
      timezone: 'Asia/Singapore',
    });
    expectRequest('cost-all-options', query());
  });

  it('takes an optional field away again', async () => {
    const { query } = show({ compare: 'previousPeriod' });
    await userEvent.click(screen.getByRole('combobox', { name: 'Compare with' }));
    await userEvent.keyboard('{Escape}{Escape}');
    expect(JSON.parse(JSON.stringify(query()))).not.toHaveProperty('compare');
  });

  it('offers filter values from the backend, and writes several as a list', async () => {
    const { query, asked } = show();
    await choose('Add filter', 'ServiceName');
    expect(query().filters).toEqual([{ key: 'ServiceName', operator: '=|', values: [] }]);
    await choose('Values 1', 'Amazon EC2');
    await choose('Values 1', 'Cloud SQL');
    expect(asked).toHaveBeenCalledWith('values', { dimension: 'ServiceName', limit: 500 });
    expectRequest('cost-filter-one-of', query());
  });

  it('filters for rows without a value', async () => {
    const { query } = show();
    await choose('Add filter', 'Client');
    await choose('Values 1', '(none)');
    expect(query().filters).toEqual([{ key: 'Client', operator: '=|', values: [''] }]);
    expectRequest('cost-filter-without-value', query());
  });

  it('narrows filter values by what is typed and by the other filters', async () => {
    const { asked } = show({
      filters: [
        { key: 'Client', operator: '=', values: ['Bank A'] },
        { key: 'ServiceName', operator: '=|', values: [] },
      ],
    });
    await choose('Values 2', 'Cloud SQL', 'cloud');
    expect(asked).toHaveBeenLastCalledWith('values', {
      dimension: 'ServiceName',
      limit: 500,
      search: 'cloud',
      filters: JSON.stringify([{ key: 'Client', operator: '=', values: ['Bank A'] }]),
    });
  });

  it.each([
    ['!=|', 'is none of', 'cost-filter-none-of'],
    ['=~', 'matches', 'cost-filter-pattern'],
    ['!~', 'does not match', 'cost-filter-not-pattern'],
    ['!=', 'is not', 'cost-filter-differs'],
  ])('writes operator %s', async (operator, words, name) => {
    const { query } = show({ filters: [{ key: 'ServiceName', operator: '=|', values: ['Amazon.*'] }] });
    await choose('Operator 1', words);
    expect(query().filters).toEqual([{ key: 'ServiceName', operator, values: ['Amazon.*'] }]);
    expectRequest(name, query());
  });

  it('removes a filter', async () => {
    const { query } = show({
      filters: [
        { key: 'Client', operator: '=', values: ['Bank A'] },
        { key: 'ServiceName', operator: '=|', values: ['Cloud SQL'] },
      ],
    });
    await userEvent.click(screen.getByRole('button', { name: 'Remove filter 1' }));
    expect(query().filters).toEqual([{ key: 'ServiceName', operator: '=|', values: ['Cloud SQL'] }]);
  });

  it('offers dashboard variables', async () => {
    const { query } = show({}, templates({ client: { value: ['Bank A'], multi: true } }));
    await choose('Add filter', 'Client');
    await choose('Values 1', '$client');
    expectRequest('cost-filter-variable', query());
  });

  it('keeps fields that it does not know', async () => {
    const { query } = show({ fromTheFuture: 7 } as Partial<OutlayQuery>);
    await choose('Grain', 'Week');
    expect(query()).toMatchObject({ fromTheFuture: 7, grain: 'week' });
  });
});

describe('the data editor', () => {
  it('filters by its own columns', async () => {
    const { query } = show();
    await userEvent.click(screen.getByRole('radio', { name: 'Loaded data' }));
    expectRequest('data-new', query());
    await choose('Add filter', 'state');
    await choose('Values 1', 'stale');
    await choose('Add filter', 'source');
    await choose('Values 2', 'aws');
    expectRequest('data-filtered', query());
  });
});

describe('the switch of kinds', () => {
  it('says the kind where Grafana looks for it', async () => {
    const { query } = show();
    await userEvent.click(screen.getByRole('radio', { name: 'Loaded data' }));
    expect(query()).toMatchObject({ kind: 'data', queryType: 'data', version: 1 });
  });

  it('loses nothing on the way there and back', async () => {
    const filters = [{ key: 'Client', operator: '=' as const, values: ['Bank A'] }];
    const { query } = show({ groupBy: ['ServiceName'], filters });
    await userEvent.click(screen.getByRole('radio', { name: 'Loaded data' }));
    expect(query()).toEqual({ refId: 'A', kind: 'data', queryType: 'data', version: 1 });
    await userEvent.click(screen.getByRole('radio', { name: 'Cost' }));
    expect(query()).toMatchObject({ kind: 'cost', groupBy: ['ServiceName'], filters });
  });

  it('keeps a query of a kind without an editor, and says so', () => {
    const { query } = show({ kind: 'weather' } as unknown as Partial<OutlayQuery>);
    expect(screen.getByText(/kind that this version of Outlay has no editor for/)).toBeInTheDocument();
    expect(query()).toMatchObject({ kind: 'weather' });
  });

  it('reads a row without a kind as the backend does', () => {
    expect(complete({ refId: 'B' }).kind).toBe('cost');
    expect(complete({ refId: 'B', queryType: 'data' }).kind).toBe('data');
  });
});
