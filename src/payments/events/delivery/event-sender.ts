import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { Injectable } from '@nestjs/common';
import { VERSION } from '../../../config/settings.js';
import type { DestinationSecrets } from '../destinations/destination-secrets.js';
import { ForbiddenAddress, hostOf, ReceiverAddresses, UnknownName } from './receiver-addresses.js';
import { readRetryAfter } from './retries.js';

const TIMEOUT_MS = 15_000;
const MAX_KEPT_BYTES = 64 * 1024;
/** Read beyond the kept bytes, so that a secret across the cut is hidden. Longer than a header escaped twice. */
const MARGIN_BYTES = 8 * 1024;
const IDLE_SOCKET_MS = 10_000;
const MAX_IDLE_SOCKETS = 64;
const AGENT = { keepAlive: true, timeout: IDLE_SOCKET_MS, maxFreeSockets: MAX_IDLE_SOCKETS };
const USER_AGENT = `Tillkeeper/${VERSION}`;

export interface EventRequest {
  readonly url: string;
  readonly secrets: DestinationSecrets;
  /** The id of the event, equal in all attempts. */
  readonly id: string;
  readonly body: string;
}

/** The outcome of one attempt. */
export interface Attempt {
  readonly at: Date;
  readonly durationMs: number;
  /** `null` without an answer. */
  readonly status: number | null;
  /** Why it failed, in our words; `null` after a success. */
  readonly error: string | null;
  /** The beginning of the answer's body. */
  readonly response: string | null;
  /** How long the receiver asks to wait. */
  readonly askedMs?: number;
}

const TOO_LATE = `The receiver did not answer within ${TIMEOUT_MS / 1_000} s.`;
const BROKEN_OFF = 'The receiver closed the connection before the end of its answer.';

/** Errors of a connection that the receiver closes. */
const RESETS = new Set(['ECONNRESET', 'EPIPE']);

/** Errors of connections in our words, by their code. */
const CONNECTION_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'The receiver refuses connections.',
  ECONNRESET: 'The receiver closed the connection before it answered.',
  EPIPE: 'The receiver closed the connection before it answered.',
  EHOSTUNREACH: 'There is no way to the receiver.',
  ENETUNREACH: 'There is no way to the receiver.',
  ETIMEDOUT: 'The receiver did not accept the connection in time.',
  CERT_HAS_EXPIRED: 'The certificate of the receiver has expired.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'The certificate of the receiver is self-signed.',
  SELF_SIGNED_CERT_IN_CHAIN: 'The certificate of the receiver is self-signed.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'The receiver does not send its whole chain of certificates.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate of the receiver is for another name.',
};

/** Answers in which a receiver asks to wait. */
const BUSY = new Set<number | null>([429, 503]);

interface Answer {
  readonly status: number | null;
  readonly retryAfter?: string | undefined;
  readonly body: AsyncIterable<Buffer> | Iterable<Buffer>;
}

/** A kept connection that the receiver closed before it read the request. */
class StaleConnection extends Error {}

/** Sends events over HTTP, without redirects, and to checked addresses only. */
@Injectable()
export class EventSender {
  readonly #http = new HttpAgent(AGENT);
  readonly #https = new HttpsAgent(AGENT);
  readonly #lookup: LookupFunction;

  constructor(private readonly addresses: ReceiverAddresses) {
    // Called by each new connection, so the checked addresses are those that it connects to.
    this.#lookup = (host, { all }, callback) => {
      this.addresses.resolve(host).then(
        (found) => (all ? callback(null, found) : callback(null, found[0]?.address ?? '', found[0]?.family)),
        (error: Error) => callback(error, ''),
      );
    };
  }

  /** Closes idle connections. Call it after the last attempt. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  /**
   * Never rejects.
   * @param stopping aborts the attempt, which then has no outcome
   * @returns `undefined` if the attempt was aborted
   */
  async send(request: EventRequest, stopping: AbortSignal): Promise<Attempt | undefined> {
    const at = new Date();
    const startedAt = performance.now();
    const tooLate = AbortSignal.timeout(TIMEOUT_MS);
    const signal = AbortSignal.any([stopping, tooLate]);
    const attempt = (outcome: Omit<Attempt, 'at' | 'durationMs'>): Attempt => ({
      at,
      durationMs: Math.round(performance.now() - startedAt),
      ...outcome,
    });
    let status: number | null = null;
    try {
      const answer = await this.#post(request, at, signal);
      status = answer.status;
      const { bytes, isBrokenOff } = await beginningOf(answer);
      if (isBrokenOff && stopping.aborted) return undefined;
      const response = keptOf(bytes, isBrokenOff, request.secrets);
      if (isBrokenOff) return attempt({ status, error: tooLate.aborted ? TOO_LATE : BROKEN_OFF, response });
      const askedMs = BUSY.has(status) ? readRetryAfter(answer.retryAfter ?? '', new Date()) : 0;
      return attempt({ status, error: problemWith(status), response, askedMs });
    } catch (error) {
      if (stopping.aborted) return undefined;
      return attempt({ status, error: tooLate.aborted ? TOO_LATE : explain(error), response: null });
    }
  }

  async #post({ url, secrets, id, body }: EventRequest, at: Date, signal: AbortSignal): Promise<Answer> {
    const target = new URL(url);
    const host = hostOf(target);
    // Node looks up no addresses, so they are checked here.
    if (isIP(host)) await this.addresses.resolve(host);
    const options: RequestOptions = {
      method: 'POST',
      headers: {
        ...secrets.headersFor({ id, body, at }),
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': USER_AGENT,
      },
      lookup: this.#lookup,
      signal,
    };
    const [request, agent] =
      target.protocol === 'https:' ? [httpsRequest, this.#https] : [httpRequest, this.#http];
    try {
      return await answerTo(request(target, { ...options, agent }), body, signal);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      return answerTo(request(target, { ...options, agent: false }), body, signal);
    }
  }
}

function answerTo(request: ClientRequest, body: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let hasAnswered = false;
    request
      .once('socket', (socket: Socket) => {
        const note = () => (hasAnswered = true);
        socket.once('data', note);
        request.once('close', () => socket.off('data', note));
      })
      .once('response', (answer: IncomingMessage) =>
        resolve({
          status: answer.statusCode ?? null,
          retryAfter: answer.headers['retry-after'],
          body: answer,
        }),
      )
      // Without a listener, Node would neither answer nor fail.
      .once('upgrade', (answer: IncomingMessage, socket: Socket) => {
        socket.destroy();
        resolve({ status: answer.statusCode ?? null, body: [] });
      })
      .on('error', (error: NodeJS.ErrnoException) => {
        const isStale = request.reusedSocket && !hasAnswered && RESETS.has(error.code ?? '');
        reject(isStale ? new StaleConnection() : error);
      })
      .once('close', () => reject(new Error('The connection was closed.')))
      .end(body);
    signal.addEventListener('abort', () => reject(new Error('The attempt was aborted.')), { once: true });
  });
}

/**
 * Reads the beginning of the body. A longer one is cut by closing the connection.
 * @returns `isBrokenOff` if the connection closed before the end of the body
 */
async function beginningOf({ body }: Answer): Promise<{ bytes: Buffer; isBrokenOff: boolean }> {
  const chunks: Buffer[] = [];
  let length = 0;
  let isBrokenOff = false;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_KEPT_BYTES + MARGIN_BYTES) break;
    }
  } catch {
    isBrokenOff = true;
  }
  return { bytes: Buffer.concat(chunks).subarray(0, MAX_KEPT_BYTES + MARGIN_BYTES), isBrokenOff };
}

/** The beginning of an answer without the destination's secrets. */
function keptOf(bytes: Buffer, isBrokenOff: boolean, secrets: DestinationSecrets): string {
  // Latin-1 has a character for each byte. PostgreSQL stores no NUL.
  const text = bytes.toString('latin1').replaceAll('\0', '');
  const shown = isBrokenOff ? secrets.hideInBeginning(text) : secrets.hideIn(text);
  // The end of a longer answer can be the beginning of a secret.
  const isCut = bytes.length === MAX_KEPT_BYTES + MARGIN_BYTES;
  const end = Math.min(MAX_KEPT_BYTES, Math.max(0, shown.length - (isCut ? MARGIN_BYTES : 0)));
  // Leaves out a character that the cut divides.
  return new StringDecoder('utf8').write(Buffer.from(shown.slice(0, end), 'latin1'));
}

function problemWith(status: number | null): string | null {
  if (status !== null && status >= 200 && status < 300) return null;
  if (status !== null && status >= 300 && status < 400)
    return 'The receiver redirects, which is not followed; change the URL of the destination.';
  return `The receiver answered ${status}.`;
}

function explain(error: unknown): string {
  if (error instanceof ForbiddenAddress)
    return 'The name of the receiver leads to an address that is not public.';
  if (error instanceof UnknownName) return 'The name of the receiver has no address.';
  const { code } = error as { code?: unknown };
  const known = typeof code === 'string' ? CONNECTION_ERRORS[code] : undefined;
  if (known !== undefined) return known;
  return typeof code === 'string' && /^(?:HPE|ERR_HTTP)_/.test(code)
    ? 'The receiver did not answer in HTTP.'
    : 'The connection to the receiver failed.';
}
