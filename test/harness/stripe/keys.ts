import {
  expiredKey,
  invalidKey,
  noAccess,
  noKey,
  permissionMissing,
  publishableKey,
  type StripeMode,
} from './refusals.js';
import type { StripeAccount } from './stripe-account.js';

/**
 * Subjects of permissions, as named in Stripe's messages and on its page for new keys (prices are called
 * "plan").
 */
type Subject =
  | 'accounts_kyc_basic'
  | 'balance'
  | 'charge'
  | 'checkout_session'
  | 'customer'
  | 'customer_portal'
  | 'dispute'
  | 'event'
  | 'invoice'
  | 'payment_intent'
  | 'plan'
  | 'product'
  | 'refund'
  | 'subscription'
  | 'webhook';
export type Permission = `rak_${Subject}_${'read' | 'write'}`;

/**
 * `expired`: rolled in the dashboard. `revoked`: deleted there, and unknown since. `no_access`: lost access
 * to its account.
 */
export type KeyState = 'active' | 'expired' | 'revoked' | 'no_access';

export interface ApiKey {
  readonly value: string;
  readonly account: StripeAccount;
  readonly mode: StripeMode;
  /** The permissions of a restricted key. A secret key has all permissions and no list. */
  readonly permissions?: readonly Permission[];
  state: KeyState;
}

/** All keys with their accounts. */
export class KeyRing {
  private readonly keys = new Map<string, ApiKey>();

  add(value: string, account: StripeAccount, mode: StripeMode, permissions?: readonly Permission[]): string {
    this.keys.set(value, { value, account, mode, permissions, state: 'active' });
    return value;
  }

  has(value: string): boolean {
    return this.keys.has(value);
  }

  mark(value: string, state: KeyState): void {
    const key = this.keys.get(value);
    if (!key) throw new Error('mark: there is no such key');
    key.state = state;
  }

  authenticate(authorization: string | undefined): ApiKey {
    const value = keyIn(authorization);
    if (!value) throw noKey();
    const key = this.keys.get(value);
    if (!key || key.state === 'revoked') throw invalidKey(value);
    if (key.state === 'expired') throw expiredKey(value);
    if (key.state === 'no_access') throw noAccess(value, key.account.id);
    if (value.startsWith('pk_')) throw publishableKey();
    return key;
  }
}

export function permit({ value, account, permissions }: ApiKey, needed: Permission): void {
  const enough: string[] = [needed, needed.replace(/_read$/, '_write')];
  if (permissions && !permissions.some((permission) => enough.includes(permission)))
    throw permissionMissing(value, account.id, needed);
}

/** Bearer, or Basic with the key as the user. */
function keyIn(authorization = ''): string | undefined {
  const [scheme = '', credentials = ''] = authorization.split(' ', 2);
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme.toLowerCase() === 'basic') return Buffer.from(credentials, 'base64').toString().split(':')[0];
  return undefined;
}

const KEY_LENGTH = 107;
/**
 * The first letter that a key ends with, so that no mask looks like one in the documentation, which ends with
 * a or b.
 */
const FIRST_LETTER = 12;

/** A key in the current form, which contains the account. Obviously fake. */
export function modernKey(
  prefix: 'sk' | 'pk' | 'rk',
  mode: StripeMode,
  accountId: string,
  nth: number,
): string {
  return `${prefix}_${mode}_5${accountId.replace('acct_', '')}`.padEnd(
    KEY_LENGTH,
    fakeLetters(FIRST_LETTER + nth).toLowerCase(),
  );
}

/** A key in the form until 2018, without the account. */
export function legacyKey(mode: StripeMode, nth: number): string {
  return `sk_${mode}_`.padEnd(32, fakeLetters(nth));
}

/** The letters that a fake value repeats: A, B, … Z, Aa, Ab, … */
export function fakeLetters(nth: number): string {
  const letter = (index: number) => String.fromCharCode(65 + index);
  return nth < 26 ? letter(nth) : letter(Math.floor(nth / 26) - 1) + letter(nth % 26).toLowerCase();
}
