import type { IncomingHttpHeaders } from 'node:http';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { type Dispatcher, Pool } from 'undici';
import { type KeyRefusal, OpaqueKeys } from '../../auth/opaque-keys/opaque-keys.js';
import { hasPrefixOf } from '../../auth/opaque-keys/opaque-key.js';
import type { Secret } from '../../common/secret.js';
import { Settings } from '../../config/settings.js';
import { commonHeaders } from '../../http/adapter.js';
import { PaymentsEvents } from '../payments-events.js';
import { ConfigCache, ConfigChanges } from '../stripe-config/config-cache.js';
import { KeyHealth } from '../stripe-config/keys/key-health.js';
import { StripeConfigService } from '../stripe-config/stripe-config.service.js';
import { type AnswerListener, outcomeOf } from '../stripe/strict-http-client.js';
import { STRIPE_MODES } from '../stripe/stripe-mode.js';
import { Abort, pass } from './gateway-answer.js';
import { bodyForStripe, tooLarge } from './gateway-body.js';
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

declare module 'fastify' {
  interface FastifyRequest {
    gatewayCall?: GatewayCall;
    /** As the client sent it. */
    contentType?: string | undefined;
  }
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

  /** @returns a plugin with the routes. Its own scope of Fastify leaves bodies unparsed. */
  routes(errors: GatewayErrorAnswers): FastifyPluginCallback {
    return (scope, _options, done) => {
      scope.decorateRequest('gatewayCall', undefined);
      scope.decorateRequest('contentType', undefined);
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
      // Fastify would answer to an odd content type before the key is checked.
      scope.addHook('preParsing', (request, _reply, _payload, next) => {
        const { headers } = request;
        request.contentType = headers['content-type'];
        if (request.contentType !== undefined) headers['content-type'] = 'application/octet-stream';
        next(null);
      });
      scope.setErrorHandler((thrown, request, reply) => errors.send(thrown, request, reply));
      scope.addHook('onResponse', (request, reply, next) => {
        this.#count(request, reply);
        next();
      });
      for (const url of PATHS)
        scope.route({
          method: METHODS,
          url,
          config: { bodyTimeoutMs: Infinity },
          handler: (request, reply) => this.#handle(request, reply),
        });
      done();
    };
  }

  async #handle(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    if (request.contentType !== undefined) request.headers['content-type'] = request.contentType;
    const key = await this.#authenticate(request);
    if (!removeNominated(request.headers)) throw accountNominated();
    const call = new GatewayCall(request, key);
    request.gatewayCall = call;
    request.logged = { route: call.operation.path, gatewayKey: key.id };
    // Its `close` has passed already, and would not end the request below.
    if (request.socket.destroyed) throw clientGone();
    const leave = this.limits.enter(key, this.settings.gateway);
    const abort = new Abort();
    reply.raw.once('close', () => {
      leave();
      if (!reply.raw.writableFinished) abort.abort(clientGone());
    });
    call.admit();
    if (Number(request.headers['content-length'] ?? 0) > this.#limitOf(call)) throw tooLarge();
    const body = call.hasBody
      ? await bodyForStripe(request.raw, {
          abort,
          limit: this.#limitOf(call),
          idleMs: this.limits.idleMs,
          scanner: call.bodyScanner(),
        })
      : null;
    const stored = await this.#storedKey(key);
    const sentAt = performance.now();
    const accept = (status: number, headers: IncomingHttpHeaders) => {
      this.events.emit('stripe.called', { outcome: outcomeOf(status) });
      stored.onAnswer(status, sentAt);
      if (status === 401) throw storedKeyRejected(headers['request-id']);
      return {
        ...(reply.getHeaders() as Record<string, string>),
        ...commonHeaders(request),
        ...headersForClient(headers, request.headers['idempotency-key']),
        // Stripe may answer before it has read the body, which nobody reads then.
        ...(!request.raw.complete && { connection: 'close' }),
      };
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
        { abort, accept, idleMs: this.limits.idleMs },
      );
      // The answer is written past Fastify.
      return reply.hijack();
    } catch (error) {
      if (!(error instanceof GatewayError) && !abort.reason)
        this.events.emit('stripe.called', { outcome: 'unreachable' });
      throw abort.reason instanceof GatewayError ? abort.reason : error;
    }
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

  #limitOf({ operation }: GatewayCall): number {
    return operation.host === 'files' ? this.limits.uploadBytes : this.limits.bodyBytes;
  }

  #storedKey({ projectId, mode }: GatewayKey): Promise<StoredKey> {
    return this.#storedKeys.get(projectId, mode, async () => {
      const { value, fingerprint } = await this.configs.openSecretKey(projectId, mode);
      return { value, onAnswer: this.health.followUse(projectId, { mode, fingerprint }) };
    });
  }

  #count({ gatewayCall: call }: FastifyRequest, { statusCode: status }: FastifyReply): void {
    if (!call) return;
    const { key, operation, needed, missing } = call;
    this.usage.count({ keyId: key.id, status, needed: [...needed], missing });
    const { resource, action } = operation;
    this.events.emit('gateway.answered', { resource, action, status, mode: key.mode });
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
