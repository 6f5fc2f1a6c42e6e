import { readFileSync } from 'node:fs';
import { parse } from 'dotenv';
import { configurationTables, envExample } from './config-docs.js';
import { VARIABLE_NAMES } from './variables.js';

it('does not depend on the environment variables', () => {
  const made = [envExample(), configurationTables()];
  const before = process.env;
  process.env = { NODE_ENV: 'production', PORT: '1', DATA_DIR: '/elsewhere', LANG: 'tr_TR' };
  try {
    expect([envExample(), configurationTables()]).toEqual(made);
  } finally {
    process.env = before;
  }
});

it('.env.example is up to date', () => {
  expect(readFileSync('.env.example', 'utf8')).toBe(envExample());
});

it('.env.example names every variable in order and sets none', () => {
  expect(Object.entries(parse(envExample()))).toEqual(VARIABLE_NAMES.map((name) => [name, '']));
});

it('the tables have an aligned row for every variable, within 120 columns', () => {
  const tables = configurationTables()
    .split(/^### .*\n\n/m)
    .slice(1);
  const names = tables.flatMap((table) => {
    const [head = '', , ...rows] = table.trim().split('\n');
    expect(head.length).toBeLessThanOrEqual(120);
    for (const row of rows) expect(row).toHaveLength(head.length);
    return rows.map((row) => row.split('`')[1]);
  });
  expect(names).toEqual(VARIABLE_NAMES);
});

it.each([
  ['PORT', '`3000`'],
  ['HOST', '`127.0.0.1`; `0.0.0.0` in production'],
  ['DATABASE_URL', '`sqlite:<DATA_DIR>/tillkeeper.db`; required in production'],
  ['AUTH_ISSUER', ''],
])('the table has the default of %s', (name, text) => {
  const row = configurationTables()
    .split('\n')
    .find((line) => line.startsWith(`| \`${name}\` `));
  expect(row?.split(' | ')[1]?.trim()).toBe(text);
});
