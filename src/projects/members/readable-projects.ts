import { Injectable } from '@nestjs/common';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { Database } from '../../database/database.js';
import { CHUNK, IS_READABLE, JOINED, OWNED } from '../readable-projects.statements.js';

const END_OF_TIME = new Date('9999-12-31T23:59:59.999Z');
const LEAST_ID = '00000000-0000-0000-0000-000000000000';
const GREATEST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Knows in which projects somebody has a role. Lists and statistics over several projects ask nobody else. */
@Injectable()
export class ReadableProjects {
  constructor(private readonly database: Database) {}

  /** The ids of all live projects in which the subject has a role, in chunks. One chunk for most subjects. */
  async *chunksOf(subject: OwnerId): AsyncGenerator<ProjectId[]> {
    const ids: ProjectId[] = [];
    for await (const more of this.#pages(subject)) {
      ids.push(...more);
      if (ids.length >= CHUNK) yield ids.splice(0, CHUNK);
    }
    if (ids.length > 0) yield ids;
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
