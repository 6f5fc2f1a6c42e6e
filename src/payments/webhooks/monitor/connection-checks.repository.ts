import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { NIL } from 'uuid';
import type { ProjectId } from '../../../common/ids.js';
import { columnValues } from '../../../database/columns.js';
import { reachingDatabase } from '../../../database/database-errors.js';
import { Database, exec, query, type Steps } from '../../../database/database.js';
import { EventLog } from '../../events/event-log.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { StripeConnectionCheckEntity } from './connection-check.entity.js';
import { checked, type CheckedEndpoint, type Decide, problemBits, settled } from './connection-changes.js';
import * as statements from './connection-checks.statements.js';
import type { ConnectionCheckRow } from './connection-checks.statements.js';

const NO_FACTS = {
  endpointId: null,
  lastDeliveredAt: null,
  hasSecretKey: false,
  secretWrittenAt: null,
  hasFormerSecret: false,
};

/** How often a mode gets events. */
export interface Arrivals {
  readonly first: Date | undefined;
  /** The newest first. */
  readonly last: readonly Date[];
}

/** Stores what monitoring knows of connections to Stripe, and sends events about it. */
@Injectable()
export class ConnectionChecksRepository {
  constructor(
    private readonly database: Database,
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
  ) {}

  findByProject(projectId: ProjectId): Promise<ConnectionCheckRow[]> {
    return reachingDatabase(this.dataSource.getRepository(StripeConnectionCheckEntity).findBy({ projectId }));
  }

  async countKeys(): Promise<number> {
    const [row] = await this.database.query(statements.COUNT_KEYS, []);
    return row?.count ?? 0;
  }

  /** Stored secret keys that are due for a check, without those stored after the given time. */
  due(now: Date, storedBefore: Date, limit: number): Promise<ProjectMode[]> {
    return this.database.query(statements.FIND_DUE, [now, storedBefore, limit]);
  }

  /** Modes with a problem or with a former secret in use, in the order of projects, after the given one. */
  withProblem(after: ProjectMode | undefined, limit: number): Promise<ConnectionCheckRow[]> {
    const { projectId = NIL, mode = '' } = after ?? {};
    return this.database.query(statements.FIND_WITH_PROBLEM, [projectId, mode, limit]);
  }

  /** Records a check of key and endpoint. @param askedAt before Stripe was asked; absent after a repair */
  record(
    tenant: ProjectMode,
    endpoint: CheckedEndpoint | undefined,
    now: Date,
    askedAt?: Date,
  ): Promise<void> {
    return this.change(tenant, now, checked(endpoint, now, askedAt));
  }

  /** Moves the next check. @param checkedAt when Stripe answered; absent if it did not */
  postpone(tenant: ProjectMode, dueAt: Date, checkedAt?: Date): Promise<void> {
    return this.change(tenant, dueAt, () => ({ row: { dueAt, ...(checkedAt && { checkedAt }) } }));
  }

  /** Ends problems that are over, if anything is known of this mode. */
  async settle(tenant: ProjectMode, now: Date): Promise<void> {
    const rows = await this.findByProject(tenant.projectId);
    if (rows.some(({ mode }) => mode === tenant.mode)) await this.change(tenant, now, settled(now));
  }

  /** Changes a row in a transaction with its events, so that each event is sent once. */
  async change(tenant: ProjectMode, now: Date, decide: Decide): Promise<void> {
    await this.database.transaction(() => this.#change(tenant, now, decide));
  }

  async arrivals({ projectId, mode }: ProjectMode, limit: number): Promise<Arrivals> {
    const last = await this.database.query(statements.FIND_ARRIVALS, [projectId, mode, limit]);
    const [first] = await this.database.query(statements.FIND_FIRST_ARRIVAL, [projectId, mode]);
    return { first: first?.receivedAt, last: last.map(({ receivedAt }) => receivedAt) };
  }

  /** Counts events that happened between the two times and never arrived, up to 1,000. */
  async countMissed({ projectId, mode }: ProjectMode, after: Date, until: Date): Promise<number> {
    const [row] = await this.database.query(statements.COUNT_MISSED, [projectId, mode, after, until]);
    return row?.count ?? 0;
  }

  async forget(before: Date): Promise<void> {
    await this.database.write(statements.FORGET_OLD, [before]);
  }

  *#change({ projectId, mode }: ProjectMode, now: Date, decide: Decide): Steps<void> {
    yield* exec(statements.ENSURE, [projectId, mode, now]);
    const rows = yield* query(statements.LOCK_CHECKS, [projectId]);
    const row = rows.find((each) => each.mode === mode);
    if (!row) return;
    const [facts = NO_FACTS] = yield* query(statements.FIND_FACTS, [projectId, mode, row.formerSecretUntil]);
    const change = decide(row, facts);
    if (Object.keys(change.row).length === 0) return;
    const changed = { ...row, ...change.row };
    yield* exec(statements.SAVE, columnValues(StripeConnectionCheckEntity, changed));
    for (const event of change.events ?? []) yield* this.log.add(event, now);
    const problems = problemBits(rows.map((each) => (each === row ? changed : each)));
    if (problems !== problemBits(rows)) yield* exec(statements.SET_PROBLEMS, [projectId, problems]);
  }
}
