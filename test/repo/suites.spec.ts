import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const files = readdirSync('test', { recursive: true, encoding: 'utf8' });
const foldersIn = (suites: string[]) =>
  suites.flatMap((suite) =>
    [...readFileSync(join('test', suite), 'utf8').matchAll(/'([\w/-]+)'/g)].map(([, folder]) => folder),
  );

it('each folder of specs that start an application is in one suite, so that `npm test` runs it', () => {
  const specs = files.filter((file) => file.endsWith('.spec.ts') && !file.startsWith('repo/'));
  const listed = foldersIn(files.filter((file) => file.endsWith('.suite.ts')));
  expect(listed.sort()).toEqual([...new Set(specs.map(dirname))].sort());
});
