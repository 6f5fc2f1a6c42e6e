import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { OpaqueKeys } from '../../auth/opaque-keys/opaque-keys.js';
import type { Actor } from '../../common/actor.js';
import { DomainError } from '../../common/errors.js';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { columnValues, type RowOf } from '../../database/columns.js';
import { Database, exec, query, type Steps } from '../../database/database.js';
import { countMail } from '../../mail/mail-counts.statements.js';
import type { ProjectWithRole } from '../project.entity.js';
import { toProject } from '../project.repository.js';
import { ProjectInvitationEntity } from './invitation.entity.js';
import { MembersRepository } from './members.repository.js';
import {
  ADD_INVITATION,
  FIND_INVITATION,
  LIST_INVITATIONS,
  REMOVE_EXPIRED_INVITATIONS,
  REMOVE_INVITATION,
  REMOVE_INVITATIONS,
  REMOVE_INVITATIONS_OF,
} from './members.statements.js';

const DAYS_VALID = 7;
const DAY_MS = 86_400_000;
const MOST_OPEN = 100;

export type Invitation = RowOf<ProjectInvitationEntity>;

interface CreatedInvitation {
  readonly invitation: Invitation;
  /** Nothing can show it again. */
  readonly token: string;
  /** Whether a mail to the address was counted, and may be sent. */
  readonly mayMail: boolean;
}

/** Open invitations. Their tokens are opaque keys, each used up when somebody joins with it. */
@Injectable()
export class InvitationsRepository {
  constructor(
    private readonly database: Database,
    private readonly members: MembersRepository,
    private readonly keys: OpaqueKeys,
  ) {}

  /** Oldest first. */
  list(projectId: ProjectId): Promise<Invitation[]> {
    return this.database.query(LIST_INVITATIONS, [projectId, new Date()]);
  }

  /**
   * Replaces an open invitation of the same address. Counts the mail too, since a failure after the commit would
   * lose the token.
   * @param options.mails whether the invitation is mailed if the address didn't get too many mails
   * @throws DomainError `too_many_invitations`, `project_not_found`
   */
  create(
    projectId: ProjectId,
    { email, role }: Pick<Invitation, 'email' | 'role'>,
    { actor, mails }: { actor: Actor; mails: boolean },
  ): Promise<CreatedInvitation> {
    const createdAt = new Date();
    const expiresAt = new Date(createdAt.getTime() + DAYS_VALID * DAY_MS);
    const invitation = { id: randomUUID(), projectId, email, role, createdAt, expiresAt };
    return this.database.transaction(() => this.#create(invitation, { actor, mails }));
  }

  /** @throws DomainError `invitation_not_found` */
  async withdraw(projectId: ProjectId, id: string, actor: Actor): Promise<void> {
    await this.database.transaction(() => this.#withdraw(projectId, id, actor));
  }

  /**
   * @returns the project that the subject joined
   * @throws DomainError `invitation_not_found`, `already_member`, `account_gone`, `too_many_members`
   */
  async accept(token: string, subject: OwnerId, actor: Actor): Promise<ProjectWithRole> {
    const id = await this.keys.holderOf('invitation', token);
    const [invitation] = id === undefined ? [] : await this.database.query(FIND_INVITATION, [id]);
    if (!invitation) throw invitationNotFound();
    return this.database.transaction(() => this.#accept(invitation, token, subject, actor));
  }

  /** Within the transaction that deletes a project. */
  *removeAll(projectId: ProjectId): Steps<void> {
    for (const { id } of yield* query(REMOVE_INVITATIONS, [projectId]))
      yield* this.keys.revoke('invitation', id);
  }

  *#create(
    invitation: Invitation,
    { actor, mails }: { actor: Actor; mails: boolean },
  ): Steps<CreatedInvitation> {
    const { id, projectId, email, role, createdAt, expiresAt } = invitation;
    const { chain } = yield* this.members.lock(projectId);
    yield* this.#forgetExpired(createdAt);
    for (const former of yield* query(REMOVE_INVITATIONS_OF, [projectId, email])) {
      yield* this.keys.revoke('invitation', former.id);
      const details = { invitation: former.id, role: former.role };
      yield* chain.append({ action: 'invitation.withdrawn', details, actor, at: createdAt });
    }
    if ((yield* query(LIST_INVITATIONS, [projectId, createdAt])).length >= MOST_OPEN)
      throw new DomainError(
        'too_many_invitations',
        `The project has ${MOST_OPEN} open invitations, which is the most: withdraw one first.`,
      );
    yield* exec(ADD_INVITATION, columnValues(ProjectInvitationEntity, invitation));
    const token = yield* this.keys.issue('invitation', id, { expiresAt, createdAt });
    yield* chain.append({
      action: 'invitation.created',
      details: { invitation: id, role },
      actor,
      at: createdAt,
    });
    return { invitation, token, mayMail: mails && (yield* countMail('invitation', email)) };
  }

  *#withdraw(projectId: ProjectId, id: string, actor: Actor): Steps<void> {
    const at = new Date();
    const { chain } = yield* this.members.lock(projectId);
    yield* this.#forgetExpired(at);
    const [withdrawn] = yield* query(REMOVE_INVITATION, [projectId, id]);
    if (!withdrawn) throw invitationNotFound();
    yield* this.keys.revoke('invitation', id);
    const details = { invitation: id, role: withdrawn.role };
    yield* chain.append({ action: 'invitation.withdrawn', details, actor, at });
  }

  *#accept(
    { id, projectId }: Invitation,
    token: string,
    subject: OwnerId,
    actor: Actor,
  ): Steps<ProjectWithRole> {
    const locked = yield* this.members.lock(projectId);
    const [invitation] = yield* query(REMOVE_INVITATION, [projectId, id]);
    const holder = yield* this.keys.redeem('invitation', token);
    if (!invitation || holder !== id) throw invitationNotFound();
    const { role } = yield* this.members.join(locked, { subject, actor, invitation: id }, invitation.role);
    return { ...toProject(locked.project), role };
  }

  /** Deletes the addresses of expired invitations, of all projects. */
  *#forgetExpired(now: Date): Steps<void> {
    for (const { id } of yield* query(REMOVE_EXPIRED_INVITATIONS, [now]))
      yield* this.keys.revoke('invitation', id);
  }
}

function invitationNotFound(): DomainError {
  return new DomainError(
    'invitation_not_found',
    'There is no such invitation: it was used, withdrawn or has expired. Ask for another one.',
  );
}
