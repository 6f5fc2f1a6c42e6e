import type { Command } from 'commander';
import { throwIfInterrupted } from '../../common/deadline.js';
import { Settings } from '../../config/settings.js';
import { Database } from '../../database/database.js';
import { OperatorModule } from '../../projects/operator/operator.module.js';
import { PaymentsModule } from '../../payments/payments.module.js';
import type { Report } from '../output.js';
import type { Runner, Session } from '../session.js';
import { type NumberedLine, readLines } from './import-lines.js';
import { openSource } from './import-source.js';
import { ImportReport } from './import-report.js';
import { type Outcome, ProjectImporter } from './project-importer.js';
import {
  IMPORT_COLUMNS,
  isRefusal,
  type ProjectLine,
  type Refusal,
  refusalOf,
  toProjectLine,
} from './project-line.js';
import { SeenProjects } from './seen-projects.statements.js';

const BATCH = 100;

interface Options {
  dryRun?: true;
  identity?: string;
  report?: string;
}

export function addTo(program: Command, run: Runner): void {
  program
    .command('import')
    .summary('make projects with their credentials from a file')
    .description(
      'Reads CSV or JSON Lines with project_id, owner_id, name and any of the six credentials, and makes or updates each project as the API would. Safe beside servers; run again, after an interruption too, it writes only what is missing.',
    )
    .argument('[file]', 'the file to read; without it the standard input')
    .option('--dry-run', 'check everything and write nothing')
    .option('--identity <file>', 'the private key of age for a file that `export` wrote')
    .option('--report <file>', 'write the refused lines to this file, as JSON Lines without values')
    .action(run(importProjects));
}

async function importProjects(
  session: Session,
  file: string | undefined,
  { dryRun, identity, report: reportPath }: Options,
): Promise<Report> {
  const isDry = dryRun === true;
  const source = await openSource(file, identity);
  const services = await session.open({ imports: [PaymentsModule, OperatorModule], settings: 'server' });
  const importer = new ProjectImporter(services);
  const database = services.get(Database);
  const policy = { acceptRestrictedKeys: services.get(Settings).stripeAcceptRestrictedKeys };
  const report = await ImportReport.open(reportPath);
  const seen = new SeenProjects();
  const bar = session.progress('Importing', source.size);
  let bytesBefore = 0;
  try {
    for await (const batch of batchesOf(readLines(source.bytes, IMPORT_COLUMNS))) {
      const startedAt = performance.now();
      const lines = batch.map((content) => unlessSeen(toProjectLine(content, policy), seen));
      await report.add(await outcomesOf(lines, importer, isDry));
      const bytesRead = batch.at(-1)?.bytesRead ?? bytesBefore;
      bar.add(bytesRead - bytesBefore);
      bytesBefore = bytesRead;
      if (!isDry) await database.throttle(startedAt);
      await throwIfInterrupted(session.signal);
    }
  } finally {
    seen.close();
    await report.close();
  }
  return report.summary(isDry);
}

async function outcomesOf(
  lines: readonly (ProjectLine | Refusal)[],
  importer: ProjectImporter,
  isDry: boolean,
): Promise<Outcome[]> {
  const refusals = lines.filter(isRefusal);
  // Every import locks projects in this order, so that two imports can't block each other.
  const valid = lines
    .filter((line): line is ProjectLine => !isRefusal(line))
    .sort(({ project: one }, { project: other }) => (one.id < other.id ? -1 : 1));
  const planned = await importer.plan(valid);
  if (isDry) return [...refusals, ...planned];
  const isDue = (index: number) => planned[index] === 'created' || planned[index] === 'updated';
  const stored = await importer.store(valid.filter((_, index) => isDue(index)));
  return [...refusals, ...planned.filter((_, index) => !isDue(index)), ...stored];
}

function unlessSeen(line: ProjectLine | Refusal, seen: SeenProjects): ProjectLine | Refusal {
  if (isRefusal(line)) return line;
  const first = seen.add(line.project.id, line.line);
  return first === undefined ? line : refusalOf(line, `Line ${first} has this project already.`);
}

async function* batchesOf(lines: AsyncIterable<NumberedLine>): AsyncGenerator<NumberedLine[]> {
  let batch: NumberedLine[] = [];
  for await (const line of lines) {
    batch.push(line);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
