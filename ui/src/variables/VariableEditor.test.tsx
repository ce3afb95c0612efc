import React, { useState } from 'react';
import { render, screen } from '@testing-library/react';
import { aDataSource } from '../testing/datasource';
import { choose, withSizes } from '../testing/screen';
import { templates } from '../testing/templates';
import type { VariableQuery } from './model';
import { VariableEditor } from './VariableEditor';

beforeAll(withSizes);

function show(start: VariableQuery | string) {
  const { datasource } = aDataSource(templates({ market: { value: 'Japan' } }));
  let current = start as VariableQuery;
  const Page = () => {
    const [query, setQuery] = useState(current);
    current = query;
    return <VariableEditor datasource={datasource} query={query} onChange={setQuery} onRunQuery={() => undefined} />;
  };
  render(<Page />);
  return () => current;
}

it('writes a dimension and filters on other variables', async () => {
  const query = show({ refId: 'v', dimension: '' });
  await choose('Values of', 'Client');
  await choose('Add filter', 'ServiceName');
  await choose('Values 1', '$market');
  expect(query()).toEqual({
    refId: 'v',
    dimension: 'Client',
    filters: [{ key: 'ServiceName', operator: '=|', values: ['$market'] }],
  });
});

it('shows the text of an older dashboard, and keeps its meaning when it is edited', async () => {
  const query = show('values(Client)');
  expect(screen.getByRole('combobox', { name: 'Values of' })).toHaveValue('Client');
  await choose('Add filter', 'ServiceName');
  expect(query()).toMatchObject({ dimension: 'Client', filters: [{ key: 'ServiceName' }] });
});
