import type { LoggerService } from '@nestjs/common';
import { type DestinationStream, type Logger, pino } from 'pino';
import { DomainError } from './errors.js';

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** Nest tells of every module and route that it sets up. */
const CHATTY_CONTEXTS = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestApplication']);

interface AnsweredRequest {
  requestId: string;
  method: string;
  /** The route's pattern, never the URL: what a caller puts there may be a secret. */
  route: string;
  status: number;
  milliseconds: number;
}

/** JSON lines on the standard output. Only the fields named here are ever written: no header, no body, no URL, no foreign message. */
export class AppLogger implements LoggerService {
  readonly #pino: Logger;

  constructor(level: LogLevel, destination: DestinationStream = standardOutput()) {
    this.#pino = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  }

  answered(request: AnsweredRequest): void {
    this.#pino.info(request, 'request');
  }

  /** An error that the caller was told little of: its kind, code and place, not its message, which may hold what was sent. */
  failure(requestId: string, error: Error): void {
    this.#pino.error({ requestId, error: describe(error) }, error.message);
  }

  log(message: unknown, context?: string): void {
    this.#pino[context && CHATTY_CONTEXTS.has(context) ? 'debug' : 'info']({ context }, String(message));
  }

  warn(message: unknown, context?: string): void {
    this.#pino.warn({ context }, String(message));
  }

  error(message: unknown, _stack?: string, context?: string): void {
    if (message instanceof Error) this.#pino.error({ context, error: describe(message) }, 'unexpected error');
    else this.#pino.error({ context }, String(message));
  }

  debug(message: unknown, context?: string): void {
    this.#pino.debug({ context }, String(message));
  }

  verbose(message: unknown, context?: string): void {
    this.#pino.trace({ context }, String(message));
  }
}

/** Bytes that may wait for a reader who is slow or gone. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** A log that can't be written, for a full disk or a reader who doesn't read, costs log lines and nothing else. */
function standardOutput(): DestinationStream {
  const { stdout } = process;
  stdout.on('error', () => undefined);
  return {
    write: (line) => {
      if (stdout.writableLength < MAX_WAITING_BYTES) stdout.write(line);
    },
  };
}

interface DescribedError {
  type: string;
  code?: string;
  at?: string[];
  cause?: DescribedError;
}

/** Node's, SQLite's and PostgreSQL's codes. What else others put there may be what was sent. */
const FOREIGN_CODE = /^[A-Z][A-Z0-9_]{2,40}$|^[0-9A-Z]{5}$/;

function describe(error: Error): DescribedError {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // The stack begins with the message, which may have lines that look like any other.
  const frames = (error.stack ?? '')
    .replace(error.message, '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line));
  return {
    type: error.name,
    ...(error instanceof DomainError || FOREIGN_CODE.test(code) ? { code } : {}),
    at: frames.slice(0, 8).map((line) => line.trim()),
    ...(error.cause instanceof Error ? { cause: describe(error.cause) } : {}),
  };
}
