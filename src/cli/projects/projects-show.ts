import type { Command } from 'commander';
import type { ProjectId } from '../../common/ids.js';
import { toOperatorProject } from '../../projects/operator/operator-project.dto.js';
import { OperatorModule } from '../../projects/operator/operator.module.js';
import { OperatorProjectsRepository } from '../../projects/operator/operator-projects.repository.js';
import { PaymentsModule } from '../../payments/payments.module.js';
import { CREDENTIAL_RULES, type CredentialKind } from '../../payments/stripe-config/credential-rules.js';
import { toStripeConfigResponse } from '../../payments/stripe-config/stripe-config.dto.js';
import { StripeConfigService } from '../../payments/stripe-config/stripe-config.service.js';
import { STRIPE_MODES, type StripeMode } from '../../payments/stripe/stripe-mode.js';
import { ConnectionStatusController } from '../../payments/webhooks/connection-status.controller.js';
import { toMemberResponse } from '../../projects/members/member.dto.js';
import { MembersRepository } from '../../projects/members/members.repository.js';
import { ProjectsService } from '../../projects/projects.service.js';
import { orFail, projectId } from '../arguments.js';
import { type Report, table } from '../output.js';
import type { Runner, Session } from '../session.js';

const KINDS = [...new Set(CREDENTIAL_RULES.map(({ kind }) => kind))];

export function addTo(projects: Command, run: Runner): void {
  projects
    .command('show')
    .description('Shows a project with its members, its masked credentials and what Stripe said of them.')
    .argument('<id>', "the project's id", projectId)
    .action(run(show));
}

async function show(session: Session, id: ProjectId): Promise<Report> {
  const services = await session.open({ imports: [PaymentsModule, OperatorModule], settings: 'server' });
  const project = await orFail(services.get(ProjectsService).get(id));
  const [config, status, members, page] = await Promise.all([
    services.get(StripeConfigService).find(id),
    services.get(ConnectionStatusController).status(project),
    services.get(MembersRepository).list(id),
    services.get(OperatorProjectsRepository).list({ q: id, limit: 1 }),
  ]);
  const masks = config ? toStripeConfigResponse(config) : null;
  const json = {
    ...page.projects.map(toOperatorProject)[0],
    members: members.map(toMemberResponse),
    config: masks,
    status,
  };
  const maskOf = (mode: StripeMode, kind: CredentialKind) =>
    config?.credentials.find((stored) => stored.mode === mode && stored.kind === kind)?.mask ?? '';
  const text = [
    table([
      ['Project', id],
      ['Name', project.name],
      ['Owner', project.ownerId],
      ['Created', project.createdAt],
      ...members.map(({ subject, role }) => ['Member', `${subject} (${role})`]),
    ]),
    '',
    table([
      ['MODE', 'STATE', ...KINDS.map((kind) => kind.replaceAll('_', ' ').toUpperCase()), ''],
      ...STRIPE_MODES.map((mode) => [
        mode,
        status[mode].state,
        ...KINDS.map((kind) => maskOf(mode, kind)),
        status[mode].last_error ?? '',
      ]),
    ]),
    ...(masks?.warnings ?? []).map(({ message }) => `Warning: ${message}`),
  ].join('\n');
  return { text, json };
}
