import { expect, test } from '@grafana/plugin-e2e';
import { TYPE } from './outlay';

test('a data source with nothing set serves the sample, and says what was found', async ({
  createDataSourceConfigPage,
  page,
}) => {
  const config = await createDataSourceConfigPage({ type: TYPE });
  await expect(page.getByText('No billing source: the sample is served')).toBeVisible();
  await expect(config.saveAndTest()).toBeOK();
  await expect(config).toHaveAlert('success');
});

test('a source that cannot be read is named, with the reason', async ({ createDataSourceConfigPage, page }) => {
  const config = await createDataSourceConfigPage({ type: TYPE });
  await page.getByRole('button', { name: 'Add billing source' }).click();
  // Grafana's own name comes first.
  await page.getByRole('textbox', { name: /^Name/ }).last().fill('nowhere');
  await page.getByRole('textbox', { name: /^Location/ }).fill('file:///no/such/folder');
  await page.getByRole('textbox', { name: /^Location/ }).blur();
  await expect(config.saveAndTest()).not.toBeOK();
  await expect(config).toHaveAlert('error', { hasText: 'nowhere' });
});

test('keys are stored apart and never shown again', async ({ createDataSourceConfigPage, page }) => {
  const config = await createDataSourceConfigPage({ type: TYPE });
  await page.getByRole('button', { name: 'Add billing source' }).click();
  await page.getByRole('textbox', { name: /^Location/ }).fill('s3://outlay-no-such-bucket/focus');
  await page.getByLabel('Secret access key').fill('not-a-real-key');
  await config.saveAndTest();
  await page.reload();
  await expect(page.getByLabel('Secret access key')).toHaveValue('configured');
  await expect(page.getByLabel('Secret access key')).toBeDisabled();
});
