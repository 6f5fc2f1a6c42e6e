import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AppLogger } from './common/app-logger.js';
import { ReadinessService } from './health/readiness.service.js';

/** Milliseconds that requests in flight have; after that their connections are cut, so that the whole stop stays under ten seconds. */
const GRACE_MS = 8_000;

/** On SIGTERM and SIGINT: not ready, no new connections, requests in flight finish, then everything closes and the process exits with 0. */
export function stopOnSignal(app: NestFastifyApplication, logger: AppLogger): void {
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    logger.log(`${signal}: finishing the requests in flight`);
    app.get(ReadinessService).stop();
    const cut = setTimeout(() => app.getHttpServer().closeAllConnections(), GRACE_MS);
    await app.close();
    clearTimeout(cut);
    logger.flush();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop(signal).catch(() => process.exit(1));
    });
  }
}
