import { AppLogger } from './common/app-logger.js';
import { createApp } from './app.setup.js';
import { loadEnvFile } from './config/env-file.js';
import { loadSettings } from './config/load-settings.js';
import { showFirstCall } from './first-run.js';
import { type Running, stopOnSignal } from './shutdown.js';
import { explainStartFailure } from './start-failure.js';
import { letYoungGenerationGrow } from './young-generation.js';

async function main(): Promise<void> {
  // What is written here, the database above all, is nobody else's business.
  process.umask(0o077);
  // Node would open its debugger, which shows all of the memory.
  process.on('SIGUSR1', () => undefined);
  loadEnvFile();
  const settings = loadSettings(process.env);
  const logger = new AppLogger(settings.logLevel);
  const running: Running = {};
  stopOnSignal(running, logger);
  // Node itself would print the error with its message and members, which may hold what was sent.
  process.on('uncaughtException', (error) => {
    logger.error(error);
    process.exit(1);
  });
  const app = await createApp(settings, logger);
  running.app = app;
  await app.listen(settings.port, settings.host);
  letYoungGenerationGrow();
  logger.log(`Listening on ${await app.getUrl()}`);
  if (settings.sampleData && settings.isLoopbackHost) await showFirstCall(app, settings);
}

main().catch((error: unknown) => {
  process.stderr.write(`${explainStartFailure(error)}\n`);
  process.exit(1);
});
