import { existsSync, readFileSync } from 'node:fs';

const document = readFileSync('docs/security.md', 'utf8');
const tests = [...document.matchAll(/`((?:src|test)\/[^`\s]+\.ts)`/g)].map(([, path = '']) => path);

it('names tests', () => expect(tests.length).toBeGreaterThan(40));

it.each([...new Set(tests)])('names %s, which exists', (path) => {
  expect(existsSync(path)).toBe(true);
});
