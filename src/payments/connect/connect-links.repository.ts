import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { OpaqueKeys } from '../../auth/opaque-keys/opaque-keys.js';
import type { Actor } from '../../common/actor.js';
import { DomainError } from '../../common/errors.js';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { columnValues } from '../../database/columns.js';
import { Database, exec, query, type Steps } from '../../database/database.js';
import { type HistoryChain, HistoryTrail } from '../../history/history-trail.js';
import { FIND_LIVE } from '../../projects/project.statements.js';
import { projectNotFound } from '../../projects/projects.service.js';
import { EventLog } from '../events/event-log.js';
import { ConnectLinkEntity } from './connect-link.entity.js';
import {
  ADD,
  ANNOUNCE,
  type ConnectLinkRow,
  DELETE_EXPIRED,
  DELETE_OF_PROJECT,
  END,
  FIND,
  LIST_OPEN,
  LIST_UNANNOUNCED,
} from './connect-links.statements.js';

const KIND = 'connect_link';
/** Maximum number of open links of one project, since the list has no pages. */
const MOST_OPEN = 100;
/** How long an ended link is known, so that its page can say that it ended. */
const KEPT_MS = 30 * 86_400_000;

/** Longer than making a webhook endpoint takes. */
const COMPLETION_MS = 5 * 60_000;

export type ConnectLink = ConnectLinkRow;

/** A link with what its page shows. */
export interface FoundLink extends ConnectLink {
  readonly ownerId: OwnerId;
  readonly projectName: string;
}

export type NewConnectLink = Pick<
  ConnectLink,
  'mode' | 'returnUrl' | 'state' | 'embedOrigin' | 'createdAt' | 'expiresAt'
>;

export function isOpen({ ended, expiresAt }: ConnectLink): boolean {
  return ended === null && expiresAt.getTime() > Date.now();
}

/** Stores links. The history of the project has their beginning and end. */
@Injectable()
export class ConnectLinksRepository {
  constructor(
    private readonly database: Database,
    private readonly history: HistoryTrail,
    private readonly keys: OpaqueKeys,
    private readonly log: EventLog,
  ) {}

  /** The oldest first. */
  listOpen(projectId: ProjectId): Promise<ConnectLink[]> {
    return this.database.query(LIST_OPEN, [projectId, new Date()]);
  }

  /** @returns the link of a token, also one that ended */
  async find(token: string): Promise<FoundLink | undefined> {
    const id = await this.keys.holderOf(KIND, token);
    const [row] = id === undefined ? [] : await this.database.query(FIND, [id]);
    return row;
  }

  /**
   * @returns the link, and its token, which nothing can show again
   * @throws DomainError `project_not_found`, `too_many_connect_links`
   */
  add(
    projectId: ProjectId,
    link: NewConnectLink,
    actor: Actor,
  ): Promise<{ link: ConnectLink; token: string }> {
    return this.database.transaction(() => this.#add(projectId, link, actor));
  }

  /** @throws DomainError `connect_link_not_found` */
  revoke(projectId: ProjectId, id: string, actor: Actor): Promise<void> {
    return this.database.transaction(() => this.#revoke(projectId, id, actor));
  }

  /** Uses a link up, inside the transaction that stores the key. @throws DomainError `connect_link_ended` */
  *use(link: ConnectLink, chain: HistoryChain, actor: Actor): Steps<void> {
    if (!(yield* this.#end(link, 'used'))) throw linkEnded();
    const { id, mode } = link;
    const now = new Date();
    const details = { connect_link: id, mode };
    yield* chain.append({ action: 'connect_link.used', details, actor, at: now });
  }

  /** Sends the event of a completion, once. @param endpointProblem why there is no webhook endpoint */
  announce(link: ConnectLink, endpointProblem: string | null): Promise<void> {
    return this.database.transaction(() => this.#announce(link, endpointProblem));
  }

  /** Completions whose process stopped before it sent the event. */
  listUnannounced(limit: number): Promise<ConnectLink[]> {
    return this.database.query(LIST_UNANNOUNCED, [new Date(), limit]);
  }

  /** Runs inside the transaction that deletes the project. */
  *removeOfProject(projectId: ProjectId): Steps<void> {
    yield* this.#forget(yield* query(DELETE_OF_PROJECT, [projectId]));
  }

  *#announce({ id, projectId, mode, state }: ConnectLink, endpointProblem: string | null): Steps<void> {
    if ((yield* query(ANNOUNCE, [id])).length === 0) return;
    const event = { projectId, mode, connectLink: { id, state }, endpointProblem };
    yield* this.log.add(['connect.completed', event]);
  }

  *#add(
    projectId: ProjectId,
    link: NewConnectLink,
    actor: Actor,
  ): Steps<{ link: ConnectLink; token: string }> {
    const chain = yield* this.history.lockChain(projectId);
    if ((yield* query(FIND_LIVE, [projectId])).length === 0) throw projectNotFound();
    const { createdAt: now, mode } = link;
    yield* this.#forget(yield* query(DELETE_EXPIRED, [projectId, new Date(now.getTime() - KEPT_MS)]));
    if ((yield* query(LIST_OPEN, [projectId, now])).length >= MOST_OPEN) throw tooManyLinks();
    const added = { ...link, id: randomUUID(), projectId, ended: null, announceAt: null };
    yield* exec(ADD, columnValues(ConnectLinkEntity, added));
    // The link knows when it expires, and its page says so afterwards.
    const token = yield* this.keys.issue(KIND, added.id);
    const details = { connect_link: added.id, mode };
    yield* chain.append({ action: 'connect_link.created', details, actor, at: now });
    return { link: added, token };
  }

  *#revoke(projectId: ProjectId, id: string, actor: Actor): Steps<void> {
    const chain = yield* this.history.lockChain(projectId);
    if (!(yield* this.#end({ id, projectId }, 'revoked')))
      throw new DomainError('connect_link_not_found', 'There is no open link with this id.');
    const details = { connect_link: id };
    yield* chain.append({ action: 'connect_link.revoked', details, actor, at: new Date() });
  }

  *#end({ id, projectId }: Pick<ConnectLink, 'id' | 'projectId'>, end: 'used' | 'revoked'): Steps<boolean> {
    const now = new Date();
    const announceAt = end === 'used' ? new Date(now.getTime() + COMPLETION_MS) : null;
    return (yield* query(END, [id, projectId, end, now, announceAt])).length > 0;
  }

  /** Deletes the tokens of deleted links. */
  *#forget(links: readonly { id: string }[]): Steps<void> {
    for (const { id } of links) yield* this.keys.revoke(KIND, id);
  }
}

export function linkEnded(): DomainError {
  return new DomainError(
    'connect_link_ended',
    'This link was used, withdrawn, or has expired: ask for another one where you got it.',
  );
}

function tooManyLinks(): DomainError {
  return new DomainError(
    'too_many_connect_links',
    `The project has ${MOST_OPEN} open links, which is the most: revoke one first.`,
  );
}
