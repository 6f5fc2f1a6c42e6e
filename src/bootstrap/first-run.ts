import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AccountsRepository } from '../accounts/accounts.repository.js';
import { SignInLinks } from '../accounts/sessions/sign-in-links.js';
import { DeveloperTokens } from '../auth/tokens/developer-tokens.js';
import { systemActor } from '../common/actor.js';
import type { OwnerId, ProjectId } from '../common/ids.js';
import type { Settings } from '../config/settings.js';
import { readPage } from '../http/pages.js';
import { ReadinessService } from '../monitoring/readiness.service.js';
import { StripeConfigService } from '../payments/stripe-config/stripe-config.service.js';
import { ProjectRepository } from '../projects/project.repository.js';
import { ProjectsService } from '../projects/projects.service.js';

/** The subject of the sample's owner where there are no accounts. */
const SAMPLE_DEVELOPER = 'sample-developer' as OwnerId;
const SAMPLE_EMAIL = 'sample@example.com';
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
  const owner = isReady ? await sampleOwner(app, settings) : undefined;
  const projectId = owner && (await sampleProject(app, owner));
  if (
    owner &&
    projectId &&
    settings.authBuiltin &&
    settings.console &&
    readPage(settings, 'console') !== undefined
  )
    lines.push(
      '',
      'This link signs you in to the console as the owner of the sample project, once, within an hour:',
      '',
      `${address}${await app.get(SignInLinks).issue(owner)}`,
      '',
    );
  if (owner && projectId && app.get(DeveloperTokens).canIssue) {
    const token = app.get(DeveloperTokens).issue(owner, SAMPLE_TOKEN_SECONDS);
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

/** @returns the owner of the sample project, with an account that has no password; `undefined` without one */
async function sampleOwner(app: NestFastifyApplication, settings: Settings): Promise<OwnerId | undefined> {
  if (!settings.authBuiltin) return SAMPLE_DEVELOPER;
  const accounts = app.get(AccountsRepository);
  const known = await accounts.findByEmail(SAMPLE_EMAIL);
  if (known || !(await app.get(ProjectRepository).isEmpty())) return known?.id;
  return (await accounts.addWithoutPassword(SAMPLE_EMAIL, 'Sample developer'))?.id;
}

async function sampleProject(app: NestFastifyApplication, owner: OwnerId): Promise<ProjectId | undefined> {
  const projects = app.get(ProjectsService);
  if (await app.get(ProjectRepository).isEmpty())
    await projects.create(
      owner,
      'Sample project',
      'Made at the first start, for trying things out.',
      systemActor('first start'),
    );
  const [oldest] = (
    await projects.list({ kind: 'developer', sub: owner }, { limit: 1_000, offset: 0 })
  ).reverse();
  return oldest?.id;
}
