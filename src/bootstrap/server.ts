import { AppLogger } from '../http/app-logger.js';
import { createApp } from './app.js';
import { loadEnvFile } from '../config/environment.js';
import { loadSettings } from '../config/load-settings.js';
import type { Settings } from '../config/settings.js';
import { VERSION } from '../common/version.js';
import { showFirstCall } from './first-run.js';
import { type Running, stopOnSignal } from './shutdown.js';
import { explainStartFailure } from './start-failure.js';

async function main(): Promise<void> {
  // What is written here, the database above all, is nobody else's business.
  process.umask(0o077);
  loadEnvFile();
  const settings = loadSettings(process.env);
  const logger = new AppLogger(settings.logLevel);
  const running: Running = {};
  stopOnSignal(running, settings.shutdownDelay, logger);
  logger.log(describeStart(settings));
  // Node itself would print the error with its message and members, which may hold what was sent.
  process.on('uncaughtException', (error) => {
    logger.error(error);
    process.exit(1);
  });
  const app = await createApp(settings, logger);
  running.app = app;
  await app.listen(settings.port, settings.host);
  logger.log(`Listening on ${await app.getUrl()}`);
  if (settings.sampleData && settings.isLoopbackHost) await showFirstCall(app, settings);
}

/** What an operator is asked first when something is wrong. */
function describeStart({ database, masterKeys }: Settings): string {
  const engine = database.url ? 'PostgreSQL' : 'SQLite';
  const providers = masterKeys.map(({ provider }) => provider).join(', ');
  return `Tillkeeper ${VERSION} on Node.js ${process.version}, with ${engine} and master keys from: ${providers}`;
}

main().catch((error: unknown) => {
  process.stderr.write(`${explainStartFailure(error)}\n`);
  process.exit(1);
});
