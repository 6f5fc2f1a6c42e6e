import type { Command } from 'commander';
import { DomainError, ValidationFailed } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { PaymentsModule } from '../../payments/payments.module.js';
import type { ProjectMode, StripeMode } from '../../payments/stripe/stripe-mode.js';
import { WebhookEndpointsRepository } from '../../payments/webhooks/endpoints/webhook-endpoints.repository.js';
import { WebhookEndpointsService } from '../../payments/webhooks/endpoints/webhook-endpoints.service.js';
import { type Report, table } from '../output.js';
import { OPERATOR, type Runner, type Session } from '../session.js';

/** A slow account must not delay the others. */
const CONCURRENCY = 10;

interface Result {
  readonly project_id: ProjectId;
  readonly mode: StripeMode;
  readonly url: string | null;
  readonly error: string | null;
}

export function addTo(endpoints: Command, run: Runner): void {
  endpoints
    .command('move')
    .summary('lead all webhook endpoints to PUBLIC_BASE_URL')
    .description(
      'For every webhook endpoint that was made here: enables it at Stripe, and sets its URL and events. Run it after a change of PUBLIC_BASE_URL. Safe beside servers, and to repeat.',
    )
    .action(run(move));
}

async function move(session: Session): Promise<Report> {
  const services = await session.open({ imports: [PaymentsModule], settings: 'server' });
  const service = services.get(WebhookEndpointsService);
  const all = await services.get(WebhookEndpointsRepository).list();
  const bar = session.progress('Moving', all.length);
  const failure = new AbortController();
  const signal = AbortSignal.any([session.signal, failure.signal]);
  const waiting = all.entries();
  const results: Result[] = [];
  const work = async (): Promise<void> => {
    for (const [index, tenant] of waiting) {
      results[index] = await ensure(service, tenant);
      signal.throwIfAborted();
      bar.add(1);
    }
  };
  // After a failure, the session is closed only when all workers have ended.
  await Promise.all(
    Array.from({ length: CONCURRENCY }, () => work().catch((error: unknown) => failure.abort(error))),
  );
  signal.throwIfAborted();
  return {
    text: inWords(results),
    json: { endpoints: results },
    isBad: results.some(({ error }) => error !== null),
  };
}

/** Reports the failure of one endpoint, and goes on with the others. */
async function ensure(service: WebhookEndpointsService, tenant: ProjectMode): Promise<Result> {
  const { projectId, mode } = tenant;
  const result = { project_id: projectId, mode, url: null, error: null };
  try {
    const { endpoint } = await service.ensure(tenant, { actor: OPERATOR });
    return { ...result, url: endpoint.url };
  } catch (error) {
    const isOfOne = error instanceof DomainError || error instanceof ValidationFailed;
    if (!isOfOne || (error instanceof DomainError && error.code === 'database_unavailable')) throw error;
    return { ...result, error: error.message };
  }
}

function inWords(results: readonly Result[]): string {
  if (results.length === 0) return 'There is no webhook endpoint that was made here.';
  const rows = results.map(({ project_id: id, mode, url, error }) => [id, mode, url ?? '', error ?? '']);
  return table([['PROJECT', 'MODE', 'URL', 'PROBLEM'], ...rows]);
}
