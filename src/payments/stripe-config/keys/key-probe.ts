import type Stripe from 'stripe';
import { Deadline } from '../../../common/deadline.js';
import type { DomainError } from '../../../common/errors.js';
import type { Secret } from '../../../common/secret.js';
import { neededPermissions, type Permission, permissionName } from '../../stripe/permissions.js';
import type { StripeConnector } from '../../stripe/stripe-connector.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import { isAddressRefusal, isExpired, stripeErrorOf, stripeUnavailable } from '../../stripe/stripe.errors.js';

/** Occasions: the validate operation, a save with `validate=true`, any call with the stored key. */
export const CHECKED_BY = ['validation', 'save', 'use'] as const;
export type CheckedBy = (typeof CHECKED_BY)[number];

export interface StripeAccount {
  /** `acct_…` */
  readonly id: string;
  readonly name: string | null;
}

/** Stripe's verdict on a secret key. */
export interface KeyVerdict {
  readonly valid: boolean;
  /** Our message, which includes the remedy for an invalid key. */
  readonly message: string;
  /** Present if Stripe named the account. */
  readonly account?: StripeAccount;
}

/** Identifies a project's key without its value. */
export interface KeyIdentity {
  readonly mode: StripeMode;
  /** Fingerprint of the secret key. */
  readonly fingerprint: string;
}

/** Milliseconds for all requests about one key, retries included. */
const BUDGET_MS = 5_000;
const ATTEMPT_MS = 3_000;
const RETRIES = 1;

const RESTRICTED = /^rk_/;
const ACCESS_REVOKED = 'account_invalid';
/** Other 403 responses may concern the caller's address or the account, not the key. */
const NAMES_PERMISSIONS = /permission/i;
const NOT_FROM_HERE =
  'Stripe refuses this key from the address of this service: add that address to the IP addresses that the key is limited to, in the Stripe dashboard.';
const GIVE_ALL = `Give it these permissions: ${neededPermissions().join(', ')}.`;
const REVOKED: KeyVerdict = {
  valid: false,
  message: 'This key was revoked; make a new one in the Stripe dashboard.',
};

/** Cheap reads that prove the needed permissions, which are spelled as in Stripe's messages. */
const NEEDED_READS: readonly [
  permission: Permission,
  read: (stripe: Stripe) => Promise<{ object?: string }>,
][] = [
  ['rak_customer_read', (stripe) => stripe.customers.list({ limit: 1 })],
  ['rak_product_read', (stripe) => stripe.products.list({ limit: 1 })],
  ['rak_plan_read', (stripe) => stripe.prices.list({ limit: 1 })],
  ['rak_checkout_session_read', (stripe) => stripe.checkout.sessions.list({ limit: 1 })],
  ['rak_customer_portal_read', (stripe) => stripe.billingPortal.configurations.list({ limit: 1 })],
  ['rak_subscription_read', (stripe) => stripe.subscriptions.list({ limit: 1 })],
  ['rak_invoice_read', (stripe) => stripe.invoices.list({ limit: 1 })],
  ['rak_payment_intent_read', (stripe) => stripe.paymentIntents.list({ limit: 1 })],
  ['rak_charge_read', (stripe) => stripe.charges.list({ limit: 1 })],
  ['rak_event_read', (stripe) => stripe.events.list({ limit: 1 })],
  ['rak_webhook_read', (stripe) => stripe.webhookEndpoints.list({ limit: 1 })],
];

/**
 * Checks a secret key with ordinary reads, because Stripe has no call for this.
 * @param key with the right form and mode
 * @throws DomainError `stripe_unavailable` if Stripe can't be asked, which proves nothing about the key
 */
export function probeKey(connector: StripeConnector, key: Secret): Promise<KeyVerdict> {
  return Deadline.within(BUDGET_MS, () => probe(connector, key), unavailable);
}

async function probe(connector: StripeConnector, key: Secret): Promise<KeyVerdict> {
  const stripe = await connector.connect(key, { timeoutMs: ATTEMPT_MS, retries: RETRIES });
  try {
    return RESTRICTED.test(key.reveal())
      ? await askRestricted(stripe)
      : { valid: true, message: 'Stripe accepts this key.', account: await readAccount(stripe) };
  } catch (error) {
    const verdict = verdictOf(error);
    if (!verdict) throw unavailable(error);
    return verdict;
  }
}

async function askRestricted(stripe: Stripe): Promise<KeyVerdict> {
  const [account, ...reads] = await Promise.allSettled([
    readAccount(stripe),
    ...NEEDED_READS.map(([, read]) => readList(read(stripe))),
  ]);
  const missing = NEEDED_READS.filter((_, index) => isForbidden(reads[index])).map(
    ([permission]) => permission,
  );
  const failed = [account, ...reads].find((result) => result.status === 'rejected' && !isForbidden(result));
  if (failed?.status === 'rejected') throw failed.reason;
  const known =
    account.status === 'fulfilled' ? { account: account.value } : accountOfRefusal(account.reason);
  if (missing.length === 0)
    return {
      valid: true,
      message: 'Stripe accepts this restricted key, and it may read all that is needed.',
      ...known,
    };
  return {
    valid: false,
    message: `Stripe accepts this restricted key, but it lacks the permission for ${missing.map(permissionName).join(', ')}. ${GIVE_ALL}`,
    ...known,
  };
}

async function readList(answer: Promise<{ object?: string }>): Promise<void> {
  assertKind(await answer, 'list');
}

/** Stripe's refusal names the account even if the key may not read it. */
function accountOfRefusal(error: unknown): { account?: StripeAccount } {
  const id = /'(acct_[A-Za-z0-9]+)'/.exec(stripeErrorOf(error)?.message ?? '')?.[1];
  return id === undefined ? {} : { account: { id, name: null } };
}

function isForbidden(result: PromiseSettledResult<unknown> | undefined): boolean {
  if (result?.status !== 'rejected') return false;
  const facts = stripeErrorOf(result.reason);
  if (facts?.statusCode !== 403 || isAddressRefusal(facts)) return false;
  return facts.code !== ACCESS_REVOKED && NAMES_PERMISSIONS.test(facts.message);
}

/** Finds the account of the client's key, even if the key may not read it. @throws the SDK's errors */
export async function findAccount(stripe: Stripe): Promise<StripeAccount> {
  try {
    return await readAccount(stripe, { timeout: ATTEMPT_MS, maxNetworkRetries: RETRIES });
  } catch (error) {
    const { account } = accountOfRefusal(error);
    if (!account) throw error;
    return account;
  }
}

async function readAccount(stripe: Stripe, options: Stripe.RequestOptions = {}): Promise<StripeAccount> {
  const account = await stripe.accounts.retrieveCurrent(undefined, options);
  assertKind(account, 'account');
  return {
    id: account.id,
    name: account.business_profile?.name ?? account.settings?.dashboard.display_name ?? null,
  };
}

/** A proxy may answer with its own JSON and status 200. */
function assertKind({ object }: { object?: string }, expected: string): void {
  if (object !== expected) throw unavailable();
}

/** @returns `undefined` if the error proves nothing about the key */
function verdictOf(error: unknown): KeyVerdict | undefined {
  const facts = stripeErrorOf(error);
  const { statusCode, code, message } = facts ?? {};
  if (facts && isAddressRefusal(facts)) return { valid: false, message: NOT_FROM_HERE };
  if (code === ACCESS_REVOKED || (statusCode === 401 && /revoked/i.test(message ?? ''))) return REVOKED;
  if (statusCode === 403 && NAMES_PERMISSIONS.test(message ?? ''))
    return {
      valid: false,
      message: `Stripe accepts this key but allows it nothing that is needed. ${GIVE_ALL}`,
    };
  if (statusCode !== 401) return undefined;
  if (isExpired(facts))
    return { valid: false, message: 'This key has expired; make a new one in the Stripe dashboard.' };
  return {
    valid: false,
    message:
      'Stripe does not know this key: it is wrong, or was deleted at Stripe; copy it again from the Stripe dashboard.',
  };
}

function unavailable(cause?: unknown): DomainError {
  return stripeUnavailable(
    'Stripe can not be asked at the moment, which says nothing about the key; try again shortly.',
    cause,
  );
}
