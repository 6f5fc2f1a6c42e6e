import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { OpaqueKeyKind } from './opaque-key.js';

/** A key of a service account, an invitation, a password reset. Only its hash is stored. */
@Entity('opaque_keys')
@Index('opaque_keys_by_holder', ['holderId', 'createdAt'])
export class OpaqueKeyEntity {
  /** SHA-256 of the whole key, in base64url. */
  @PrimaryColumn({ type: 'varchar', length: 43, primaryKeyConstraintName: 'opaque_keys_pk' })
  hash: string;

  @Column({ type: 'varchar', length: 32 })
  kind: OpaqueKeyKind;

  /** The service account, invitation or account that the key is for. */
  @Column('uuid', { name: 'holder_id' })
  holderId: string;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @Column({ name: 'expires_at', type: Date, precision: 3, nullable: true })
  expiresAt: Date | null;

  /** Addresses and CIDR ranges, separated by spaces. `null` allows every address. */
  @Column({ type: 'text', nullable: true })
  networks: string | null;

  /** At most a minute behind. */
  @Column({ name: 'last_used_at', type: Date, precision: 3, nullable: true })
  lastUsedAt: Date | null;
}
