/** Editor of kind `data`: what is loaded, how fresh, what was rejected. */
import React from 'react';
import type { OutlayDataSource } from '../datasource';
import { DEFAULTS } from '../generated/defaults';
import { FilterEditor } from './FilterEditor';
import type { KindEditorProps } from './model';
import { DATA_KEYS, dataValues } from './offers';

export function DataEditor({ query, change, datasource }: KindEditorProps<'data'> & { datasource: OutlayDataSource }) {
  return (
    <FilterEditor
      filters={query.filters ?? DEFAULTS.data.filters}
      keys={DATA_KEYS}
      values={(key, typed) => dataValues(datasource, key, typed)}
      onChange={(filters) => change({ filters })}
    />
  );
}
