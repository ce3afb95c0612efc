/** The query editor: a switch of kinds and the editor of the kind. Its state is the query object and nothing else. */
import React, { useRef } from 'react';
import type { QueryEditorProps } from '@grafana/data';
import { EditorHeader, EditorRows } from '@grafana/plugin-ui';
import { Alert, RadioButtonGroup } from '@grafana/ui';
import type { OutlaySettings } from '../config/settings';
import type { OutlayDataSource } from '../datasource';
import { CostEditor } from './CostEditor';
import { DataEditor } from './DataEditor';
import { isKnown, ofKind, stamped, started, type Kind, type OutlayQuery } from './model';
import { choices, KIND_WORDS } from './words';

type Props = QueryEditorProps<OutlayDataSource, OutlayQuery, OutlaySettings>;

export function QueryEditor({ datasource, query: saved, onChange, onRunQuery }: Props) {
  const query = started(saved);
  // Queries of the kinds that were left, for the way back.
  const left = useRef<Partial<Record<Kind, OutlayQuery>>>({});
  const take = (next: OutlayQuery) => {
    onChange(next);
    onRunQuery();
  };
  const switchTo = (kind: Kind) => {
    left.current[query.kind] = query;
    take(ofKind(query, kind, left.current[kind]));
  };
  return (
    <EditorRows>
      <EditorHeader>
        <RadioButtonGroup
          aria-label="Kind of query"
          size="sm"
          value={query.kind}
          options={choices(KIND_WORDS)}
          onChange={switchTo}
        />
      </EditorHeader>
      {isKnown(query.kind) ? (
        <KindEditor datasource={datasource} query={query} take={take} />
      ) : (
        <Alert severity="warning" title="This query is of a kind that this version of Outlay has no editor for">
          It is kept as it is. Update the plugin, or choose another kind.
        </Alert>
      )}
    </EditorRows>
  );
}

interface KindProps {
  datasource: OutlayDataSource;
  query: OutlayQuery;
  take: (query: OutlayQuery) => void;
}

/** The editor of each kind. No default branch: a new kind does not compile until it has one. */
function KindEditor({ datasource, query, take }: KindProps): React.JSX.Element {
  switch (query.kind) {
    case 'cost':
      return (
        <CostEditor datasource={datasource} query={query} change={(fields) => take(stamped({ ...query, ...fields }))} />
      );
    case 'data':
      return (
        <DataEditor datasource={datasource} query={query} change={(fields) => take(stamped({ ...query, ...fields }))} />
      );
  }
}
