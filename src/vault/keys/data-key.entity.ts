import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { DataKeyPurpose, DataKeyRow } from './data-key.repository.js';

/** A data key in use, wrapped by a master key. The foreign keys of sealed rows keep it from being retired. */
@Entity('data_keys')
@Index('data_keys_one_published', ['purpose'], { unique: true, where: "state = 'published'" })
@Index('data_keys_one_primary', ['purpose'], { unique: true, where: "state = 'primary'" })
export class DataKeyEntity {
  @PrimaryColumn({ type: 'varchar', length: 16, primaryKeyConstraintName: 'data_keys_pk' })
  id: string;

  @Column({ type: 'varchar', length: 16 })
  purpose: DataKeyPurpose;

  @Column({ type: 'varchar', length: 16 })
  state: DataKeyRow['state'];

  @Column({ type: 'text' })
  wrapped: string;

  @Column({ name: 'master_key_id', type: 'varchar', length: 64 })
  masterKeyId: string;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;
}

/**
 * A data key for unsealing only. Foreign keys can't refer to this table, so nothing new is stored under the
 * key.
 */
@Entity('retired_data_keys')
export class RetiredDataKeyEntity {
  @PrimaryColumn({ type: 'varchar', length: 16, primaryKeyConstraintName: 'retired_data_keys_pk' })
  id: string;

  @Column({ type: 'varchar', length: 16 })
  purpose: DataKeyPurpose;

  @Column({ type: 'text' })
  wrapped: string;

  @Column({ name: 'master_key_id', type: 'varchar', length: 64 })
  masterKeyId: string;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @Column({ name: 'retired_at', type: Date, precision: 3 })
  retiredAt: Date;
}
