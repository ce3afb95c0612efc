/** Editor of a query variable: a dimension, and filters that may name other variables. */
import React from 'react';
import type { QueryEditorProps } from '@grafana/data';
import { EditorRow, EditorRows } from '@grafana/plugin-ui';
import type { OutlaySettings } from '../config/settings';
import type { OutlayDataSource } from '../datasource';
import { Pick } from '../query/Field';
import { FilterEditor } from '../query/FilterEditor';
import type { OutlayQuery } from '../query/model';
import { dimensions, values } from '../query/offers';
import { readVariable, type VariableQuery } from './model';

type Props = QueryEditorProps<OutlayDataSource, OutlayQuery, OutlaySettings, VariableQuery>;

export function VariableEditor({ datasource, query, onChange }: Props) {
  const { dimension, filters = [] } = readVariable(query);
  const take = (fields: Partial<VariableQuery>) =>
    onChange({ refId: query?.refId ?? 'OutlayVariable', dimension, filters, ...fields });
  return (
    <EditorRows>
      <EditorRow>
        <Pick
          label="Values of"
          tooltip="The variable lists the values of this dimension in everything that is loaded"
          value={dimension || undefined}
          offer={(typed) => dimensions(datasource, typed)}
          open
          width={28}
          placeholder="Dimension"
          onChange={(dimension) => take({ dimension })}
        />
      </EditorRow>
      <FilterEditor
        filters={filters}
        keys={(typed) => dimensions(datasource, typed)}
        values={(key, typed, rest) => values(datasource, key, typed, rest)}
        onChange={(filters) => take({ filters })}
      />
    </EditorRows>
  );
}
