import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import { DataKeyEntity } from '../../vault/keys/data-key.entity.js';
import type { SealedText } from '../../vault/seal/seal.js';

/** A request with an `Idempotency-Key`. Without an answer it is still running. */
@Entity('idempotency_keys')
@Index('idempotency_keys_by_age', ['createdAt'])
@Index('idempotency_keys_by_key', ['keyId'])
export class IdempotencyKeyEntity {
  /** All zeros for an operation of an operator, which belongs to no project. */
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'idempotency_keys_pk' })
  projectId: ProjectId;

  /** Keyed hash of the caller, the operation and the caller's key. */
  @PrimaryColumn({ type: 'varchar', length: 32, primaryKeyConstraintName: 'idempotency_keys_pk' })
  scope: string;

  /** Keyed hash of the input. */
  @Column({ type: 'varchar', length: 32 })
  request: string;

  /** Attempt that has the lease. Only this attempt may store the answer. */
  @Column('uuid')
  holder: string;

  /** End of the lease, after which a retry may run. A crashed process blocks the key until then. */
  @Column({ name: 'lease_until', type: Date, precision: 3 })
  leaseUntil: Date;

  @Column({ type: 'text', nullable: true })
  answer: SealedText | null;

  /** Id of the data key that sealed `answer`. */
  @Column({ name: 'key_id', type: 'varchar', length: 16, nullable: true })
  keyId: string | null;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @ManyToOne(() => DataKeyEntity)
  @JoinColumn({ name: 'key_id', foreignKeyConstraintName: 'idempotency_keys_key_fk' })
  dataKey: DataKeyEntity | null;
}
