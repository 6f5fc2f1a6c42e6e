import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { Actor } from '../common/actor.js';
import type { ProjectId } from '../common/ids.js';

/** A recorded action. Triggers refuse changes, and deletions other than by retention. */
@Entity('audit_entries')
@Index('audit_entries_of_action', ['projectId', 'action', 'seq'])
@Index('audit_entries_of_subject', ['projectId', 'subject', 'seq'])
export class HistoryEntryEntity {
  /** No foreign key: the chain of the system belongs to no project. */
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'audit_entries_pk' })
  projectId: ProjectId;

  /** Counts from 1 in each chain. */
  @PrimaryColumn({ type: 'integer', primaryKeyConstraintName: 'audit_entries_pk' })
  seq: number;

  @Column({ type: Date, precision: 3 })
  at: Date;

  @Column({ name: 'actor_kind', type: 'varchar', length: 16 })
  actorKind: Actor['kind'];

  @Column({ type: 'varchar', length: 255 })
  subject: string;

  @Column({ type: 'varchar', length: 64, nullable: true })
  ip: string | null;

  @Column({ name: 'user_agent', type: 'varchar', length: 255, nullable: true })
  userAgent: string | null;

  @Column({ name: 'request_id', type: 'varchar', length: 64, nullable: true })
  requestId: string | null;

  @Column({ type: 'varchar', length: 64 })
  action: string;

  @Column({ type: 'varchar', length: 16 })
  result: string;

  /** JSON, stored as text because the MAC covers the exact text. */
  @Column({ type: 'text' })
  details: string;

  /** The data key of `mac`. */
  @Column({ name: 'key_id', type: 'varchar', length: 16 })
  keyId: string;

  /** Covers the entry and the MAC of the entry before. */
  @Column({ type: 'varchar', length: 64 })
  mac: string;
}

/** The end of each chain. Appending locks it, so changes of one project run one after another. */
@Entity('audit_heads')
export class HistoryHeadEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'audit_heads_pk' })
  projectId: ProjectId;

  @Column({ type: 'integer' })
  seq: number;

  @Column({ type: 'varchar', length: 64 })
  mac: string;
}

/**
 * Permits retention to delete the start of a chain. Inserted and deleted in one transaction, so nobody else
 * sees it.
 */
@Entity('audit_permits')
export class HistoryPermitEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'audit_permits_pk' })
  projectId: ProjectId;

  @Column({ name: 'through_seq', type: 'integer' })
  throughSeq: number;
}
