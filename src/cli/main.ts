#!/usr/bin/env node
import '../bootstrap/no-debugger.js';
import { EXIT_CODES } from './output.js';
import { listenForSignals } from './session.js';

// Before the rest is loaded, which takes long enough to be interrupted.
listenForSignals();
const [{ explainFailure }, { runCommandLine }] = await Promise.all([
  import('../bootstrap/start-failure.js'),
  import('./program.js'),
]);

// Node itself would print the error with its message and members, which may hold what was sent.
process.on('uncaughtException', (error) => {
  process.stderr.write(`${explainFailure(error)}\n`);
  process.exit(EXIT_CODES.failed);
});

process.exitCode = await runCommandLine(process.argv.slice(2));
