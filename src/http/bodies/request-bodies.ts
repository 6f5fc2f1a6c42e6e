import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { DomainError } from '../../common/errors.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Milliseconds to receive the whole body; `Infinity` for no limit. Default: `BodyLimits.timeoutMs`. */
    bodyTimeoutMs?: number;
  }
  interface FastifyRequest {
    /** Set until the body is read. */
    unreadBody?: UnreadBody;
    bodyDeadline?: BodyDeadline;
  }
}

interface UnreadBody {
  /** Maximum bytes. */
  readonly limit: number;
  /** @throws DomainError */
  readonly parse: (bytes: Buffer) => unknown;
}

export interface BodyLimits {
  /** Milliseconds from the headers to the last byte of a body. */
  readonly timeoutMs: number;
  /** Bytes of all unanswered requests, in total and per client. */
  readonly totalBytes: number;
  readonly clientBytes: number;
}

export const BODY_LIMITS: BodyLimits = {
  timeoutMs: 15_000,
  totalBytes: 32 * 1024 * 1024,
  clientBytes: 8 * 1024 * 1024,
};

/** Minimum bytes counted per body: a request costs memory even if its body is small. */
const MIN_RESERVATION = 4 * 1024;
const FIRST_CAPACITY = 16 * 1024;
const RETRY_AFTER_SECONDS = 5;

/** Leaves bodies of a content type unread until `RequestBodies` reads them. */
export function addUnreadBodyParser(
  fastify: FastifyInstance,
  type: string,
  body: (request: FastifyRequest) => UnreadBody,
): void {
  fastify.addContentTypeParser(type, (request, _payload, done) => {
    try {
      request.unreadBody = body(request);
      done(null, undefined);
    } catch (error) {
      done(error instanceof Error ? error : new Error('The body could not be parsed.'), undefined);
    }
  });
}

/**
 * Reads bodies after the guards, so that an unauthorized caller can't make us buffer one.
 * Limits the time that a body takes to arrive, and the memory of all unanswered requests.
 */
export class RequestBodies implements NestInterceptor {
  readonly #byClient = new Map<string, number>();
  #total = 0;

  /** @param clientOf the client whose memory a body counts against */
  constructor(
    private readonly clientOf: (request: FastifyRequest) => string,
    private readonly limits: BodyLimits = BODY_LIMITS,
  ) {}

  watch(fastify: FastifyInstance): void {
    fastify.decorateRequest('unreadBody', undefined);
    fastify.decorateRequest('bodyDeadline', undefined);
    fastify.addHook('onRequest', (request, reply, done) => {
      const { headers, routeOptions } = request;
      const hasBody =
        headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
      // Some clients send a content type without a body.
      if (!hasBody) delete headers['content-type'];
      const timeoutMs = routeOptions.config.bodyTimeoutMs ?? this.limits.timeoutMs;
      if (hasBody && timeoutMs !== Infinity)
        request.bodyDeadline = new BodyDeadline(request, reply, timeoutMs);
      done();
    });
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    await this.read(http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
    return next.handle();
  }

  /**
   * @throws DomainError `body_too_large`, `body_too_slow`, `malformed_request`, `rate_limited`, `too_busy`,
   * or an error of the parser
   */
  async read(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (!request.unreadBody) return;
    const { limit, parse } = request.unreadBody;
    request.unreadBody = undefined;
    const reservation = new Reservation((bytes) => this.#reserve(this.clientOf(request), bytes));
    reply.raw.once('close', () => reservation.release());
    try {
      request.body = parse(await receive(request, limit, reservation));
    } catch (error) {
      // Prevents reuse of the connection, since nobody reads the rest of the body.
      if (!request.raw.complete) reply.header('connection', 'close');
      throw error;
    }
  }

  /** @param bytes negative to release. @throws DomainError `rate_limited`, `too_busy` */
  #reserve(client: string, bytes: number): void {
    const [ofClient, total] = [(this.#byClient.get(client) ?? 0) + bytes, this.#total + bytes];
    const options = { retryAfterSeconds: RETRY_AFTER_SECONDS };
    if (bytes > 0 && ofClient > this.limits.clientBytes)
      throw new DomainError(
        'rate_limited',
        'Too many request bodies are arriving from this address; try again shortly.',
        options,
      );
    if (bytes > 0 && total > this.limits.totalBytes)
      throw new DomainError(
        'too_busy',
        'Too many request bodies are arriving at the moment; try again shortly.',
        options,
      );
    this.#total = total;
    if (ofClient === 0) this.#byClient.delete(client);
    else this.#byClient.set(client, ofClient);
  }
}

/** Memory reserved by one request. Released once. */
class Reservation {
  #bytes = 0;
  #isReleased = false;

  constructor(private readonly reserve: (bytes: number) => void) {}

  /** @throws DomainError */
  growTo(bytes: number): void {
    const more = Math.max(bytes, MIN_RESERVATION) - this.#bytes;
    if (more <= 0 || this.#isReleased) return;
    this.reserve(more);
    this.#bytes += more;
  }

  release(): void {
    this.#isReleased = true;
    if (this.#bytes > 0) this.reserve(-this.#bytes);
    this.#bytes = 0;
  }
}

/** Times out a slow body, even if an early answer means that nobody reads it. */
class BodyDeadline {
  #isOver = false;
  #onOver: (() => void) | undefined;

  constructor({ raw }: FastifyRequest, reply: FastifyReply, milliseconds: number) {
    const timer = setTimeout(() => {
      if (raw.complete) return;
      this.#isOver = true;
      if (reply.raw.writableEnded) raw.destroy();
      // Closes the connection after the answer, instead of waiting for the rest of the body.
      reply.raw.shouldKeepAlive = false;
      this.#onOver?.();
    }, milliseconds).unref();
    const clear = () => clearTimeout(timer);
    raw.once('end', clear).once('close', clear);
  }

  onOver(listener: () => void): void {
    if (this.#isOver) listener();
    else this.#onOver = listener;
  }
}

/**
 * Reads into one growing buffer: a list of one-byte chunks would take a hundred times the memory.
 * @throws DomainError `body_too_large`, `body_too_slow`, `malformed_request`, and as `Reservation.growTo`
 */
function receive(
  { raw, headers, bodyDeadline }: FastifyRequest,
  limit: number,
  reservation: Reservation,
): Promise<Buffer> {
  const announced = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  return new Promise((resolve, reject) => {
    let buffer = Buffer.alloc(0);
    let length = 0;
    const end = (settle: () => void) => {
      raw.off('data', onData).off('end', onEnd).off('error', onError).off('close', onError);
      settle();
    };
    const fail = (error: unknown) =>
      end(() => reject(error instanceof Error ? error : new Error('The body could not be read.')));
    const tooLarge = () => fail(new DomainError('body_too_large', 'The body is too large.'));
    const onEnd = () => end(() => resolve(buffer.subarray(0, length)));
    const onError = (cause?: unknown) =>
      fail(new DomainError('malformed_request', 'The request broke off.', { cause }));
    const onData = (chunk: Buffer) => {
      const needed = length + chunk.length;
      if (needed > limit) return tooLarge();
      if (needed > buffer.length) {
        const capacity = Math.min(announced ?? limit, Math.max(needed, buffer.length * 2, FIRST_CAPACITY));
        try {
          reservation.growTo(capacity);
        } catch (error) {
          return fail(error);
        }
        const grown = Buffer.allocUnsafe(capacity);
        buffer.copy(grown, 0, 0, length);
        buffer = grown;
      }
      chunk.copy(buffer, length);
      length = needed;
    };
    if (announced !== undefined && announced > limit) return tooLarge();
    raw.on('data', onData).on('end', onEnd).on('error', onError).on('close', onError);
    bodyDeadline?.onOver(() =>
      fail(new DomainError('body_too_slow', 'The body took too long to arrive; nothing was changed.')),
    );
    if (raw.destroyed) onError();
  });
}
