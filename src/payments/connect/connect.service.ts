import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { type Actor, systemActor } from '../../common/actor.js';
import { DomainError, ValidationFailed } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { Settings } from '../../config/settings.js';
import type { PeriodicTask } from '../../database/periodic-task.js';
import { PeriodicTasks } from '../../database/periodic-tasks.js';
import type { HistoryChain } from '../../history/history-trail.js';
import { ProjectsService } from '../../projects/projects.service.js';
import { credentialRule } from '../stripe-config/credential-rules.js';
import type { KeyVerdict } from '../stripe-config/keys/key-probe.js';
import { CheckQuota, KeyVerifier } from '../stripe-config/keys/key-verifier.js';
import { StripeConfigService } from '../stripe-config/stripe-config.service.js';
import { WebhookEndpointsService } from '../webhooks/endpoints/webhook-endpoints.service.js';
import { type ConnectLink, ConnectLinksRepository, type FoundLink } from './connect-links.repository.js';

/** The rest waits for the next minute. */
const MOST_AT_ONCE = 100;

export interface Completion {
  readonly returnUrl: string;
  /** Why there is no webhook endpoint; `undefined` if there is one. */
  readonly endpointProblem: string | undefined;
}

/** Lets a tenant without an account connect Stripe to one project, with the token of a link. */
@Injectable()
export class ConnectService implements OnModuleInit, OnApplicationBootstrap {
  readonly #logger = new Logger(ConnectService.name);
  readonly #quota: CheckQuota;
  readonly interrupted: PeriodicTask;

  constructor(
    private readonly links: ConnectLinksRepository,
    private readonly verifier: KeyVerifier,
    private readonly configs: StripeConfigService,
    private readonly endpoints: WebhookEndpointsService,
    private readonly projects: ProjectsService,
    settings: Settings,
    tasks: PeriodicTasks,
  ) {
    this.#quota = new CheckQuota(settings);
    this.interrupted = tasks.add({
      name: 'connect_completions',
      intervalMs: 60_000,
      work: () => this.#finishInterrupted(),
      failure:
        'Interrupted completions of connect links could not be finished; this is tried again in a minute.',
      inOneProcess: true,
      onServersOnly: true,
    });
  }

  onApplicationBootstrap(): void {
    this.interrupted.start();
  }

  onModuleInit(): void {
    const { links } = this;
    this.projects.deleting.on(async (projectId: ProjectId) => ({
      *destroy() {
        yield* links.removeOfProject(projectId);
      },
    }));
  }

  /** Asks Stripe about a key, and stores nothing. @throws DomainError `rate_limited`, `stripe_unavailable` */
  async check(link: FoundLink, secretKey: string, actor: Actor): Promise<KeyVerdict> {
    const { projectId: id, ownerId, mode } = link;
    this.#quota.count(link.id);
    return this.verifier.verify({ id, ownerId }, secretKey, mode, { actor, isGuest: true });
  }

  /**
   * Stores the key and uses the link up, in one transaction. Then makes the webhook endpoint, whose failure
   * leaves the key in place, and sends the event with the reason.
   * @throws ValidationFailed if the key is refused; DomainError `connect_link_ended`, `rate_limited`, and as
   * `StripeConfigService.save`
   */
  async complete(link: FoundLink, secretKey: string, actor: Actor): Promise<Completion> {
    const { projectId, mode } = link;
    const { field } = credentialRule(mode, 'secret_key');
    const within = (chain: HistoryChain) => this.links.use(link, chain, actor);
    this.#quota.count(link.id);
    try {
      await this.configs.save(projectId, { [field]: secretKey }, { actor, verify: 'for a guest', within });
    } catch (error) {
      if (!(error instanceof ValidationFailed)) throw error;
      throw new ValidationFailed(
        error.problems.map((problem) => ({ ...problem, loc: ['body', 'secret_key'] })),
      );
    }
    return { returnUrl: returnUrlOf(link), endpointProblem: await this.#finish(link, actor) };
  }

  /** Makes the webhook endpoint, and tells the platform. @returns why there is no endpoint */
  async #finish(link: ConnectLink, actor: Actor): Promise<string | undefined> {
    const problem = await this.#makeEndpoint(link, actor);
    // Otherwise the periodic task sends the event.
    await this.links.announce(link, problem ?? null).catch((error: unknown) => this.#logger.error(error));
    return problem;
  }

  async #finishInterrupted(): Promise<void> {
    for (const link of await this.links.listUnannounced(MOST_AT_ONCE))
      await this.#finish(link, systemActor(`connect link ${link.id}`));
  }

  /** The key is stored, and the link can't be used again, so that no failure may hide this. @returns the problem */
  async #makeEndpoint({ projectId, mode }: ConnectLink, actor: Actor): Promise<string | undefined> {
    try {
      await this.endpoints.ensure({ projectId, mode }, { actor });
      return undefined;
    } catch (error) {
      if (error instanceof ValidationFailed) return error.problems.map(({ msg }) => msg).join(', ');
      if (error instanceof DomainError) return error.message;
      this.#logger.error(error);
      return 'The key is stored, but the webhook endpoint could not be made: ask for it where you got the link.';
    }
  }
}

/** Sets the state, and keeps the rest of the URL as the platform wrote it. */
export function returnUrlOf({ returnUrl, state }: Pick<FoundLink, 'returnUrl' | 'state'>): string {
  if (state === null) return returnUrl;
  const [, address = '', query = '', fragment = ''] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(returnUrl) ?? [];
  const others = query.split('&').filter((parameter) => parameter !== '' && !/^state(?:=|$)/.test(parameter));
  return `${address}?${[...others, `state=${encodeURIComponent(state)}`].join('&')}${fragment}`;
}
