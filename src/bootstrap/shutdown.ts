import { setTimeout as wait } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AppLogger } from '../http/app-logger.js';
import { ReadinessService } from '../monitoring/readiness.service.js';

/** Milliseconds after the server stops listening: when the connections of unfinished requests are cut, and when the process ends whatever hangs. */
const CUT_MS = 6_000;
const END_MS = 8_000;
const IDLE_CHECK_MS = 50;

/** What there is to close: nothing yet while the process starts. */
export interface Running {
  app?: NestFastifyApplication;
}

/**
 * On SIGTERM and SIGINT: not ready at once, but still serving for `delaySeconds`, so that load balancers notice first. Then no new
 * connections; requests in flight finish, everything closes and the process exits with 0.
 */
export function stopOnSignal(running: Running, delaySeconds: number, logger: AppLogger): void {
  let isStopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    // npm passes a Ctrl-C on that the terminal has sent already.
    if (isStopping) return;
    isStopping = true;
    stop(running, running.app ? delaySeconds : 0, signal, logger).then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

async function stop(
  { app }: Running,
  delaySeconds: number,
  signal: NodeJS.Signals,
  logger: AppLogger,
): Promise<void> {
  app?.get(ReadinessService).stop();
  if (delaySeconds > 0) {
    logger.log(`${signal}: not ready any more, still serving for ${delaySeconds} s`);
    await wait(delaySeconds * 1_000);
  }
  const server = app?.getHttpServer();
  // At once: `app.close` stops listening only after the modules' own hooks.
  server?.close();
  logger.log(`${signal}: finishing the requests in flight`);
  setTimeout(() => process.exit(0), END_MS);
  if (!app || !server) return;
  setTimeout(() => server.closeAllConnections(), CUT_MS);
  // A connection whose last request was in flight would stay open for the next one.
  setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  await app.close();
}
