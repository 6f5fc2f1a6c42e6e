import type {
  ButtonHTMLAttributes,
  ComponentProps,
  InputHTMLAttributes,
  ReactNode,
  TextareaHTMLAttributes,
} from 'react';
import { useEffect, useId, useRef, useState } from 'react';
import { Link } from 'wouter';
import { text } from '../text';
import styles from './controls.module.css';

export const classes = (...names: (string | false | undefined)[]): string => names.filter(Boolean).join(' ');

type Kind = 'plain' | 'primary' | 'danger' | 'quiet';

interface Look {
  kind?: Kind;
  small?: boolean;
}

const look = ({ kind = 'plain', small }: Look) =>
  classes(styles.button, kind !== 'plain' && styles[kind], small && styles.small);

export function Button({
  kind,
  small,
  busy = false,
  disabled,
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & Look & { busy?: boolean }) {
  return (
    <button
      type="button"
      {...rest}
      className={look({ kind, small })}
      // Keeps the focus, which a disabled button loses.
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      disabled={disabled}
      onClick={busy ? (event) => event.preventDefault() : rest.onClick}
    />
  );
}

export function ButtonLink({ kind, small, href, children }: Look & { href: string; children: ReactNode }) {
  return (
    <Link href={href} className={look({ kind, small })}>
      {children}
    </Link>
  );
}

export function ExternalLink({
  href,
  children,
  button = false,
}: {
  href: string;
  children: ReactNode;
  button?: boolean;
}) {
  return (
    <a href={href} target="_blank" rel="noreferrer" className={button ? look({}) : 'link'}>
      {children} <span aria-hidden="true">↗</span>
    </a>
  );
}

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string;
}

export function Field({
  label,
  hint,
  error,
  mono,
  ...input
}: InputHTMLAttributes<HTMLInputElement> & FieldProps & { mono?: boolean }) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label className={styles.label} htmlFor={id}>
        {label}
      </label>
      <input
        autoComplete="off"
        spellCheck={false}
        {...input}
        id={id}
        className={classes(styles.input, mono && styles.mono)}
        aria-invalid={error !== undefined}
        aria-describedby={error !== undefined || hint !== undefined ? `${id}-note` : undefined}
      />
      <Note id={id} hint={hint} error={error} />
    </div>
  );
}

export function TextArea({
  label,
  hint,
  error,
  ...input
}: TextareaHTMLAttributes<HTMLTextAreaElement> & FieldProps) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label className={styles.label} htmlFor={id}>
        {label}
      </label>
      <textarea
        rows={2}
        autoComplete="off"
        spellCheck={false}
        {...input}
        id={id}
        className={classes(styles.input, styles.mono)}
        aria-invalid={error !== undefined}
        aria-describedby={`${id}-note`}
      />
      <Note id={id} hint={hint} error={error} />
    </div>
  );
}

function Note({ id, hint, error }: { id: string; hint?: ReactNode; error?: string }) {
  if (error !== undefined)
    return (
      <p id={`${id}-note`} className={styles.error} role="alert">
        {error}
      </p>
    );
  return hint === undefined ? null : (
    <p id={`${id}-note`} className={styles.hint}>
      {hint}
    </p>
  );
}

export function Choice<Value extends string>({
  label,
  hidesLabel = false,
  value,
  options,
  onChange,
}: {
  label: string;
  /** Where the context says it to those who see. */
  hidesLabel?: boolean;
  value: Value;
  options: readonly (readonly [Value, string])[];
  onChange: (value: Value) => void;
}) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label className={hidesLabel ? 'hidden' : styles.label} htmlFor={id}>
        {label}
      </label>
      <select
        id={id}
        className={styles.input}
        value={value}
        onChange={({ target }) => onChange(target.value as Value)}
      >
        {options.map(([key, name]) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}

export function Checkbox({ label, ...input }: InputHTMLAttributes<HTMLInputElement> & { label: ReactNode }) {
  return (
    <label className={styles.check}>
      <input type="checkbox" {...input} />
      <span>{label}</span>
    </label>
  );
}

export function Segments<Value extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: Value;
  options: readonly (readonly [Value, string])[];
  onChange: (value: Value) => void;
}) {
  return (
    <div className={styles.segments} role="group" aria-label={label}>
      {options.map(([key, name]) => (
        <button
          key={key}
          type="button"
          data-mode={key}
          aria-pressed={key === value}
          onClick={() => onChange(key)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

export function Form({ onSubmit, children }: { onSubmit: () => void; children: ReactNode }) {
  const form = useRef<HTMLFormElement>(null);
  const isSubmitted = useRef(false);
  // Brings the first refused field into sight, once per submission.
  useEffect(() => {
    const refused = form.current?.querySelector<HTMLElement>('[aria-invalid=true]');
    if (!isSubmitted.current || !refused) return;
    isSubmitted.current = false;
    refused.focus();
  });
  return (
    <form
      ref={form}
      className={styles.form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        isSubmitted.current = true;
        onSubmit();
      }}
    >
      {children}
    </form>
  );
}

export const Actions = (props: ComponentProps<'div'>) => <div {...props} className={styles.actions} />;
export const Filters = (props: ComponentProps<'div'>) => <div {...props} className={styles.filters} />;

export function FormError({ children }: { children?: ReactNode }) {
  return (
    <p className={styles.error} role="alert">
      {children}
    </p>
  );
}

export function CopyButton({ value, label }: { value: string; label: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <Button kind="quiet" small aria-label={label} onClick={() => void copy()}>
      {copied ? text.copied : text.copy}
    </Button>
  );
}

/** A new key or link, which is shown once. */
export function ShownOnce({ value, label }: { value: string; label: string }) {
  return (
    <div className={styles.secret}>
      <code>{value}</code>
      <CopyButton value={value} label={label} />
    </div>
  );
}
