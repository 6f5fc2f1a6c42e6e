export type Engine = 'sqlite' | 'postgres';

/** The parts of SQL that the engines write differently. */
export interface Dialect {
  /**
   * Locks the selected rows, or those of table `of`, until the transaction ends. Empty on SQLite, where one
   * transaction runs at a time. Several transactions can have a shared lock, which keeps others from changing
   * the rows.
   */
  readonly rowLock: (options?: { of?: string; skipLocked?: boolean; shared?: boolean }) => string;
  /** The database's clock in milliseconds, at the time of the statement and not of its transaction. */
  readonly now: string;
  /** The database's clock in microseconds since the epoch, as an integer. */
  readonly microseconds: string;
  /** The greatest of some expressions. */
  readonly greatest: (expressions: string) => string;
  /** Equality that uses no index, so that the planner takes the index of the other conditions. */
  readonly equalsUnindexed: (column: string, parameter: string) => string;
  /** The strings of a parameter that is a JSON array: `id IN (${jsonItems('$1')})`. */
  readonly jsonItems: (parameter: string) => string;
  /** The ids of a parameter that is a JSON array. */
  readonly jsonUuids: (parameter: string) => string;
  /** Joins the first rows of a subquery to each row of the preceding tables (LATERAL). */
  readonly joinFirst: (rows: FirstRows) => string;
  /** A JSON array of a row's expressions. */
  readonly jsonArray: (expressions: string) => string;
  /** Aggregates the rows' expressions into a JSON array. */
  readonly jsonArrayAgg: (expression: string) => string;
}

interface FirstRows {
  readonly table: string;
  readonly as: string;
  /** Conditions and order, given an alias of the table. */
  readonly where: (row: string) => string;
  readonly orderBy: (row: string) => string;
  readonly limit: string;
}

export const DIALECTS: Readonly<Record<Engine, Dialect>> = {
  sqlite: {
    rowLock: () => '',
    now: `strftime('%Y-%m-%d %H:%M:%f', 'now')`,
    microseconds: `CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)`,
    greatest: (expressions) => `max(${expressions})`,
    equalsUnindexed: (column, parameter) => `+${column} = ${parameter}`,
    jsonItems: (parameter) => `SELECT value FROM json_each(${parameter})`,
    jsonUuids: (parameter) => `SELECT value FROM json_each(${parameter})`,
    // SQLite has no LATERAL. CROSS JOIN fixes the order of the loops.
    joinFirst: ({ table, as, where, orderBy, limit }) =>
      `CROSS JOIN ${table} ${as} ON ${as}.rowid IN (
        SELECT f.rowid FROM ${table} f WHERE ${where('f')} ORDER BY ${orderBy('f')} LIMIT ${limit})`,
    jsonArray: (expressions) => `json_array(${expressions})`,
    jsonArrayAgg: (expression) => `json_group_array(${expression})`,
  },
  postgres: {
    rowLock: ({ of, skipLocked, shared } = {}) =>
      `FOR ${shared ? 'SHARE' : 'UPDATE'}${of === undefined ? '' : ` OF ${of}`}${skipLocked ? ' SKIP LOCKED' : ''}`,
    now: `date_trunc('milliseconds', clock_timestamp())`,
    microseconds: '(extract(epoch FROM clock_timestamp()) * 1000000)::bigint',
    greatest: (expressions) => `greatest(${expressions})`,
    equalsUnindexed: (column, parameter) => `${column} IS NOT DISTINCT FROM ${parameter}`,
    jsonItems: (parameter) => `SELECT json_array_elements_text(${parameter}::json)`,
    jsonUuids: (parameter) => `SELECT json_array_elements_text(${parameter}::json)::uuid`,
    joinFirst: ({ table, as, where, orderBy, limit }) =>
      `CROSS JOIN LATERAL (SELECT * FROM ${table} f WHERE ${where('f')} ORDER BY ${orderBy('f')} LIMIT ${limit}) ${as}`,
    jsonArray: (expressions) => `json_build_array(${expressions})`,
    jsonArrayAgg: (expression) => `json_agg(${expression})`,
  },
};
