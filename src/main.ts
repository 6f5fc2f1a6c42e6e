import { AppLogger } from './common/app-logger.js';
import { createApp } from './app.setup.js';
import { ConfigurationError } from './config/configuration-error.js';
import { loadEnvFile } from './config/env-file.js';
import { loadSettings } from './config/load-settings.js';
import { showFirstCall } from './first-run.js';
import { stopOnSignal } from './shutdown.js';

async function main(): Promise<void> {
  // What is written here, the database above all, is nobody else's business.
  process.umask(0o077);
  loadEnvFile();
  const settings = loadSettings(process.env);
  const logger = new AppLogger(settings.logLevel);
  const app = await createApp(settings, logger);
  stopOnSignal(app, logger);
  await app.listen(settings.port, settings.host);
  if (settings.sampleData && settings.isLoopbackHost) await showFirstCall(app, settings);
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
});

/** Never the error as a whole: a driver's message may hold the database's password. */
function explain(error: unknown): string {
  if (error instanceof ConfigurationError) return error.message;
  const name = error instanceof Error ? error.name : 'Error';
  return `Tillkeeper could not start: ${name}`;
}
