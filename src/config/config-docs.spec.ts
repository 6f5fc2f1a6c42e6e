import { readFileSync } from 'node:fs';
import { parse } from 'dotenv';
import { configurationTable, envExample } from './config-docs.js';
import { VARIABLE_NAMES } from './variables.js';

it('does not depend on the environment that it is made in', () => {
  const made = [envExample(), configurationTable()];
  const before = process.env;
  process.env = { NODE_ENV: 'production', PORT: '1', DATA_DIR: '/elsewhere', LANG: 'tr_TR' };
  try {
    expect([envExample(), configurationTable()]).toEqual(made);
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

it('the table has an aligned row for every variable', () => {
  const [head = '', , ...rows] = configurationTable().split('\n');
  expect(rows.map((row) => row.split('`')[1])).toEqual(VARIABLE_NAMES);
  for (const row of rows) expect(row).toHaveLength(head.length);
});

it.each([
  ['PORT', '`3000`'],
  ['HOST', '`127.0.0.1`; `0.0.0.0` in production'],
  ['DATABASE_URL', '`sqlite:<DATA_DIR>/tillkeeper.db`; required in production'],
  ['AUTH_ISSUER', ''],
])('the table gives the default of %s', (name, text) => {
  const row = configurationTable()
    .split('\n')
    .find((line) => line.startsWith(`| \`${name}\` `));
  expect(row?.split(' | ')[1]?.trim()).toBe(text);
});
