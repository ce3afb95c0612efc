/** Editor of kind `cost`: what was spent, by what, over time. */
import React from 'react';
import { EditorRow } from '@grafana/plugin-ui';
import type { OutlayDataSource } from '../datasource';
import { DEFAULTS } from '../generated/defaults';
import { Count, Flag, Pick, PickMany, PickOrNone, Side } from './Field';
import { FilterEditor } from './FilterEditor';
import type { KindEditorProps } from './model';
import { dimensions, values, variables } from './offers';
import { choices, COMPARE_WORDS, FORMAT_WORDS, GRAIN_WORDS, METRIC_WORDS, type Choice } from './words';

/** Time zones are offered by the browser; the dashboard's own zone is a variable. */
const ZONES: Choice[] = ['UTC', '$__timezone', ...Intl.supportedValuesOf('timeZone')].map((value) => ({
  value,
  label: value === '$__timezone' ? 'Time zone of the dashboard' : value,
}));

export function CostEditor({ query, change, datasource }: KindEditorProps<'cost'> & { datasource: OutlayDataSource }) {
  const { metric, groupBy, grain, format, filters, top, others, cumulative, excludeIncomplete } = {
    ...DEFAULTS.cost,
    ...query,
  };
  return (
    <>
      <EditorRow>
        <Pick label="Metric" value={metric} offer={choices(METRIC_WORDS)} onChange={(metric) => change({ metric })} />
        <PickMany
          label="Group by"
          tooltip="FOCUS columns, tags, clients or markets to split by; at most 8"
          values={groupBy}
          offer={(typed) => dimensions(datasource, typed)}
          placeholder="Everything in one"
          onChange={(groupBy) => change({ groupBy })}
        />
        <Pick
          label="Grain"
          tooltip="How finely time is cut"
          value={grain}
          offer={choices(GRAIN_WORDS)}
          width={14}
          onChange={(grain) => change({ grain })}
        />
        <Side label="Format" value={format} options={choices(FORMAT_WORDS)} onChange={(format) => change({ format })} />
      </EditorRow>
      <FilterEditor
        filters={filters}
        keys={(typed) => dimensions(datasource, typed)}
        values={(key, typed, rest) => values(datasource, key, typed, rest)}
        onChange={(filters) => change({ filters })}
      />
      <EditorRow>
        <Count
          label="Top"
          tooltip="How many groups to show, the largest first; 0 shows all"
          value={top}
          onChange={(top) => change({ top })}
        />
        <Flag
          label="Others"
          tooltip='Show the rest as one group "other", so that the parts add up to the total'
          value={others}
          onChange={(others) => change({ others })}
        />
        <PickOrNone
          label="Compare with"
          tooltip="Adds the same figures for an earlier range"
          value={query.compare}
          offer={choices(COMPARE_WORDS)}
          placeholder="Nothing"
          onChange={(compare) => change({ compare })}
        />
        <Flag
          label="Cumulative"
          tooltip="Running total over the range"
          value={cumulative}
          onChange={(cumulative) => change({ cumulative })}
        />
        <Flag
          label="Complete days only"
          tooltip="Leaves out days that the bill does not cover completely yet"
          value={excludeIncomplete}
          onChange={(excludeIncomplete) => change({ excludeIncomplete })}
        />
        <PickOrNone
          label="Currency"
          tooltip="Shows only this billing currency; currencies are never added together"
          value={query.currency}
          offer={(typed) => values(datasource, 'BillingCurrency', typed)}
          open
          width={16}
          placeholder="As billed"
          onChange={(currency) => change({ currency })}
        />
        <PickOrNone
          label="Days of"
          tooltip="Time zone whose days are counted; UTC is what the bill counts, and the fast way"
          value={query.timezone}
          offer={[...ZONES, ...variables(datasource)]}
          open
          width={26}
          placeholder="UTC"
          onChange={(timezone) => change({ timezone })}
        />
      </EditorRow>
    </>
  );
}
