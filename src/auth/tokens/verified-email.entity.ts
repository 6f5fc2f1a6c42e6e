import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { OwnerId } from '../../common/ids.js';
import { MAX_EMAIL_LENGTH } from '../../http/validation/email.js';

/** The address that a developer's tokens name as verified. Kept only where mail is set up. */
@Entity('verified_emails')
@Index('verified_emails_by_time', ['seenAt'])
export class VerifiedEmailEntity {
  @PrimaryColumn({ type: 'varchar', length: 255, primaryKeyConstraintName: 'verified_emails_pk' })
  subject: OwnerId;

  @Column({ type: 'varchar', length: MAX_EMAIL_LENGTH })
  email: string;

  @Column({ name: 'seen_at', type: Date, precision: 3 })
  seenAt: Date;
}
