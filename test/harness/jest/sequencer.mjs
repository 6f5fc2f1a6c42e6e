// @ts-check
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Sequencer from '@jest/test-sequencer';

/** Files that run other programs, of which their size says nothing. */
const PROGRAMS = /(?:commands\.spec|console\.suite|faults\.suite)\.ts$/;

/**
 * Begins with the files that take longest, so that no worker is left alone with one at the end: suites by the
 * size of their specs, and then the small files. Jest would take the size of the suite's own file.
 */
export default class LongestFirst extends Sequencer {
  /** @type {Sequencer['sort']} */
  sort(tests) {
    const sizes = new Map(tests.map(({ path }) => [path, sizeOf(path)]));
    return [...tests].sort((a, b) => (sizes.get(b.path) ?? 0) - (sizes.get(a.path) ?? 0));
  }
}

/** @param {string} path */
function sizeOf(path) {
  if (PROGRAMS.test(path)) return Infinity;
  if (!path.endsWith('.suite.ts')) return statSync(path).size;
  const folders = [...readFileSync(path, 'utf8').matchAll(/'([\w/-]+)'/g)].map(([, name = '']) =>
    join('test', name),
  );
  const specs = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.spec.ts'))
      .map((name) => join(folder, name)),
  );
  return specs.reduce((sum, spec) => sum + statSync(spec).size, 0);
}
