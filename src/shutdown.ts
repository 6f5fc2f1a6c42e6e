import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AppLogger } from './common/app-logger.js';
import { ReadinessService } from './health/readiness.service.js';

/** Milliseconds after the signal: when the connections of unfinished requests are cut, and when the process ends whatever hangs. */
const CUT_MS = 6_000;
const END_MS = 8_000;
const IDLE_CHECK_MS = 50;

/** What there is to close: nothing yet while the process starts. */
export interface Running {
  app?: NestFastifyApplication;
}

/** On SIGTERM and SIGINT: not ready, no new connections, requests in flight finish, then everything closes and the process exits with 0. */
export function stopOnSignal(running: Running, logger: AppLogger): void {
  let isStopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    // npm passes a Ctrl-C on that the terminal has sent already.
    if (isStopping) return;
    isStopping = true;
    logger.log(`${signal}: finishing the requests in flight`);
    setTimeout(() => process.exit(0), END_MS);
    stop(running).then(
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

async function stop({ app }: Running): Promise<void> {
  if (!app) return;
  app.get(ReadinessService).stop();
  const server = app.getHttpServer();
  setTimeout(() => server.closeAllConnections(), CUT_MS);
  // A connection whose last request was in flight would stay open for the next one.
  setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  await app.close();
}
