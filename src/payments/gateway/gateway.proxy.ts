import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Dispatcher, Pool } from 'undici';
import { type KeyRefusal, OpaqueKeys } from '../../auth/opaque-keys/opaque-keys.js';
import { hasPrefixOf } from '../../auth/opaque-keys/opaque-key.js';
import type { Secret } from '../../common/secret.js';
import { Settings } from '../../config/settings.js';
import { commonHeaderList } from '../../http/adapter.js';
import { type AnsweredRequest, traceIdOf } from '../../http/app-logger.js';
import { PaymentsEvents } from '../payments-events.js';
import { ConfigCache, ConfigChanges } from '../stripe-config/config-cache.js';
import { KeyHealth } from '../stripe-config/keys/key-health.js';
import { StripeConfigService } from '../stripe-config/stripe-config.service.js';
import { type AnswerListener, outcomeOf } from '../stripe/strict-http-client.js';
import { STRIPE_MODES } from '../stripe/stripe-mode.js';
import { Abort, pass } from './gateway-answer.js';
import { bodyForStripe, tooLarge } from './bodies/gateway-body.js';
import { GatewayCall } from './gateway-call.js';
import { headersForClient, headersForStripe, removeNominated } from './gateway-headers.js';
import { type GatewayKey, kindOf, type UsedGatewayKey } from './keys/gateway-key.js';
import { GatewayKeysRepository } from './keys/gateway-keys.repository.js';
import { GatewayLimits } from './gateway-limits.js';
import type { Operation } from './gateway-permissions.js';
import { GatewayUsage } from './keys/gateway-usage.js';
import type { GatewayErrorAnswers } from './gateway-error-answers.js';
import { GatewayError, unknownKey } from './gateway.errors.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const PATHS = ['/v1/*', '/v2/*'];
const HOSTS = { api: 'https://api.stripe.com', files: 'https://files.stripe.com' } as const;
const CONNECT_TIMEOUT_MS = 10_000;
const MAX_STORED_KEYS = 1_000;
/** As nginx logs it. */
const CLIENT_GONE = 499;

const REFUSALS: Record<KeyRefusal, () => GatewayError> = {
  malformed: () =>
    new GatewayError('gateway_key_invalid', 'This is no complete gateway key: copy all of it, with tkg_.'),
  unknown: () => unknownKey(),
  expired: () => new GatewayError('gateway_key_invalid', 'The gateway key has expired.'),
  wrong_network: () =>
    new GatewayError('gateway_wrong_network', 'The gateway key may not be used from this network address.'),
};

interface StoredKey {
  readonly value: Secret;
  readonly onAnswer: AnswerListener;
}

/** Called after each answer. @param route the pattern */
type OnAnswered = (request: AnsweredRequest, route: string) => void;

/** A request and what is known about it until its connection closes or its answer ends. */
class Exchange {
  readonly startedAt = performance.now();
  readonly abort = new Abort();
  /** Set once the key is known. */
  call: GatewayCall | undefined;
  /** Gives its place to other requests. */
  leave: (() => void) | undefined;
}

/** Sends requests with gateway keys to Stripe, with the stored secret key in their place. */
@Injectable()
export class GatewayProxy implements OnApplicationShutdown {
  readonly #stripe: Record<Operation['host'], Dispatcher>;
  readonly #storedKeys: ConfigCache<StoredKey>;

  constructor(
    private readonly settings: Settings,
    private readonly opaqueKeys: OpaqueKeys,
    private readonly gatewayKeys: GatewayKeysRepository,
    private readonly configs: StripeConfigService,
    private readonly health: KeyHealth,
    private readonly limits: GatewayLimits,
    private readonly usage: GatewayUsage,
    private readonly events: PaymentsEvents,
    changes: ConfigChanges,
  ) {
    this.#storedKeys = new ConfigCache(changes, MAX_STORED_KEYS);
    const timeout = settings.gateway.timeout * 1_000;
    const options = {
      headersTimeout: timeout,
      bodyTimeout: timeout,
      connect: { timeout: CONNECT_TIMEOUT_MS },
    };
    const connect = (origin: string) => new Pool(settings.stripeApiBase ?? origin, options);
    this.#stripe = { api: connect(HOSTS.api), files: connect(HOSTS.files) };
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(Object.values(this.#stripe).map((stripe) => stripe.destroy()));
  }

  /** Adds the routes to a Fastify of their own, which reads no body and has no hooks. */
  serve(fastify: FastifyInstance, errors: GatewayErrorAnswers, onAnswered: OnAnswered): void {
    const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
      const exchange = new Exchange();
      reply.raw.once('close', () => this.#end(exchange, request, reply, onAnswered));
      try {
        await this.#handle(exchange, request, reply);
      } catch (error) {
        if (!reply.raw.closed)
          errors.send(error, request, reply, { isKeyKnown: exchange.call !== undefined });
      }
    };
    for (const method of METHODS) fastify.addHttpMethod(method, { hasBody: false, overrideExisting: true });
    for (const url of PATHS)
      fastify.route({ method: METHODS, url, handler: (request, reply) => void handle(request, reply) });
    fastify.setNotFoundHandler((request, reply) => void handle(request, reply));
    fastify.setErrorHandler((error, request, reply) => errors.send(error, request, reply));
  }

  async #handle(exchange: Exchange, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { abort } = exchange;
    assertHost(request.raw);
    if (request.is404) throw new GatewayError('gateway_route_unknown', 'There is nothing at this URL.');
    const key = await this.#authenticate(request);
    if (!removeNominated(request.headers)) throw accountNominated();
    const call = new GatewayCall(request, key);
    exchange.call = call;
    abort.throwIfAborted();
    exchange.leave = this.limits.enter(key, this.settings.gateway);
    call.admit();
    const limit = call.operation.host === 'files' ? this.limits.uploadBytes : this.limits.bodyBytes;
    if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge();
    const { idleMs } = this.limits;
    const body = call.hasBody
      ? await bodyForStripe(request.raw, { abort, limit, idleMs, scanner: call.bodyScanner })
      : null;
    const stored = await this.#storedKey(key);
    const sentAt = performance.now();
    const accept = (status: number, headers: IncomingHttpHeaders) => {
      this.events.emit('stripe.called', { outcome: outcomeOf(status) });
      stored.onAnswer(status, sentAt);
      if (status === 401) throw storedKeyRejected(headers['request-id']);
      const answered = headersForClient(headers, request.headers['idempotency-key']);
      answered.push(...commonHeaderList(request));
      // Stripe may answer before it has read the body, which nobody reads then.
      if (!request.raw.complete) answered.push('connection', 'close');
      return answered;
    };
    const headers = headersForStripe(request.headers, {
      authorization: `Bearer ${stored.value.reveal()}`,
      keyId: key.id,
    });
    try {
      await pass(
        this.#stripe[call.operation.host],
        { method: request.method, path: call.target, headers, body },
        reply.raw,
        { abort, accept, idleMs },
      );
      // The answer is written past Fastify.
      reply.hijack();
    } catch (error) {
      if (!(error instanceof GatewayError) && !abort.reason)
        this.events.emit('stripe.called', { outcome: 'unreachable' });
      throw abort.reason instanceof GatewayError ? abort.reason : error;
    }
  }

  #end(
    { startedAt, abort, call, leave }: Exchange,
    request: FastifyRequest,
    { raw }: FastifyReply,
    onAnswered: OnAnswered,
  ) {
    const isWhole = raw.writableFinished;
    const status = raw.headersSent ? raw.statusCode : CLIENT_GONE;
    leave?.();
    if (!isWhole) abort.abort(clientGone());
    const route = request.routeOptions.url ?? 'none';
    onAnswered(
      {
        requestId: request.id,
        traceId: traceIdOf(request.headers.traceparent),
        method: request.method,
        route: call?.operation.path ?? route,
        status,
        milliseconds: Math.round(performance.now() - startedAt),
        gatewayKey: call?.key.id,
        brokenOff: isWhole ? undefined : true,
      },
      route,
    );
    if (!call) return;
    const { key, operation, needed, missing } = call;
    this.usage.count({ keyId: key.id, status, needed, missing });
    const { resource, action } = operation;
    this.events.emit('gateway.answered', { resource, action, status, mode: key.mode });
  }

  /** @throws GatewayError, and DomainError `database_unavailable` */
  async #authenticate(request: FastifyRequest): Promise<UsedGatewayKey> {
    const text = keyIn(request.headers.authorization);
    if (text === undefined)
      throw new GatewayError(
        'gateway_key_missing',
        'Send a gateway key, as Authorization: Bearer tkg_… or as the user name of basic authentication.',
      );
    const mode = STRIPE_MODES.find((each) => hasPrefixOf(kindOf(each), text));
    if (STRIPE_KEY.test(text)) throw stripeKeySent();
    if (!mode) throw REFUSALS.malformed();
    const { holder, refusal } = await this.opaqueKeys.verify(
      kindOf(mode),
      { key: text, ip: request.ip },
      (id) => this.gatewayKeys.findHolder(id),
    );
    if (refusal) throw REFUSALS[refusal]();
    return holder;
  }

  #storedKey({ projectId, mode }: GatewayKey): Promise<StoredKey> {
    return this.#storedKeys.get(projectId, mode, async () => {
      const { value, fingerprint } = await this.configs.openSecretKey(projectId, mode);
      return { value, onAnswer: this.health.followUse(projectId, { mode, fingerprint }) };
    });
  }
}

/** `Bearer <key>`, or basic authentication with the key as the user name, as curl sends it. */
function keyIn(authorization: string | undefined): string | undefined {
  const [, scheme = '', value = ''] = /^(Bearer|Basic) +(\S+)$/i.exec(authorization ?? '') ?? [];
  if (value === '') return undefined;
  return scheme.toLowerCase() === 'bearer'
    ? value
    : Buffer.from(value, 'base64').toString('latin1').split(':', 1)[0];
}

const STRIPE_KEY = /^[rs]k_(?:live|test)_/;

function stripeKeySent(): GatewayError {
  return new GatewayError(
    'gateway_key_invalid',
    'This is a key of Stripe: send a gateway key, which begins with tkg_. If the key was stored here only, somebody has taken it: roll it in the Stripe Dashboard.',
  );
}

/** Node leaves this to us, and servers differ in which Host header they read. */
function assertHost({ headers, httpVersion, rawHeaders }: IncomingMessage): void {
  let hosts = 0;
  for (let nth = 0; nth < rawHeaders.length; nth += 2) {
    const name = rawHeaders[nth];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts > 1) throw new GatewayError('gateway_request_invalid', 'There is more than one Host header.');
  if (headers.host === undefined && httpVersion === '1.1')
    throw new GatewayError('gateway_request_invalid', 'The Host header is missing.');
}

function accountNominated(): GatewayError {
  return new GatewayError(
    'gateway_request_invalid',
    'Connection names Stripe-Account or Stripe-Context, which would not reach Stripe then.',
  );
}

/** Nobody reads this error, but the log and the metrics have its status. */
function clientGone(): GatewayError {
  return new GatewayError('gateway_client_closed', 'The client closed the connection.');
}

function storedKeyRejected(requestId: string | string[] | undefined): GatewayError {
  return new GatewayError(
    'stripe_key_rejected',
    'The gateway key was accepted, but Stripe rejected the secret key that the project has stored: store a new one.',
    { requestId: [requestId].flat()[0] },
  );
}
