import type { Command } from 'commander';
import { IsNull, DataSource } from 'typeorm';
import { reachingDatabase } from '../../database/database-errors.js';
import { wholeNumberCheck } from '../../http/validation/fields.js';
import { OperatorModule } from '../../projects/operator/operator.module.js';
import { OperatorProjectsRepository } from '../../projects/operator/operator-projects.repository.js';
import { PaymentsModule } from '../../payments/payments.module.js';
import { KeyHealth } from '../../payments/stripe-config/keys/key-health.js';
import { PROJECT_HEALTHS, ProjectEntity } from '../../projects/project.entity.js';
import { wholeNumber } from '../arguments.js';
import { type Report, table } from '../output.js';
import type { Runner, Session } from '../session.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 10_000;

export function addTo(program: Command, run: Runner): void {
  program
    .command('status')
    .summary('list the credentials that Stripe refuses')
    .description(
      'Counts the projects by the health of their Stripe keys, and lists the keys that Stripe refused last. Exits with 1 if there are any.',
    )
    .option(
      '--limit <number>',
      'how many projects to list at most',
      wholeNumber(wholeNumberCheck(1, MAX_LIMIT)),
      DEFAULT_LIMIT,
    )
    .action(run(status));
}

async function status(session: Session, { limit }: { limit: number }): Promise<Report> {
  const services = await session.open({ imports: [PaymentsModule, OperatorModule], settings: 'server' });
  const projects = services.get(DataSource).getRepository(ProjectEntity);
  const counts = await Promise.all(
    PROJECT_HEALTHS.map(async (health) => {
      const count = await reachingDatabase(projects.countBy({ health, deletedAt: IsNull() }));
      return [health, count] as const;
    }),
  );
  const unhealthy = await services.get(OperatorProjectsRepository).list({ health: 'unhealthy', limit });
  const refused = [];
  for (const { id, ownerId, name } of unhealthy.projects)
    for (const { mode, check } of await services.get(KeyHealth).find(id))
      if (check && !check.valid)
        refused.push({
          project_id: id,
          owner_id: ownerId,
          name,
          mode,
          verified_at: check.checkedAt.toISOString(),
          last_error: check.error,
        });
  const json = {
    projects: Object.fromEntries(counts),
    refused,
    has_more: unhealthy.nextCursor !== null,
  };
  const rows = refused.map((key) => [
    key.project_id,
    key.mode,
    key.verified_at,
    key.owner_id,
    key.name,
    key.last_error ?? '',
  ]);
  const text = [
    `Projects: ${counts.map(([health, count]) => `${count} ${health}`).join(', ')}.`,
    ...(rows.length === 0
      ? ['Stripe refuses no stored key, as far as it was asked.']
      : [table([['PROJECT', 'MODE', 'ASKED', 'OWNER', 'NAME', 'PROBLEM'], ...rows])]),
    ...(json.has_more ? ['There are more: raise --limit.'] : []),
  ].join('\n');
  return { text, json, isBad: refused.length > 0 };
}
