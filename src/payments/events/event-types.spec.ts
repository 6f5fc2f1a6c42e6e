import { readFileSync } from 'node:fs';
import { EVENT_TYPES } from './event-types.js';

/** The cells of a table's rows that begin with an event's type. */
const rowsIn = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => /^\| `[a-z_]+\.[a-z_]+` /.test(line))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| |\|$/g, '').trim()));

it('are all in docs/events.md, with the same words', () => {
  const documented = rowsIn('docs/events.md').map(([type, when]) => [type, when]);
  expect(documented).toEqual(Object.entries(EVENT_TYPES).map(([type, { when }]) => [`\`${type}\``, when]));
});

it('are all in docs/using-from-modules.md', () => {
  const documented = rowsIn('docs/using-from-modules.md').map(([type]) => type);
  expect(documented).toEqual(Object.keys(EVENT_TYPES).map((type) => `\`${type}\``));
});
