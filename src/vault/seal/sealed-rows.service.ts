import { throwIfInterrupted } from '../../common/deadline.js';
import type { Secret } from '../../common/secret.js';
import type { Keyring } from '../keys/keyring.js';
import { keyIdOf, SealBroken } from './seal.js';
import { asText, type SealedRow, type SealedRowsRepository } from './sealed-rows.repository.js';

interface Progress {
  /** Checked between two pages. */
  readonly signal: AbortSignal;
  readonly add: (count: number) => void;
}

/** Rows by data key, then by table. */
export type RowCounts = ReadonlyMap<string, Readonly<Record<string, number>>>;

/** A row that can't be unsealed, or whose columns in `altered` don't match the value. */
export type BrokenRow = SealedRow & { readonly altered: readonly string[] };

/** Counts, checks and reseals all sealed rows, page by page, while the service runs. */
export class SealedRowsService {
  constructor(
    private readonly rows: SealedRowsRepository,
    private readonly keyring: Keyring,
  ) {}

  async count(): Promise<RowCounts> {
    const counts = new Map<string, Record<string, number>>();
    for (const column of this.rows.columns) {
      for (const [id, count] of await this.rows.countByKey(column))
        counts.set(id, { ...counts.get(id), [column.table]: count });
    }
    return counts;
  }

  /**
   * Reseals all rows under the given keys with the primary key.
   * @returns rows that can't be unsealed, which stay unchanged
   */
  async reseal(keyIds: readonly string[], { signal, add }: Progress): Promise<SealedRow[]> {
    const broken: SealedRow[] = [];
    for (const column of this.rows.columns) {
      for (const id of keyIds) {
        for await (const page of this.rows.pagesOf(column, id)) {
          const opened = await Promise.all(
            page.map(async (row) => ({ row, value: await this.#unseal(row) })),
          );
          await this.rows.replaceAll(
            opened.flatMap(({ row, value }) =>
              value ? [{ row, ...this.keyring.seal(row.context, value) }] : [],
            ),
          );
          broken.push(...opened.flatMap(({ row, value }) => (value ? [] : [row])));
          add(page.length);
          await throwIfInterrupted(signal);
        }
      }
    }
    return broken;
  }

  /**
   * Unseals every row.
   * @returns rows that can't be unsealed, name another key than their text, or have altered columns
   */
  async check({ signal, add }: Progress): Promise<BrokenRow[]> {
    const broken: BrokenRow[] = [];
    for (const column of this.rows.columns) {
      for await (const page of this.rows.pagesOf(column)) {
        const values = await Promise.all(page.map((row) => this.#unseal(row)));
        for (const [index, row] of page.entries()) {
          const value = values[index];
          const altered = value ? this.#altered(row, value) : [];
          if (!value || keyIdOf(row.sealed) !== row.keyId || altered.length > 0)
            broken.push({ ...row, altered });
        }
        add(page.length);
        await throwIfInterrupted(signal);
      }
    }
    return broken;
  }

  #altered({ column, primaryKey, derived }: SealedRow, value: Secret): string[] {
    const expected = column.derived?.of(this.keyring, asText(primaryKey), value) ?? {};
    return Object.keys(expected).filter((name) => expected[name] !== derived[name]);
  }

  async #unseal({ context, sealed }: SealedRow): Promise<Secret | undefined> {
    try {
      return await this.keyring.unseal(context, sealed);
    } catch (error) {
      if (error instanceof SealBroken) return undefined;
      throw error;
    }
  }
}
