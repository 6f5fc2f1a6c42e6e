import { endUserId } from '../../../auth/caller.js';
import type { EndUserId, ProjectId } from '../../../common/ids.js';

const MAX_ID_LENGTH = 255;

/**
 * An object as Stripe sent it, in whatever API version. Each reader knows every form that Stripe gives a field: one that is missing or
 * `null` reads as `undefined`, and one in any other form throws `Unreadable`. Texts can be stored: NUL, which PostgreSQL refuses, reads
 * as U+FFFD, and none is longer than asked for.
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

  /** Not empty. @throws Unreadable */
  text(name: string, maxLength: number): string | undefined {
    const value = this.fields[name] ?? '';
    if (typeof value !== 'string') throw new Unreadable(name);
    // Cut between characters, not inside one.
    return [...storable(value.slice(0, 2 * maxLength))].slice(0, maxLength).join('') || undefined;
  }

  /** Of the object that is referred to, whether the reference was expanded or not, and be the object deleted. @throws Unreadable */
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

  /** Of money that moved, which is never less than nothing. @throws Unreadable */
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

  /** Stripe tells times in seconds since 1970. @throws Unreadable */
  time(name: string): Date | undefined {
    const value = this.integer(name);
    if (value === undefined) return undefined;
    const time = new Date(value * 1000);
    // What PostgreSQL and RFC 3339 can tell as well.
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

  /** The object that is referred to, where the reference was expanded. @throws Unreadable */
  expanded(name: string): StripeObject | undefined {
    this.id(name);
    return StripeObject.from(this.fields[name]);
  }

  /** The same object with another value in field `name`. */
  with(name: string, value: unknown): StripeObject {
    return new StripeObject({ ...this.fields, [name]: value });
  }

  /** Items of the list in field `name`; none where there is no list. @throws Unreadable */
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

  /** Whether Stripe cut the list in field `name`. @throws Unreadable */
  isCut(name: string): boolean {
    return this.object(name)?.flag('has_more') ?? false;
  }
}

function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}

/** What an object has to tell is not there, or not in the form that it always had. Nothing is guessed. */
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

/** Stripe's ids of an object's customer: `cus_…`, and `acct_…` where the customer is an account. Both stand for one customer. */
export function customerIdsOf(object: StripeObject): string[] {
  return ['customer', 'customer_account'].flatMap((field) => object.id(field) ?? []);
}

/** The id that rows hold: `cus_…`, else `acct_…`. */
export function customerIdOf(object: StripeObject): string | null {
  return customerIdsOf(object)[0] ?? null;
}

/** What a token's `sub` may be at most. */
const MAX_SUBJECT_LENGTH = 255;

/** The end user whom a field names as tokens do: `metadata.user_id`, or a session's `client_reference_id`. */
export function userIn(
  projectId: ProjectId,
  object: StripeObject | undefined,
  field = 'user_id',
): EndUserId | undefined {
  const subject = object?.text(field, MAX_SUBJECT_LENGTH);
  return subject === undefined ? undefined : endUserId(projectId, subject);
}
