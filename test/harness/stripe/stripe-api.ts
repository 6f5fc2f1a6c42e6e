import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from './idempotency.js';
import { type ApiKey, type KeyRing, permit } from './keys.js';
import { Params } from './params.js';
import { present } from './present.js';
import { badRequest, noAccess, Refusal } from './refusals.js';
import { match, type Route } from './router.js';
import { accountRoutes } from './routes/account.routes.js';
import { catalogRoutes } from './routes/catalog.routes.js';
import { checkoutRoutes } from './routes/checkout.routes.js';
import { customerRoutes } from './routes/customer.routes.js';
import { paymentRoutes } from './routes/payment.routes.js';
import { portalRoutes } from './routes/portal.routes.js';
import { subscriptionRoutes } from './routes/subscription.routes.js';
import { webhookRoutes } from './routes/webhook.routes.js';
import { DEFAULT_VERSION } from './stripe-data.js';

/** A received request to the API. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const ROUTES: readonly Route[] = [
  ...accountRoutes,
  ...customerRoutes,
  ...catalogRoutes,
  ...checkoutRoutes,
  ...portalRoutes,
  ...subscriptionRoutes,
  ...paymentRoutes,
  ...webhookRoutes,
];

/** Answers requests: key, permission, idempotency, route. */
export class StripeApi {
  constructor(private readonly ring: KeyRing) {}

  /** Waits for `hold` between admission and execution. */
  async answer(request: RecordedRequest, requestId: string, hold?: Promise<unknown>): Promise<Answer> {
    try {
      const { method, path, headers, body } = request;
      const key = this.ring.authenticate(headers.authorization);
      const onBehalfOf = headers['stripe-account'] ?? key.account.id;
      if (onBehalfOf !== key.account.id) throw noAccess(key.value, String(onBehalfOf));
      const { route, id } = match(ROUTES, method, path);
      permit(key, route.permission);
      const perform = async () => {
        try {
          await hold;
        } catch (error) {
          return refused(error, requestId);
        }
        return run(request, requestId, key, route, id);
      };
      const idempotencyKey = headers['idempotency-key'];
      if (method !== 'POST' || typeof idempotencyKey !== 'string') return await perform();
      return await key.account[key.mode].idempotencyKeys.once(idempotencyKey, path, body, perform);
    } catch (error) {
      return refused(error, requestId);
    }
  }
}

function run(
  { headers, query, body }: RecordedRequest,
  requestId: string,
  key: ApiKey,
  { accepts, answer }: Route,
  id: string,
): Answer {
  const data = key.account[key.mode];
  const idempotencyKey = headers['idempotency-key'];
  data.request = {
    id: requestId,
    idempotency_key: typeof idempotencyKey === 'string' ? idempotencyKey : null,
  };
  try {
    const version = versionOf(headers);
    if (!/^\d{4}-\d\d-\d\d(\.\w+)?$/.test(version))
      throw badRequest(`Invalid Stripe API version: ${version}`);
    if (body && !headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
      throw badRequest(
        'Invalid request (check that your POST content type is application/x-www-form-urlencoded).',
      );
    const params = Params.parse([query, body].filter(Boolean).join('&'));
    params.accept([...accepts, 'expand']);
    const answered = answer({ key, data, params, id });
    const shown = present(answered, params.texts('expand'), (reference) => data.find(reference));
    return { status: 200, headers: { 'original-request': requestId }, body: JSON.stringify(shown, null, 2) };
  } catch (error) {
    return refused(error, requestId);
  } finally {
    data.request = null;
  }
}

function refused(error: unknown, requestId: string): Answer {
  if (!(error instanceof Refusal)) throw error;
  const body = {
    error: { ...error.error, request_log_url: `https://dashboard.stripe.com/logs/${requestId}` },
  };
  const headers = {
    'original-request': requestId,
    ...(error.status === 409 ? {} : { 'stripe-should-retry': 'false' }),
  };
  return {
    status: error.status,
    headers: error.status === 401 ? { ...headers, 'www-authenticate': 'Basic realm="Stripe"' } : headers,
    body: JSON.stringify(body, null, 2),
  };
}

export function versionOf(headers: IncomingHttpHeaders): string {
  return String(headers['stripe-version'] ?? DEFAULT_VERSION);
}
