/** Registers the data source with Grafana. */
import { DataSourcePlugin } from '@grafana/data';
import { ConfigEditor } from './config/ConfigEditor';
import type { OutlaySecrets, OutlaySettings } from './config/settings';
import { OutlayDataSource } from './datasource';
import type { OutlayQuery } from './query/model';
import { QueryEditor } from './query/QueryEditor';
import { QueryHelp } from './query/QueryHelp';

export const plugin = new DataSourcePlugin<OutlayDataSource, OutlayQuery, OutlaySettings, OutlaySecrets>(
  OutlayDataSource
)
  .setConfigEditor(ConfigEditor)
  .setQueryEditor(QueryEditor)
  .setQueryEditorHelp(QueryHelp);
