import { endUserId } from '../../../auth/caller.js';
import type { EndUserId, ProjectId } from '../../../common/ids.js';

const MAX_ID_LENGTH = 255;

/**
 * An object as Stripe sent it, in any API version. A field that is missing or `null` reads as `undefined`; a
 * field in an unknown form throws `Unreadable`. Texts are safe to store: they are cut to `maxLength`, and
 * NUL, which PostgreSQL refuses, reads as U+FFFD.
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

  /** A text that is not empty. @throws Unreadable */
  text(name: string, maxLength: number): string | undefined {
    const value = this.fields[name] ?? '';
    if (typeof value !== 'string') throw new Unreadable(name);
    // Cut between characters, not inside one.
    return [...storable(value.slice(0, 2 * maxLength))].slice(0, maxLength).join('') || undefined;
  }

  /** Id in a reference, expanded or not. The object may be deleted. @throws Unreadable */
  id(name: string): string | undefined {
    const value = this.fields[name] ?? undefined;
    if (value === undefined) return undefined;
    const id = typeof value === 'string' ? value : StripeObject.from(value)?.fields['id'];
    if (typeof id !== 'string' || id === '' || id.length > MAX_ID_LENGTH) throw new Unreadable(name);
    return storable(id);
  }

  /** @throws Unreadable */
  integer(name: string): number | undefined {
    const value = this.fields[name] ?? undefined;
    if (value !== undefined && !Number.isSafeInteger(value)) throw new Unreadable(name);
    return value as number | undefined;
  }

  /** Amount of money, never negative. @throws Unreadable */
  amount(name: string): number | undefined {
    const value = this.integer(name);
    if (value !== undefined && value < 0) throw new Unreadable(name);
    return value;
  }

  /** @throws Unreadable */
  flag(name: string): boolean | undefined {
    const value = this.fields[name] ?? undefined;
    if (value !== undefined && typeof value !== 'boolean') throw new Unreadable(name);
    return value;
  }

  /** Time in seconds since 1970. @throws Unreadable */
  time(name: string): Date | undefined {
    const value = this.integer(name);
    if (value === undefined) return undefined;
    const time = new Date(value * 1000);
    // The range that PostgreSQL and RFC 3339 share.
    if (!(time.getTime() >= 0 && time.getUTCFullYear() <= 9999)) throw new Unreadable(name);
    return time;
  }

  /** @throws Unreadable */
  object(name: string): StripeObject | undefined {
    const value = this.fields[name] ?? undefined;
    if (value === undefined) return undefined;
    const object = StripeObject.from(value);
    if (!object) throw new Unreadable(name);
    return object;
  }

  /** Object in a reference, if the reference was expanded. @throws Unreadable */
  expanded(name: string): StripeObject | undefined {
    this.id(name);
    return StripeObject.from(this.fields[name]);
  }

  /** Copy of the object with another value in field `name`. */
  with(name: string, value: unknown): StripeObject {
    return new StripeObject({ ...this.fields, [name]: value });
  }

  /** Items of the list in field `name`; empty without a list. @throws Unreadable */
  items(name: string): StripeObject[] {
    const list = this.object(name);
    if (!list) return [];
    const data = list.fields['data'];
    if (!Array.isArray(data)) throw new Unreadable(name);
    return data.map((item) => {
      const object = StripeObject.from(item);
      if (!object) throw new Unreadable(name);
      return object;
    });
  }

  /** Whether the list in field `name` has more items at Stripe. @throws Unreadable */
  isCut(name: string): boolean {
    return this.object(name)?.flag('has_more') ?? false;
  }
}

function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}

/** A required field is missing, or a field has an unknown form. Nothing is guessed. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';

  constructor(field: string) {
    super(`Its "${field}" is missing or in no form that is known, so it changes nothing here.`);
  }
}

/** @throws Unreadable when there is no value */
export function required<T>(value: T | null | undefined, field: string): T {
  if (value === undefined || value === null) throw new Unreadable(field);
  return value;
}

/** Stripe's ids of one customer: `cus_…`, and `acct_…` if the customer is an account. */
export function customerIdsOf(object: StripeObject): string[] {
  return ['customer', 'customer_account'].flatMap((field) => object.id(field) ?? []);
}

/** Id stored in rows: `cus_…`, or else `acct_…`. */
export function customerIdOf(object: StripeObject): string | null {
  return customerIdsOf(object)[0] ?? null;
}

/** Maximum length of a token's `sub`. */
const MAX_SUBJECT_LENGTH = 255;

/**
 * End user in a field, mapped like the `sub` of a token: `metadata.user_id`, or a session's
 * `client_reference_id`.
 */
export function userIn(
  projectId: ProjectId,
  object: StripeObject | undefined,
  field = 'user_id',
): EndUserId | undefined {
  const subject = object?.text(field, MAX_SUBJECT_LENGTH);
  return subject === undefined ? undefined : endUserId(projectId, subject);
}
