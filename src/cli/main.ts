#!/usr/bin/env node
import { explainFailure } from '../start-failure.js';
import { EXIT_CODES } from './exit-codes.js';
import { runCommandLine } from './program.js';

// Node itself would print the error with its message and members, which may hold what was sent.
process.on('uncaughtException', (error) => {
  process.stderr.write(`${explainFailure(error)}\n`);
  process.exit(EXIT_CODES.failed);
});

process.exitCode = await runCommandLine(process.argv.slice(2));
