import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { AccountStandings } from '../../auth/tokens/ended-sessions.js';
import { VerifiedEmails } from '../../auth/tokens/verified-emails.js';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { reachingDatabase } from '../../database/database-errors.js';
import { exec } from '../../database/database.js';
import { MemberNotificationEntity } from './member.entity.js';
import { REMOVE_NOTIFICATIONS } from './members.statements.js';
import { MembershipHook } from './membership-hook.js';

/** Whether a member gets mails about a project, and where. */
export interface Notifications {
  readonly enabled: boolean;
  readonly notifyEmail: string | null;
  /** Where mails go; `null` if no address is known. */
  readonly address: string | null;
}

/** Stores whether members get mails. What a member chose is deleted when the member leaves. */
@Injectable()
export class NotificationsRepository implements OnModuleInit {
  constructor(
    private readonly dataSource: DataSource,
    private readonly accounts: AccountStandings,
    private readonly emails: VerifiedEmails,
    private readonly memberships: MembershipHook,
  ) {}

  onModuleInit(): void {
    this.memberships.on(function* ({ type, projectId, member }) {
      if (type === 'member.removed') yield* exec(REMOVE_NOTIFICATIONS, [projectId, member.subject]);
    });
  }

  /** Takes the address that the member chose, then that of the account, then the verified one of the tokens. */
  async find(projectId: ProjectId, subject: OwnerId): Promise<Notifications> {
    const rows = this.dataSource.getRepository(MemberNotificationEntity);
    const { enabled = true, notifyEmail = null } =
      (await reachingDatabase(rows.findOneBy({ projectId, subject }))) ?? {};
    const known = async () =>
      (await this.accounts.addressOf(subject)) ?? (await this.emails.find(subject)) ?? null;
    return { enabled, notifyEmail, address: notifyEmail ?? (await known()) };
  }

  async save(
    projectId: ProjectId,
    subject: OwnerId,
    change: Partial<Pick<Notifications, 'enabled' | 'notifyEmail'>>,
  ): Promise<void> {
    const { enabled, notifyEmail } = { ...(await this.find(projectId, subject)), ...change };
    const rows = this.dataSource.getRepository(MemberNotificationEntity);
    const row = { projectId, subject, enabled, notifyEmail, updatedAt: new Date() };
    await reachingDatabase(rows.upsert(row, ['projectId', 'subject']));
  }
}
