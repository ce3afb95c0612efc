/** How rows of the bill are given to clients and markets. */
import React, { useId, useState } from 'react';
import { Button, Field, IconButton, Input, Stack, TagsInput } from '@grafana/ui';
import type { RawAllocation } from '../generated/settings';
import { TextField } from './TextField';

interface Props {
  value: RawAllocation;
  onChange: (value: RawAllocation | undefined) => void;
}

export function Allocation({ value, onChange }: Props) {
  const change = (fields: Partial<RawAllocation>) => {
    const told = Object.entries({ ...value, ...fields }).filter(([, field]) => field && Object.keys(field).length > 0);
    // Nothing said is no setting, so that the backend's own rules hold.
    onChange(told.length > 0 ? Object.fromEntries(told) : undefined);
  };
  return (
    <Stack direction="column" gap={2}>
      <Keys
        label="Promoted tags"
        description="Tag keys kept in daily sums, so that panels by them are fast. Empty: client, env, team, product."
        tags={value.promotedTags}
        onChange={(promotedTags) => change({ promotedTags })}
      />
      <Keys
        label="Client tags"
        description="Tag keys that name the client of a row; the first present one wins. Empty: client."
        tags={value.clientTags}
        onChange={(clientTags) => change({ clientTags })}
      />
      <Markets markets={value.markets ?? {}} onChange={(markets) => change({ markets })} />
    </Stack>
  );
}

function Keys({
  label,
  description,
  tags,
  onChange,
}: {
  label: string;
  description: string;
  tags?: string[];
  onChange: (tags: string[]) => void;
}) {
  const id = useId();
  return (
    <Field label={label} description={description} noMargin>
      <TagsInput id={id} tags={tags} width={60} autoColors={false} addOnBlur onChange={onChange} />
    </Field>
  );
}

type Map = NonNullable<RawAllocation['markets']>;

function Markets({ markets, onChange }: { markets: Map; onChange: (markets: Map) => void }) {
  const [region, setRegion] = useState('');
  const regionId = useId();
  const add = () => {
    if (region.trim() !== '') {
      onChange({ ...markets, [region.trim()]: '' });
    }
    setRegion('');
  };
  return (
    <Stack direction="column" gap={1}>
      {Object.entries(markets).map(([name, market]) => (
        <Stack key={name} direction="row" gap={1} alignItems="flex-end">
          <TextField
            label={`Market of ${name}`}
            value={market}
            placeholder="Singapore"
            onChange={(market) => onChange({ ...markets, [name]: market })}
          />
          <IconButton
            name="trash-alt"
            tooltip={`Remove region ${name}`}
            onClick={() => onChange(Object.fromEntries(Object.entries(markets).filter(([other]) => other !== name)))}
          />
        </Stack>
      ))}
      <Field
        label="Region with a market of its own"
        description="Rules for the regions of the known providers are built in."
        noMargin
      >
        <Input
          id={regionId}
          value={region}
          placeholder="ap-southeast-1"
          width={60}
          onChange={(event) => setRegion(event.currentTarget.value)}
          addonAfter={
            <Button
              variant="secondary"
              icon="plus"
              aria-label="Add region"
              onClick={add}
              disabled={region.trim() === ''}
            >
              Add
            </Button>
          }
        />
      </Field>
    </Stack>
  );
}
