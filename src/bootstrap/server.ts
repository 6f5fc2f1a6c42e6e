import { VERSION } from '../config/settings.js';
import { loadEnvFile } from '../config/environment.js';
import { loadSettings } from '../config/load-settings.js';
import type { Settings } from '../config/settings.js';
import { AppLogger } from '../http/app-logger.js';
import { createApp } from './app.js';
import { showFirstCall } from './first-run.js';
import { type Running, stopOnSignal } from './shutdown.js';
import { explainStartFailure } from './start-failure.js';

/** Starts the server. On failure, prints the reason and exits with 1. */
export async function serve(): Promise<void> {
  try {
    await start();
  } catch (error) {
    process.stderr.write(`${explainStartFailure(error)}\n`);
    process.exit(1);
  }
}

async function start(): Promise<void> {
  // Files that the server creates, above all the database, are readable by its user only.
  process.umask(0o077);
  loadEnvFile();
  const settings = loadSettings(process.env);
  const logger = new AppLogger(settings.logLevel);
  const running: Running = {};
  stopOnSignal(running, settings.shutdownDelay, logger);
  logger.log(describeStart(settings));
  // Node would print the error with its members, which may contain request data.
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

/** Names versions, engine and key providers in the first log line, since support asks for them first. */
function describeStart({ database, masterKeys }: Settings): string {
  const engine = database.url ? 'PostgreSQL' : 'SQLite';
  const providers = masterKeys.map(({ provider }) => provider).join(', ');
  return `Tillkeeper ${VERSION} on Node.js ${process.version}, with ${engine} and master keys from: ${providers}`;
}
