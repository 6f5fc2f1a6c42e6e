import type { Command } from 'commander';
import { DataSource } from 'typeorm';
import { throwIfInterrupted } from '../../common/deadline.js';
import type { ProjectId } from '../../common/ids.js';
import { Database } from '../../database/database.js';
import { missingTriggers } from '../../database/migrations/history-triggers.js';
import { type HistoryHead, SYSTEM_CHAIN } from '../../history/history-entry.js';
import { HistoryVerifier } from '../../history/history-verifier.js';
import { HistoryModule } from '../../history/history.module.js';
import { HistoryRepository } from '../../history/history.repository.js';
import { DataKeyRepository } from '../../vault/keys/data-key.repository.js';
import { readAnchors } from './audit-anchor.js';
import { compareCredentials } from '../../payments/stripe-config/history/stored-credentials.js';
import type { Report } from '../output.js';
import type { Runner, Session } from '../session.js';

export interface Problem {
  /** `system` for the chain that belongs to no project. */
  readonly chain: string;
  readonly problem: string;
}

export function problemsOf(projectId: ProjectId, problems: readonly string[]): Problem[] {
  return problems.map((problem) => ({ chain: nameOf(projectId), problem }));
}

function isReported(projectId: ProjectId, problems: readonly Problem[]): boolean {
  return problems.some(({ chain }) => chain === nameOf(projectId));
}

function nameOf(projectId: ProjectId): string {
  return projectId === SYSTEM_CHAIN ? 'system' : String(projectId);
}

export function linesOf(problems: readonly Problem[]): string[] {
  return problems.map(({ chain, problem }) => `  ${chain}: ${problem}`);
}

export function addTo(audit: Command, run: Runner): void {
  audit
    .command('verify')
    .summary('verify that the history was not altered')
    .description(
      'Checks every chain from its beginning to its end. Reports altered, moved, forged and missing entries, and then exits with 1. Can run beside servers. Changes nothing.',
    )
    .option(
      '--anchor <file>',
      'a file that `audit anchor` made earlier: finds what was cut off at the end since, and what was rewritten',
    )
    .action(run(verify));
}

async function verify(session: Session, { anchor }: { anchor?: string }): Promise<Report> {
  const anchors = anchor === undefined ? new Map<ProjectId, HistoryHead>() : await readAnchors(anchor);
  const services = await session.open({ imports: [HistoryModule], keys: 'history' });
  const [verifier, history] = [services.get(HistoryVerifier), services.get(HistoryRepository)];
  const chains = new Set([...(await history.listChains()), ...anchors.keys()]);
  const bar = session.progress('Checking', chains.size);
  let entries = 0;
  const problems: Problem[] = [];
  for (const id of chains) {
    await throwIfInterrupted(session.signal);
    const report = await verifier.verify(id, anchors.get(id));
    entries += report.entries;
    problems.push(...problemsOf(id, report.problems));
    bar.add(1);
  }
  const withoutHistory = await history.listProjectsWithoutEntries();
  // A rotation of keys leaves entries in the chain of the system.
  const isRotated = (await services.get(DataKeyRepository).list()).some(({ state }) => state !== 'primary');
  if (isRotated && (await history.count(SYSTEM_CHAIN)) === 0) withoutHistory.push(SYSTEM_CHAIN);
  for (const id of withoutHistory) {
    if (!isReported(id, problems)) problems.push(...problemsOf(id, ['there is no history of it']));
  }
  const dataSource = services.get(DataSource);
  for (const id of chains) {
    session.signal.throwIfAborted();
    // A broken history proves nothing about the credentials.
    if (!isReported(id, problems))
      problems.push(...problemsOf(id, await compareCredentials(history, dataSource, id)));
  }
  for (const name of await missingTriggers(services.get(Database))) {
    problems.push(
      ...problemsOf(SYSTEM_CHAIN, [
        `the trigger ${name}, which refuses changes of the history, was dropped or disabled`,
      ]),
    );
  }
  for (const { projectId } of await history.listPermits()) {
    problems.push(
      ...problemsOf(projectId, ['somebody put a row into audit_permits, which lets entries be deleted']),
    );
  }
  const result = problems.length === 0 ? 'nothing is wrong with them.' : 'this is wrong with them:';
  return {
    text: [`${entries} entries in ${chains.size} chains: ${result}`, ...linesOf(problems)].join('\n'),
    json: { chains: chains.size, entries, anchored: anchors.size, problems },
    isBad: problems.length > 0,
  };
}
