import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import { StripeConfigEntity } from '../stripe-config.entities.js';
import type { CheckedBy } from './key-probe.js';

const PK = { primaryKeyConstraintName: 'stripe_key_accounts_pk' };

/** Stripe account of a secret key. Former keys stay, because their endpoints stay in that account. */
@Entity('stripe_key_accounts')
@Index('stripe_key_accounts_by_account', ['accountId', 'mode'])
export class StripeKeyAccountEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...PK })
  mode: StripeMode;

  /** Fingerprint of the secret key. */
  @PrimaryColumn({ type: 'varchar', length: 32, ...PK })
  fingerprint: string;

  /** `acct_…` */
  @Column({ name: 'account_id', type: 'varchar', length: 64 })
  accountId: string;

  @Column({ name: 'learned_at', type: Date, precision: 3 })
  learnedAt: Date;

  @ManyToOne(() => StripeConfigEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_key_accounts_config_fk' })
  config: StripeConfigEntity;
}

/** Stripe's last verdict on a secret key. Applies only to the key with this fingerprint. */
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

  /** Our message, not Stripe's. */
  @Column({ type: 'varchar', length: 1000, nullable: true })
  error: string | null;

  @ManyToOne(() => StripeConfigEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_key_checks_config_fk' })
  config: StripeConfigEntity;
}
