/** What the browser tests share: the data source of `provisioning/`, and how a person uses Grafana's pick lists. */
import { expect, type Locator, type Page } from '@playwright/test';

/** Name and uid of the data source that `provisioning/datasources` brings; it serves the sample. */
export const NAME = 'Outlay';
export const UID = 'outlay';
export const TYPE = 'outlay-hostingcost-datasource';

/** A range that the sample covers. */
export const RANGE = { from: 'now-90d', to: 'now' };

/** Opens the pick list of that label, narrows it and takes an option. */
export async function choose(page: Page, within: Locator | Page, label: string, option: string) {
  const input = within.getByRole('combobox', { name: label, exact: true });
  await input.click();
  await input.fill(option);
  await page.getByRole('option', { name: option }).first().click();
  // Lists of several choices stay open; leaving them is what closes them.
  await input.blur();
  await expect(input).toHaveAttribute('aria-expanded', 'false');
}

interface Frame {
  schema: { fields: Array<{ config: { displayNameFromDS?: string } }> };
}

/** Names that a frame over time has in a legend. */
export function legend({ schema }: Frame): string[] {
  return schema.fields.slice(1).map(({ config }) => config.displayNameFromDS ?? '');
}
