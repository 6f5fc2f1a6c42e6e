import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import { columnValues } from '../../../database/columns.js';
import { reachingDatabase } from '../../../database/database-errors.js';
import { Database, exec, query } from '../../../database/database.js';
import { EventLog } from '../../events/event-log.js';
import type { EndpointProblem } from '../../payments-events.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { StripeConnectionCheckEntity } from './connection-check.entity.js';
import * as statements from './connection-checks.statements.js';
import type { ConnectionCheckRow } from './connection-checks.statements.js';

/** The endpoint that was made here, as Stripe has it. */
export interface CheckedEndpoint {
  readonly id: string;
  readonly problem: EndpointProblem | null;
}

/** Stores checks of connections to Stripe, and sends events about endpoints. */
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

  /** Stored secret keys whose last check is not after the given time. */
  due(before: Date, limit: number): Promise<ProjectMode[]> {
    return this.database.query(statements.FIND_DUE, [before, limit]);
  }

  /**
   * Records a check. The first check that finds a problem of the endpoint sends an event, and so does the
   * first one without.
   * @param endpoint `undefined` if none was made here, or nothing is known of it
   */
  async record(
    { projectId, mode }: ProjectMode,
    endpoint: CheckedEndpoint | undefined,
    now: Date,
  ): Promise<void> {
    const { log } = this;
    await this.database.transaction(function* () {
      const [before] = yield* query(statements.LOCK_CHECK, [projectId, mode]);
      const { problem = null } = endpoint ?? {};
      const since = problem && (before?.endpointProblemSince ?? now);
      const row = { projectId, mode, checkedAt: now, endpointProblem: problem, endpointProblemSince: since };
      yield* exec(statements.RECORD, columnValues(StripeConnectionCheckEntity, row));
      if (!endpoint) return;
      const about = { projectId, mode, endpoint: { id: endpoint.id } };
      if (problem && !before?.endpointProblem)
        yield* log.add(['endpoint.disabled', { ...about, problem }], now);
      if (!problem && before?.endpointProblem) yield* log.add(['endpoint.recovered', about], now);
    });
  }

  /** Moves the next check without one. @param checkedAt a day before the next check */
  async postpone({ projectId, mode }: ProjectMode, checkedAt: Date): Promise<void> {
    await this.database.write(statements.POSTPONE, [projectId, mode, checkedAt]);
  }

  async forget(before: Date): Promise<void> {
    await this.database.write(statements.FORGET_OLD, [before]);
  }
}
