/** A labeled line of text that is taken when it is left, so that half a name never reaches the settings. */
import React, { useId, useState } from 'react';
import { Field, Input } from '@grafana/ui';

interface Props {
  label: string;
  description?: string;
  value?: string;
  placeholder?: string;
  required?: boolean;
  /** What is wrong with a text, if anything is. */
  fault?: (text: string) => string | undefined;
  onChange: (value: string) => void;
}

export function TextField({ label, description, value = '', placeholder, required, fault, onChange }: Props) {
  const id = useId();
  const [draft, setDraft] = useState<string>();
  const text = draft ?? value;
  const wrong = fault?.(text);
  const take = () => {
    if (draft !== undefined && draft.trim() !== value) {
      onChange(draft.trim());
    }
    setDraft(undefined);
  };
  return (
    <Field label={label} description={description} required={required} invalid={Boolean(wrong)} error={wrong} noMargin>
      <Input
        id={id}
        value={text}
        placeholder={placeholder}
        width={60}
        onChange={(event) => setDraft(event.currentTarget.value)}
        onBlur={take}
      />
    </Field>
  );
}
