import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Actor } from '../common/actor.js';
import type { ProjectId } from '../common/ids.js';

/** One thing that was done. Triggers keep it from being changed, and from being deleted but by retention. */
@Entity('audit_entries')
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

  /** JSON, as the text that the MAC covers. */
  @Column({ type: 'text' })
  details: string;

  /** The data key under which `mac` was made. */
  @Column({ name: 'key_id', type: 'varchar', length: 16 })
  keyId: string;

  /** Covers the entry and, by its MAC, the one before. */
  @Column({ type: 'varchar', length: 64 })
  mac: string;
}

/** The end of each chain. Whoever appends locks it, so all changes of one project come one after the other. */
@Entity('audit_heads')
export class HistoryHeadEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'audit_heads_pk' })
  projectId: ProjectId;

  @Column({ type: 'integer' })
  seq: number;

  @Column({ type: 'varchar', length: 64 })
  mac: string;
}

/** Lets retention delete the beginning of a chain. Written and deleted in the same transaction, so that nobody else ever sees one. */
@Entity('audit_permits')
export class HistoryPermitEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'audit_permits_pk' })
  projectId: ProjectId;

  @Column({ name: 'through_seq', type: 'integer' })
  throughSeq: number;
}
