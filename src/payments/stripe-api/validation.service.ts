import { Injectable, Logger } from '@nestjs/common';
import { FixedWindowStorage } from '../../auth/fixed-window.storage.js';
import { DomainError, type Problem, ValidationFailed } from '../../common/errors.js';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { Secret } from '../../common/secret.js';
import { Settings } from '../../config/settings.js';
import type { Project } from '../../projects/project.js';
import { credentialPolicy } from '../stripe-config/credential.decorator.js';
import { credentialProblem } from '../stripe-config/credential-problem.js';
import { CREDENTIAL_RULES, credentialRule, type StripeMode } from '../stripe-config/credential-rules.js';
import { SecretKeyChecker } from '../stripe-config/secret-key-checker.js';
import type { CredentialChanges } from '../stripe-config/stripe-config.js';
import { StripeConfigService } from '../stripe-config/stripe-config.service.js';
import { KeyChecksService } from './key-checks.service.js';
import { KeyValidator } from './key-validator.js';
import type { KeyVerdict } from './key-verdict.js';

/** Nobody may use us to try out stolen keys in bulk. */
const PER_MINUTE = 30;
const MINUTE_MS = 60_000;

/** Asks Stripe about secret keys on behalf of a project's owner, within limits. */
@Injectable()
export class ValidationService extends SecretKeyChecker {
  readonly #logger = new Logger(ValidationService.name);
  readonly #asking = new Set<ProjectId>();
  readonly #asked = new FixedWindowStorage();

  constructor(
    private readonly validator: KeyValidator,
    private readonly configs: StripeConfigService,
    private readonly checks: KeyChecksService,
    private readonly settings: Settings,
  ) {
    super();
  }

  /**
   * Stores nothing but the verdict, and that only if the key is the project's stored one.
   * @throws DomainError `rate_limited`, `already_running`, `stripe_unavailable`
   */
  async validate(project: Project, secretKey: string, mode: StripeMode): Promise<KeyVerdict> {
    const value = secretKey.trim();
    const rule = credentialRule(mode, 'secret_key');
    // A restricted key is asked about in any case: why it would not do is worth knowing before the operator is asked to allow it.
    const problem = credentialProblem(rule, value, { acceptRestrictedKeys: true, isRequired: true });
    if (problem) return { valid: false, message: `The ${mode} secret key ${problem.msg}.` };
    const key = new Secret(value);
    const verdict = await this.#alone(project, 1, () => this.validator.ask(key));
    const fingerprint = this.configs.fingerprint(project.id, key);
    await this.checks.record(project.id, { mode, fingerprint }, verdict, 'validation');
    const refusal = credentialProblem(rule, value, credentialPolicy);
    return refusal && verdict.valid
      ? { ...verdict, valid: false, message: `Stripe accepts this key, but here it ${refusal.msg}.` }
      : verdict;
  }

  override async checkChanges(project: Project, changes: CredentialChanges): Promise<() => Promise<void>> {
    const keys = CREDENTIAL_RULES.filter(({ kind }) => kind === 'secret_key').flatMap((rule) => {
      const value = changes[rule.field];
      return typeof value === 'string' ? [{ rule, key: new Secret(value.trim()) }] : [];
    });
    if (keys.length === 0) return () => Promise.resolve();
    const verdicts = await this.#alone(project, keys.length, () => Promise.all(keys.map(({ key }) => this.validator.ask(key))));
    const problems = keys.flatMap(({ rule }, index): Problem[] => {
      const verdict = verdicts[index];
      return !verdict || verdict.valid ? [] : [{ loc: ['body', rule.field], msg: verdict.message, type: 'value_error' }];
    });
    if (problems.length > 0) throw new ValidationFailed(problems);
    return async () => {
      for (const [index, { rule, key }] of keys.entries()) {
        const verdict = verdicts[index];
        if (verdict) await this.#tryToRecord(project.id, rule.mode, key, verdict);
      }
    };
  }

  /** The keys are stored by now: that their verdict is not is no reason to tell the caller otherwise. */
  async #tryToRecord(projectId: ProjectId, mode: StripeMode, key: Secret, verdict: KeyVerdict): Promise<void> {
    try {
      await this.checks.record(projectId, { mode, fingerprint: this.configs.fingerprint(projectId, key) }, verdict, 'save');
    } catch {
      this.#logger.warn(`Could not note that Stripe accepted the ${mode} key of project ${projectId}.`);
    }
  }

  /** @param keys how many of them `ask` shows to Stripe: what is answered without Stripe counts for nothing */
  async #alone<T>({ id: projectId, ownerId }: Project, keys: number, ask: () => Promise<T>): Promise<T> {
    if (this.#asking.has(projectId)) {
      throw new DomainError('already_running', 'Keys of this project are being checked right now; try again shortly.', {
        retryAfterSeconds: 1,
      });
    }
    this.#asking.add(projectId);
    try {
      for (let key = 0; key < keys; key++) await this.#count(ownerId);
      return await ask();
    } finally {
      this.#asking.delete(projectId);
    }
  }

  async #count(owner: OwnerId): Promise<void> {
    if (this.settings.rateLimitPerMinute === 0) return;
    const { isBlocked, timeToBlockExpire } = await this.#asked.increment(owner, MINUTE_MS, PER_MINUTE);
    if (isBlocked) {
      throw new DomainError('rate_limited', `Keys can be checked ${PER_MINUTE} times a minute; wait as long as Retry-After says.`, {
        retryAfterSeconds: timeToBlockExpire,
      });
    }
  }
}
