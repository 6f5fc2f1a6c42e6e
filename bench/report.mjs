import { cpus, loadavg, totalmem } from 'node:os';
import Sqlite from 'better-sqlite3';
import { query } from './databases.mjs';
import { ENGINES } from './extent.mjs';

/** A credential is seldom saved, so a save may cost twice as much as on the bare server. */
const TARGETS = {
  GET: { bare: 0.8, usual: 2 },
  PUT: { bare: 0.5, usual: 2 },
  idleMegabytes: 160,
  startSeconds: 2,
  scale: 1.3,
};

/** Load of the machine by other work, read when this file is loaded. */
const [LOAD_BEFORE] = loadavg();

export async function describeMachine(postgresUrl) {
  const [processor] = cpus();
  const postgres = postgresUrl && (await query(postgresUrl, 'SHOW server_version'))[0].server_version;
  const sqlite = new Sqlite(':memory:').prepare('SELECT sqlite_version()').pluck().get();
  return [
    [
      'CPU',
      `${processor.model.trim()}, ${cpus().length} cores, shared by the server, the database and the load`,
    ],
    ['Load when it began', LOAD_BEFORE.toFixed(1)],
    ['Memory', `${Math.round(totalmem() / 2 ** 30)} GB`],
    ['System', `${process.platform} ${process.arch}`],
    ['Node.js', process.versions.node],
    ...(postgres ? [['PostgreSQL', postgres]] : []),
    ['SQLite', sqlite],
    ['Date', new Date().toISOString().slice(0, 10)],
  ];
}

/**
 * @param {{ engine: 'sqlite' | 'postgres', method: string, medians: Record<'ours' | 'bare' | 'usual', Measured> }[]} comparisons
 * @param {{ engine: 'sqlite' | 'postgres', megabytes?: number }[]} idle
 * @param {{ engine: 'sqlite' | 'postgres', seconds: number }[]} starts
 * @param {{ method: string, small: Measured, large: Measured }[]} scale
 * @typedef {{ requestsPerSecond: number, p50: number, p99: number }} Measured
 */
export function report({ machine, method, comparisons, idle, starts, scale, scaleSizes, minutes }) {
  const verdicts = [
    ...comparisons.flatMap(({ engine, method, medians }) =>
      ['bare', 'usual'].map((other) => {
        const ratio = medians.ours.requestsPerSecond / medians[other].requestsPerSecond;
        return [
          `${method}, ${ENGINES[engine]}: ours / ${other}`,
          `≥ ${TARGETS[method][other].toFixed(1)}`,
          ratio.toFixed(2),
          ratio >= TARGETS[method][other],
        ];
      }),
    ),
    ...idle
      .filter(({ megabytes }) => megabytes !== undefined)
      .map(({ engine, megabytes }) => [
        `Idle memory, ${ENGINES[engine]}`,
        `≤ ${TARGETS.idleMegabytes} MB`,
        `${megabytes.toFixed(0)} MB`,
        megabytes <= TARGETS.idleMegabytes,
      ]),
    ...starts.map(({ engine, seconds }) => [
      `Second start to first answer, ${ENGINES[engine]}`,
      `< ${TARGETS.startSeconds} s`,
      `${seconds.toFixed(1)} s`,
      seconds < TARGETS.startSeconds,
    ]),
    ...scale.map(({ method, small, large }) => {
      const ratio = large.p99 / small.p99;
      return [
        `p99 of ${method}, ${scaleSizes.large} / ${scaleSizes.small} projects`,
        `≤ ${TARGETS.scale}`,
        ratio.toFixed(2),
        ratio <= TARGETS.scale,
      ];
    }),
  ];
  const sections = [
    '# Measured',
    `\`npm run bench\` made this file in ${minutes.toFixed(1)} minutes.`,
    table(['Machine', ''], machine),
    '## Method',
    method.map((line) => `- ${line}`).join('\n'),
    '## Targets',
    verdictTable(verdicts),
    ...comparisons.flatMap(({ engine, method, medians }) => [
      `## ${method} on ${ENGINES[engine]}`,
      table(
        ['Server', 'Requests/s', 'p50 ms', 'p99 ms', 'ours / this'],
        Object.entries(medians).map(([name, { requestsPerSecond, p50, p99 }]) => [
          name,
          requestsPerSecond.toFixed(0),
          p50.toFixed(2),
          p99.toFixed(2),
          (medians.ours.requestsPerSecond / requestsPerSecond).toFixed(2),
        ]),
      ),
    ]),
  ];
  if (scale.length > 0) {
    const rows = scale.flatMap(({ method, ...sizes }) =>
      ['small', 'large'].map((size) => [
        method,
        scaleSizes[size],
        sizes[size].p50.toFixed(2),
        sizes[size].p99.toFixed(2),
      ]),
    );
    sections.push('## Many projects on PostgreSQL', table(['', 'Projects', 'p50 ms', 'p99 ms'], rows));
  }
  return `${sections.join('\n\n')}\n`;
}

/**
 * @param verdicts for each: its name, its target, the measured value, and whether that reaches the target
 * (`undefined`: it has none)
 */
export function verdictTable(verdicts) {
  return table(
    ['', 'Target', 'Measured', ''],
    verdicts.map(([what, target, measured, isReached]) => [what, target, measured, verdict(isReached)]),
  );
}

function verdict(isReached) {
  if (isReached === undefined) return '';
  return isReached ? 'reached' : '**not reached**';
}

export function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
