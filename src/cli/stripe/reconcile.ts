import { type Command, Option } from 'commander';
import { DomainError } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { PaymentsModule } from '../../payments/payments.module.js';
import { STRIPE_MODES, type StripeMode } from '../../payments/stripe/stripe-mode.js';
import { toReconcileResponse } from '../../payments/webhooks/reconcile/reconcile.dto.js';
import { ReconcileService } from '../../payments/webhooks/reconcile/reconcile.service.js';
import { ReconciliationsRepository } from '../../payments/webhooks/reconcile/reconciliations.repository.js';
import { CommandFailed, type Report, table } from '../output.js';
import { pastTime, projectId } from '../arguments.js';
import type { Runner, Session } from '../session.js';

/** A slow account must not delay the others. */
const CONCURRENCY = 10;

interface Options {
  project?: ProjectId;
  mode?: StripeMode;
  since?: Date;
}

export function addTo(program: Command, run: Runner): void {
  program
    .command('reconcile')
    .summary('fetch missed webhook events from Stripe')
    .description(
      "For every project and mode with a secret key: reads Stripe's list of events and applies what is missing, then compares the subscriptions and repairs what differs. Safe beside servers; run again after an interruption, it goes on.",
    )
    .option('--project <id>', 'only this project', projectId)
    .addOption(new Option('--mode <mode>', 'only this mode').choices(STRIPE_MODES))
    .option(
      '--since <time>',
      'from when on to read events, as 2026-11-01T00:00:00Z; by default from when all of them are known',
      pastTime,
    )
    .action(run(reconcile));
}

async function reconcile(session: Session, { project, mode, since }: Options): Promise<Report> {
  const services = await session.open({ imports: [PaymentsModule], settings: 'server' });
  const reconciler = services.get(ReconcileService);
  const all = await services.get(ReconciliationsRepository).list({ projectId: project, mode });
  if (project && all.length === 0)
    throw new CommandFailed('There is no such project, or it has no secret key to ask Stripe with.');
  const bar = session.progress('Reconciling', all.length);
  const failure = new AbortController();
  const signal = AbortSignal.any([session.signal, failure.signal]);
  const waiting = all.entries();
  const results: Result[] = [];
  const work = async (): Promise<void> => {
    for (const [index, { projectId, mode }] of waiting) {
      const attempt = reconciler.reconcile({ projectId, mode }, { since, signal }).then(toReconcileResponse);
      results[index] = { project_id: projectId, mode, ...(await attempt.catch(asFailure)) };
      signal.throwIfAborted();
      bar.add(1);
    }
  };
  // After a failure, the session is closed only when all workers have ended.
  await Promise.all(
    Array.from({ length: CONCURRENCY }, () => work().catch((error: unknown) => failure.abort(error))),
  );
  signal.throwIfAborted();
  return { text: inWords(results), json: { projects: results }, isBad: results.some(hasFailed) };
}

type Result = { project_id: ProjectId; mode: StripeMode } & (
  ReturnType<typeof toReconcileResponse> | { error: string }
);

function hasFailed(result: Result): boolean {
  return 'error' in result || result.events.failed > 0;
}

/** Reports the failure of one project, such as an invalid key, and goes on with the others. */
function asFailure(error: unknown): { error: string } {
  if (error instanceof DomainError && error.code !== 'database_unavailable') return { error: error.message };
  throw error;
}

function inWords(results: readonly Result[]): string {
  if (results.length === 0) return 'There is no project with a secret key to ask Stripe with.';
  return table([
    [
      'PROJECT',
      'MODE',
      'EVENTS',
      'APPLIED',
      'UNREADABLE',
      'FAILED',
      'SUBSCRIPTIONS',
      'REPAIRED',
      'MISSING',
      '',
    ],
    ...results.map((result) => {
      const { project_id: id, mode } = result;
      if ('error' in result) return [id, mode, '', '', '', '', '', '', '', result.error];
      const { events, subscriptions } = result;
      const { compared, repaired, missing_at_stripe: missing } = subscriptions;
      const counts = [
        events.read,
        events.applied,
        events.unreadable,
        events.failed,
        compared,
        repaired,
        missing,
      ];
      return [id, mode, ...counts.map(String), result.failures[0]?.reason ?? ''];
    }),
  ]);
}
