import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { A_MODULE, type Actor } from '../../common/actor.js';
import { DomainError, type ErrorCode, type Problem, ValidationFailed } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { Secret } from '../../common/secret.js';
import { Settings } from '../../config/settings.js';
import { toTimestamp } from '../../database/database.js';
import type { Project } from '../../projects/project.entity.js';
import { projectNotFound, ProjectsService } from '../../projects/projects.service.js';
import { RemovalHook } from '../../projects/removal-hook.js';
import { ConfigChanges } from './config-cache.js';
import { credentialProblem } from './credential-rules.js';
import { STRIPE_MODES, type StripeMode } from '../stripe/stripe-mode.js';
import { CREDENTIAL_RULES, type CredentialRule, credentialRule } from './credential-rules.js';
import { CredentialSealer } from './credential-sealer.js';
import { KeyHealth } from './keys/key-health.js';
import { KeyVerifier } from './keys/key-verifier.js';
import { assertCondition } from './precondition.js';
import type {
  CredentialChanges,
  EndpointChange,
  SaveOptions,
  StripeConfig,
  WriteOptions,
} from './stripe-config.js';
import { StripeConfigRepository } from './stripe-config.repository.js';
import { WebhookSecretOverlap } from './webhook-secret-overlap.js';

export interface SecretKey {
  readonly value: Secret;
  readonly fingerprint: string;
  /** Of its Stripe account, where that is known. */
  readonly accountFingerprint: string | undefined;
  /** Of the configuration that it was read from. */
  readonly version: number;
}

/** Why a credential can't be unsealed, in words. */
export type UnreadableCredentials = Record<
  StripeMode,
  { secretKey?: string | undefined; webhookSecret?: string | undefined }
>;

export interface WebhookSecret {
  readonly value: Secret;
  /** Of one that was replaced; the current one stays. */
  readonly validUntil: Date | null;
  /** Whether its endpoint was made here in another account than that of the stored secret key. */
  readonly isOfOtherAccount: boolean;
}

/** The Stripe credentials of projects. Who may touch which project is for the caller to check. */
@Injectable()
export class StripeConfigService implements OnModuleInit {
  readonly #logger = new Logger(StripeConfigService.name);
  /** Lets modules above clean up after the credentials of a mode. A failure doesn't fail the removal. */
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
    // A key that is stored again after it was deleted starts from empty.
    this.removing.on(async ({ projectId, mode }) => ({ cleanUp: () => this.health.forget(projectId, mode) }));
    this.projects.deleting.on(async (projectId, actor) => ({
      destroy: (chain, now) => this.configs.removeWithProject(projectId, chain, actor, now),
      cleanUp: await this.#prepareRemoval(projectId, STRIPE_MODES, actor),
    }));
  }

  /** @returns the configuration without any secret, or `undefined` when the project never had one */
  find(projectId: ProjectId): Promise<StripeConfig | undefined> {
    return this.configs.findByProject(projectId);
  }

  /**
   * Creates or updates the configuration: the given values are sealed and stored, all or none; absent and `null` ones stay. It is
   * active afterwards.
   * @param changes values by field; surrounding whitespace is dropped
   * @throws ValidationFailed with every wrong value; DomainError `project_not_found`, `precondition_failed`, `database_unavailable`
   */
  async save(
    projectId: ProjectId,
    changes: CredentialChanges,
    options: SaveOptions = {},
  ): Promise<StripeConfig> {
    const policy = { acceptRestrictedKeys: this.settings.stripeAcceptRestrictedKeys };
    const problems = valuesOf(changes).flatMap(([rule, value]): Problem[] => {
      const problem = credentialProblem(rule, value, policy);
      return problem ? [{ loc: ['body', rule.field], ...problem }] : [];
    });
    if (problems.length > 0) throw new ValidationFailed(problems);
    return this.saveValidated(projectId, changes, options);
  }

  /** `save` for values that `RequestPipe` has checked. */
  async saveValidated(
    projectId: ProjectId,
    changes: CredentialChanges,
    options: SaveOptions,
  ): Promise<StripeConfig> {
    const values = valuesOf(changes);
    const { actor = A_MODULE, webhookSecretOverlap, ...precondition } = options;
    const now = new Date();
    const saved = await this.sealer.withCurrentKey(() => {
      const credentials = values.map(([rule, value]) => this.sealer.seal(projectId, rule, new Secret(value)));
      const overlap = this.overlap.from(now, credentials, webhookSecretOverlap);
      return this.configs.save({ projectId, credentials, precondition, overlap, actor, now });
    });
    this.changes.announceEverywhere(projectId);
    return saved;
  }

  /** Saves after Stripe accepted the secret keys. @throws as `save` and `KeyVerifier.verifyChanges` do; nothing is stored then */
  async saveVerified(
    project: Pick<Project, 'id' | 'ownerId'>,
    changes: CredentialChanges,
    options: SaveOptions = {},
  ): Promise<StripeConfig> {
    // The write checks the condition again; but a caller who can't write need not make us ask Stripe.
    assertCondition(options, await this.find(project.id));
    const noteVerdicts = await this.verifier.verifyChanges(project, changes, options);
    const saved = await this.saveValidated(project.id, changes, options);
    await noteVerdicts();
    // The verdicts may have named the account, and so added a warning.
    return (await this.find(project.id).catch(() => undefined)) ?? saved;
  }

  /**
   * Destroys all credentials; the configuration stays, inactive.
   * @throws DomainError `config_not_found` when there never was one, `precondition_failed`
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
   * @throws DomainError `config_not_found` when there never was a configuration, `precondition_failed`
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
   * Stores the signing secret of an endpoint that was made with the secret key that has `keyFingerprint`, and what `change` writes.
   * @returns false, with nothing stored, when that key is no longer in use or `change` answers false
   */
  async saveWebhookSecret(
    projectId: ProjectId,
    mode: StripeMode,
    secret: Secret,
    keyFingerprint: string,
    change: EndpointChange,
  ): Promise<boolean> {
    const now = new Date();
    const isSaved = await this.sealer.withCurrentKey(() => {
      const sealed = this.sealer.seal(projectId, credentialRule(mode, 'webhook_secret'), secret);
      const overlap = this.overlap.from(now, [sealed]);
      return this.configs.saveWebhookSecret({
        projectId,
        secret: sealed,
        keyFingerprint,
        overlap,
        endpoint: change,
        now,
      });
    });
    this.changes.announce(projectId);
    return isSaved;
  }

  /** Destroys a webhook secret, if it is still the one with this fingerprint, and what `change` deletes. */
  async removeWebhookSecret(
    projectId: ProjectId,
    mode: StripeMode,
    fingerprint: string,
    change: EndpointChange,
  ): Promise<void> {
    await this.configs.removeWebhookSecret(projectId, mode, fingerprint, change);
    this.changes.announce(projectId);
  }

  /**
   * The secret key that is in use, opened: for the room that talks to Stripe.
   * @throws DomainError `project_not_found`, `config_not_found`, `config_deleted`, `mode_not_configured`, `credential_unreadable`
   */
  async openSecretKey(projectId: ProjectId, mode: StripeMode): Promise<SecretKey> {
    const row = inUse(await this.configs.findSecretKey(projectId, mode));
    if (row.sealed === null)
      throw new DomainError('mode_not_configured', `This project has no ${mode} secret key.`);
    const value = await this.sealer.unseal(projectId, `${mode}_secret_key`, row.sealed);
    return {
      value,
      fingerprint: row.fingerprint,
      accountFingerprint: row.account_fingerprint ?? undefined,
      version: row.version,
    };
  }

  /**
   * Every webhook secret that is valid now, opened, the newest first: for the receiver of Stripe's events.
   * @throws as `openSecretKey` does
   */
  async openWebhookSecrets(projectId: ProjectId, mode: StripeMode): Promise<WebhookSecret[]> {
    const rows = await this.overlap.findValid(projectId, mode, new Date());
    inUse(rows[0]);
    const stored = rows.flatMap(({ sealed, valid_until: validUntil, is_of_other_account: isOther }) =>
      sealed === null ? [] : [{ sealed, validUntil, isOfOtherAccount: Boolean(isOther) }],
    );
    if (stored.length === 0)
      throw new DomainError('mode_not_configured', `This project has no ${mode} webhook secret.`);
    const opened = await Promise.all(
      stored.map(async ({ sealed, validUntil, isOfOtherAccount }) => {
        const value = await this.sealer
          .unseal(projectId, `${mode}_webhook_secret`, sealed)
          .catch((error: unknown) => {
            // One that gives way soon keeps nobody from using the current one.
            if (validUntil === null || !isUnreadable(error)) throw error;
            return undefined;
          });
        return (
          value && {
            isOfOtherAccount,
            value,
            validUntil: validUntil === null ? null : new Date(toTimestamp(validUntil)),
          }
        );
      }),
    );
    return opened.filter((secret) => secret !== undefined);
  }

  /** The current credentials that can't be unsealed. */
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

  /** The fingerprint that a stored credential with this value has. */
  fingerprint(projectId: ProjectId, value: Secret): string {
    return this.sealer.fingerprint(projectId, value);
  }

  /** The account fingerprint that a stored key of this account has. @param accountId `acct_…` */
  accountFingerprint(projectId: ProjectId, accountId: string): string {
    return this.sealer.accountFingerprint(projectId, accountId);
  }

  /** @returns the cleanup for after the removal; it never fails */
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

/** @param row `undefined` without a project; `is_active` is `null` without a configuration */
function inUse<Row extends { is_active: boolean | number | null }>(row: Row | undefined): Row {
  if (!row) throw projectNotFound();
  if (row.is_active === null) throw configNotFound();
  if (!row.is_active)
    throw new DomainError('config_deleted', "This project's Stripe configuration was deleted.");
  return row;
}

const NOTHING_STORED: readonly ErrorCode[] = ['config_not_found', 'config_deleted', 'mode_not_configured'];

function isUnreadable(error: unknown): error is DomainError {
  return error instanceof DomainError && error.code === 'credential_unreadable';
}

/** @returns why a credential can't be unsealed; `undefined` when it can, or when none is stored */
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
