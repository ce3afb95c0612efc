/** The settings page: billing sources and allocation. "Save & test" is the backend's health check; nothing is tested here. */
import React from 'react';
import type { DataSourcePluginOptionsEditorProps } from '@grafana/data';
import { ConfigSection, DataSourceDescription } from '@grafana/plugin-ui';
import { config } from '@grafana/runtime';
import { Alert, Button, Divider, Stack } from '@grafana/ui';
import { Allocation } from './Allocation';
import { BillingSource } from './BillingSource';
import { freeName, withSources, type OutlaySecrets, type OutlaySettings } from './settings';

type Props = DataSourcePluginOptionsEditorProps<OutlaySettings, OutlaySecrets>;

export function ConfigEditor({ options, onOptionsChange }: Props) {
  const sources = options.jsonData.billing ?? [];
  return (
    // Of a provisioned data source nothing can be changed here.
    <fieldset disabled={options.readOnly}>
      <DataSourceDescription
        dataSourceName="Outlay"
        docsLink={`${config.appSubUrl}/plugins/${options.type}`}
        hasRequiredFields={sources.length > 0}
      />
      <Divider />
      <ConfigSection
        title="Billing sources"
        description="Where the bills of your providers lie. Each is read in the background and kept in a local store."
      >
        <Stack direction="column" gap={3}>
          {sources.length === 0 && (
            <Alert severity="info" title="No billing source: the sample is served">
              A made-up company with known costs, to try Outlay out. It is gone as soon as a source is added.
            </Alert>
          )}
          {sources.map((_, at) => (
            <BillingSource key={at} at={at} options={options} onChange={onOptionsChange} />
          ))}
          <div>
            <Button
              variant="secondary"
              icon="plus"
              onClick={() => onOptionsChange(withSources(options, [...sources, { id: freeName(sources) }]))}
            >
              Add billing source
            </Button>
          </div>
        </Stack>
      </ConfigSection>
      <Divider />
      <ConfigSection
        title="Allocation"
        description="How rows of the bill are given to clients and markets."
        isCollapsible
        isInitiallyOpen={options.jsonData.allocation !== undefined}
      >
        <Allocation
          value={options.jsonData.allocation ?? {}}
          onChange={(allocation) => onOptionsChange({ ...options, jsonData: { ...options.jsonData, allocation } })}
        />
      </ConfigSection>
    </fieldset>
  );
}
