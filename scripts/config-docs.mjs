// Writes .env.example and the README's configuration tables from the table of variables; run it after a
// build. With --check it writes nothing and exits 1 if something would change.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { configurationTables, envExample } from '../dist/config/config-docs.js';

const START = '<!-- configuration:start -->';
const END = '<!-- configuration:end -->';

const isCheck = process.argv.includes('--check');

update('.env.example', () => envExample());
update('README.md', (readme) => {
  if (readme === '') return readme;
  const [before, rest] = split(readme, START);
  const [, after] = split(rest, END);
  return `${before}${START}\n\n${configurationTables()}\n\n${END}${after}`;
});

function update(name, change) {
  const path = new URL(`../${name}`, import.meta.url);
  const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const after = change(before);
  if (after === before) return;
  if (isCheck) {
    console.error(`${name} is out of date: run node scripts/config-docs.mjs`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, after);
  }
}

function split(text, marker) {
  const at = text.indexOf(marker);
  if (at < 0) throw new Error(`README.md has no line ${marker}`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}
