// The extent of a benchmark.
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    small: { type: 'boolean' },
    engine: { type: 'string', default: 'both' },
  },
});

/** `--quick` is for development. `--small` checks in seconds that everything runs. Neither writes a file. */
const EXTENT = values.small ? 'small' : values.quick ? 'quick' : 'full';

export const isFull = EXTENT === 'full';
export const isSmall = EXTENT === 'small';

/** `--engine sqlite` omits PostgreSQL and its own measurements. */
export const ENGINES = { sqlite: 'SQLite', ...(values.engine !== 'sqlite' && { postgres: 'PostgreSQL' }) };

/** @template T @param {{ full: T, quick: T, small: T }} choices @returns {T} */
export function byExtent(choices) {
  return choices[EXTENT];
}
