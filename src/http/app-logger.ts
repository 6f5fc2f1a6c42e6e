import type { LoggerService } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { type DestinationStream, type Logger, pino } from 'pino';
import { DomainError } from '../common/errors.js';

/** W3C Trace Context, level 1: version, trace, parent, flags. Later versions may append fields. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(-.*)?$/;

/** @returns the trace id (32 hexadecimal digits), or `undefined` for an invalid `traceparent` */
export function traceIdOf(traceparent: string | string[] | undefined): string | undefined {
  const [, version, traceId, more] = (typeof traceparent === 'string' && TRACEPARENT.exec(traceparent)) || [];
  return version === '00' && more !== undefined ? undefined : traceId;
}

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** Nest logs every module and route at start. */
const CHATTY_CONTEXTS = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** Nest logs a failed start with its stack before it throws; `explainStartFailure` says why in one line. */
const START_FAILURE_CONTEXT = 'ExceptionHandler';

/** Correlate a request across logs. */
interface RequestIds {
  requestId: string;
  /** From the W3C `traceparent` header. */
  traceId?: string | undefined;
}

export interface AnsweredRequest extends RequestIds {
  method: string;
  /** The route's pattern. A URL may contain a secret. */
  route: string;
  status: number;
  milliseconds: number;
  /** The id of the gateway key. */
  gatewayKey?: string | undefined;
  /** The connection closed before the end of the answer. */
  brokenOff?: true | undefined;
}

/** Writes JSON lines to stdout. Logs only the fields named here: no header, body, URL or foreign message. */
export class AppLogger implements LoggerService {
  readonly #pino: Logger;

  constructor(level: LogLevel, destination: DestinationStream = standardOutput()) {
    this.#pino = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  }

  answered(request: AnsweredRequest): void {
    const { requestId, traceId, method, route, status, milliseconds, gatewayKey, brokenOff } = request;
    // Load balancers poll every few seconds; only a failed health check is logged at `info`.
    const isRoutine = route.startsWith('/health/') && status < 400;
    this.#pino[isRoutine ? 'debug' : 'info'](
      { requestId, traceId, method, route, status, milliseconds, gatewayKey, brokenOff },
      'request',
    );
  }

  /** Logs an error whose details the response hides. */
  failure({ requestId, traceId }: RequestIds, error: DomainError): void {
    this.#pino.error({ requestId, traceId, error: describe(error) }, error.message);
  }

  log(message: unknown, context?: string): void {
    this.#write(context && CHATTY_CONTEXTS.has(context) ? 'debug' : 'info', message, context);
  }

  /** @param about ids of the request, or the context as Nest passes it */
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

  /** Logs our own sentences unchanged. Logs an error without its message, which may contain input. */
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

/** Bytes buffered for a slow or absent reader. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Drops log lines when the disk is full or the reader is stuck, so that the service goes on. */
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

/** Codes of Node, SQLite and PostgreSQL. Other libraries' codes may contain input. */
const FOREIGN_CODE = /^[A-Z][A-Z0-9_]{2,40}$|^[0-9A-Z]{5}$/;

const FOREIGN_NAME = /^[A-Za-z]\w{0,63}$/;

function describe(error: Error): DescribedError {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // The stack starts with the message, whose lines may look like frames.
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

export function logRequests(fastify: FastifyInstance, logger: AppLogger): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    logger.answered({
      requestId: request.id,
      traceId: traceIdOf(request.headers.traceparent),
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      milliseconds: Math.round(reply.elapsedTime),
      brokenOff: reply.raw.closed ? true : undefined,
    });
    done();
  });
}
