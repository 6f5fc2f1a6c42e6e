import { Unreadable } from './unreadable.js';

const MAX_ID_LENGTH = 255;

/**
 * An object as Stripe sent it, in whatever API version: a field that is missing, or of another type than expected, reads as
 * `undefined`; but an amount or time that is no whole number was never sent by Stripe, and is not passed over. Texts can be stored:
 * without NUL, and no longer than asked for.
 */
export class StripeObject {
  private constructor(private readonly fields: Readonly<Record<string, unknown>>) {}

  static from(value: unknown): StripeObject | undefined {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? new StripeObject(value as Record<string, unknown>) : undefined;
  }

  has(name: string): boolean {
    return name in this.fields;
  }

  /** Not empty. */
  text(name: string, maxLength: number): string | undefined {
    const value = this.fields[name];
    if (typeof value !== 'string') return undefined;
    // Cut between characters, not inside one.
    return [...value.slice(0, 2 * maxLength).replaceAll('\0', '')].slice(0, maxLength).join('') || undefined;
  }

  /** Of the object that is referred to, whether the reference was expanded or not. */
  id(name: string): string | undefined {
    const value = this.fields[name];
    const id = typeof value === 'string' ? value : this.object(name)?.fields['id'];
    return typeof id === 'string' && id !== '' && id.length <= MAX_ID_LENGTH && !id.includes('\0') ? id : undefined;
  }

  /** @throws Unreadable */
  integer(name: string): number | undefined {
    const value = this.fields[name] ?? undefined;
    if (value !== undefined && !Number.isSafeInteger(value)) throw new Unreadable(name);
    return value as number | undefined;
  }

  flag(name: string): boolean | undefined {
    const value = this.fields[name];
    return typeof value === 'boolean' ? value : undefined;
  }

  /** Stripe tells times in seconds since 1970. @throws Unreadable */
  time(name: string): Date | undefined {
    const time = new Date((this.integer(name) ?? NaN) * 1000);
    // What PostgreSQL and RFC 3339 can tell as well.
    return time.getTime() >= 0 && time.getUTCFullYear() <= 9999 ? time : undefined;
  }

  object(name: string): StripeObject | undefined {
    return StripeObject.from(this.fields[name]);
  }

  /** The same object with another value in field `name`. */
  with(name: string, value: unknown): StripeObject {
    return new StripeObject({ ...this.fields, [name]: value });
  }

  /** Items of the list in field `name`, or of this object if it is itself a list. */
  items(name?: string): StripeObject[] {
    const list = name === undefined ? this : this.object(name);
    const data = list?.fields['data'];
    return Array.isArray(data) ? data.flatMap((item) => StripeObject.from(item) ?? []) : [];
  }
}
