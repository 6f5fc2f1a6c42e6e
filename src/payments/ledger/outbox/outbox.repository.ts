import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, LessThan } from 'typeorm';
import { Database, exec, type Steps } from '../../../database/database.js';
import { reachingDatabase } from '../../../database/database-errors.js';
import type { DurableEvent, DurableEventName } from '../../payments-events.js';
import { type DueEvent, OutboxEventEntity } from './outbox-event.entity.js';
import { ADD, BACKLOG, LEASE, POSTPONE, REMOVE } from './outbox.statements.js';

/** Stores durable events until every listener has received them. */
@Injectable()
export class OutboxRepository {
  constructor(
    private readonly database: Database,
    private readonly dataSource: DataSource,
  ) {}

  /** Part of the transaction that makes the change. */
  *add([name, event]: DurableEvent, now: Date): Steps<void> {
    yield* exec(ADD, [randomUUID(), event.projectId, event.mode, name, JSON.stringify(event), now]);
  }

  /** Number of waiting events, up to 10,000, and the creation time of the oldest. */
  async backlog(name: DurableEventName): Promise<{ waiting: number; oldest: Date | undefined }> {
    const [row] = await this.database.query(BACKLOG, [name]);
    return { waiting: row?.waiting ?? 0, oldest: row?.createdAt };
  }

  /** Leases due events. Another process gets them only after the lease has ended. */
  lease(name: DurableEventName, { now, until, limit }: Lease): Promise<DueEvent[]> {
    return this.database.query(LEASE, [name, now, until, limit]);
  }

  /** @param postponed failed deliveries, with the time of the next attempt */
  finish(delivered: readonly DueEvent[], postponed: readonly (readonly [DueEvent, Date])[]): Promise<void> {
    return this.database.transaction(function* () {
      for (const { id } of delivered) yield* exec(REMOVE, [id]);
      for (const [{ id }, until] of postponed) yield* exec(POSTPONE, [id, until]);
    });
  }

  /** Deletes events without a listener. Failed deliveries are due later and stay. */
  async drop(name: DurableEventName, dueBefore: Date): Promise<void> {
    const events = this.dataSource.getRepository(OutboxEventEntity);
    await reachingDatabase(events.delete({ name, dueAt: LessThan(dueBefore) }));
  }
}

interface Lease {
  readonly now: Date;
  readonly until: Date;
  readonly limit: number;
}
