import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A running process, and the data keys that it said it has. One that ended without a word leaves its row behind. */
@Entity('key_holders')
export class KeyHolderEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'key_holders_pk' })
  id: string;

  /** For people: the host's name and the process id. */
  @Column({ type: 'varchar', length: 300 })
  name: string;

  /** The one that it seals under. */
  @Column({ name: 'primary_key_id', type: 'varchar', length: 16 })
  primaryKeyId: string;

  /** The ids of the keys that it can open, separated by commas. */
  @Column({ type: 'text' })
  held: string;

  /** The same of those that it should be able to open and can't. */
  @Column({ type: 'text' })
  missing: string;

  @Column({ name: 'answered_at', type: Date, precision: 3 })
  answeredAt: Date;
}
