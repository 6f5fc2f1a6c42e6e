import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import { ProjectEntity } from '../../../projects/project.entity.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';

/** A key of the gateway and what it may do. The key itself is in `opaque_keys`. */
@Entity('gateway_keys')
@Index('gateway_keys_by_project', ['projectId', 'createdAt', 'id'])
export class GatewayKeyEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'gateway_keys_pk' })
  id: string;

  @Column('uuid', { name: 'project_id' })
  projectId: ProjectId;

  @Column({ type: 'varchar', length: 4 })
  mode: StripeMode;

  @Column({ type: 'varchar', length: 255 })
  name: string;

  /** JSON: `{"customers":"write"}` */
  @Column({ type: 'text' })
  permissions: string;

  /** Values of `Stripe-Account` and `Stripe-Context`, separated by spaces. `null` allows none. */
  @Column({ type: 'text', nullable: true })
  accounts: string | null;

  @Column({ type: Boolean })
  paused: boolean;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'gateway_keys_project_fk' })
  project: ProjectEntity;
}

const USAGE_PK = { primaryKeyConstraintName: 'gateway_usage_pk' };

/** Requests of a key on one day that needed one permission. Kept for 30 days. */
@Entity('gateway_usage')
@Index('gateway_usage_by_day', ['day'])
export class GatewayUsageEntity {
  @PrimaryColumn('uuid', { name: 'key_id', ...USAGE_PK })
  keyId: string;

  /** UTC, `2026-11-21` */
  @PrimaryColumn({ type: 'varchar', length: 10, ...USAGE_PK })
  day: string;

  /** `customers:read` */
  @PrimaryColumn({ type: 'varchar', length: 100, ...USAGE_PK })
  permission: string;

  @Column({ type: 'bigint' })
  requests: number;

  /** Answers with a status of 400 and above, without `refused`. */
  @Column({ type: 'bigint' })
  errors: number;

  /** Requests that were refused because the key lacks the permission. */
  @Column({ type: 'bigint' })
  refused: number;

  @ManyToOne(() => GatewayKeyEntity)
  @JoinColumn({ name: 'key_id', foreignKeyConstraintName: 'gateway_usage_key_fk' })
  key: GatewayKeyEntity;
}
