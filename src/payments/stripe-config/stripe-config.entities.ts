import { Column, Entity, Index, JoinColumn, ManyToOne, OneToOne, PrimaryColumn, Unique } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import { ProjectEntity } from '../../projects/project.entity.js';
import { DataKeyEntity } from '../../vault/keys/data-key.entity.js';
import type { SealedText } from '../../vault/seal/seal.js';
import type { StripeMode } from '../stripe/stripe-mode.js';
import type { CredentialKind } from './credential-rules.js';

@Entity('stripe_configs')
@Unique('stripe_configs_id_unique', ['id'])
export class StripeConfigEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'stripe_configs_pk' })
  projectId: ProjectId;

  @Column('uuid')
  id: string;

  @Column({ name: 'is_active', type: Boolean })
  isActive: boolean;

  /** Raised by every change of what is shown of it, and by nothing else. */
  @Column({ type: 'integer' })
  version: number;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @Column({ name: 'updated_at', type: Date, precision: 3 })
  updatedAt: Date;

  @OneToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_configs_project_fk' })
  project: ProjectEntity;
}

/**
 * One credential of one project. Only `sealed` holds the value; the other columns are what masks and warnings
 * need.
 */
@Entity('stripe_credentials')
@Index('stripe_credentials_by_key', ['keyId'])
@Index('stripe_credentials_by_end', ['validUntil'], { where: 'valid_until IS NOT NULL' })
export class StripeCredentialEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'stripe_credentials_pk' })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, primaryKeyConstraintName: 'stripe_credentials_pk' })
  mode: StripeMode;

  @PrimaryColumn({ type: 'varchar', length: 32, primaryKeyConstraintName: 'stripe_credentials_pk' })
  kind: CredentialKind;

  /**
   * 0 is the current value; any other is a webhook secret before it, accepted while `validUntil` is not past.
   */
  @PrimaryColumn({ type: 'smallint', primaryKeyConstraintName: 'stripe_credentials_pk' })
  slot: number;

  @Column({ type: 'text' })
  sealed: SealedText;

  @Column({ name: 'key_id', type: 'varchar', length: 16 })
  keyId: string;

  /** The prefix, `...` and the last four characters at most. */
  @Column({ type: 'varchar', length: 32 })
  mask: string;

  /** Keyed hash of the value: equal values of one project have equal fingerprints. */
  @Column({ type: 'varchar', length: 32 })
  fingerprint: string;

  /**
   * Keyed hash of the id of the Stripe account that it belongs to; `null` where neither its format nor Stripe
   * tells.
   */
  @Column({ name: 'account_fingerprint', type: 'varchar', length: 32, nullable: true })
  accountFingerprint: string | null;

  /**
   * The account fingerprint of the key that was in use before, as long as neither its account is back nor the
   * new one settled.
   */
  @Column({ name: 'replaced_account_fingerprint', type: 'varchar', length: 32, nullable: true })
  replacedAccountFingerprint: string | null;

  /** Whether Stripe ever took this secret key; `null` where that was never found out. */
  @Column({ name: 'known_to_stripe', type: Boolean, nullable: true })
  knownToStripe: boolean | null;

  /** Whether the value has fewer characters than Stripe gives a value of its format. */
  @Column({ name: 'looks_cut_off', type: Boolean })
  looksCutOff: boolean;

  @Column({ name: 'written_at', type: Date, precision: 3 })
  writtenAt: Date;

  /**
   * How often another value took the place of this one's predecessors; it tells the slot that the next is
   * kept in.
   */
  @Column({ type: 'integer', default: 0 })
  replacements: number;

  @Column({ name: 'valid_until', type: Date, precision: 3, nullable: true })
  validUntil: Date | null;

  /** Of a webhook secret whose endpoint was made here: the fingerprint of the secret key that made it. */
  @Column({ name: 'made_with', type: 'varchar', length: 32, nullable: true })
  madeWith: string | null;

  @ManyToOne(() => StripeConfigEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_credentials_config_fk' })
  config: StripeConfigEntity;

  @ManyToOne(() => DataKeyEntity)
  @JoinColumn({ name: 'key_id', foreignKeyConstraintName: 'stripe_credentials_key_fk' })
  dataKey: DataKeyEntity;
}
