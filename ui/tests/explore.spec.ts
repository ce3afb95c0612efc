import { expect, test } from '@grafana/plugin-e2e';
import { answer, choose, legend, NAME, RANGE } from './outlay';

test('Explore starts with a query that shows something, and draws what is asked', async ({ explorePage, page }) => {
  await explorePage.datasource.set(NAME);
  const first = answer(page);
  await explorePage.timeRange.set(RANGE);
  expect((await first).frames[0].data.values[0].length).toBeGreaterThan(30);
  const row = explorePage.getQueryEditorRow('A');
  await expect(row.getByRole('radio', { name: 'Cost', exact: true })).toBeChecked();
  const answered = answer(page);
  await choose(page, row, 'Group by', 'ServiceProviderName');
  const [name] = legend((await answered).frames[0]);
  await expect(page.getByRole('button', { name, exact: true }).first()).toBeVisible();
});
