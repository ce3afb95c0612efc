import { expect, test } from '@grafana/plugin-e2e';
import { answer, choose, legend, NAME, RANGE } from './outlay';

test('cost by service is drawn as series with a legend', async ({ panelEditPage, page }) => {
  await panelEditPage.datasource.set(NAME);
  await panelEditPage.timeRange.set(RANGE);
  const row = panelEditPage.getQueryEditorRow('A');
  const answered = answer(page);
  await choose(page, row, 'Group by', 'ServiceName');
  const {
    frames: [frame],
  } = await answered;
  expect(frame.schema.meta.type).toBe('timeseries-wide');
  const names = legend(frame);
  expect(names.length).toBeGreaterThan(3);
  for (const name of names.slice(0, 3)) {
    await expect(page.getByRole('button', { name, exact: true }).first()).toBeVisible();
  }
  await expect(panelEditPage.panel.getErrorIcon()).toBeHidden();
});

test('a filter narrows what is shown', async ({ panelEditPage, page }) => {
  await panelEditPage.datasource.set(NAME);
  await panelEditPage.timeRange.set(RANGE);
  const row = panelEditPage.getQueryEditorRow('A');
  await choose(page, row, 'Group by', 'ServiceProviderName');
  await choose(page, row, 'Add filter', 'ServiceProviderName');
  const values = row.getByRole('combobox', { name: 'Values 1' });
  await values.click();
  const option = page.getByRole('option').first();
  const name = (await option.innerText()).trim();
  const answered = answer(page);
  await option.click();
  const {
    frames: [frame],
  } = await answered;
  const providers = frame.schema.fields.slice(1).map(({ labels }) => labels?.ServiceProviderName);
  expect(new Set(providers)).toEqual(new Set([name]));
});

test('a query that cannot be answered says why', async ({ panelEditPage, page }) => {
  await panelEditPage.datasource.set(NAME);
  await panelEditPage.timeRange.set(RANGE);
  const row = panelEditPage.getQueryEditorRow('A');
  const answered = answer(page, 400);
  await row.getByRole('button', { name: 'Remove BillingCurrency' }).click();
  expect((await answered).error).toContain('group by BillingCurrency');
  await expect(panelEditPage.panel.getErrorIcon()).toBeVisible();
  await expect(page.getByText(/in different currencies/).first()).toBeVisible();
});

test('loaded data is a table of sources and months', async ({ panelEditPage }) => {
  await panelEditPage.datasource.set(NAME);
  await panelEditPage.setVisualization('Table');
  const row = panelEditPage.getQueryEditorRow('A');
  await row.getByRole('radio', { name: 'Loaded data' }).check({ force: true });
  await expect(panelEditPage.refreshPanel()).toBeOK();
  await expect(panelEditPage.panel.fieldNames).toContainText(['source', 'period', 'version', 'state', 'rows']);
  await expect(panelEditPage.panel.data).toContainText(['ready']);
});
