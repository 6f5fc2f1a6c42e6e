import type Stripe from 'stripe';
import { DomainError } from '../../../common/errors.js';
import type { ProjectId } from '../../../common/ids.js';
import { HANDLED_EVENTS } from '../handled-events.js';
import { STRIPE_API_VERSION } from '../../stripe/stripe-connector.js';
import { asStripeFailure, stripeErrorOf, stripeUnavailable } from '../../stripe/stripe.errors.js';
import { readWholeList } from '../../stripe/whole-list.js';

/** Two attempts and the pause between them fit into the deadline of the whole call. */
const CALL = { timeout: 2_500, maxNetworkRetries: 1 };
const PROJECT_TAG = 'tillkeeper_project';
const NOT_FOUND = 404;

export function listEndpoints(stripe: Stripe): Promise<Stripe.WebhookEndpoint[]> {
  return translatingErrors(readWholeList((page) => stripe.webhookEndpoints.list(page, CALL)));
}

/** Tags the endpoint with the project's id, so that `isOurs` finds it. */
export async function createEndpoint(
  stripe: Stripe,
  projectId: ProjectId,
  url: string,
): Promise<Stripe.WebhookEndpoint> {
  const endpoint: Stripe.WebhookEndpointCreateParams = {
    url,
    enabled_events: [...HANDLED_EVENTS],
    api_version: STRIPE_API_VERSION,
    description: 'Made by Tillkeeper',
    metadata: { [PROJECT_TAG]: projectId },
  };
  return translatingErrors(stripe.webhookEndpoints.create(endpoint, CALL));
}

/**
 * Updates and enables an endpoint. Its signing secret stays, and so does its `api_version`, which Stripe
 * can't change.
 * @returns `undefined` if Stripe no longer has it
 */
export async function updateEndpoint(
  stripe: Stripe,
  id: string,
  url: string,
): Promise<Stripe.WebhookEndpoint | undefined> {
  const changes: Stripe.WebhookEndpointUpdateParams = {
    url,
    enabled_events: [...HANDLED_EVENTS],
    disabled: false,
  };
  const updated = await translatingErrors(
    stripe.webhookEndpoints.update(id, changes, CALL).catch(undefinedIfNotFound),
  );
  if (updated && (updated.id !== id || !Array.isArray(updated.enabled_events))) throw unreadable();
  return updated;
}

/** Succeeds if the endpoint is already deleted, since the answer to an earlier attempt may have been lost. */
export async function deleteEndpoint(stripe: Stripe, id: string): Promise<void> {
  await translatingErrors(stripe.webhookEndpoints.del(id, undefined, CALL).catch(undefinedIfNotFound));
}

export function isOurs({ metadata }: Stripe.WebhookEndpoint, projectId: ProjectId): boolean {
  return metadata[PROJECT_TAG] === projectId;
}

/**
 * Whether two URLs are equivalent. Trailing slashes, letter case, default ports, encoded letters and queries
 * don't matter.
 */
export function isSameAddress(one: string, other: string): boolean {
  return normalized(one) === normalized(other);
}

function normalized(url: string): string {
  if (!URL.canParse(url)) return url;
  const { protocol, hostname, port, pathname } = new URL(url);
  const segments = decoded(pathname).split('/').filter(Boolean);
  return `${protocol}//${hostname.replace(/\.$/, '')}:${port}/${segments.join('/')}`.toLowerCase();
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Whether Stripe doesn't send all events that are handled here. */
export function lacksEvents({ enabled_events: events }: Stripe.WebhookEndpoint): boolean {
  return !events.includes('*') && !HANDLED_EVENTS.every((event) => events.includes(event));
}

/** Events of earlier versions are not read here. */
const OLDEST_VERSION = '2018';

/** Whether Stripe sends events of a version from before 2018. The account's own version is not in the endpoint. */
export function hasOldVersion({ api_version: version }: Stripe.WebhookEndpoint): boolean {
  return version !== null && version < OLDEST_VERSION;
}

/** Whether updating the endpoint would change nothing. */
export function isUpToDate(
  { url, status, enabled_events: events }: Stripe.WebhookEndpoint,
  expectedUrl: string,
): boolean {
  const hasOurEvents =
    events.length === HANDLED_EVENTS.length && HANDLED_EVENTS.every((event) => events.includes(event));
  return url === expectedUrl && status === 'enabled' && hasOurEvents;
}

export function unreadable(): DomainError {
  return stripeUnavailable('Stripe gave an answer that makes no sense; try again shortly.', undefined);
}

function undefinedIfNotFound(error: unknown): undefined {
  if (stripeErrorOf(error)?.statusCode !== NOT_FOUND) throw error;
}

async function translatingErrors<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw asEndpointFailure(error);
  }
}

function asEndpointFailure(error: unknown): unknown {
  const { message = '', param } = stripeErrorOf(error) ?? {};
  if (/maximum of \d+ .*webhook endpoints/i.test(message)) {
    const limit =
      "This Stripe account has as many webhook endpoints as Stripe allows; remove one in Stripe's dashboard first.";
    return new DomainError('stripe_endpoint_limit', limit, { cause: error });
  }
  if (param === 'url') {
    const url =
      'Stripe does not take the address of this service for webhooks; the operator has to set PUBLIC_BASE_URL to one that Stripe can reach.';
    return new DomainError('stripe_refused', url, { cause: error });
  }
  return asStripeFailure(error);
}
