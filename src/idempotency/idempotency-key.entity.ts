import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../common/ids.js';
import { DataKeyEntity } from '../vault/data-key.entity.js';
import type { SealedText } from '../vault/seal.js';

/** A request that came with an `Idempotency-Key`: running as long as there is no answer. */
@Entity('idempotency_keys')
@Index('idempotency_keys_by_age', ['createdAt'])
@Index('idempotency_keys_by_key', ['keyId'])
export class IdempotencyKeyEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'idempotency_keys_pk' })
  projectId: ProjectId;

  /** Keyed hash of the caller, the operation and the key that the caller chose. */
  @PrimaryColumn({ type: 'varchar', length: 32, primaryKeyConstraintName: 'idempotency_keys_pk' })
  scope: string;

  /** Keyed hash of what was asked for. */
  @Column({ type: 'varchar', length: 32 })
  request: string;

  /** Which attempt has it: one that lost its lease to another must not answer for it. */
  @Column('uuid')
  holder: string;

  /** Until then nobody else may run it; a process that crashed holds it no longer than that. */
  @Column({ name: 'lease_until', type: Date, precision: 3 })
  leaseUntil: Date;

  @Column({ type: 'text', nullable: true })
  answer: SealedText | null;

  /** The data key that `answer` needs. */
  @Column({ name: 'key_id', type: 'varchar', length: 16, nullable: true })
  keyId: string | null;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @ManyToOne(() => DataKeyEntity)
  @JoinColumn({ name: 'key_id', foreignKeyConstraintName: 'idempotency_keys_key_fk' })
  dataKey: DataKeyEntity | null;
}
