import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { A_MODULE, type Actor } from '../../common/actor.js';
import { DomainError, type ErrorCode, type Problem, ValidationFailed } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { Secret } from '../../common/secret.js';
import { Settings } from '../../config/settings.js';
import { projectNotFound, ProjectsService } from '../../projects/projects.service.js';
import { RemovalHook } from '../../projects/removal-hook.js';
import type { ProjectMode } from '../stripe/stripe-mode.js';
import { STRIPE_MODES, type StripeMode } from '../stripe/stripe-mode.js';
import { ConfigChanges } from './config-cache.js';
import {
  CREDENTIAL_RULES,
  credentialProblem,
  type CredentialRule,
  credentialRule,
} from './credential-rules.js';
import { CredentialSealer } from './credential-sealer.js';
import { KeyHealth } from './keys/key-health.js';
import { KeyVerifier } from './keys/key-verifier.js';
import {
  assertCondition,
  type CredentialChanges,
  type EndpointChange,
  type SaveOptions,
  type StripeConfig,
  type WriteOptions,
} from './stripe-config.js';
import { StripeConfigRepository, type WebhookSecretRemoval } from './stripe-config.repository.js';
import { WebhookSecretOverlap } from './webhook-secret-overlap.js';

export interface SecretKey {
  readonly value: Secret;
  readonly fingerprint: string;
  /** Fingerprint of its Stripe account, if known. */
  readonly accountFingerprint: string | undefined;
  /** Version of the configuration that the key was read from. */
  readonly version: number;
}

/** Messages for credentials that can't be unsealed. */
export type UnreadableCredentials = Record<
  StripeMode,
  { secretKey?: string | undefined; webhookSecret?: string | undefined }
>;

export interface WebhookSecret {
  readonly value: Secret;
  /** End of a former secret's overlap; `null` for the current secret. */
  readonly validUntil: Date | null;
  /** Whether the endpoint was created here in another account than the stored secret key's. */
  readonly isOfOtherAccount: boolean;
}

/** Stores and opens the Stripe credentials of projects. Callers check permissions. */
@Injectable()
export class StripeConfigService implements OnModuleInit {
  readonly #logger = new Logger(StripeConfigService.name);
  /**
   * Lets higher modules clean up after the credentials of a mode. A failed cleanup doesn't fail the removal.
   */
  readonly removing = new RemovalHook<{ projectId: ProjectId; mode: StripeMode }>();

  constructor(
    private readonly configs: StripeConfigRepository,
    private readonly sealer: CredentialSealer,
    private readonly overlap: WebhookSecretOverlap,
    private readonly changes: ConfigChanges,
    private readonly verifier: KeyVerifier,
    private readonly health: KeyHealth,
    private readonly settings: Settings,
    private readonly projects: ProjectsService,
  ) {}

  onModuleInit(): void {
    // A verdict must not survive its key, which may be stored again.
    this.removing.on(async ({ projectId, mode }) => ({ cleanUp: () => this.health.forget(projectId, mode) }));
    this.projects.deleting.on(async (projectId, actor) => ({
      destroy: (chain, now) => this.configs.removeWithProject(projectId, chain, actor, now),
      cleanUp: await this.#prepareRemoval(projectId, STRIPE_MODES, actor),
    }));
  }

  /** @returns the configuration without secrets, or `undefined` if the project never had one */
  find(projectId: ProjectId): Promise<StripeConfig | undefined> {
    return this.configs.findByProject(projectId);
  }

  /**
   * Creates or updates the configuration, and activates it. Stores all given values or none; absent and
   * `null` values stay.
   * @param changes values by field, which are trimmed
   * @throws ValidationFailed with every wrong value; DomainError `project_not_found`, `precondition_failed`,
   * `database_unavailable`, and as `KeyVerifier.verifyChanges`
   */
  async save(
    projectId: ProjectId,
    changes: CredentialChanges,
    options: SaveOptions = {},
  ): Promise<StripeConfig> {
    this.#assertValid(valuesOf(changes), options);
    return this.saveValidated(projectId, changes, options);
  }

  /** `save` for the controller, whose `RequestPipe` has already validated the values. */
  async saveValidated(
    projectId: ProjectId,
    changes: CredentialChanges,
    options: SaveOptions,
  ): Promise<StripeConfig> {
    const { actor = A_MODULE, webhookSecretOverlap, verify, within, ...precondition } = options;
    const values = valuesOf(changes);
    const noteVerdicts = verify ? await this.#verify(projectId, changes, options) : undefined;
    const now = new Date();
    const saved = await this.sealer.withCurrentKey(() => {
      const credentials = values.map(([rule, value]) => this.sealer.seal(projectId, rule, new Secret(value)));
      const overlap = this.overlap.from(now, credentials, webhookSecretOverlap);
      return this.configs.save({ projectId, credentials, precondition, overlap, within, actor, now });
    });
    this.changes.announceEverywhere(projectId);
    if (!noteVerdicts) return saved;
    await noteVerdicts();
    // Verdicts can reveal the account, and thereby add a warning.
    return (await this.find(projectId).catch(() => undefined)) ?? saved;
  }

  #assertValid(values: [CredentialRule, string][], { verify }: SaveOptions): void {
    const policy = {
      acceptRestrictedKeys: this.settings.stripeAcceptRestrictedKeys,
      // A guest knows of no stored value that could be kept.
      isRequired: verify === 'for a guest',
    };
    const problems = values.flatMap(([rule, value]): Problem[] => {
      const problem = credentialProblem(rule, value, policy);
      return problem ? [{ loc: ['body', rule.field], ...problem }] : [];
    });
    if (problems.length > 0) throw new ValidationFailed(problems);
  }

  /** @returns a function that records the verdicts after the keys are stored */
  async #verify(
    projectId: ProjectId,
    changes: CredentialChanges,
    options: SaveOptions,
  ): Promise<() => Promise<void>> {
    const project = await this.configs.findWithOwner(projectId);
    if (!project) throw projectNotFound();
    // Keeps callers whose save would be refused from using our calls to Stripe. The save checks again.
    assertCondition(options, project.state);
    const { actor, verify } = options;
    return this.verifier.verifyChanges(project, changes, { actor, isGuest: verify === 'for a guest' });
  }

  /**
   * Destroys all credentials, and deactivates the configuration.
   * @throws DomainError `config_not_found` if the project never had one, `precondition_failed`
   */
  async remove(
    projectId: ProjectId,
    { actor = A_MODULE, ...precondition }: WriteOptions = {},
  ): Promise<void> {
    const finish = await this.#prepareRemoval(projectId, STRIPE_MODES, actor);
    if (!(await this.configs.remove({ projectId, precondition, actor, now: new Date() })))
      throw configNotFound();
    await finish();
  }

  /**
   * Destroys the credentials of one mode.
   * @throws DomainError `config_not_found` if the project never had a configuration, `precondition_failed`
   */
  async removeMode(
    projectId: ProjectId,
    mode: StripeMode,
    { actor = A_MODULE, ...precondition }: WriteOptions = {},
  ): Promise<void> {
    const finish = await this.#prepareRemoval(projectId, [mode], actor);
    if (!(await this.configs.removeMode({ projectId, precondition, actor, now: new Date() }, mode)))
      throw configNotFound();
    await finish();
  }

  /**
   * Stores the signing secret of an endpoint that was created with the secret key of `keyFingerprint`.
   * @returns false, with nothing stored, if that key is not in use or `endpoint.write` returns false
   */
  async saveWebhookSecret(
    { projectId, mode }: ProjectMode,
    { secret, ...made }: { secret: Secret; keyFingerprint: string; endpoint: EndpointChange },
  ): Promise<boolean> {
    const now = new Date();
    const isSaved = await this.sealer.withCurrentKey(() => {
      const sealed = this.sealer.seal(projectId, credentialRule(mode, 'webhook_secret'), secret);
      const overlap = this.overlap.from(now, [sealed]);
      return this.configs.saveWebhookSecret({ ...made, projectId, secret: sealed, overlap, now });
    });
    this.changes.announce(projectId);
    return isSaved;
  }

  /** Destroys the webhook secret with this fingerprint, and runs `endpoint.write`. */
  async removeWebhookSecret(removal: WebhookSecretRemoval): Promise<void> {
    await this.configs.removeWebhookSecret(removal);
    this.changes.announce(removal.projectId);
  }

  /**
   * Unseals the secret key in use.
   * @throws DomainError `project_not_found`, `config_not_found`, `config_deleted`, `mode_not_configured`,
   * `credential_unreadable`
   */
  async openSecretKey(projectId: ProjectId, mode: StripeMode): Promise<SecretKey> {
    const row = inUse(await this.configs.findSecretKey(projectId, mode));
    if (row.sealed === null)
      throw new DomainError('mode_not_configured', `This project has no ${mode} secret key.`);
    const { sealed, accountFingerprint, ...key } = row;
    const value = await this.sealer.unseal(projectId, `${mode}_secret_key`, sealed);
    return { ...key, value, accountFingerprint: accountFingerprint ?? undefined };
  }

  /** Unseals all valid webhook secrets, newest first. @throws as `openSecretKey` */
  async openWebhookSecrets(projectId: ProjectId, mode: StripeMode): Promise<WebhookSecret[]> {
    const rows = await this.overlap.findValid(projectId, mode, new Date());
    inUse(rows[0]);
    const stored = rows.filter((row) => row.sealed !== null);
    if (stored.length === 0)
      throw new DomainError('mode_not_configured', `This project has no ${mode} webhook secret.`);
    const opened = await Promise.all(
      stored.map(async ({ sealed, validUntil, isOfOtherAccount }) => {
        const value = await this.sealer
          .unseal(projectId, `${mode}_webhook_secret`, sealed)
          .catch((error: unknown) => {
            // An unreadable former secret must not block the current one.
            if (validUntil === null || !isUnreadable(error)) throw error;
            return undefined;
          });
        return value && { value, validUntil, isOfOtherAccount };
      }),
    );
    return opened.filter((secret) => secret !== undefined);
  }

  /** Finds current credentials that can't be unsealed. */
  async findUnreadable(projectId: ProjectId): Promise<UnreadableCredentials> {
    const [test, live] = await Promise.all([
      this.#unreadableIn(projectId, 'test'),
      this.#unreadableIn(projectId, 'live'),
    ]);
    return { test, live };
  }

  async #unreadableIn(projectId: ProjectId, mode: StripeMode): Promise<UnreadableCredentials[StripeMode]> {
    const [secretKey, webhookSecret] = await Promise.all([
      unreadableMessage(this.openSecretKey(projectId, mode)),
      unreadableMessage(this.openWebhookSecrets(projectId, mode)),
    ]);
    return { secretKey, webhookSecret };
  }

  /** Fingerprint of a stored credential with this value. */
  fingerprint(projectId: ProjectId, value: Secret): string {
    return this.sealer.fingerprint(projectId, value);
  }

  /** Account fingerprint of a stored key of this account. @param accountId `acct_…` */
  accountFingerprint(projectId: ProjectId, accountId: string): string {
    return this.sealer.accountFingerprint(projectId, accountId);
  }

  /** @returns the cleanup to run after the removal; it never fails */
  async #prepareRemoval(
    projectId: ProjectId,
    modes: readonly StripeMode[],
    actor: Actor,
  ): Promise<() => Promise<void>> {
    const { cleanUp } = await this.removing.prepare(
      modes.map((mode) => ({ projectId, mode })),
      actor,
    );
    return async () => {
      this.changes.announce(projectId);
      await cleanUp().catch(() => {
        this.#logger.warn(
          `The credentials of project ${projectId} are destroyed, but not all that belongs to them could be cleaned up.`,
        );
      });
    };
  }
}

function valuesOf(changes: CredentialChanges): [CredentialRule, string][] {
  return CREDENTIAL_RULES.flatMap((rule): [CredentialRule, string][] => {
    const value = changes[rule.field];
    return typeof value === 'string' ? [[rule, value.trim()]] : [];
  });
}

/** @param row `undefined` without a project; `isActive` is `null` without a configuration */
function inUse<Row extends { isActive: boolean | null }>(row: Row | undefined): Row & { isActive: true } {
  if (!row) throw projectNotFound();
  if (row.isActive === null) throw configNotFound();
  if (!row.isActive)
    throw new DomainError('config_deleted', "This project's Stripe configuration was deleted.");
  return row as Row & { isActive: true };
}

const NOTHING_STORED: readonly ErrorCode[] = ['config_not_found', 'config_deleted', 'mode_not_configured'];

function isUnreadable(error: unknown): error is DomainError {
  return error instanceof DomainError && error.code === 'credential_unreadable';
}

/** @returns the message for an unreadable credential; `undefined` if it is readable or not stored */
async function unreadableMessage(opening: Promise<unknown>): Promise<string | undefined> {
  try {
    await opening;
  } catch (error) {
    if (isUnreadable(error)) return error.message;
    if (!(error instanceof DomainError && NOTHING_STORED.includes(error.code))) throw error;
  }
  return undefined;
}

function configNotFound(): DomainError {
  return new DomainError('config_not_found', 'This project has no Stripe configuration.');
}
