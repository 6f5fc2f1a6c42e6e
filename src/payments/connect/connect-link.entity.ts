import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import { ProjectEntity } from '../../projects/project.entity.js';
import type { StripeMode } from '../stripe/stripe-mode.js';

/** A link on which a tenant connects Stripe. Its token is in `opaque_keys`. */
@Entity('connect_links')
@Index('connect_links_by_project', ['projectId', 'expiresAt'])
@Index('connect_links_unannounced', ['announceAt'], { where: 'announce_at IS NOT NULL' })
export class ConnectLinkEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'connect_links_pk' })
  id: string;

  @Column('uuid', { name: 'project_id' })
  projectId: ProjectId;

  @Column({ type: 'varchar', length: 4 })
  mode: StripeMode;

  @Column({ name: 'return_url', type: 'text' })
  returnUrl: string;

  /** Text of the platform, which goes back with the tenant. */
  @Column({ type: 'text', nullable: true })
  state: string | null;

  /** The origin that may show the page in a frame. */
  @Column({ name: 'embed_origin', type: 'varchar', length: 300, nullable: true })
  embedOrigin: string | null;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @Column({ name: 'expires_at', type: Date, precision: 3 })
  expiresAt: Date;

  /** Why it ended before it expired. */
  @Column({ type: 'varchar', length: 8, nullable: true })
  ended: 'used' | 'revoked' | null;

  /** When a process may finish the completion, if the one that stored the key stopped before. */
  @Column({ name: 'announce_at', type: Date, precision: 3, nullable: true })
  announceAt: Date | null;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'connect_links_project_fk' })
  project: ProjectEntity;
}
