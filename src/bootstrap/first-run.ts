import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DeveloperTokens } from '../auth/tokens/developer-tokens.js';
import { systemActor } from '../common/actor.js';
import type { OwnerId, ProjectId } from '../common/ids.js';
import type { Settings } from '../config/settings.js';
import { ReadinessService } from '../monitoring/readiness.service.js';
import { StripeConfigService } from '../payments/stripe-config/stripe-config.service.js';
import { ProjectRepository } from '../projects/project.repository.js';
import { ProjectsService } from '../projects/projects.service.js';

const SAMPLE_DEVELOPER = 'sample-developer' as OwnerId;
const SAMPLE_TOKEN_SECONDS = 12 * 60 * 60;

/**
 * Creates a sample project in an empty database and prints a first request. For development on a loopback
 * address.
 */
export async function showFirstCall(app: NestFastifyApplication, settings: Settings): Promise<void> {
  const address = (await app.getUrl()).replace('[::1]', 'localhost');
  const lines = ['', `Tillkeeper is at ${address}; explore it at ${address}/docs`];
  const isReady = await app
    .get(ReadinessService)
    .check()
    .then(
      () => true,
      () => false,
    );
  const projectId = isReady ? await sampleProject(app) : undefined;
  if (projectId && app.get(DeveloperTokens).canIssue) {
    const token = app.get(DeveloperTokens).issue(SAMPLE_DEVELOPER, SAMPLE_TOKEN_SECONDS);
    const url = `${address}/api/v1/payments/stripe/projects/${projectId}/config`;
    const header = `-H 'Authorization: Bearer ${token}'`;
    const config = await app.get(StripeConfigService).find(projectId);
    const body = JSON.stringify({
      test_secret_key: `sk_test_${'a'.repeat(32)}`,
      test_webhook_secret: `whsec_${'b'.repeat(32)}`,
    });
    // A second start must not suggest a call that overwrites stored keys.
    const [what, call] = config?.isActive
      ? ['This call shows the Stripe credentials of the sample project', `curl ${url} ${header}`]
      : [
          'Your first call stores Stripe credentials in the sample project',
          `curl -X PUT ${url} ${header} -H 'Content-Type: application/json' -d '${body}'`,
        ];
    lines.push(`${what} (the token is good for 12 hours and works in /docs too):`, '', call);
  }
  if (settings.authBuiltin && settings.authRegistration === 'open') {
    lines.push(
      '',
      `For an account of your own: POST ${address}/api/v1/auth/register, then /login; the Authorize button of /docs logs in, too.`,
    );
  }
  lines.push(
    '',
    'No Stripe account at hand? `npm run stripe:local` starts a stand-in and says how to use it.',
  );
  process.stdout.write(`${lines.join('\n')}\n\n`);
}

async function sampleProject(app: NestFastifyApplication): Promise<ProjectId | undefined> {
  const projects = app.get(ProjectsService);
  if (await app.get(ProjectRepository).isEmpty())
    await projects.create(
      SAMPLE_DEVELOPER,
      'Sample project',
      'Made at the first start, for trying things out.',
      systemActor('first start'),
    );
  const [oldest] = (
    await projects.list({ kind: 'developer', sub: SAMPLE_DEVELOPER }, { limit: 1_000, offset: 0 })
  ).reverse();
  return oldest?.id;
}
