import Sqlite from 'better-sqlite3';
import type { ProjectId } from '../../common/ids.js';

/**
 * The projects that an import has met. SQLite keeps them in a temporary file once they are many, so that a long file
 * needs no more memory than a short one.
 */
export class SeenProjects {
  readonly #database = new Sqlite('');
  readonly #add: Sqlite.Statement<[Buffer, number]>;
  readonly #find: Sqlite.Statement<[Buffer], { line: number }>;

  constructor() {
    this.#database.pragma('journal_mode = OFF');
    this.#database.pragma('synchronous = OFF');
    this.#database.exec('CREATE TABLE seen (project BLOB PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID');
    this.#add = this.#database.prepare(
      'INSERT INTO seen (project, line) VALUES (?, ?) ON CONFLICT DO NOTHING',
    );
    this.#find = this.#database.prepare('SELECT line FROM seen WHERE project = ?');
  }

  /** @returns the line that named the project first, if that was another one */
  add(project: ProjectId, line: number): number | undefined {
    const key = Buffer.from(project.replaceAll('-', ''), 'hex');
    if (this.#add.run(key, line).changes > 0) return undefined;
    return this.#find.get(key)?.line;
  }

  close(): void {
    this.#database.close();
  }
}
