import { Injectable, Logger } from '@nestjs/common';
import type { HistoryEvent } from '../../../history/history-entry.js';
import { systemActor } from '../../../common/actor.js';
import type { ProjectId } from '../../../common/ids.js';
import { ConfigChanges } from '../config-cache.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import { CredentialSealer } from '../credential-sealer.js';
import { type ConnectionState, KeyHealthRepository } from './key-health.repository.js';
import type { CheckedBy, KeyIdentity, KeyVerdict, StripeAccount } from './key-probe.js';
import type { AnswerListener } from '../../stripe/strict-http-client.js';

const IN_USE = systemActor('stripe client');
const UNAUTHORIZED = 401;
/** A key is used by calls and by the daily check. */
const ACCEPTED_IN_USE: KeyVerdict = { valid: true, message: 'Stripe accepted this key.' };
const REFUSED_IN_USE: KeyVerdict = {
  valid: false,
  message: 'Stripe refuses this key; it was rolled, revoked or has expired.',
};

/** Records Stripe's verdicts on stored keys. */
@Injectable()
export class KeyHealth {
  readonly #logger = new Logger(KeyHealth.name);

  constructor(
    private readonly checks: KeyHealthRepository,
    private readonly sealer: CredentialSealer,
    private readonly changes: ConfigChanges,
  ) {}

  find(projectId: ProjectId): Promise<ConnectionState[]> {
    return this.checks.findByProject(projectId);
  }

  /** Deletes the verdict, which must not survive its key: the key may be stored again. */
  forget(projectId: ProjectId, mode: StripeMode): Promise<void> {
    return this.checks.forget(projectId, mode);
  }

  /** Records only `event` if the key is not the project's stored key. */
  async record(
    projectId: ProjectId,
    key: KeyIdentity,
    verdict: KeyVerdict,
    by: CheckedBy,
    event: HistoryEvent,
  ): Promise<void> {
    const accountFingerprint =
      verdict.account && this.sealer.accountFingerprint(projectId, verdict.account.id);
    const check = { key, verdict, by, accountFingerprint, event };
    const { isAccountNews } = await this.checks.record(projectId, check);
    if (isAccountNews) this.changes.announceEverywhere(projectId);
  }

  /** Records the account of a key in use. Never rejects, because Stripe can be asked again. */
  async recordAccount(projectId: ProjectId, key: KeyIdentity, account: StripeAccount): Promise<void> {
    const { mode } = key;
    const event: HistoryEvent = {
      action: 'credentials.validated',
      result: 'valid',
      details: { mode },
      actor: IN_USE,
      at: new Date(),
    };
    await this.record(projectId, key, { ...ACCEPTED_IN_USE, account }, 'use', event).catch(() => {
      this.#logger.warn(`Could not note the account of the ${mode} key of project ${projectId}.`);
    });
  }

  /**
   * Records each refusal of a client's key, and the first success after a start or refusal. Doesn't block.
   */
  followUse(projectId: ProjectId, key: KeyIdentity): AnswerListener {
    let isAccepted = false;
    let refusedAt = 0;
    return (status, sentAt) => {
      if (status === UNAUTHORIZED) {
        isAccepted = false;
        refusedAt = performance.now();
        this.#note(projectId, key, REFUSED_IN_USE);
      } else if (status < 300 && !isAccepted && sentAt > refusedAt) {
        isAccepted = true;
        this.#note(projectId, key, ACCEPTED_IN_USE);
      }
    };
  }

  #note(projectId: ProjectId, key: KeyIdentity, verdict: KeyVerdict): void {
    const { mode } = key;
    const event: HistoryEvent = {
      action: 'credentials.refused',
      result: 'invalid',
      details: { mode },
      actor: IN_USE,
      at: new Date(),
    };
    this.record(projectId, key, verdict, 'use', event).catch(() => {
      const did = verdict.valid ? 'accepted' : 'refused';
      this.#logger.warn(
        `Could not note that Stripe ${did} the ${key.mode} key of project ${projectId} when it was used.`,
      );
    });
  }
}
