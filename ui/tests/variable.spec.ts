import { expect, test } from '@grafana/plugin-e2e';
import { choose, NAME } from './outlay';

test('a variable lists the values of a dimension', async ({ variableEditPage, page }) => {
  await variableEditPage.setVariableType('Query');
  await variableEditPage.datasource.set(NAME);
  await choose(page, page, 'Values of', 'ServiceProviderName');
  await variableEditPage.runQuery();
  await expect(variableEditPage).toDisplayPreviews(['AWS', 'Google Cloud', 'Microsoft']);
});
