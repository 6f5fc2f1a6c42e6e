#!/usr/bin/env node
import { EXIT_CODES } from './output.js';

/** Milliseconds for the current step of a command after the first signal. */
const GRACE_MS = 8_000;

// Keeps Node from opening its debugger: see src/main.ts.
process.on('SIGUSR1', () => undefined);

const interruption = new AbortController();

// The second signal ends the process at once. A command survives that like a crash.
for (const name of ['SIGINT', 'SIGTERM'])
  process.on(name, () => {
    if (interruption.signal.aborted) process.exit(EXIT_CODES.interrupted);
    interruption.abort();
    setTimeout(() => process.exit(EXIT_CODES.interrupted), GRACE_MS).unref();
  });

// A command awaits its output and handles the failure. Without a listener, the stream would throw it once more.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

// Loaded after the signal handlers, because loading takes long enough to be interrupted.
const [{ explainFailure }, { runCommandLine }] = await Promise.all([
  import('../bootstrap/start-failure.js'),
  import('./program.js'),
]);

// Node would print the error with its members, which may contain secrets.
process.on('uncaughtException', (error) => {
  process.stderr.write(`${explainFailure(error)}\n`);
  process.exit(EXIT_CODES.failed);
});

process.exitCode = await runCommandLine(process.argv.slice(2), interruption.signal);
