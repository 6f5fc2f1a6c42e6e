import type { DataSource } from 'typeorm';
import type { HistoryDetails } from '../../../history/history-entry.js';
import type { HistoryRepository } from '../../../history/history.repository.js';
import { turnEventLoop } from '../../../common/deadline.js';
import type { ProjectId } from '../../../common/ids.js';
import { reachingDatabase } from '../../../database/database-errors.js';
import { StripeCredentialEntity } from '../stripe-config.entities.js';

const PAGE = 500;

/** Last four characters of each credential in use, by field. `null` for a destroyed one. */
type InHistory = Map<string, string | null>;

/**
 * Compares stored credentials with the history.
 * @returns descriptions of restored rows, missing rows and masks of other values
 */
export async function compareCredentials(
  history: HistoryRepository,
  dataSource: DataSource,
  projectId: ProjectId,
): Promise<string[]> {
  const problems = await compare(history, dataSource, projectId);
  // A write may have come between the two reads.
  return problems.length === 0 ? problems : compare(history, dataSource, projectId);
}

async function compare(
  history: HistoryRepository,
  dataSource: DataSource,
  projectId: ProjectId,
): Promise<string[]> {
  const { known, isWhole } = await replay(history, projectId);
  const current = dataSource.getRepository(StripeCredentialEntity).find({
    select: { mode: true, kind: true, mask: true },
    where: { projectId, slot: 0 },
    order: { mode: 'ASC', kind: 'ASC' },
  });
  const stored = new Map(
    (await reachingDatabase(current)).map(({ mode, kind, mask }) => [`${mode}_${kind}`, mask]),
  );
  const problems: string[] = [];
  for (const [field, mask] of stored) {
    const lastFour = known.get(field);
    if (lastFour === null || (lastFour === undefined && isWhole))
      problems.push(
        `the ${field} is stored, though by the history it was ${lastFour === null ? 'destroyed' : 'never written'}`,
      );
    else if (lastFour !== undefined && !mask.endsWith(`...${lastFour}`))
      problems.push(`the ${field} ends with other characters than the history says`);
  }
  for (const [field, lastFour] of known) {
    if (lastFour !== null && !stored.has(field))
      problems.push(`the ${field} is gone, and the history does not say why`);
  }
  return problems;
}

/** Replays a chain. `isWhole` is false for a pruned chain, in which older credentials are unknown. */
async function replay(
  history: HistoryRepository,
  projectId: ProjectId,
): Promise<{ known: InHistory; isWhole: boolean }> {
  const known: InHistory = new Map();
  let isWhole = false;
  let after = 0;
  for (;;) {
    const entries = await history.listAfter(projectId, after, PAGE);
    for (const { seq, action, details } of entries) {
      if (seq === 1) isWhole = true;
      isWhole ||= action === 'config.deleted';
      apply(known, action, JSON.parse(details) as HistoryDetails);
      after = seq;
    }
    if (entries.length < PAGE) return { known, isWhole };
    await turnEventLoop();
  }
}

function apply(known: InHistory, action: string, { mode, fields = [] }: HistoryDetails): void {
  if (['config.created', 'config.updated', 'webhook_endpoint.created'].includes(action)) {
    for (const { field, last_four: lastFour = '' } of fields) known.set(field, lastFour);
  }
  if (['config.deleted', 'config.mode_deleted', 'webhook_endpoint.removed'].includes(action)) {
    for (const { field } of fields) known.set(field, null);
  }
  for (const field of known.keys()) {
    if (action === 'config.deleted' || (action === 'config.mode_deleted' && field.startsWith(`${mode}_`)))
      known.set(field, null);
  }
}
