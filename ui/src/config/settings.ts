/** Settings as Grafana stores them, and the few rules by which the editor changes them. Checking them is the backend's. */
import type { DataSourceJsonData, DataSourceSettings } from '@grafana/data';
import type { RawBilling, RawSettings } from '../generated/settings';

/** `jsonData`. */
export type OutlaySettings = DataSourceJsonData & RawSettings;

/** `secureJsonData`: secrets by `billing.<id>.<field>`. */
export type OutlaySecrets = Record<string, string>;

/** A data source as its settings page holds it. */
export type Options = DataSourceSettings<OutlaySettings, OutlaySecrets>;

/** Secrets of a billing source. */
export const SECRETS = ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const;
export type Secret = (typeof SECRETS)[number];

export const secretKey = (id: string, field: Secret) => `billing.${id}.${field}`;

/** A name that can stand in a secret's key. */
export function nameFault(id: string, others: string[]): string | undefined {
  if (id === '') {
    return 'A name is required';
  }
  if (!/^[A-Za-z0-9_-]+$/.test(id)) {
    return 'Only letters, digits, - and _';
  }
  return others.includes(id) ? 'Another source has this name' : undefined;
}

/** A name that no source has yet. */
export function freeName(sources: RawBilling[]): string {
  const taken = new Set(sources.map(({ id }) => id));
  let number = sources.length + 1;
  while (taken.has(`bill-${number}`)) {
    number += 1;
  }
  return `bill-${number}`;
}

export function withSources(options: Options, billing: RawBilling[]): Options {
  return { ...options, jsonData: { ...options.jsonData, billing } };
}

/** Takes a source away, its secrets too. */
export function withoutSource(options: Options, at: number): Options {
  const sources = options.jsonData.billing ?? [];
  const id = sources[at]?.id ?? '';
  const rest = sources.filter((_, index) => index !== at);
  const cleared = rest.some((source) => source.id === id) ? options : withoutSecrets(options, id);
  return withSources(cleared, rest);
}

/**
 * Gives a source another name. What was typed into its secrets moves along;
 * stored ones can't be read, so they are cleared and have to be typed again.
 */
export function renamed(options: Options, at: number, id: string): Options {
  const sources = options.jsonData.billing ?? [];
  const old = sources[at]?.id ?? '';
  const next = withSources(
    options,
    sources.map((source, index) => (index === at ? { ...source, id } : source))
  );
  if (old === id || sources.some((source, index) => index !== at && source.id === old)) {
    return next;
  }
  const typed = { ...options.secureJsonData };
  const moved = Object.fromEntries(
    SECRETS.filter((field) => typed[secretKey(old, field)]).map((field) => [
      secretKey(id, field),
      typed[secretKey(old, field)],
    ])
  );
  const cleared = withoutSecrets(next, old);
  return { ...cleared, secureJsonData: { ...cleared.secureJsonData, ...moved } };
}

/** Sets a secret, or clears it with an empty text. */
export function withSecret(options: Options, key: string, value: string): Options {
  return { ...options, secureJsonData: { ...options.secureJsonData, [key]: value } };
}

/** Forgets a stored secret when the page is saved. */
export function withoutSecret(options: Options, key: string): Options {
  return {
    ...options,
    secureJsonFields: { ...options.secureJsonFields, [key]: false },
    secureJsonData: { ...options.secureJsonData, [key]: '' },
  };
}

function withoutSecrets(options: Options, id: string): Options {
  const keys = SECRETS.map((field) => secretKey(id, field));
  const stored = keys.filter((key) => options.secureJsonFields?.[key]);
  const typed = Object.entries(options.secureJsonData ?? {}).filter(([key]) => !keys.includes(key));
  return stored.reduce(withoutSecret, { ...options, secureJsonData: Object.fromEntries(typed) });
}
