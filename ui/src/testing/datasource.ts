/** A data source over a made-up backend, for tests of editors. Test-only. */
import type { DataSourceInstanceSettings } from '@grafana/data';
import type { TemplateSrv } from '@grafana/runtime';
import type { OutlaySettings } from '../config/settings';
import { OutlayDataSource } from '../datasource';
import { templates } from './templates';

export const VALUES: Record<string, string[]> = {
  ServiceName: ['', 'Amazon EC2', 'Cloud SQL', 'Virtual Machines'],
  Client: ['', 'Bank A', 'Bank B'],
  BillingCurrency: ['SGD', 'USD'],
};

const RESOURCES: Record<string, (params: Record<string, string>) => unknown> = {
  dimensions: () => [
    { name: 'Client', description: 'Client of the row', fast: true },
    { name: 'ServiceName', description: '', fast: true },
    { name: 'ResourceId', description: '', fast: false },
  ],
  values: ({ dimension, search = '' }) =>
    (VALUES[dimension] ?? []).filter((value) => value.toLowerCase().includes(search.toLowerCase())),
  status: () => [{ source: 'aws', state: 'ready', generation: 1, message: '' }],
};

/** The data source, and the calls it made to the backend. */
export function aDataSource(service: TemplateSrv = templates()) {
  const settings = {
    uid: 'outlay',
    name: 'Outlay',
    type: 'outlay-hostingcost-datasource',
    jsonData: {},
  } as DataSourceInstanceSettings<OutlaySettings>;
  const datasource = new OutlayDataSource(settings, service);
  const asked = jest.spyOn(datasource, 'getResource').mockImplementation(async (path, params) => {
    const resource = RESOURCES[path];
    if (!resource) {
      throw new Error(`no resource ${path}`);
    }
    return resource(params ?? {});
  });
  return { datasource, asked };
}
