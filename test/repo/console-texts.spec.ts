import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { de } from '../../console/src/text/de.js';

/** Examples of the OpenAPI document repeat sentences. */
const OTHERS = /\.spec\.ts$|docs-examples\.ts$/;

it('translates only sentences that the server has in these words', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !OTHERS.test(name))
    .map((name) => readFileSync(join('src', name), 'utf8'))
    .join('\n');
  const unknown = Object.keys(de.sentences).filter(
    (sentence) =>
      ![`'${sentence}'`, `"${sentence}"`, `\`${sentence}\``].some((text) => sources.includes(text)),
  );
  expect(unknown).toEqual([]);
});
