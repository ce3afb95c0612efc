/** Examples beside the query editor; a click takes one over. */
import React from 'react';
import { css } from '@emotion/css';
import type { GrafanaTheme2, QueryEditorHelpProps } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import type { PanelQuery } from '../generated/query';
import { stamped, type OutlayQuery } from './model';
import { summary } from './summary';

interface Example {
  title: string;
  query: PanelQuery;
}

/** Each splits by currency too, since amounts of different currencies are never added. */
export const EXAMPLES: Example[] = [
  { title: 'What do the services cost?', query: { kind: 'cost', groupBy: ['ServiceName', 'BillingCurrency'] } },
  {
    title: 'What does each client cost a month?',
    query: { kind: 'cost', groupBy: ['Client', 'BillingCurrency'], grain: 'month' },
  },
  {
    title: 'How does this month run against the last?',
    query: {
      kind: 'cost',
      groupBy: ['BillingCurrency'],
      cumulative: true,
      compare: 'previousPeriod',
      excludeIncomplete: true,
    },
  },
  {
    title: 'Which resources cost most?',
    query: {
      kind: 'cost',
      groupBy: ['ResourceId', 'ServiceName', 'BillingCurrency'],
      grain: 'total',
      top: 20,
      format: 'table',
    },
  },
  {
    title: 'What has no client tag?',
    query: {
      kind: 'cost',
      groupBy: ['ServiceName', 'BillingCurrency'],
      filters: [{ key: 'Client', operator: '=|', values: [''] }],
    },
  },
  { title: 'What is loaded, and how fresh is it?', query: { kind: 'data', format: 'table' } },
];

export function QueryHelp({ query, onClickExample }: QueryEditorHelpProps<OutlayQuery>) {
  const styles = useStyles2(getStyles);
  return (
    <section aria-label="Examples">
      <h3>Examples</h3>
      {EXAMPLES.map(({ title, query: example }) => (
        <button
          key={title}
          type="button"
          className={styles.example}
          onClick={() => onClickExample(stamped({ refId: query.refId, datasource: query.datasource, ...example }))}
        >
          <span>{title}</span>
          <span className={styles.words}>{summary(example)}</span>
        </button>
      ))}
      <p>
        Names of dimensions are FOCUS columns, <code>Tags.&lt;key&gt;</code>, <code>Client</code> and{' '}
        <code>Market</code>. Values may be dashboard variables; a variable set to All filters nothing.
      </p>
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  example: css({
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(0.5),
    width: '100%',
    marginBottom: theme.spacing(1),
    padding: theme.spacing(1),
    textAlign: 'left',
    color: theme.colors.text.primary,
    background: theme.colors.background.secondary,
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    '&:hover': { background: theme.colors.action.hover },
  }),
  words: css({ ...theme.typography.bodySmall, color: theme.colors.text.secondary }),
});
