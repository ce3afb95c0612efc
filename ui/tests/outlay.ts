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

/**
 * Waits for the next answer to query A with that status, and reads it as it arrives: Explore's address changes with the
 * query, after which the body is gone.
 */
export async function answer(page: Page, status = 200): Promise<{ error?: string; frames: Frame[] }> {
  let found: { error?: string; frames: Frame[] } | undefined;
  await page.waitForResponse(async (response) => {
    if (!response.url().includes('/api/ds/query') || response.status() !== status) {
      return false;
    }
    found = (await response.json().catch(() => undefined))?.results?.A;
    return found !== undefined;
  });
  return found ?? { frames: [] };
}

interface Frame {
  schema: {
    meta: { type: string };
    fields: Array<{ config: { displayNameFromDS?: string }; labels?: Record<string, string> }>;
  };
  data: { values: unknown[][] };
}

/** Names that a frame over time has in a legend. */
export function legend({ schema }: Frame): string[] {
  return schema.fields.slice(1).map(({ config }) => config.displayNameFromDS ?? '');
}
