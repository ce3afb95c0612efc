import { expect, test } from '@grafana/plugin-e2e';
import { choose, legend, NAME, RANGE } from './outlay';

test('Explore starts with a query that shows something, and draws what is asked', async ({ explorePage, page }) => {
  await explorePage.datasource.set(NAME);
  const first = explorePage.waitForQueryDataResponse((response) => response.ok());
  await explorePage.timeRange.set(RANGE);
  expect((await (await first).json()).results.A.frames[0].data.values[0].length).toBeGreaterThan(30);
  const row = explorePage.getQueryEditorRow('A');
  await expect(row.getByRole('radio', { name: 'Cost', exact: true })).toBeChecked();
  const answer = explorePage.waitForQueryDataResponse((response) => response.ok());
  await choose(page, row, 'Group by', 'ServiceProviderName');
  const [name] = legend((await (await answer).json()).results.A.frames[0]);
  await expect(page.getByRole('button', { name, exact: true }).first()).toBeVisible();
});
