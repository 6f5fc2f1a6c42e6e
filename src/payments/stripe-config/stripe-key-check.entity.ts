import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import type { StripeMode } from './credential-rules.js';
import { StripeConfigEntity } from './stripe-config.entity.js';
import type { CheckedBy } from './key-verdict.js';

/** What Stripe last said of a secret key. It holds for the key with this fingerprint, and for no other. */
@Entity('stripe_key_checks')
export class StripeKeyCheckEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'stripe_key_checks_pk' })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, primaryKeyConstraintName: 'stripe_key_checks_pk' })
  mode: StripeMode;

  @Column({ type: 'varchar', length: 32 })
  fingerprint: string;

  @Column({ type: Boolean })
  valid: boolean;

  @Column({ name: 'account_id', type: 'varchar', length: 64, nullable: true })
  accountId: string | null;

  @Column({ name: 'account_name', type: 'varchar', length: 255, nullable: true })
  accountName: string | null;

  @Column({ name: 'checked_at', type: Date, precision: 3 })
  checkedAt: Date;

  @Column({ name: 'checked_by', type: 'varchar', length: 16 })
  checkedBy: CheckedBy;

  /** In our words. */
  @Column({ type: 'varchar', length: 1000, nullable: true })
  error: string | null;

  @ManyToOne(() => StripeConfigEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_key_checks_config_fk' })
  config: StripeConfigEntity;
}
