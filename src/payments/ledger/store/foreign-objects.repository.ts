import { Injectable } from '@nestjs/common';
import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import { columns } from '../../../database/columns.js';
import { Database, exec, query, sql, type Steps } from '../../../database/database.js';
import { ProjectEntity } from '../../../projects/project.entity.js';
import type { ProjectMode } from '../../project-mode.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import type { LedgerChange } from '../merge/ledger-change.js';
import { ForeignObject, type MetadataSource } from '../read/foreign-object.js';

const PK = { primaryKeyConstraintName: 'stripe_foreign_objects_pk' };

/**
 * An object at Stripe whose metadata names another project on the same account, or that inherits from such a one. What comes of it later,
 * a dispute for instance, inherits as well.
 */
@Entity('stripe_foreign_objects')
export class StripeForeignObjectEntity {
  /** The project that it does not belong to. */
  @PrimaryColumn('uuid', { name: 'project_id', ...PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...PK })
  mode: StripeMode;

  /** Stripe's: of a subscription, invoice, PaymentIntent or charge. */
  @PrimaryColumn({ name: 'object_id', type: 'varchar', length: 255, ...PK })
  objectId: string;

  /** The object whose metadata decides: this one, or one that this one inherits from. */
  @Column({ name: 'named_by', type: 'varchar', length: 255 })
  namedBy: string;

  /** Whether its own metadata names another project. */
  @Column({ name: 'is_foreign', type: Boolean })
  isForeign: boolean;

  /** When its own metadata said so; 1970 where only another object's counts. */
  @Column({ name: 'as_of', type: Date, precision: 3 })
  asOf: Date;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_foreign_objects_project_fk' })
  project: ProjectEntity;
}

/** $1 project: a deleted one still owns what it sold. */
const IS_PROJECT = sql<{ id: ProjectId }>('SELECT id FROM projects WHERE id = $1', 'is_project');

/** $1 project, $2 mode, $3 object, $4 as of. Answers a row unless its metadata is known to have said otherwise later. */
const MARK = sql<{ object_id: string }>(
  `INSERT INTO stripe_foreign_objects AS f (project_id, mode, object_id, named_by, is_foreign, as_of) VALUES ($1, $2, $3, $3, true, $4)
   ON CONFLICT (project_id, mode, object_id) DO UPDATE SET named_by = excluded.named_by, is_foreign = true,
     as_of = CASE WHEN f.as_of > excluded.as_of THEN f.as_of ELSE excluded.as_of END
   WHERE f.is_foreign OR f.as_of <= excluded.as_of
   RETURNING object_id`,
  'mark_foreign_stripe_object',
);

/** $1 project, $2 mode, $3 object, $4 the one that it inherits from, $5 1970. What its own metadata says counts more. */
const INHERIT = sql<never>(
  `INSERT INTO stripe_foreign_objects AS f (project_id, mode, object_id, named_by, is_foreign, as_of) VALUES ($1, $2, $3, $4, false, $5)
   ON CONFLICT (project_id, mode, object_id) DO UPDATE SET named_by = excluded.named_by WHERE NOT f.is_foreign`,
  'inherit_foreign_stripe_object',
);

/** $1 project, $2 mode, $3 object, $4 as of. Its metadata names no other project any more. */
const UNMARK = sql<never>(
  `UPDATE stripe_foreign_objects SET named_by = object_id, is_foreign = false, as_of = $4
   WHERE project_id = $1 AND mode = $2 AND object_id = $3`,
  'unmark_foreign_stripe_object',
);

type MarkRow = Pick<StripeForeignObjectEntity, 'namedBy' | 'asOf'>;

/** $1 project, $2 mode, $3 ids as a JSON array. Those that are foreign, with the object whose metadata says so. */
const FIND = sql<MarkRow>(
  {
    sqlite: find('SELECT value FROM json_each($3)'),
    postgres: find('SELECT json_array_elements_text($3::json)'),
  },
  'find_foreign_stripe_objects',
);

function find(ids: string): string {
  return `SELECT ${columns(StripeForeignObjectEntity, { of: 'n', only: ['namedBy', 'asOf'] })} FROM stripe_foreign_objects o
    JOIN stripe_foreign_objects n ON n.project_id = o.project_id AND n.mode = o.mode AND n.object_id = o.named_by
    WHERE o.project_id = $1 AND o.mode = $2 AND n.is_foreign AND o.object_id IN (${ids})`;
}

/** Which objects of a Stripe account belong to other projects that share it. */
@Injectable()
export class ForeignObjectsRepository {
  constructor(private readonly database: Database) {}

  /** Whether any project here has or had this id. */
  async isProject(id: ProjectId): Promise<boolean> {
    return (await this.database.query(IS_PROJECT, [id])).length > 0;
  }

  /** Whether the object's own metadata named another project then or later. */
  async isForeignSince(
    { projectId, mode }: ProjectMode,
    { objectId, asOf }: MetadataSource,
  ): Promise<boolean> {
    const rows = await this.database.query(FIND, [projectId, mode, JSON.stringify([objectId])]);
    return rows.some((row) => row.namedBy === objectId && row.asOf >= asOf);
  }

  /** @returns whether that is the newest that is known of it */
  *mark({ projectId, mode }: ProjectMode, { namedBy, inheriting }: ForeignObject): Steps<boolean> {
    const marked = yield* query(MARK, [projectId, mode, namedBy.objectId, namedBy.asOf]);
    for (const id of [...new Set(inheriting)].sort())
      if (id !== namedBy.objectId) yield* exec(INHERIT, [projectId, mode, id, namedBy.objectId, new Date(0)]);
    return marked.length > 0;
  }

  /**
   * Takes marks away that newer metadata contradicts: part of the transaction that writes the change.
   * @throws ForeignObject when it is about an object that is foreign
   */
  *check({
    projectId,
    mode,
    party,
    subscription,
    payments,
    dispute,
    isOurs,
    unclaimed = [],
  }: LedgerChange): Steps<void> {
    const ids = [
      subscription?.subscriptionId ?? party.subscriptionId,
      ...payments.flatMap(({ paymentIntentId, chargeId, subscriptionId }) => [
        paymentIntentId,
        chargeId,
        subscriptionId,
      ]),
      dispute?.paymentIntentId,
      dispute?.chargeId,
      ...unclaimed.map(({ objectId }) => objectId),
    ].filter((id) => typeof id === 'string');
    if (ids.length === 0) return;
    for (const row of yield* query(FIND, [projectId, mode, JSON.stringify(ids)])) {
      const { namedBy, asOf } = row;
      const newer = unclaimed.find((each) => each.objectId === namedBy && each.asOf >= asOf);
      if (newer) yield* exec(UNMARK, [projectId, mode, newer.objectId, newer.asOf]);
      else if (!isOurs)
        throw new ForeignObject(
          { objectId: namedBy, asOf },
          payments.map(({ paymentIntentId }) => paymentIntentId),
          party.customerIds,
        );
    }
  }
}
