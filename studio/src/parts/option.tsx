// One option of the library's tables, as a control: a slider, a list, a switch or a text.
import { checkValue, type OptionField } from 'inkhorn';
import type { VNode } from 'preact';
import { useId } from 'preact/hooks';

type AnyOption = Pick<OptionField<unknown, unknown>, 'about' | 'form' | 'default' | 'hint'>;

interface Shown {
  name: string;
  field: AnyOption;
  value: unknown;
  /** Null puts the option back to its usual value. */
  onChange(value: string | null): void;
  /** Whether it differs from the preset. */
  changed?: boolean;
  /** Where a slider ends, if the option itself has no such limit. */
  range?: readonly [from: number, to: number];
  disabled?: boolean;
  /** What an empty field means: `all`. */
  placeholder?: string;
  /** What is wrong with it, in one line. */
  problem?: string;
}

export function Option(shown: Shown): VNode {
  const { name, field, changed, problem, onChange } = shown;
  const id = useId();
  return (
    <div class={`option ${changed ? 'changed' : ''}`} data-option={name}>
      <label for={id}>{name}</label>
      <Control {...shown} id={id} />
      <small id={`${id}-about`}>
        {field.about}
        {limitsOf(field)}
      </small>
      {problem !== undefined && (
        <small id={`${id}-problem`} class="bad">
          {problem}
        </small>
      )}
      {changed && (
        <button type="button" class="quiet reset" title="As in the preset" onClick={() => onChange(null)}>
          reset
        </button>
      )}
    </div>
  );
}

function Control({
  id,
  field,
  value,
  range,
  onChange,
  disabled,
  placeholder,
  problem,
}: Shown & { id: string }): VNode {
  const wrong = problem !== undefined;
  const about = {
    ...{ id, disabled, 'aria-invalid': wrong },
    'aria-describedby': wrong ? `${id}-about ${id}-problem` : `${id}-about`,
  };
  const { form } = field;
  if (form.kind === 'choice')
    return (
      <select {...about} value={String(value)} onChange={(e) => onChange(e.currentTarget.value)}>
        {form.choices.map((choice) => (
          <option key={choice} value={String(choice)}>
            {choice}
          </option>
        ))}
      </select>
    );
  if (form.kind === 'flag')
    return (
      <input
        {...about}
        type="checkbox"
        checked={value === true}
        onChange={(e) => onChange(String(e.currentTarget.checked))}
      />
    );
  if (form.kind !== 'integer' && form.kind !== 'number')
    return (
      <input
        {...about}
        type="text"
        value={String(value ?? '')}
        onChange={(e) => onChange(e.currentTarget.value)}
      />
    );
  const step = form.kind === 'integer' ? 1 : 'any';
  const { min, max } = form.limits;
  const number = (
    <input
      {...about}
      type="number"
      step={step}
      min={min}
      max={max}
      placeholder={placeholder}
      value={String(value)}
      onChange={(e) => onChange(e.currentTarget.value)}
    />
  );
  const slides = range ?? (min !== undefined && max !== undefined ? [min, max] : null);
  if (!slides) return number;
  return (
    <span class="slider">
      <input
        type="range"
        aria-label={`${id} slider`}
        tabIndex={-1}
        aria-hidden="true"
        disabled={disabled}
        min={slides[0]}
        max={slides[1]}
        step={form.kind === 'integer' ? 1 : (slides[1] - slides[0]) / 100}
        value={String(value)}
        onInput={(e) => onChange(e.currentTarget.value)}
      />
      {number}
    </span>
  );
}

function limitsOf({ form }: AnyOption): string {
  if (form.kind !== 'integer' && form.kind !== 'number') return '';
  const { min, max, above, below } = form.limits;
  const from = min !== undefined ? `${min}` : above !== undefined ? `above ${above}` : '';
  const to = max !== undefined ? `${max}` : below !== undefined ? `below ${below}` : '';
  if (from && to) return ` (${from} to ${to})`;
  if (from) return ` (${min !== undefined ? 'at least ' : ''}${from})`;
  return to ? ` (${max !== undefined ? 'at most ' : ''}${to})` : '';
}

/** Leads to the control of an option, also in a group that is closed. */
export function leadToOption(name: string): void {
  const option = document.querySelector<HTMLElement>(`[data-option="${name}"]`);
  for (let place = option?.parentElement; place; place = place.parentElement)
    if (place instanceof HTMLDetailsElement) place.open = true;
  option?.querySelector<HTMLElement>('[aria-describedby]')?.focus();
}

/** The value that a text in the address stands for. Throws what is wrong with it, in one line. */
export function valueFrom(name: string, field: OptionField<unknown, unknown>, text: string): unknown {
  const { kind } = field.form;
  const numeric = kind === 'integer' || kind === 'number' || (kind === 'choice' && isNumeric(field));
  const flags: Readonly<Record<string, boolean>> = { true: true, false: false };
  const value = kind === 'flag' ? (flags[text] ?? text) : numeric && text.trim() !== '' ? Number(text) : text;
  return checkValue(field, value, name, text.trim() === '' ? '""' : text);
}

function isNumeric({ form }: OptionField<unknown, unknown>): boolean {
  return form.kind === 'choice' && form.choices.every((choice) => typeof choice === 'number');
}
