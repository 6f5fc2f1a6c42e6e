import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Examples of the OpenAPI document repeat sentences. */
const OTHERS = /\.spec\.ts$|docs-examples\.ts$/;
const KEY = /^ {4}(?:'([^'\n]+)'|"([^"\n]+)"):/gm;

it('translates only sentences that the server has in these words', () => {
  const [, section = ''] = readFileSync('console/src/text/de.ts', 'utf8').split('\n  sentences: {');
  const [table = ''] = section.split('\n  },');
  const sentences = [...table.matchAll(KEY)].map(([, single, double]) => single ?? double ?? '');
  expect(sentences.length).toBeGreaterThan(50);
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !OTHERS.test(name))
    .map((name) => readFileSync(join('src', name), 'utf8'))
    .join('\n');
  const unknown = sentences.filter(
    (sentence) =>
      ![`'${sentence}'`, `"${sentence}"`, `\`${sentence}\``].some((text) => sources.includes(text)),
  );
  expect(unknown).toEqual([]);
});
