import { Injectable } from '@nestjs/common';
import { DataSource, IsNull, type Repository } from 'typeorm';
import { type Actor, systemActor } from '../../../common/actor.js';
import { DomainError } from '../../../common/errors.js';
import type { ProjectId } from '../../../common/ids.js';
import { columnValues } from '../../../database/columns.js';
import { reachingDatabase } from '../../../database/database-errors.js';
import { Database, exec, query, type Steps } from '../../../database/database.js';
import { type HistoryDetails, type ProjectAction, SYSTEM_CHAIN } from '../../../history/history-entry.js';
import { HistoryTrail } from '../../../history/history-trail.js';
import { FIND_LIVE } from '../../../projects/project.statements.js';
import { projectNotFound } from '../../../projects/projects.service.js';
import type { DisabledReason } from '../../payments-events.js';
import { EventLog } from '../event-log.js';
import * as statements from './destinations.statements.js';
import type { DestinationRow, FailingDestination } from './destinations.statements.js';
import { EventDestinationEntity } from './event-destination.entity.js';

/** Limits the destinations of one project, and those of the operator, since the list has no pages. */
const MOST_DESTINATIONS = 16;

/** `null` stands for the operator, whose destinations belong to no project. */
export type Holder = ProjectId | null;

/** A change in the words of the history. */
export interface DestinationChange {
  readonly action: 'created' | 'updated' | 'rotated' | 'deleted' | 'disabled';
  /** Names of the settings that changed. */
  readonly fields?: readonly string[];
  /** The rest of the URL may have secrets. */
  readonly host?: { readonly before: string; readonly after: string };
  readonly reason?: DisabledReason;
}

const SENDER = systemActor('event sender');

/** Stores destinations. Each change is in the history, of the project or of the installation. */
@Injectable()
export class DestinationsRepository {
  readonly #entities: Repository<EventDestinationEntity>;

  constructor(
    dataSource: DataSource,
    private readonly database: Database,
    private readonly history: HistoryTrail,
    private readonly log: EventLog,
  ) {
    this.#entities = dataSource.getRepository(EventDestinationEntity);
  }

  /** The oldest first. */
  list(holder: Holder): Promise<DestinationRow[]> {
    const where = { projectId: holder ?? IsNull() };
    return reachingDatabase(this.#entities.find({ where, order: { createdAt: 'ASC', id: 'ASC' } }));
  }

  /** @throws DomainError `event_destination_not_found` */
  async find(holder: Holder, id: string): Promise<DestinationRow> {
    const row = await reachingDatabase(this.#entities.findOneBy({ id, projectId: holder ?? IsNull() }));
    if (!row) throw destinationNotFound();
    return row;
  }

  /** @throws DomainError `project_not_found`, `too_many_event_destinations` */
  add(row: DestinationRow, actor: Actor): Promise<void> {
    return this.database.transaction(() => this.#add(row, actor));
  }

  /** @returns the changed row, or `undefined` if it is not the one with this version any more */
  change(row: DestinationRow, change: DestinationChange, actor: Actor): Promise<DestinationRow | undefined> {
    const { database } = this;
    const record = this.#recorder(row.projectId);
    const values = [row.id, row.version, ...statements.CHANGED.map((name) => row[name])];
    return database.transaction(function* () {
      const append = yield* record();
      const [changed] = yield* query(statements.CHANGE, values);
      if (changed) yield* append(change, row.id, actor);
      return changed;
    });
  }

  /** @throws DomainError `event_destination_not_found` */
  remove(holder: Holder, id: string, actor: Actor): Promise<void> {
    const record = this.#recorder(holder);
    return this.database.transaction(function* () {
      const append = yield* record();
      if ((yield* query(statements.DELETE, [id, holder])).length === 0) throw destinationNotFound();
      yield* append({ action: 'deleted' }, id, actor);
    });
  }

  /** Part of the transaction that deletes the project. */
  *removeOfProject(projectId: ProjectId): Steps<void> {
    yield* exec(statements.LOCK_OF_PROJECT, [projectId]);
    yield* exec(statements.DELETE_OF_PROJECT, [projectId]);
  }

  /** Enabled destinations that have failed since the given time or longer. */
  failing(since: Date, after: string, limit: number): Promise<FailingDestination[]> {
    return this.database.query(statements.FAILING, [since, after, limit]);
  }

  /** Does nothing if the destination is disabled already. */
  async disable(
    { id, projectId }: Pick<DestinationRow, 'id' | 'projectId'>,
    reason: DisabledReason,
  ): Promise<void> {
    const { log } = this;
    const record = this.#recorder(projectId);
    await this.database.transaction(function* () {
      const append = yield* record();
      const now = new Date();
      const [row] = yield* query(statements.DISABLE, [id, reason, now]);
      if (!row) return;
      yield* append({ action: 'disabled', reason }, id, SENDER);
      yield* log.add(['destination.disabled', { projectId, mode: null, ...about(row), reason }], now);
    });
  }

  /** Sends `destination.failing`, once for each number of warnings. */
  async warn({ id, projectId, warnings }: FailingDestination): Promise<void> {
    const { log } = this;
    await this.database.transaction(function* () {
      const [row] = yield* query(statements.WARN, [id, warnings]);
      if (row) yield* log.add(['destination.failing', { projectId, mode: null, ...about(row) }]);
    });
  }

  *#add(row: DestinationRow, actor: Actor): Steps<void> {
    const { projectId } = row;
    const append = yield* this.#recorder(projectId)();
    if (projectId !== null && (yield* query(FIND_LIVE, [projectId])).length === 0) throw projectNotFound();
    const [{ count } = { count: 0 }] = yield* query(statements.COUNT, [projectId]);
    if (count >= MOST_DESTINATIONS) throw tooManyDestinations();
    yield* exec(statements.ADD, columnValues(EventDestinationEntity, row));
    yield* append({ action: 'created' }, row.id, actor);
  }

  /** @returns a step that locks the history, and returns what writes the entry */
  #recorder(holder: Holder) {
    const { history } = this;
    return function* () {
      const chain = yield* history.lockChain<ProjectAction | `event_destinations.${string}`>(
        holder ?? SYSTEM_CHAIN,
      );
      return function* (
        { action: change, fields, ...facts }: DestinationChange,
        id: string,
        actor: Actor,
      ): Steps<void> {
        const names = fields && { fields: fields.map((field) => ({ field })) };
        const details: HistoryDetails = { destination: id, ...names, ...facts };
        const action =
          holder === null
            ? (`event_destinations.${change}` as const)
            : (`event_destination.${change}` as const);
        yield* chain.append({ action, details, actor, at: new Date() });
      };
    };
  }
}

/** A destination as events show it. */
export function about({ id, version, description, failingSince }: DestinationRow) {
  return { destination: { id, version, description, failingSince: failingSince?.toISOString() ?? null } };
}

function destinationNotFound(): DomainError {
  return new DomainError('event_destination_not_found', 'There is no event destination with this id.');
}

function tooManyDestinations(): DomainError {
  return new DomainError(
    'too_many_event_destinations',
    `There are ${MOST_DESTINATIONS} event destinations, which is the most: delete one first.`,
  );
}
