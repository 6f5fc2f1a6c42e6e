import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import { Database, exec, query, type Steps } from '../../../database/database.js';
import { reachingDatabase } from '../../../database/database-errors.js';
import { ProjectEntity } from '../../../projects/project.entity.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import type { LedgerChange } from '../merge/ledger-change.js';
import { ForeignObject, type MetadataSource } from '../read/foreign-object.js';
import { FIND_FOREIGN, INHERIT_FOREIGN, MARK_FOREIGN, UNMARK_FOREIGN } from './ownership.statements.js';

/** Marks objects of a Stripe account that belong to other projects on the same account. */
@Injectable()
export class ForeignObjectsRepository {
  constructor(
    private readonly database: Database,
    private readonly dataSource: DataSource,
  ) {}

  /** Whether the id is a project's. Deleted projects count: they still own their sales. */
  isProject(id: ProjectId): Promise<boolean> {
    return reachingDatabase(this.dataSource.getRepository(ProjectEntity).existsBy({ id }));
  }

  /** Whether the object's own metadata named another project at that time or later. */
  async isForeignSince(
    { projectId, mode }: ProjectMode,
    { objectId, asOf }: MetadataSource,
  ): Promise<boolean> {
    const rows = await this.database.query(FIND_FOREIGN, [projectId, mode, JSON.stringify([objectId])]);
    return rows.some((row) => row.namedBy === objectId && row.asOf >= asOf);
  }

  /** @returns `false` if newer metadata says otherwise */
  *mark({ projectId, mode }: ProjectMode, { namedBy, inheriting }: ForeignObject): Steps<boolean> {
    const { objectId, asOf } = namedBy;
    const marked = yield* query(MARK_FOREIGN, [projectId, mode, objectId, asOf]);
    for (const id of [...new Set(inheriting)].sort())
      if (id !== objectId) yield* exec(INHERIT_FOREIGN, [projectId, mode, id, objectId, new Date(0)]);
    return marked.length > 0;
  }

  /**
   * Removes marks that newer metadata contradicts, in the transaction of the change.
   * @throws ForeignObject when the change is about a foreign object
   */
  *check(change: LedgerChange): Steps<void> {
    const { projectId, mode, party, payments, isOurs, unclaimed = [] } = change;
    const ids = idsIn(change);
    if (ids.length === 0) return;
    for (const { namedBy, asOf } of yield* query(FIND_FOREIGN, [projectId, mode, JSON.stringify(ids)])) {
      const newer = unclaimed.find((each) => each.objectId === namedBy && each.asOf >= asOf);
      if (newer) yield* exec(UNMARK_FOREIGN, [projectId, mode, newer.objectId, newer.asOf]);
      else if (!isOurs)
        throw new ForeignObject(
          { objectId: namedBy, asOf },
          payments.map(({ paymentIntentId }) => paymentIntentId),
          party.customerIds,
        );
    }
  }
}

/** Stripe's ids of all objects in a change. */
function idsIn({ party, subscription, payments, dispute, unclaimed = [] }: LedgerChange): string[] {
  return [
    subscription?.subscriptionId ?? party.subscriptionId,
    ...payments.flatMap((payment) => [payment.paymentIntentId, payment.chargeId, payment.subscriptionId]),
    dispute?.paymentIntentId,
    dispute?.chargeId,
    ...unclaimed.map(({ objectId }) => objectId),
  ].filter((id) => typeof id === 'string');
}
