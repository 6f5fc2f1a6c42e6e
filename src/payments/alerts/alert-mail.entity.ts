import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import type { AlertType } from './alert-texts.js';

/** A mail about a problem of a project to one person, or a mail to operators. It has no address. */
@Entity('alert_mails')
@Index('alert_mails_by_project', ['projectId', 'type', 'problem', 'createdAt'])
@Index('alert_mails_by_due', ['dueAt'], { where: 'due_at IS NOT NULL' })
@Index('alert_mails_by_time', ['createdAt'])
export class AlertMailEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'alert_mails_pk' })
  id: string;

  /** `null` for a mail to operators. */
  @Column('uuid', { name: 'project_id', nullable: true })
  projectId: ProjectId | null;

  /** Who gets it; `null` for a mail to operators. */
  @Column({ type: 'varchar', length: 255, nullable: true })
  subject: OwnerId | null;

  @Column({ type: 'varchar', length: 32 })
  type: AlertType | 'digest';

  /** What the mail is about: the mode, or the id of the destination. `null` for the daily mail. */
  @Column({ type: 'varchar', length: 36, nullable: true })
  problem: string | null;

  /** What the event says, as JSON. */
  @Column({ type: 'text' })
  data: string;

  /** In the future for a mail that waits until a day after the last one about its problem. */
  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  /** When it is sent next; `null` once it is sent, or given up. */
  @Column({ name: 'due_at', type: Date, precision: 3, nullable: true })
  dueAt: Date | null;

  @Column({ type: 'integer' })
  attempts: number;
}
