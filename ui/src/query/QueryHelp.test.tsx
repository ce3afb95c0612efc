import React from 'react';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { aDataSource } from '../testing/datasource';
import { EXAMPLES, QueryHelp } from './QueryHelp';

it('takes an example over on a click, into the row that is there', async () => {
  const taken = jest.fn();
  const { datasource } = aDataSource();
  const row = { refId: 'B', kind: 'cost' as const, datasource: { uid: 'outlay' } };
  render(<QueryHelp datasource={datasource} query={row} onClickExample={taken} />);
  expect(screen.getAllByRole('button')).toHaveLength(EXAMPLES.length);
  await userEvent.click(screen.getByRole('button', { name: /What do the services cost/ }));
  expect(taken).toHaveBeenCalledWith({
    refId: 'B',
    datasource: { uid: 'outlay' },
    kind: 'cost',
    queryType: 'cost',
    version: 1,
    groupBy: ['ServiceName', 'BillingCurrency'],
  });
});
