import { setTimeout as sleep } from 'node:timers/promises';
import type { INestApplicationContext } from '@nestjs/common';
import { DomainError } from '../../common/errors.js';
import { KeyHealth } from '../../payments/stripe-config/keys/key-health.js';
import { probeKey } from '../../payments/stripe-config/keys/key-probe.js';
import { validated } from '../../payments/stripe-config/keys/key-verifier.js';
import { StripeConnector } from '../../payments/stripe/stripe-connector.js';
import { OPERATOR } from '../session.js';
import type { Plan } from './project-importer.js';
import { refusalOf } from './project-line.js';

/** Below the smallest limit of Stripe, 25 requests a second for an account in test mode. */
const REQUESTS_PER_SECOND = 20;
/** A restricted key is asked for each permission that it needs. */
const REQUESTS_OF_RESTRICTED = 12;

/** Asks Stripe about the secret keys of an import, evenly over time. */
export class KeyValidation {
  readonly #connector: StripeConnector;
  readonly #health: KeyHealth;
  readonly #signal: AbortSignal;
  #nextAt = 0;

  constructor(services: INestApplicationContext, signal: AbortSignal) {
    this.#connector = services.get(StripeConnector);
    this.#health = services.get(KeyHealth);
    this.#signal = signal;
  }

  /** @returns the plans, of which those with a refused key are refusals */
  check(plans: readonly Plan[]): Promise<Plan[]> {
    return Promise.all(plans.map((plan) => this.#check(plan)));
  }

  /** Records the verdicts on keys that are stored, by the import or before it. @param plan with the outcome of storing */
  async record({ line, verdicts, outcome }: Plan): Promise<void> {
    for (const { key, verdict } of verdicts) {
      const { rule, mask, fingerprint, isStored } = key;
      if (!isStored && typeof outcome !== 'string') continue;
      const event = validated(rule, mask, verdict, OPERATOR);
      const identity = { mode: rule.mode, fingerprint };
      await this.#health.record(line.project.id, identity, verdict, 'save', event);
    }
  }

  async #check(plan: Plan): Promise<Plan> {
    const { line, unverified } = plan;
    const verdicts: Plan['verdicts'][number][] = [];
    try {
      for (const key of unverified) {
        await this.#wait(key.mask.startsWith('rk_') ? REQUESTS_OF_RESTRICTED : 1);
        verdicts.push({ key, verdict: await probeKey(this.#connector, key.value) });
      }
    } catch (error) {
      if (!(error instanceof DomainError && error.code === 'stripe_unavailable')) throw error;
      return { ...plan, outcome: refusalOf(line, error.message), verdicts };
    }
    const refused = verdicts.find(({ verdict }) => !verdict.valid);
    const outcome = refused ? refusalOf(line, refused.verdict.message, refused.key.rule.field) : plan.outcome;
    return { ...plan, outcome, verdicts };
  }

  /** Waits for the turn of this many requests. */
  async #wait(requests: number): Promise<void> {
    const now = performance.now();
    const turn = Math.max(this.#nextAt, now);
    this.#nextAt = turn + (requests * 1_000) / REQUESTS_PER_SECOND;
    await sleep(turn - now, undefined, { signal: this.#signal });
  }
}
