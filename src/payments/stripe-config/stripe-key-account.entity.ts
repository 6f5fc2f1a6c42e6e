import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import type { StripeMode } from './credential-rules.js';
import { StripeConfigEntity } from './stripe-config.entity.js';

const PK = { primaryKeyConstraintName: 'stripe_key_accounts_pk' };

/** The Stripe account of a secret key, as Stripe said. Former keys stay: what was written with them belongs to their account. */
@Entity('stripe_key_accounts')
@Index('stripe_key_accounts_by_account', ['accountId', 'mode'])
export class StripeKeyAccountEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...PK })
  mode: StripeMode;

  /** Of the secret key. */
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
