export type Engine = 'sqlite' | 'postgres';

/** The parts of SQL that the engines write differently. */
export interface Dialect {
  /**
   * Locks the selected rows, or those of table `of`, until the transaction ends. Empty on SQLite, where one
   * transaction runs at a time.
   */
  readonly rowLock: (options?: { of?: string; skipLocked?: boolean }) => string;
  /** The strings of a parameter that is a JSON array: `id IN (${jsonItems('$1')})`. */
  readonly jsonItems: (parameter: string) => string;
  /** A JSON array of a row's expressions. */
  readonly jsonArray: (expressions: string) => string;
  /** Aggregates the rows' expressions into a JSON array. */
  readonly jsonArrayAgg: (expression: string) => string;
}

export const DIALECTS: Readonly<Record<Engine, Dialect>> = {
  sqlite: {
    rowLock: () => '',
    jsonItems: (parameter) => `SELECT value FROM json_each(${parameter})`,
    jsonArray: (expressions) => `json_array(${expressions})`,
    jsonArrayAgg: (expression) => `json_group_array(${expression})`,
  },
  postgres: {
    rowLock: ({ of, skipLocked } = {}) =>
      `FOR UPDATE${of === undefined ? '' : ` OF ${of}`}${skipLocked ? ' SKIP LOCKED' : ''}`,
    jsonItems: (parameter) => `SELECT json_array_elements_text(${parameter}::json)`,
    jsonArray: (expressions) => `json_build_array(${expressions})`,
    jsonArrayAgg: (expression) => `json_agg(${expression})`,
  },
};
