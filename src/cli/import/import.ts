import { type Command, Option } from 'commander';
import { throwIfInterrupted } from '../../common/deadline.js';
import { Settings } from '../../config/settings.js';
import { OperatorModule } from '../../projects/operator/operator.module.js';
import { PaymentsModule } from '../../payments/payments.module.js';
import type { CredentialPolicy } from '../../payments/stripe-config/credential-rules.js';
import type { Report } from '../output.js';
import type { Runner, Session } from '../session.js';
import { Backfill } from './backfill.js';
import { type NumberedLine, readLines } from './import-lines.js';
import { openSource, type Source } from './import-source.js';
import { ImportReport } from './import-report.js';
import { KeyValidation } from './key-validation.js';
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
  validate?: true;
  backfill?: true;
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
    .addOption(new Option('--dry-run', 'check everything and write nothing').conflicts('backfill'))
    .option('--validate', 'ask Stripe about each secret key first, and refuse lines whose key it refuses')
    .option(
      '--backfill',
      "read the subscriptions, invoices and payments that each key's account has, because events reach back 30 days only",
    )
    .option('--identity <file>', 'the private key of age for a file that `export` wrote')
    .option('--report <file>', 'write the refused lines to this file, as JSON Lines without values')
    .action(run(importProjects));
}

async function importProjects(session: Session, file: string | undefined, options: Options): Promise<Report> {
  const source = await openSource(file, options.identity);
  try {
    return await importFrom(source, session, { ...options, file });
  } finally {
    source.close();
  }
}

async function importFrom(
  source: Source,
  session: Session,
  { dryRun, validate, backfill, report: reportPath, file, identity }: Options & { file: string | undefined },
): Promise<Report> {
  const isDry = dryRun === true;
  const services = await session.open({ imports: [PaymentsModule, OperatorModule], settings: 'server' });
  const steps = {
    importer: new ProjectImporter(services),
    validation: validate && new KeyValidation(services, session.signal),
    backfill: backfill && new Backfill(services, session.signal),
    isDry,
  };
  const policy = { acceptRestrictedKeys: services.get(Settings).stripeAcceptRestrictedKeys };
  const report = await ImportReport.open(reportPath, [file, identity]);
  const seen = new SeenProjects();
  const bar = session.progress('Importing', source.size);
  const batches = batchesOf(readLines(source.bytes, IMPORT_COLUMNS), policy, seen);
  const work = async (): Promise<void> => {
    for await (const { lines, bytes } of batches) {
      const results = await resultsOf(lines, steps);
      await report.add(results.map(({ outcome }) => outcome));
      const stored = results.flatMap(({ line, outcome }) =>
        line && typeof outcome === 'string' ? [line] : [],
      );
      if (steps.backfill) await report.addIncomplete(await steps.backfill.run(stored));
      bar.add(bytes);
      await throwIfInterrupted(session.signal);
    }
  };
  try {
    await allOf(Array.from({ length: steps.importer.concurrency }, work));
  } finally {
    seen.close();
    await report.close();
  }
  return report.summary(isDry);
}

interface Steps {
  readonly importer: ProjectImporter;
  readonly validation: KeyValidation | undefined;
  readonly backfill: Backfill | undefined;
  readonly isDry: boolean;
}

interface Result {
  /** Absent if the line is not valid. */
  readonly line?: ProjectLine;
  readonly outcome: Outcome;
}

async function resultsOf(
  lines: readonly (ProjectLine | Refusal)[],
  { importer, validation, isDry }: Steps,
): Promise<Result[]> {
  // Every import locks projects in this order, so that two imports can't block each other.
  const valid = lines
    .filter((line): line is ProjectLine => !isRefusal(line))
    .sort(({ project: one }, { project: other }) => (one.id < other.id ? -1 : 1));
  const planned = await importer.plan(valid);
  const plans = validation ? await validation.check(planned) : planned;
  const due = plans.filter(({ outcome }) => outcome === 'created' || outcome === 'updated');
  const stored = isDry ? [] : await importer.store(due.map(({ line }) => line));
  const outcomes = new Map(due.map((plan, index) => [plan, stored[index] ?? plan.outcome]));
  const results = plans.map((plan) => ({ ...plan, outcome: outcomes.get(plan) ?? plan.outcome }));
  if (validation && !isDry) for (const result of results) await validation.record(result);
  return [...lines.filter(isRefusal).map((outcome) => ({ outcome })), ...results];
}

/** Waits for all, also after a failure, which ends the others with their current batch. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

interface Batch {
  readonly lines: readonly (ProjectLine | Refusal)[];
  /** Length in the file. */
  readonly bytes: number;
}

async function* batchesOf(
  contents: AsyncIterable<NumberedLine>,
  policy: CredentialPolicy,
  seen: SeenProjects,
): AsyncGenerator<Batch> {
  let lines: (ProjectLine | Refusal)[] = [];
  let start = 0;
  let end = 0;
  for await (const content of contents) {
    lines.push(unlessSeen(toProjectLine(content, policy), seen));
    end = content.bytesRead;
    if (lines.length < BATCH) continue;
    yield { lines, bytes: end - start };
    [lines, start] = [[], end];
  }
  if (lines.length > 0) yield { lines, bytes: end - start };
}

function unlessSeen(line: ProjectLine | Refusal, seen: SeenProjects): ProjectLine | Refusal {
  if (isRefusal(line)) return line;
  const first = seen.add(line.project.id, line.line);
  return first === undefined ? line : refusalOf(line, `Line ${first} has this project already.`);
}
