import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { DataKeyPurpose } from './data-key-store.js';

/** A data key that only opens. It is in no table that anything sealed could refer to: whoever still seals under it is refused. */
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
