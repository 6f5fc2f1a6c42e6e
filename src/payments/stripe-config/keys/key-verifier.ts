import { Injectable, Logger } from '@nestjs/common';
import type { HistoryEvent } from '../../../history/history-entry.js';
import { HistoryTrail } from '../../../history/history-trail.js';
import { FixedWindowStorage } from '../../../auth/rate-limit.js';
import { A_MODULE, type Actor } from '../../../common/actor.js';
import { DomainError, type Problem, ValidationFailed } from '../../../common/errors.js';
import type { ProjectId } from '../../../common/ids.js';
import { Secret } from '../../../common/secret.js';
import { Settings } from '../../../config/settings.js';
import type { Project } from '../../../projects/project.entity.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import {
  CREDENTIAL_RULES,
  credentialProblem,
  type CredentialRule,
  credentialRule,
  isRestricted,
  maskCredential,
} from '../credential-rules.js';
import { CredentialSealer } from '../credential-sealer.js';
import { StripeConnector } from '../../stripe/stripe-connector.js';
import { type CredentialChanges, historyFields } from '../stripe-config.js';
import { KeyHealth } from './key-health.js';
import { probeKey } from './key-probe.js';
import type { KeyVerdict } from './key-probe.js';

type Asker = Pick<Project, 'id' | 'ownerId'>;

/** Prevents bulk checks of stolen keys. */
const PER_MINUTE = 30;
const MINUTE_MS = 60_000;

/** Limits how many keys somebody has checked in a minute. */
export class CheckQuota {
  readonly #asked = new FixedWindowStorage();

  constructor(private readonly settings: Settings) {}

  /** @throws DomainError `rate_limited` */
  count(who: string): void {
    if (this.settings.rateLimitPerMinute === 0) return;
    const { isBlocked, timeToBlockExpire } = this.#asked.count(who, MINUTE_MS, PER_MINUTE);
    if (isBlocked)
      throw new DomainError(
        'rate_limited',
        `Keys can be checked ${PER_MINUTE} times a minute; wait as long as Retry-After says.`,
        { retryAfterSeconds: timeToBlockExpire },
      );
  }
}

export interface CheckOptions {
  readonly actor?: Actor | undefined;
  /**
   * Whether somebody without a role asks. Whoever lets a guest ask limits the checks, which take nothing from
   * the owner's. A failed one leaves no trace in the history.
   */
  readonly isGuest?: boolean;
}

/** Verifies secret keys with Stripe for a project's owner, within a rate limit. */
@Injectable()
export class KeyVerifier {
  readonly #logger = new Logger(KeyVerifier.name);
  readonly #asking = new Set<ProjectId>();
  readonly #quota: CheckQuota;

  constructor(
    private readonly connector: StripeConnector,
    private readonly sealer: CredentialSealer,
    private readonly health: KeyHealth,
    private readonly history: HistoryTrail,
    private readonly settings: Settings,
  ) {
    this.#quota = new CheckQuota(settings);
  }

  /**
   * Stores only the verdict, and only for the project's stored key.
   * @throws DomainError `rate_limited`, `already_running`, `stripe_unavailable`
   */
  async verify(
    project: Asker,
    secretKey: string,
    mode: StripeMode,
    options: CheckOptions = {},
  ): Promise<KeyVerdict> {
    const { actor = A_MODULE } = options;
    const value = secretKey.trim();
    const rule = credentialRule(mode, 'secret_key');
    const { stripeAcceptRestrictedKeys } = this.settings;
    // Checks restricted keys even if they are not accepted here, so that the owner learns of other problems
    // first.
    const acceptRestrictedKeys = stripeAcceptRestrictedKeys || isRestricted(rule, value);
    const problem = credentialProblem(rule, value, { acceptRestrictedKeys, isRequired: true });
    if (problem) {
      // A malformed key may be any secret, so no part of it is recorded.
      const event: HistoryEvent = {
        action: 'credentials.validated',
        result: 'invalid',
        details: { mode },
        actor,
        at: new Date(),
      };
      await this.#recordFailure(project.id, event, options);
      return { valid: false, message: `The ${mode} secret key ${problem.msg}.` };
    }
    const key = new Secret(value);
    const mask = maskCredential(rule, value);
    const verdict = await this.#admitted(project, 1, options, () =>
      this.#ask(project.id, rule, { key, mask, options }),
    );
    const refusal = credentialProblem(rule, value, { acceptRestrictedKeys: stripeAcceptRestrictedKeys });
    const answer =
      refusal && verdict.valid
        ? { ...verdict, valid: false, message: `Stripe accepts this key, but here it ${refusal.msg}.` }
        : verdict;
    if (options.isGuest && !answer.valid) return answer;
    const fingerprint = this.sealer.fingerprint(project.id, key);
    await this.health.record(
      project.id,
      { mode, fingerprint },
      verdict,
      'validation',
      validated(rule, mask, answer, actor),
    );
    return answer;
  }

  /**
   * Verifies the secret keys in `changes` before they are stored.
   * @returns a function that records the verdicts after the save; it never fails
   * @throws ValidationFailed if Stripe refuses a key; DomainError `stripe_unavailable`, `rate_limited`,
   * `already_running`
   */
  async verifyChanges(
    project: Asker,
    changes: CredentialChanges,
    options: CheckOptions,
  ): Promise<() => Promise<void>> {
    const { actor = A_MODULE } = options;
    const keys = CREDENTIAL_RULES.filter(({ kind }) => kind === 'secret_key').flatMap((rule) => {
      const value = changes[rule.field]?.trim();
      return value === undefined ? [] : [{ rule, key: new Secret(value), mask: maskCredential(rule, value) }];
    });
    if (keys.length === 0) return () => Promise.resolve();
    const checked = await this.#admitted(project, keys.length, options, () =>
      Promise.all(
        keys.map(async ({ rule, key, mask }) => {
          const verdict = await this.#ask(project.id, rule, { key, mask, options });
          return { rule, key, verdict, event: validated(rule, mask, verdict, actor) };
        }),
      ),
    );
    const problems = checked
      .filter(({ verdict }) => !verdict.valid)
      .map(({ rule, verdict }): Problem => ({
        loc: ['body', rule.field],
        msg: verdict.message,
        type: 'value_error',
      }));
    if (problems.length > 0) {
      for (const { event } of checked) await this.#recordFailure(project.id, event, options);
      throw new ValidationFailed(problems);
    }
    return async () => {
      for (const { rule, key, verdict, event } of checked)
        await this.#tryToRecord(project.id, rule.mode, key, verdict, event);
    };
  }

  /** Never fails, because the keys are stored already. */
  async #tryToRecord(
    projectId: ProjectId,
    mode: StripeMode,
    key: Secret,
    verdict: KeyVerdict,
    event: HistoryEvent,
  ): Promise<void> {
    try {
      await this.health.record(
        projectId,
        { mode, fingerprint: this.sealer.fingerprint(projectId, key) },
        verdict,
        'save',
        event,
      );
    } catch {
      this.#logger.warn(`Could not note that Stripe accepted the ${mode} key of project ${projectId}.`);
    }
  }

  /** Asks Stripe, and records a failed attempt in the history. */
  async #ask(
    projectId: ProjectId,
    rule: CredentialRule,
    { key, mask, options }: { key: Secret; mask: string; options: CheckOptions },
  ): Promise<KeyVerdict> {
    try {
      return await probeKey(this.connector, key);
    } catch (error) {
      const event = validated(rule, mask, undefined, options.actor ?? A_MODULE);
      await this.#recordFailure(projectId, event, options);
      throw error;
    }
  }

  async #recordFailure(projectId: ProjectId, event: HistoryEvent, { isGuest }: CheckOptions): Promise<void> {
    if (!isGuest) await this.history.record(projectId, event);
  }

  /**
   * Runs one check per project at a time, besides those of guests.
   * @param keys number of keys that `ask` sends to Stripe
   */
  async #admitted<T>(
    { id: projectId, ownerId }: Asker,
    keys: number,
    { isGuest }: CheckOptions,
    ask: () => Promise<T>,
  ): Promise<T> {
    if (isGuest) return ask();
    if (this.#asking.has(projectId)) {
      throw new DomainError(
        'already_running',
        'Keys of this project are being checked right now; try again shortly.',
        {
          retryAfterSeconds: 1,
        },
      );
    }
    this.#asking.add(projectId);
    try {
      for (let key = 0; key < keys; key++) this.#quota.count(ownerId);
      return await ask();
    } finally {
      this.#asking.delete(projectId);
    }
  }
}

/** @param verdict `undefined` if Stripe could not be asked */
export function validated(
  { mode, kind }: CredentialRule,
  mask: string,
  verdict: KeyVerdict | undefined,
  actor: Actor,
): HistoryEvent {
  return {
    action: 'credentials.validated',
    result: verdict ? (verdict.valid ? 'valid' : 'invalid') : 'unavailable',
    details: { mode, fields: historyFields([{ mode, kind, mask }]) },
    actor,
    at: new Date(),
  };
}
