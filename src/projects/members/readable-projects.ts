import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { Database } from '../../database/database.js';
import { CHUNK, COUNT_READABLE, IS_READABLE, JOINED, OWNED } from '../readable-projects.statements.js';

const END_OF_TIME = new Date('9999-12-31T23:59:59.999Z');
const LEAST_ID = '00000000-0000-0000-0000-000000000000';
const GREATEST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** One project, whoever asks, or all projects that a subject may read, or only one of them. */
export type Scope =
  { readonly projectId: ProjectId } | { readonly readableBy: OwnerId; readonly only?: ProjectId };

/** Knows in which projects somebody has a role. Lists and statistics over several projects ask nobody else. */
@Injectable()
export class ReadableProjects {
  constructor(private readonly database: Database) {}

  /** The ids of all live projects in which the subject has a role, in chunks. One chunk for most subjects. */
  async *chunksOf(subject: OwnerId): AsyncGenerator<ProjectId[]> {
    const ids: ProjectId[] = [];
    for await (const more of this.#pages(subject)) {
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
    else if (await this.has(scope.readableBy, scope.only)) yield [scope.only];
  }

  async count(subject: OwnerId): Promise<number> {
    return (await this.database.query(COUNT_READABLE, [subject]))[0]?.total ?? 0;
  }

  async has(subject: OwnerId, project: ProjectId): Promise<boolean> {
    return (await this.database.query(IS_READABLE, [subject, project])).length > 0;
  }

  async *#pages(subject: OwnerId): AsyncGenerator<ProjectId[]> {
    let last: { id: string; createdAt: Date } | undefined = { id: GREATEST_ID, createdAt: END_OF_TIME };
    while (last) {
      const owned: { id: ProjectId; createdAt: Date }[] = await this.database.query(OWNED, [
        subject,
        last.createdAt,
        last.id,
      ]);
      yield owned.map(({ id }) => id);
      last = owned[CHUNK - 1];
    }
    let after: string | undefined = LEAST_ID;
    while (after !== undefined) {
      const joined: { id: ProjectId }[] = await this.database.query(JOINED, [subject, after]);
      yield joined.map(({ id }) => id);
      after = joined[CHUNK - 1]?.id;
    }
  }
}
