import type { Command } from 'commander';
import { anchor } from './audit/audit-anchor.js';
import { prune } from './audit/audit-prune.js';
import { verify } from './audit/audit-verify.js';
import { pastTime } from './session.js';
import { reporting } from './output.js';

export function addAuditCommands(program: Command): void {
  const audit = program
    .command('audit')
    .description('Looks after the history: who did what, when and from where.');

  audit
    .command('verify')
    .summary('find out whether the history is what the service wrote')
    .description(
      'Checks every chain from its beginning to its end, and tells which entries were altered, moved, forged or removed: then it ends with 1. Safe beside servers; changes nothing.',
    )
    .option(
      '--anchor <file>',
      'a file that `audit anchor` made earlier: finds what was cut off at the end since, and what was written anew',
    )
    .action(reporting(verify));

  audit
    .command('anchor')
    .summary('print how the history ends now, to keep elsewhere')
    .description(
      'Prints the end of every chain as JSON. Whoever can write to the database can cut off the end of a chain unnoticed, but not what an anchor names: keep it where they can not write.',
    )
    .action(reporting(anchor));

  audit
    .command('prune')
    .summary('delete the oldest part of the history')
    .description(
      'Deletes the entries from before a time, in every chain, and writes into it what was deleted, so that the rest can still be checked. A chain in which something is wrong stays as it is. Anchors from before that time are of no use afterwards.',
    )
    .requiredOption('--before <time>', 'what is older goes, as 2025-01-01T00:00:00Z', pastTime)
    .action(reporting(prune));
}
