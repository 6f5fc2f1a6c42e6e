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

  /** Rises with every visible change, and only then. */
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

/** A credential of a project. Only `sealed` contains the value; masks and warnings use the other columns. */
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

  /** 0 is the current value. Other slots are former webhook secrets, accepted until `validUntil`. */
  @PrimaryColumn({ type: 'smallint', primaryKeyConstraintName: 'stripe_credentials_pk' })
  slot: number;

  @Column({ type: 'text' })
  sealed: SealedText;

  @Column({ name: 'key_id', type: 'varchar', length: 16 })
  keyId: string;

  /** Prefix, `...` and at most four last characters. */
  @Column({ type: 'varchar', length: 32 })
  mask: string;

  /** Keyed hash of the value. Equal values in a project have equal fingerprints. */
  @Column({ type: 'varchar', length: 32 })
  fingerprint: string;

  /** Keyed hash of the account id; `null` if neither the key's format nor Stripe reveals the account. */
  @Column({ name: 'account_fingerprint', type: 'varchar', length: 32, nullable: true })
  accountFingerprint: string | null;

  /** Account of an earlier key, until a second key of the old or the new account is stored. */
  @Column({ name: 'replaced_account_fingerprint', type: 'varchar', length: 32, nullable: true })
  replacedAccountFingerprint: string | null;

  /** Whether Stripe ever recognized this secret key; `null` before Stripe's first answer. */
  @Column({ name: 'known_to_stripe', type: Boolean, nullable: true })
  knownToStripe: boolean | null;

  /** Whether the value is shorter than Stripe's values. */
  @Column({ name: 'looks_cut_off', type: Boolean })
  looksCutOff: boolean;

  @Column({ name: 'written_at', type: Date, precision: 3 })
  writtenAt: Date;

  /** Number of replacements so far. Selects the slot of the next former secret. */
  @Column({ type: 'integer', default: 0 })
  replacements: number;

  @Column({ name: 'valid_until', type: Date, precision: 3, nullable: true })
  validUntil: Date | null;

  /** Fingerprint of the secret key that created the endpoint; `null` if it was not created here. */
  @Column({ name: 'made_with', type: 'varchar', length: 32, nullable: true })
  madeWith: string | null;

  @ManyToOne(() => StripeConfigEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_credentials_config_fk' })
  config: StripeConfigEntity;

  @ManyToOne(() => DataKeyEntity)
  @JoinColumn({ name: 'key_id', foreignKeyConstraintName: 'stripe_credentials_key_fk' })
  dataKey: DataKeyEntity;
}
