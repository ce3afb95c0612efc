/** One billing source: where the bill lies and how to reach it. */
import React, { useId } from 'react';
import { ConfigSubSection } from '@grafana/plugin-ui';
import { Button, Combobox, Field, RadioButtonGroup, SecretInput, Stack } from '@grafana/ui';
import type { RawBilling } from '../generated/settings';
import {
  nameFault,
  renamed,
  secretKey,
  withoutSecret,
  withoutSource,
  withSecret,
  withSources,
  type Options,
  type Secret,
} from './settings';
import { TextField } from './TextField';

const FORMATS = [
  { value: 'auto', label: 'Automatic', description: 'Recognized by its columns' },
  { value: 'focus', label: 'FOCUS', description: 'CSV, CSV.gz or Parquet, any version' },
  { value: 'sample', label: 'Sample', description: 'A made-up company, to try Outlay out' },
];

const STYLES = [
  { value: 'auto', label: 'Automatic' },
  { value: 'path', label: 'In the path' },
  { value: 'host', label: 'In the host name' },
];

const SECRET_WORDS: Record<Secret, { label: string; description: string }> = {
  accessKeyId: { label: 'Access key ID', description: 'Without keys, only public buckets can be read.' },
  secretAccessKey: { label: 'Secret access key', description: '' },
  sessionToken: { label: 'Session token', description: 'Only for temporary keys.' },
};

interface Props {
  at: number;
  options: Options;
  onChange: (options: Options) => void;
}

export function BillingSource({ at, options, onChange }: Props) {
  const sources = options.jsonData.billing ?? [];
  const source = sources[at] ?? {};
  const id = source.id ?? '';
  const inBucket = source.format !== 'sample' && !source.location?.startsWith('file:');
  const change = (fields: Partial<RawBilling>) =>
    onChange(
      withSources(
        options,
        sources.map((old, index) => (index === at ? trimmed({ ...old, ...fields }) : old))
      )
    );
  return (
    <ConfigSubSection title={`Source ${id || at + 1}`} isCollapsible>
      <Stack direction="column" gap={2}>
        <TextField
          label="Name"
          description="Shown in panels and messages. Stored keys have to be typed again after a change."
          required
          value={id}
          fault={(text) =>
            nameFault(
              text.trim(),
              sources.filter((_, index) => index !== at).map((other) => other.id ?? '')
            )
          }
          onChange={(name) => onChange(renamed(options, at, name))}
        />
        <FormatField value={source.format} onChange={(format) => change({ format })} />
        {source.format !== 'sample' && (
          <TextField
            label="Location"
            description="A folder (file://) has to be under a root that the operator allows."
            required
            placeholder="s3://bucket/prefix or file:///folder"
            value={source.location}
            fault={(text) => (text === '' ? 'A location is required' : undefined)}
            onChange={(location) => change({ location })}
          />
        )}
        {inBucket && <Bucket source={source} change={change} />}
        {inBucket &&
          (Object.keys(SECRET_WORDS) as Secret[]).map((field) => (
            <SecretField key={field} field={field} id={id} options={options} onChange={onChange} />
          ))}
        <TextField
          label="Look for changes every"
          description="For example 15m, 6h, 1d."
          value={source.refresh}
          onChange={(refresh) => change({ refresh })}
        />
        <TextField
          label="Since"
          description="Leaves out billing months before this one."
          placeholder="YYYY-MM"
          value={source.since}
          onChange={(since) => change({ since })}
        />
        <div>
          <Button
            variant="destructive"
            fill="outline"
            size="sm"
            icon="trash-alt"
            aria-label={`Remove source ${id || at + 1}`}
            onClick={() => onChange(withoutSource(options, at))}
          >
            Remove source
          </Button>
        </div>
      </Stack>
    </ConfigSubSection>
  );
}

function FormatField({ value, onChange }: { value?: string; onChange: (format: string) => void }) {
  const id = useId();
  return (
    <Field label="Format" noMargin>
      <Combobox
        id={id}
        value={value ?? 'auto'}
        options={FORMATS}
        width={60}
        onChange={({ value }) => onChange(value)}
      />
    </Field>
  );
}

/** How a bucket is reached. */
function Bucket({ source, change }: { source: RawBilling; change: (fields: Partial<RawBilling>) => void }) {
  const style = source.pathStyle === undefined ? 'auto' : source.pathStyle ? 'path' : 'host';
  return (
    <>
      <TextField
        label="Region"
        description="Region of the bucket."
        value={source.region}
        onChange={(region) => change({ region })}
      />
      <TextField
        label="Endpoint"
        description="Address of an S3-compatible service; empty for AWS itself."
        placeholder="https://minio.example.com"
        value={source.endpoint}
        onChange={(endpoint) => change({ endpoint })}
      />
      <Field label="Bucket name" description="Where the bucket stands in an address." noMargin>
        <RadioButtonGroup
          aria-label="Bucket name"
          options={STYLES}
          value={style}
          onChange={(value) => change({ pathStyle: value === 'auto' ? undefined : value === 'path' })}
        />
      </Field>
    </>
  );
}

function SecretField({ field, id: source, options, onChange }: Omit<Props, 'at'> & { field: Secret; id: string }) {
  const id = useId();
  const key = secretKey(source, field);
  const { label, description } = SECRET_WORDS[field];
  return (
    <Field label={label} description={description} noMargin>
      <SecretInput
        id={id}
        width={60}
        isConfigured={Boolean(options.secureJsonFields?.[key])}
        value={options.secureJsonData?.[key] ?? ''}
        onChange={(event) => onChange(withSecret(options, key, event.currentTarget.value))}
        onReset={() => onChange(withoutSecret(options, key))}
      />
    </Field>
  );
}

/** Without the fields that say nothing: an empty text is no setting. */
function trimmed(source: RawBilling): RawBilling {
  return Object.fromEntries(Object.entries(source).filter(([, value]) => value !== '' && value !== undefined));
}
