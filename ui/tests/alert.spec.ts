import { expect, test } from '@grafana/plugin-e2e';
import { choose, NAME } from './outlay';

test('an alert rule on cost evaluates', async ({ alertRuleEditPage, page }) => {
  const row = await alertRuleEditPage.getQueryRow('A');
  await row.datasource.set(NAME);
  await choose(page, row.locator, 'Grain', 'Total');
  await expect(alertRuleEditPage.evaluate()).toBeOK();
});
