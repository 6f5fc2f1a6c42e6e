import { type FileHandle, open, stat } from 'node:fs/promises';
import { codeOf, CommandFailed, type Report } from '../output.js';
import type { Refusal } from './project-line.js';
import type { Outcome } from './project-importer.js';

/** Refused lines that the command's own output shows. */
const MAX_SHOWN = 20;

/** Counts the outcomes of an import, and writes the refused lines to the report as JSON Lines. */
export class ImportReport {
  readonly #counts = { created: 0, updated: 0, unchanged: 0, refused: 0 };
  #incomplete = 0;
  readonly #shown: Refusal[] = [];
  readonly #file: FileHandle | undefined;
  /** Batches that end at once are written one after the other. */
  #written: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle | undefined) {
    this.#file = file;
  }

  /**
   * @param path of the report, which replaces an earlier one
   * @param inputs paths of the files that the import reads
   * @throws CommandFailed
   */
  static async open(
    path: string | undefined,
    inputs: readonly (string | undefined)[],
  ): Promise<ImportReport> {
    if (path === undefined) return new ImportReport(undefined);
    const place = await placeOf(path);
    for (const input of inputs)
      if (place !== undefined && input !== undefined && place === (await placeOf(input)))
        throw new CommandFailed('The report would replace a file that the import reads: name another file.');
    try {
      return new ImportReport(await open(path, 'w', 0o600));
    } catch {
      throw new CommandFailed('The report can not be written: check the path, its permissions and the disk.');
    }
  }

  async add(outcomes: readonly Outcome[]): Promise<void> {
    const refusals: Refusal[] = [];
    for (const outcome of outcomes) {
      if (typeof outcome === 'string') this.#counts[outcome] += 1;
      else refusals.push(outcome);
    }
    this.#counts.refused += refusals.length;
    await this.#list(refusals);
  }

  /** Adds lines that are imported, but whose backfill failed. */
  async addIncomplete(lines: readonly Refusal[]): Promise<void> {
    this.#incomplete += lines.length;
    await this.#list(lines);
  }

  async #list(lines: readonly Refusal[]): Promise<void> {
    if (lines.length === 0) return;
    const sorted = [...lines].sort((one, other) => one.line - other.line);
    this.#shown.push(...sorted.slice(0, MAX_SHOWN - this.#shown.length));
    const text = sorted.map((line) => `${JSON.stringify(line)}\n`).join('');
    this.#written = this.#written.then(() => this.#file?.appendFile(text));
    try {
      await this.#written;
    } catch (error) {
      throw new CommandFailed(
        `The report can not be written (${codeOf(error)}): name another file, and run the command again. What was imported stays.`,
      );
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  /** @param isDry whether nothing was written */
  summary(isDry: boolean): Report {
    const { created, updated, unchanged, refused } = this.#counts;
    const lines = created + updated + unchanged + refused;
    const would = isDry ? 'would be ' : '';
    const listed = refused + this.#incomplete;
    const text = [
      `${isDry ? 'Checked' : 'Read'} ${lines} projects: ${created} ${would}created, ${updated} ${would}updated, ${unchanged} unchanged, ${refused} refused.`,
      ...(this.#incomplete > 0 ? [`${this.#incomplete} are not completely backfilled: run it again.`] : []),
      ...this.#shown.map(inWords),
      ...(listed > this.#shown.length
        ? [`… and ${listed - this.#shown.length} more: --report <file> lists all.`]
        : []),
    ].join('\n');
    const json = {
      dry_run: isDry,
      lines,
      ...this.#counts,
      incomplete: this.#incomplete,
      refusals: this.#shown,
    };
    return { text, json, isBad: listed > 0 };
  }
}

function inWords({ line, project_id: id, problems }: Refusal): string {
  const reasons = problems.map(({ field, message }) => (field ? `${field} ${message}` : message));
  return `Line ${line}${id ? ` (${id})` : ''}: ${reasons.join('; ')}`;
}

/** Names a file by device and inode, so that links to it count as the file. @returns `undefined` without a file */
async function placeOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path);
    return `${dev} ${ino}`;
  } catch {
    return undefined;
  }
}
