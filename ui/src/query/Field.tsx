/** Labeled inputs of the editors. Each has a label that assistive technology and tests can find. */
import React, { useId, useState } from 'react';
import { EditorField } from '@grafana/plugin-ui';
import { Combobox, Input, MultiCombobox, RadioButtonGroup, Switch, type ComboboxOption } from '@grafana/ui';
import { asChoices, type Choice } from './words';

interface Labeled {
  label: string;
  tooltip?: string;
}

/** Choices at hand, or asked for with what was typed. */
export type Offer<T extends string = string> = Array<Choice<T>> | ((typed: string) => Promise<Array<Choice<T>>>);

interface PickProps<T extends string> extends Labeled {
  value?: T;
  offer: Offer<T>;
  placeholder?: string;
  width?: number;
  /** Takes values that are not offered. */
  open?: boolean;
}

/** One of several choices. */
export function Pick<T extends string>({
  label,
  tooltip,
  offer,
  open,
  width = 20,
  onChange,
  ...rest
}: PickProps<T> & { onChange: (value: T) => void }) {
  const id = useId();
  return (
    <EditorField label={label} tooltip={tooltip}>
      <Combobox
        {...rest}
        id={id}
        options={offer}
        createCustomValue={open}
        width={width}
        onChange={(option: ComboboxOption<T>) => onChange(option.value)}
      />
    </EditorField>
  );
}

/** One of several choices, or none. */
export function PickOrNone<T extends string>({
  label,
  tooltip,
  offer,
  open,
  width = 20,
  value,
  onChange,
  placeholder,
}: PickProps<T> & { onChange: (value: T | undefined) => void }) {
  const id = useId();
  return (
    <EditorField label={label} tooltip={tooltip}>
      <Combobox
        id={id}
        value={value ?? null}
        options={offer}
        createCustomValue={open}
        width={width}
        placeholder={placeholder}
        isClearable
        onChange={(option: ComboboxOption<T> | null) => onChange(option?.value)}
      />
    </EditorField>
  );
}

interface PickManyProps extends Labeled {
  values: readonly string[];
  offer: Offer;
  placeholder?: string;
  width?: number;
  onChange: (values: string[]) => void;
}

/** Several choices, typed ones too. */
export function PickMany({ label, tooltip, ...rest }: PickManyProps) {
  return (
    <EditorField label={label} tooltip={tooltip}>
      <Many label={label} {...rest} />
    </EditorField>
  );
}

function Many({ label, values, offer, placeholder, width = 48, onChange }: PickManyProps) {
  const labelId = useId();
  return (
    <div>
      {/* Grafana 12.3 gives this input no id, so its label is told by another element. */}
      <span id={labelId} hidden>
        {label}
      </span>
      <MultiCombobox
        aria-labelledby={labelId}
        value={asChoices(values)}
        options={offer}
        createCustomValue
        placeholder={placeholder}
        isClearable
        width={width}
        onChange={(options) => onChange(options.map(({ value }) => value))}
      />
    </div>
  );
}

/** A few choices side by side. */
export function Side<T extends string>({
  label,
  tooltip,
  value,
  options,
  onChange,
}: Labeled & { value: T; options: Array<Choice<T>>; onChange: (value: T) => void }) {
  return (
    <EditorField label={label} tooltip={tooltip}>
      <RadioButtonGroup aria-label={label} value={value} options={options} onChange={onChange} />
    </EditorField>
  );
}

/** Yes or no. */
export function Flag({
  label,
  tooltip,
  value,
  onChange,
}: Labeled & { value: boolean; onChange: (value: boolean) => void }) {
  const id = useId();
  return (
    <EditorField label={label} tooltip={tooltip}>
      <Switch id={id} value={value} onChange={(event) => onChange(event.currentTarget.checked)} />
    </EditorField>
  );
}

/** A whole number that is taken when the input is left, or by Enter. */
export function Count({
  label,
  tooltip,
  value,
  onChange,
}: Labeled & { value: number; onChange: (value: number) => void }) {
  const id = useId();
  const [draft, setDraft] = useState<string>();
  const take = () => {
    const typed = Number(draft);
    if (draft !== undefined && draft.trim() !== '' && Number.isInteger(typed) && typed >= 0 && typed !== value) {
      onChange(typed);
    }
    setDraft(undefined);
  };
  return (
    <EditorField label={label} tooltip={tooltip}>
      <Input
        id={id}
        type="number"
        min={0}
        step={1}
        width={12}
        value={draft ?? value}
        onChange={(event) => setDraft(event.currentTarget.value)}
        onBlur={take}
        onKeyDown={(event) => event.key === 'Enter' && take()}
      />
    </EditorField>
  );
}
