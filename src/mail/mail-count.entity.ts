import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Counts the mails of one kind to a recipient, so that nobody is flooded with them. */
@Entity('mail_counts')
@Index('mail_counts_by_end', ['endsAt'])
export class MailCountEntity {
  /** SHA-256 of the kind and the recipient, in base64url. */
  @PrimaryColumn({
    name: 'recipient_hash',
    type: 'varchar',
    length: 43,
    primaryKeyConstraintName: 'mail_counts_pk',
  })
  recipientHash: string;

  @Column({ type: 'integer' })
  mails: number;

  /** The end of the window, in which the next mail starts another count. */
  @Column({ name: 'ends_at', type: Date, precision: 3 })
  endsAt: Date;
}
