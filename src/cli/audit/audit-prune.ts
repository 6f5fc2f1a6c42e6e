import type { Command } from 'commander';
import { HistoryModule } from '../../history/history.module.js';
import { HistoryRepository } from '../../history/history.repository.js';
import { HistoryRetention } from '../../history/history-retention.js';
import { HistoryTrail } from '../../history/history-trail.js';
import { systemActor } from '../../common/actor.js';
import { throwIfInterrupted } from '../../common/deadline.js';
import { linesOf, type Problem, problemsOf } from './audit-verify.js';
import type { Report } from '../output.js';
import { pastTime } from '../arguments.js';
import { OPERATOR, type Runner, type Session } from '../session.js';

/** Actor in the chains of projects, which their owners read. */
const ACTOR = systemActor('audit prune');

export function addTo(audit: Command, run: Runner): void {
  audit
    .command('prune')
    .summary('delete the oldest part of the history')
    .description(
      'Deletes the entries before a time in every chain, and records the deletion, so that the rest can still be verified. A damaged chain is not changed. Anchors from before that time become useless.',
    )
    .requiredOption('--before <time>', 'delete older entries, for example 2025-01-01T00:00:00Z', pastTime)
    .action(run(prune));
}

async function prune(session: Session, { before }: { before: Date }): Promise<Report> {
  const services = await session.open({ imports: [HistoryModule], keys: 'history' });
  const retention = services.get(HistoryRetention);
  const chains = await services.get(HistoryRepository).listChains();
  const bar = session.progress('Pruning', chains.length);
  let pruned = 0;
  let entries = 0;
  const problems: Problem[] = [];
  for (const id of chains) {
    await throwIfInterrupted(session.signal);
    const report = await retention.prune(id, before, ACTOR);
    entries += report.entries;
    if (report.entries > 0) pruned += 1;
    problems.push(...problemsOf(id, report.problems));
    bar.add(1);
  }
  const done = { before: before.toISOString(), chains: pruned, entries };
  if (entries > 0) await services.get(HistoryTrail).recordSystemEvent('retention.pruned', done, OPERATOR);
  return {
    text: [
      `Deleted ${entries} entries of ${pruned} chains from before ${done.before}.`,
      ...(problems.length > 0
        ? ['These stay as they are, because something is wrong with them:', ...linesOf(problems)]
        : []),
    ].join('\n'),
    json: { ...done, problems },
    isBad: problems.length > 0,
  };
}
