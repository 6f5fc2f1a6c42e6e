import type { LoggerService } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { type DestinationStream, type Logger, pino } from 'pino';
import { DomainError } from '../common/errors.js';

/** W3C Trace Context, level 1: version, trace, parent, flags; a later version may have more after a dash. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(-.*)?$/;

/**
 * @returns the trace that a request says it belongs to, as 32 hexadecimal digits; whatever else stands in its
 * `traceparent` is no trace
 */
export function traceIdOf(traceparent: string | string[] | undefined): string | undefined {
  const [, version, traceId, more] = (typeof traceparent === 'string' && TRACEPARENT.exec(traceparent)) || [];
  return version === '00' && more !== undefined ? undefined : traceId;
}

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** Nest tells of every module and route that it sets up. */
const CHATTY_CONTEXTS = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** Nest logs a failed start with its stack before it throws; `explainStartFailure` says why in one line. */
const START_FAILURE_CONTEXT = 'ExceptionHandler';

/** What finds a request in this log, and in those of others. */
interface RequestIds {
  requestId: string;
  /** Of the W3C `traceparent`, where the request had one. */
  traceId?: string;
}

interface AnsweredRequest extends RequestIds {
  method: string;
  /** The route's pattern, never the URL: what a caller puts there may be a secret. */
  route: string;
  status: number;
  milliseconds: number;
}

/**
 * JSON lines on the standard output. Only the fields named here are ever written: no header, no body, no URL,
 * no foreign message.
 */
export class AppLogger implements LoggerService {
  readonly #pino: Logger;

  constructor(level: LogLevel, destination: DestinationStream = standardOutput()) {
    this.#pino = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  }

  answered({ requestId, traceId, method, route, status, milliseconds }: AnsweredRequest): void {
    // A balancer asks every few seconds; an answer that sends it away is worth a line.
    const isRoutine = route.startsWith('/health/') && status < 400;
    this.#pino[isRoutine ? 'debug' : 'info'](
      { requestId, traceId, method, route, status, milliseconds },
      'request',
    );
  }

  /** An error that the caller was told little of. */
  failure({ requestId, traceId }: RequestIds, error: DomainError): void {
    this.#pino.error({ requestId, traceId, error: describe(error) }, error.message);
  }

  log(message: unknown, context?: string): void {
    this.#write(context && CHATTY_CONTEXTS.has(context) ? 'debug' : 'info', message, context);
  }

  /** @param about the request that it is about; Nest puts the context last */
  warn(message: unknown, about?: string | Partial<RequestIds>, context?: string): void {
    if (typeof about === 'object') this.#write('warn', message, context, about.requestId);
    else this.#write('warn', message, about);
  }

  error(message: unknown, _stack?: string, context?: string): void {
    this.#write(context === START_FAILURE_CONTEXT ? 'debug' : 'error', message, context);
  }

  debug(message: unknown, context?: string): void {
    this.#write('debug', message, context);
  }

  verbose(message: unknown, context?: string): void {
    this.#write('trace', message, context);
  }

  /**
   * A sentence is ours, and written as it is. Of an error there is its kind, code and place, not its message,
   * which may hold what was sent.
   */
  #write(
    level: 'error' | 'warn' | 'info' | 'debug' | 'trace',
    message: unknown,
    context?: string,
    requestId?: string,
  ): void {
    if (typeof message === 'string') this.#pino[level]({ context, requestId }, message);
    else if (message instanceof Error)
      this.#pino[level]({ context, requestId, error: describe(message) }, 'unexpected error');
    else this.#pino[level]({ context, requestId }, 'something that is not written');
  }
}

/** Bytes that may wait for a reader who is slow or gone. */
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * A log that can't be written, for a full disk or a reader who doesn't read, costs log lines and nothing
 * else.
 */
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

const FOREIGN_NAME = /^[A-Za-z]\w{0,63}$/;

function describe(error: Error): DescribedError {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // The stack begins with the message, which may have lines that look like any other.
  const frames = (error.stack ?? '')
    .replace(error.message, '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line));
  return {
    type: FOREIGN_NAME.test(error.name) ? error.name : 'Error',
    ...(error instanceof DomainError || FOREIGN_CODE.test(code) ? { code } : {}),
    at: frames.slice(0, 8).map((line) => line.trim()),
    ...(error.cause instanceof Error ? { cause: describe(error.cause) } : {}),
  };
}

/** Logs each request once it is answered. */
export function logRequests(fastify: FastifyInstance, logger: AppLogger): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    logger.answered({
      requestId: request.id,
      traceId: traceIdOf(request.headers.traceparent),
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      milliseconds: Math.round(reply.elapsedTime),
    });
    done();
  });
}
