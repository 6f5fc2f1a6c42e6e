import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Abort } from '../gateway-answer.js';
import type { FormScanner } from './form-scanner.js';
import type { MultipartScanner } from './multipart-scanner.js';
import { GatewayError } from '../gateway.errors.js';

const SMALL_BYTES = 16 * 1024;
const EMPTY = Buffer.alloc(0);

interface Options {
  readonly abort: Abort;
  /** Bytes. */
  readonly limit: number;
  /** Milliseconds without a byte of the client. */
  readonly idleMs: number;
  readonly scanner: FormScanner | MultipartScanner | undefined;
}

/**
 * The body for Stripe: a small one in one piece, after all of it was inspected. Of a large one each piece is
 * inspected before Stripe gets it, and the last one is kept back until all is inspected: Stripe carries out no
 * request with a body that broke off.
 */
export function bodyForStripe(raw: IncomingMessage, options: Options): Readable | Promise<Buffer> {
  const isSmall = Number(raw.headers['content-length'] ?? Infinity) <= SMALL_BYTES;
  return isSmall ? wholeOf(raw, options) : Readable.from(piecesOf(raw, options), { objectMode: false });
}

/** @throws what the scanner throws, and the reason of an abort */
async function wholeOf(raw: IncomingMessage, options: Options): Promise<Buffer> {
  // Most have arrived with the head.
  const whole = raw.complete ? ((raw.read() as Buffer | null) ?? EMPTY) : await receive(raw, options);
  options.scanner?.push(whole.toString('latin1'));
  options.scanner?.end();
  return whole;
}

function receive(raw: IncomingMessage, { abort, idleMs }: Options): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const idle = setTimeout(() => abort.abort(tooIdle()), idleMs).unref();
    const fail = (error: Error): void => {
      clearTimeout(idle);
      reject(error);
    };
    abort.listen(fail);
    raw.on('data', (piece: Buffer) => {
      idle.refresh();
      pieces.push(piece);
    });
    raw.once('error', fail);
    raw.once('end', () => {
      clearTimeout(idle);
      resolve(Buffer.concat(pieces));
    });
  });
}

async function* piecesOf(
  raw: IncomingMessage,
  { abort, limit, idleMs, scanner }: Options,
): AsyncGenerator<Buffer> {
  // Counts only while the client is waited for, not while Stripe is.
  let isWaiting = true;
  const idle = setTimeout(() => {
    if (isWaiting) abort.abort(tooIdle());
    else idle.refresh();
  }, idleMs).unref();
  let kept: Buffer | undefined;
  let length = 0;
  try {
    for await (const piece of raw as AsyncIterable<Buffer>) {
      length += piece.length;
      if (length > limit) throw tooLarge();
      scanner?.push(piece.toString('latin1'));
      isWaiting = false;
      if (kept) yield kept;
      isWaiting = true;
      kept = piece;
      idle.refresh();
    }
    scanner?.end();
    clearTimeout(idle);
    if (kept) yield kept;
  } catch (error) {
    abort.abort(error as Error);
    throw error;
  } finally {
    clearTimeout(idle);
  }
}

export function tooLarge(): GatewayError {
  return new GatewayError('gateway_body_too_large', 'The body is too large for the gateway.');
}

function tooIdle(): GatewayError {
  return new GatewayError('gateway_upload_idle', 'No byte of the body arrived for 30 seconds.');
}
