import { Logger } from '@nestjs/common';
import type { Command } from 'commander';
import { Deadline } from '../../common/deadline.js';
import { CommandFailed, type Report, table } from '../output.js';
import { messageOf, type Runner, type Session } from '../session.js';
import {
  checkClock,
  checkDatabase,
  checkDataKeys,
  checkPooler,
  checkRoles,
  checkSchema,
  onDatabase,
} from './database-checks.js';
import { failed, type Finding, Installation } from './installation.js';
import { checkConfiguration, checkDisk, checkPublicUrl, checkStripe } from './outside-checks.js';

const DEADLINE_MS = 10_000;

const CHECKS: Readonly<Record<string, (installation: Installation) => Promise<Finding>>> = {
  configuration: checkConfiguration,
  database: checkDatabase,
  pooler: onDatabase(checkPooler),
  schema: onDatabase(checkSchema),
  clock: onDatabase(checkClock),
  data_keys: onDatabase(checkDataKeys),
  stripe: checkStripe,
  public_url: checkPublicUrl,
  roles: onDatabase(checkRoles),
  disk: checkDisk,
};

export function addTo(program: Command, run: Runner): void {
  program
    .command('doctor')
    .summary('check the installation, and say what to do')
    .description(
      'Checks the settings, the database, Stripe and the disk. Prints a line for each check: ok, warning, failed or skipped, with advice. Changes nothing. Exits with 1 if a check failed.',
    )
    .action(run(examine));
}

/** Runs all checks concurrently. A failed check doesn't affect the others. */
async function examine({ signal }: Session): Promise<Report> {
  // Keeps the library's log lines out of the report.
  Logger.overrideLogger(false);
  const installation = new Installation(signal);
  try {
    const checks = await Promise.all(
      Object.entries(CHECKS).map(async ([check, run]) => ({ check, ...(await conclude(run(installation))) })),
    );
    signal.throwIfAborted();
    const isBad = checks.some(({ verdict }) => verdict === 'failed');
    return {
      text: table(checks.map(({ check, verdict, message }) => [verdict, check, message])),
      json: { healthy: !isBad, checks },
      isBad,
    };
  } finally {
    await installation.close();
  }
}

async function conclude(running: Promise<Finding>): Promise<Finding> {
  try {
    return await Deadline.within(
      DEADLINE_MS,
      () => running,
      () => new CommandFailed(`It did not end within ${DEADLINE_MS / 1_000} seconds.`),
    );
  } catch (error) {
    return failed(messageOf(error).replaceAll('\n', ' '));
  }
}
