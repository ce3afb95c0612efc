import React, { useState } from 'react';
import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { choose, withSizes } from '../testing/screen';
import { expectSettings } from '../testing/contract';
import { ConfigEditor } from './ConfigEditor';
import type { Options } from './settings';

beforeAll(withSizes);

function show(fields: Partial<Options> = {}) {
  let current = {
    type: 'outlay-hostingcost-datasource',
    jsonData: {},
    secureJsonFields: {},
    secureJsonData: {},
    ...fields,
  } as Options;
  const Page = () => {
    const [options, setOptions] = useState(current);
    current = options;
    return <ConfigEditor options={options} onOptionsChange={setOptions} />;
  };
  render(<Page />);
  return () => current;
}

async function fill(label: string, text: string) {
  const input = screen.getByLabelText(new RegExp(`^${label}`));
  await userEvent.clear(input);
  await userEvent.type(input, text);
  await userEvent.tab();
}

it('says that the sample is served while there is no source', async () => {
  const options = show();
  expect(screen.getByText('No billing source: the sample is served')).toBeInTheDocument();
  expect(options().jsonData).toEqual({});
  await userEvent.click(screen.getByRole('button', { name: 'Add billing source' }));
  expect(screen.queryByText('No billing source: the sample is served')).not.toBeInTheDocument();
  expect(options().jsonData).toEqual({ billing: [{ id: 'bill-1' }] });
});

it('writes every setting of a bucket, and its secrets apart', async () => {
  const options = show({ jsonData: { billing: [{ id: 'bill-1' }] } });
  await fill('Name', 'minio');
  await choose('Format', 'FOCUS');
  await fill('Location', 's3://bills/focus');
  await fill('Region', 'ap-southeast-1');
  await fill('Endpoint', 'https://minio.example.com');
  await userEvent.click(screen.getByRole('radio', { name: 'In the path' }));
  await fill('Look for changes every', '6h');
  await fill('Since', '2026-01');
  await fill('Access key ID', 'AKIA');
  await fill('Secret access key', 'hush');
  await fill('Session token', 'brief');
  expectSettings('bucket', options().jsonData);
  expect(options().jsonData.billing).toEqual([
    {
      id: 'minio',
      format: 'focus',
      location: 's3://bills/focus',
      region: 'ap-southeast-1',
      endpoint: 'https://minio.example.com',
      pathStyle: true,
      refresh: '6h',
      since: '2026-01',
    },
  ]);
  expect(options().secureJsonData).toEqual({
    'billing.minio.accessKeyId': 'AKIA',
    'billing.minio.secretAccessKey': 'hush',
    'billing.minio.sessionToken': 'brief',
  });
  expect(JSON.stringify(options().jsonData)).not.toContain('hush');
});

it('asks for no keys of a folder, and for no location of the sample', async () => {
  show({
    jsonData: {
      billing: [
        { id: 'a', location: 'file:///bills' },
        { id: 'b', format: 'sample' },
      ],
    },
  });
  expect(screen.queryByLabelText('Access key ID')).not.toBeInTheDocument();
  expect(screen.getAllByLabelText(/^Location/)).toHaveLength(1);
});

it('takes a setting away when its text is emptied', async () => {
  const options = show({
    jsonData: { billing: [{ id: 'a', location: 's3://b', region: 'eu-west-1', pathStyle: false }] },
  });
  await userEvent.clear(screen.getByLabelText(/^Region/));
  await userEvent.tab();
  await userEvent.click(within(screen.getByRole('radiogroup', { name: 'Bucket name' })).getByLabelText('Automatic'));
  expect(options().jsonData.billing).toEqual([{ id: 'a', location: 's3://b' }]);
});

it('never shows a stored secret, and clears it by Reset', async () => {
  const options = show({
    jsonData: { billing: [{ id: 'aws', location: 's3://b' }] },
    secureJsonFields: { 'billing.aws.secretAccessKey': true },
  });
  expect(screen.getByLabelText('Secret access key')).toBeDisabled();
  expect(screen.getByLabelText('Secret access key')).toHaveValue('configured');
  await userEvent.click(screen.getByRole('button', { name: /Reset/ }));
  expect(options().secureJsonFields).toEqual({ 'billing.aws.secretAccessKey': false });
  expect(screen.getByLabelText('Secret access key')).toBeEnabled();
});

it('points at names that are taken', async () => {
  show({ jsonData: { billing: [{ id: 'a' }, { id: 'a' }] } });
  expect(screen.getAllByText('Another source has this name')).toHaveLength(2);
});

it('removes a source', async () => {
  const options = show({ jsonData: { billing: [{ id: 'a' }, { id: 'b' }] } });
  await userEvent.click(screen.getByRole('button', { name: 'Remove source a' }));
  expect(options().jsonData.billing).toEqual([{ id: 'b' }]);
});

it('writes allocation, and no setting where nothing is said', async () => {
  const options = show({ jsonData: { allocation: {} } });
  await userEvent.type(screen.getByLabelText(/^Promoted tags/), 'team{Enter}');
  await userEvent.type(screen.getByLabelText(/^Client tags/), 'tenant{Enter}customer{Enter}');
  await userEvent.type(screen.getByLabelText(/^Region with a market/), 'ap-southeast-1');
  await userEvent.click(screen.getByRole('button', { name: 'Add region' }));
  await fill('Market of ap-southeast-1', 'Singapore');
  expect(options().jsonData.allocation).toEqual({
    promotedTags: ['team'],
    clientTags: ['tenant', 'customer'],
    markets: { 'ap-southeast-1': 'Singapore' },
  });
  expectSettings('allocation', options().jsonData);
  await userEvent.click(screen.getByRole('button', { name: 'Remove region ap-southeast-1' }));
  expect(options().jsonData.allocation).not.toHaveProperty('markets');
});
