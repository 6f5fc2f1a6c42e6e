import { setTimeout as wait } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AppLogger } from '../http/app-logger.js';
import { GatewayServer } from '../payments/gateway/gateway-server.js';
import { ReadinessService } from '../monitoring/readiness.service.js';

/** Milliseconds from the end of listening until the connections of unfinished requests are closed. */
const CLOSE_CONNECTIONS_MS = 6_000;
/** Milliseconds from the end of listening until the process exits, finished or not. */
const EXIT_MS = 8_000;
const IDLE_CHECK_MS = 50;

/** The application to close. */
export interface Running {
  /** `undefined` during the start. */
  app?: NestFastifyApplication;
}

/**
 * Stops the process on SIGTERM and SIGINT. First it is not ready but still serves for `delaySeconds`, so that
 * load balancers notice. Then it refuses new connections, finishes the requests in flight, closes everything
 * and exits with 0.
 */
export function stopOnSignal(running: Running, delaySeconds: number, logger: AppLogger): void {
  let isStopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    // After Ctrl-C, the terminal and npm both send the signal.
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
  const servers = app ? [app.getHttpServer(), app.get(GatewayServer).server ?? []].flat() : [];
  // `app.close` would stop listening only after the hooks of the modules.
  for (const server of servers) server.close();
  logger.log(`${signal}: finishing the requests in flight`);
  setTimeout(() => process.exit(0), EXIT_MS);
  if (!app) return;
  setTimeout(() => servers.forEach((server) => server.closeAllConnections()), CLOSE_CONNECTIONS_MS);
  // Keep-alive connections would stay open after their last request.
  setInterval(() => servers.forEach((server) => server.closeIdleConnections()), IDLE_CHECK_MS);
  await app.close();
}
