import { Injectable } from '@nestjs/common';
import { accountGone } from '../../auth/auth.errors.js';
import { AccountStandings } from '../../auth/tokens/ended-sessions.js';
import type { Actor } from '../../common/actor.js';
import { DomainError } from '../../common/errors.js';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { columnValues, type RowOf } from '../../database/columns.js';
import { Database, exec, query, type Steps } from '../../database/database.js';
import { type HistoryChain, HistoryTrail } from '../../history/history-trail.js';
import type { GivenRole } from '../permissions/permissions.js';
import type { Project, ProjectEntity } from '../project.entity.js';
import { FIND_LIVE } from '../project.statements.js';
import { projectNotFound } from '../projects.service.js';
import { ProjectMemberEntity } from './member.entity.js';
import { MembershipHook } from './membership-hook.js';
import {
  ADD_MEMBER,
  CHANGE_ROLE,
  COUNT_MEMBERS,
  FIND_ROLE,
  LIST_MEMBERS,
  REMOVE_ALL_NOTIFICATIONS,
  REMOVE_MEMBER,
  REMOVE_MEMBERS,
  SET_OWNER,
} from './members.statements.js';

/** Besides the owner. */
const MOST_MEMBERS = 1_000;

export type Member = RowOf<ProjectMemberEntity>;

/** A live project, locked until the transaction ends, so that its owner and members stay. */
export interface LockedProject {
  readonly chain: HistoryChain;
  readonly project: RowOf<ProjectEntity>;
}

interface Change {
  readonly projectId: ProjectId;
  readonly subject: OwnerId;
  readonly actor: Actor;
}

interface Joining extends Pick<Change, 'subject' | 'actor'> {
  /** Id of the invitation that was accepted. */
  readonly invitation?: string;
}

export interface Transfer extends Change {
  /** The owner who wants it. A transfer by an operator names none, and needs no member. */
  readonly from?: OwnerId;
}

/** The members of projects besides their owners. Each change locks the project's history. */
@Injectable()
export class MembersRepository {
  constructor(
    private readonly database: Database,
    private readonly history: HistoryTrail,
    private readonly accounts: AccountStandings,
    private readonly hook: MembershipHook,
  ) {}

  /** Those who joined first come first. */
  list(projectId: ProjectId): Promise<Member[]> {
    return this.database.query(LIST_MEMBERS, [projectId]);
  }

  /** @throws DomainError `already_member`, `account_gone`, `too_many_members`, `project_not_found` */
  add(change: Change, role: GivenRole): Promise<Member> {
    return this.database.transaction(() => this.#add(change, role));
  }

  /** @throws DomainError `owner_stays`, `member_not_found`, `project_not_found` */
  changeRole(change: Change, role: GivenRole): Promise<Member> {
    return this.database.transaction(() => this.#changeRole(change, role));
  }

  /** @throws DomainError `owner_stays`, `member_not_found`, `project_not_found` */
  async remove(change: Change): Promise<void> {
    await this.database.transaction(() => this.#remove(change));
  }

  /**
   * Makes the subject the owner, and the former owner an admin.
   * @throws DomainError `owner_changed`, `transfer_to_stranger`, `account_gone`, `project_not_found`
   */
  async transfer(transfer: Transfer): Promise<void> {
    await this.database.transaction(() => this.#transfer(transfer));
  }

  /** Locks a live project. @throws DomainError `project_not_found` */
  *lock(projectId: ProjectId): Steps<LockedProject> {
    const chain = yield* this.history.lockChain(projectId);
    const [project] = yield* query(FIND_LIVE, [projectId]);
    if (!project) throw projectNotFound();
    return { chain, project };
  }

  /** Lets somebody join a locked project. @throws DomainError `already_member`, `account_gone`, `too_many_members` */
  *join(
    { chain, project }: LockedProject,
    { subject, actor, invitation }: Joining,
    role: GivenRole,
  ): Steps<Member> {
    if (subject === project.ownerId) throw alreadyMember();
    // The account is locked before any of its memberships, as its deletion does.
    if (yield* this.accounts.isLockedOut(subject)) throw accountGone();
    const at = new Date();
    const row = { projectId: project.id, subject, role, createdAt: at };
    const [member] = yield* query(ADD_MEMBER, columnValues(ProjectMemberEntity, row));
    if (!member) throw alreadyMember();
    const [{ total } = { total: 0 }] = yield* query(COUNT_MEMBERS, [project.id]);
    if (total > MOST_MEMBERS) throw tooManyMembers();
    yield* chain.append({
      action: 'member.added',
      details: { member: subject, role, invitation },
      actor,
      at,
    });
    yield* this.hook.tell({ type: 'member.added', projectId: project.id, member: { subject, role }, at });
    return member;
  }

  /** Within the transaction that deletes a project. */
  *removeAll(projectId: ProjectId): Steps<void> {
    yield* exec(REMOVE_MEMBERS, [projectId]);
    yield* exec(REMOVE_ALL_NOTIFICATIONS, [projectId]);
  }

  *#add(change: Change, role: GivenRole): Steps<Member> {
    return yield* this.join(yield* this.lock(change.projectId), change, role);
  }

  *#changeRole({ projectId, subject, actor }: Change, role: GivenRole): Steps<Member> {
    const { chain, project } = yield* this.lock(projectId);
    assertNotOwner(project, subject);
    const [found] = yield* query(FIND_ROLE, [projectId, subject]);
    const [member] = yield* query(CHANGE_ROLE, [projectId, subject, role]);
    if (!found || !member) throw memberNotFound();
    if (found.role !== role)
      yield* chain.append({
        action: 'member.changed',
        details: { member: subject, role },
        actor,
        at: new Date(),
      });
    return member;
  }

  *#remove({ projectId, subject, actor }: Change): Steps<void> {
    const { chain, project } = yield* this.lock(projectId);
    assertNotOwner(project, subject);
    const [removed] = yield* query(REMOVE_MEMBER, [projectId, subject]);
    if (!removed) throw memberNotFound();
    const { role } = removed;
    const at = new Date();
    yield* chain.append({ action: 'member.removed', details: { member: subject, role }, actor, at });
    yield* this.hook.tell({ type: 'member.removed', projectId, member: { subject, role }, at });
  }

  *#transfer({ projectId, subject, actor, from }: Transfer): Steps<void> {
    const { chain, project } = yield* this.lock(projectId);
    if (from !== undefined && from !== project.ownerId)
      throw new DomainError('owner_changed', 'The project has another owner by now; read its members again.');
    if (subject === project.ownerId)
      throw new DomainError('already_member', 'This person owns the project already.');
    // The account is locked before its membership, as its deletion does: otherwise each waits for the other.
    const isGone = yield* this.accounts.isLockedOut(subject);
    const [member] = yield* query(REMOVE_MEMBER, [projectId, subject]);
    if (!member && from !== undefined)
      throw new DomainError(
        'transfer_to_stranger',
        'This person is not a member; add them to the project first.',
      );
    if (isGone) throw accountGone();
    const at = new Date();
    yield* exec(SET_OWNER, [projectId, subject, at]);
    const former = { projectId, subject: project.ownerId, role: 'admin' as const, createdAt: at };
    yield* query(ADD_MEMBER, columnValues(ProjectMemberEntity, former));
    yield* chain.append({
      action: 'project.transferred',
      details: { member: subject, role: 'owner' },
      actor,
      at,
    });
    if (!member) {
      const joined = { subject, role: 'owner' } as const;
      yield* this.hook.tell({ type: 'member.added', projectId, member: joined, at });
    }
  }
}

function assertNotOwner({ ownerId }: Pick<Project, 'ownerId'>, subject: OwnerId): void {
  if (subject === ownerId)
    throw new DomainError(
      'owner_stays',
      'This person owns the project; transfer it to another member first.',
    );
}

function alreadyMember(): DomainError {
  return new DomainError('already_member', 'This person has a role in the project already.');
}

function tooManyMembers(): DomainError {
  return new DomainError(
    'too_many_members',
    `The project has ${MOST_MEMBERS} members, which is the most: remove one first.`,
  );
}

function memberNotFound(): DomainError {
  return new DomainError('member_not_found', 'This person is no member of the project.');
}
