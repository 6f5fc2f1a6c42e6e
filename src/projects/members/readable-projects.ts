import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Reader } from '../../auth/caller.js';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { Database, type Statement } from '../../database/database.js';
import {
  ALL,
  CHUNK,
  COUNT_READABLE,
  IS_READABLE,
  JOINED,
  OWNED,
  type Reach,
} from './readable-projects.statements.js';

const END_OF_TIME = new Date('9999-12-31T23:59:59.999Z');
const LEAST_ID = '00000000-0000-0000-0000-000000000000';
const GREATEST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Projects of a query: one that a guard has checked, or those that the reader may read (`only` picks one of them). */
export type Scope =
  { readonly projectId: ProjectId } | { readonly readableBy: Reader; readonly only?: ProjectId };

/** What somebody may read, and the parameter of its statements. */
type Reading =
  | { readonly reach: Extract<Reach, 'subject'>; readonly key: readonly [OwnerId] }
  | { readonly reach: Extract<Reach, 'project'>; readonly key: readonly [ProjectId] }
  | { readonly reach: Extract<Reach, 'all'>; readonly key: readonly [] };

/** A person reads the projects in which they have a role, a service account its project, and an operator all. */
export function readingOf(reader: Reader): Reading {
  if (reader.kind === 'service_account')
    return reader.projectId === null
      ? { reach: 'all', key: [] }
      : { reach: 'project', key: [reader.projectId] };
  return reader.isOperator ? { reach: 'all', key: [] } : { reach: 'subject', key: [reader.sub] };
}

/** Finds the projects that a caller may read, for all lists and statistics over several projects. */
@Injectable()
export class ReadableProjects {
  constructor(private readonly database: Database) {}

  /** The ids of all live projects that the reader may read, in chunks. One chunk for most readers. */
  async *chunksOf(reader: Reader): AsyncGenerator<ProjectId[]> {
    const ids: ProjectId[] = [];
    for await (const more of this.#pages(readingOf(reader))) {
      ids.push(...more);
      if (ids.length < CHUNK) continue;
      yield ids.splice(0, CHUNK);
      // SQLite answers at once, so without this no other request would run before the last chunk.
      await nextTurn();
    }
    if (ids.length > 0) yield ids;
  }

  /** The ids of the projects in a scope, in chunks. */
  async *chunksIn(scope: Scope): AsyncGenerator<ProjectId[]> {
    if ('projectId' in scope) yield [scope.projectId];
    else if (scope.only === undefined) yield* this.chunksOf(scope.readableBy);
    else if (await this.#has(readingOf(scope.readableBy), scope.only)) yield [scope.only];
  }

  async count(reader: Reader): Promise<number> {
    const { reach, key } = readingOf(reader);
    return (await this.database.query(COUNT_READABLE[reach], [...key]))[0]?.total ?? 0;
  }

  async #has({ reach, key }: Reading, project: ProjectId): Promise<boolean> {
    if (reach === 'subject') return (await this.database.query(IS_READABLE, [...key, project])).length > 0;
    if (reach === 'project' && project !== key[0]) return false;
    return (await this.database.query(COUNT_READABLE.project, [project]))[0]?.total === 1;
  }

  async *#pages({ reach, key }: Reading): AsyncGenerator<ProjectId[]> {
    if (reach === 'project') {
      if (await this.#has({ reach, key }, key[0])) yield [key[0]];
    } else if (reach === 'all') {
      yield* this.#newestFirst(ALL);
    } else {
      yield* this.#newestFirst(OWNED, key[0]);
      yield* this.#joinedBy(key[0]);
    }
  }

  async *#newestFirst(
    chunk: Statement<{ id: ProjectId; createdAt: Date }>,
    ...owner: OwnerId[]
  ): AsyncGenerator<ProjectId[]> {
    let last: { id: string; createdAt: Date } | undefined = { id: GREATEST_ID, createdAt: END_OF_TIME };
    while (last) {
      const projects: { id: ProjectId; createdAt: Date }[] = await this.database.query(chunk, [
        last.createdAt,
        last.id,
        ...owner,
      ]);
      yield projects.map(({ id }) => id);
      last = projects[CHUNK - 1];
    }
  }

  async *#joinedBy(subject: OwnerId): AsyncGenerator<ProjectId[]> {
    let after: string | undefined = LEAST_ID;
    while (after !== undefined) {
      const joined: { id: ProjectId }[] = await this.database.query(JOINED, [subject, after]);
      yield joined.map(({ id }) => id);
      after = joined[CHUNK - 1]?.id;
    }
  }
}
