import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Failed logins at one account or from one network address, counted by all processes. */
@Entity('failed_logins')
@Index('failed_logins_by_end', ['endsAt'])
export class FailedLoginEntity {
  /** A hash, so that the table has no addresses of strangers. */
  @PrimaryColumn({ type: 'varchar', length: 43, primaryKeyConstraintName: 'failed_logins_pk' })
  key: string;

  @Column({ type: 'integer' })
  failures: number;

  /** The end of the window, in which the next failure starts another count. */
  @Column({ name: 'ends_at', type: Date, precision: 3 })
  endsAt: Date;
}
