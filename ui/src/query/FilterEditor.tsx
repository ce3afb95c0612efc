/** Conditions of a query: one row each, every row complete, so that nothing half-written is ever saved. */
import React from 'react';
import { EditorField, EditorRow } from '@grafana/plugin-ui';
import { IconButton } from '@grafana/ui';
import type { Filter } from '../generated/query';
import { Pick, PickMany, type Offer } from './Field';
import { choices, OPERATOR_WORDS, type Choice } from './words';

const OPERATORS = choices(OPERATOR_WORDS);

interface Props {
  filters: Filter[];
  keys: Offer;
  /** Values to choose from, given what was typed and the other filters. */
  values: (key: string, typed: string, others: Filter[]) => Promise<Choice[]>;
  onChange: (filters: Filter[]) => void;
}

export function FilterEditor({ filters, keys, values, onChange }: Props) {
  const replace = (at: number, filter: Filter) => onChange(filters.map((old, index) => (index === at ? filter : old)));
  const addition = (
    <Pick
      // A new one after each addition, so that it is empty again.
      key={`add ${filters.length}`}
      label="Add filter"
      offer={keys}
      open
      width={28}
      placeholder="Filter by…"
      onChange={(key) => onChange([...filters, { key, operator: '=|', values: [] }])}
    />
  );
  if (filters.length === 0) {
    return <EditorRow>{addition}</EditorRow>;
  }
  return (
    <>
      {filters.map((filter, at) => (
        <EditorRow key={`${at} ${filter.key}`}>
          <Pick
            label={`Filter ${at + 1}`}
            value={filter.key}
            offer={keys}
            open
            width={28}
            onChange={(key) => replace(at, { ...filter, key, values: [] })}
          />
          <Pick
            label={`Operator ${at + 1}`}
            value={filter.operator ?? '=|'}
            offer={OPERATORS}
            width={18}
            onChange={(operator) => replace(at, { ...filter, operator })}
          />
          <PickMany
            label={`Values ${at + 1}`}
            values={filter.values ?? []}
            offer={(typed) =>
              values(
                filter.key,
                typed,
                filters.filter((_, index) => index !== at)
              )
            }
            placeholder="All values"
            onChange={(chosen) => replace(at, { ...filter, values: chosen })}
          />
          <EditorField label="">
            <IconButton
              name="trash-alt"
              tooltip={`Remove filter ${at + 1}`}
              onClick={() => onChange(filters.filter((_, index) => index !== at))}
            />
          </EditorField>
          {at === filters.length - 1 && addition}
        </EditorRow>
      ))}
    </>
  );
}
