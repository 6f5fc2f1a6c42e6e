import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { DomainError, ValidationFailed } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { Secret } from '../../common/secret.js';
import { Keyring } from '../../vault/keys/keyring.js';
import type { SealContext } from '../../vault/seal/seal.js';
import { sealedColumn } from '../../vault/seal/sealed-column.js';
import { IdempotencyKeysRepository, type KeyUse } from './idempotency-keys.repository.js';

/** JSON with sorted members, so that equal values have equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(byName)) : inner,
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function byName([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1;
}

const PURPOSE = 'idempotent-answer';

export interface IdempotentCall {
  readonly projectId: ProjectId;
  readonly caller: string;
  readonly operation: string;
  /** The caller's `Idempotency-Key`. */
  readonly key: string;
  /** Input of the operation, as JSON. */
  readonly request: unknown;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Performs an operation once per key, and returns the stored answer to retries within a day. */
@Injectable()
export class IdempotentAnswers {
  readonly #logger = new Logger(IdempotentAnswers.name);

  constructor(
    private readonly keys: IdempotencyKeysRepository,
    private readonly keyring: Keyring,
  ) {}

  /**
   * @param perform its exceptions are not stored
   * @throws DomainError `idempotency_key_in_use` while the first request runs; ValidationFailed for other
   * input
   */
  async once(
    call: IdempotentCall,
    perform: () => Promise<Answer>,
  ): Promise<Answer & { isReplayed: boolean }> {
    const use = this.#useOf(call);
    const earlier = await this.keys.claim(use);
    if (!earlier) return { ...(await this.#perform(use, perform)), isReplayed: false };
    if (earlier.request !== use.request) throw keyReused();
    if (earlier.answer === null) throw inUse();
    const answer = await this.keyring.unseal(contextOf(use), earlier.answer);
    return { ...(JSON.parse(answer.reveal()) as Answer), isReplayed: true };
  }

  async #perform(use: KeyUse, perform: () => Promise<Answer>): Promise<Answer> {
    let answer: Answer;
    try {
      answer = await perform();
    } catch (error) {
      await this.keys
        .release(use)
        .catch(() => this.#logger.warn('An idempotency key stays in use until its lease ends.'));
      throw error;
    }
    const store = () =>
      this.keys.answer(use, this.keyring.seal(contextOf(use), new Secret(JSON.stringify(answer))));
    // The operation has succeeded, so the caller gets the answer even if storing it fails.
    await this.keyring
      .withCurrentKey(store)
      .catch(() => this.#logger.warn('The answer for an idempotency key could not be stored.'));
    return answer;
  }

  #useOf({ projectId, caller, operation, key, request }: IdempotentCall): KeyUse {
    return {
      projectId,
      scope: this.keyring.fingerprint(projectId, 'idempotency-key', JSON.stringify([caller, operation, key])),
      request: this.keyring.fingerprint(projectId, 'idempotent-request', canonicalJson(request)),
      holder: randomUUID(),
    };
  }
}

function contextOf({ projectId, scope }: Pick<KeyUse, 'scope'> & { projectId: string }): SealContext {
  return { purpose: PURPOSE, tenant: projectId, field: scope };
}

export const SEALED_ANSWERS = sealedColumn({
  table: 'idempotency_keys',
  primaryKey: ['project_id', 'scope'],
  sealed: 'answer',
  keyId: 'key_id',
  contextOf: ({ project_id, scope }) => contextOf({ projectId: project_id, scope }),
});

function keyReused(): ValidationFailed {
  const msg = 'was used for another request within the last 24 hours; choose a new key for a new request';
  return new ValidationFailed([{ loc: ['header', 'Idempotency-Key'], msg, type: 'value_error' }]);
}

function inUse(): DomainError {
  const message = 'A request with this Idempotency-Key is still running; try again shortly.';
  return new DomainError('idempotency_key_in_use', message, { retryAfterSeconds: 1 });
}
