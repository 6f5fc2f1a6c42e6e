import { Injectable } from '@nestjs/common';
import { DomainError } from '../../../common/errors.js';
import type { ProjectId } from '../../../common/ids.js';
import { Secret } from '../../../common/secret.js';
import { Settings } from '../../../config/settings.js';
import { isDatabaseUnavailable } from '../../../database/database-errors.js';
import { Keyring } from '../../../vault/keys/keyring.js';
import type { SealContext, SealedText } from '../../../vault/seal/seal.js';
import { sealedColumn } from '../../../vault/seal/sealed-column.js';
import { StripeAccounts } from '../../stripe-config/keys/stripe-accounts.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import type { RefusalReason } from '../receiver/webhook-refusals.js';
import {
  OTHER_ACCOUNT_REASON,
  OTHER_ENDPOINT_REASON,
  parseEvent,
  type ReceivedEvent,
} from './received-event.js';

export interface SealedPayload {
  readonly sealed: SealedText;
  readonly keyId: string;
}

/** Keeps what Stripe sent, sealed: names, addresses and amounts of a tenant's customers are in it. */
@Injectable()
export class EventPayloads {
  constructor(
    private readonly keyring: Keyring,
    private readonly settings: Settings,
  ) {}

  /** Runs `write`, which stores the event with its payload; without one where payloads are not kept. */
  withCurrentKey<T>(
    event: ReceivedEvent,
    write: (payload: SealedPayload | undefined) => Promise<T>,
  ): Promise<T> {
    return this.settings.webhookRetentionDays === 0
      ? write(undefined)
      : this.keyring.withCurrentKey(() => write(this.#seal(event)));
  }

  /** @throws SealBroken */
  async unseal(projectId: ProjectId, mode: StripeMode, id: string, sealed: SealedText): Promise<string> {
    return (await this.keyring.unseal(contextOf(projectId, mode, id), sealed)).reveal();
  }

  #seal({ projectId, mode, id, json }: ReceivedEvent): SealedPayload {
    return this.keyring.seal(contextOf(projectId, mode, id), new Secret(json));
  }
}

function contextOf(projectId: string, mode: string, id: string): SealContext {
  return { purpose: 'webhook-event', tenant: projectId, field: `${mode} ${id}` };
}

export const SEALED_PAYLOADS = sealedColumn({
  table: 'webhook_events',
  primaryKey: ['project_id', 'mode', 'id'],
  sealed: 'sealed',
  keyId: 'key_id',
  contextOf: ({ project_id, mode, id }) => contextOf(project_id, mode, id),
});

/** Reads events from wherever they come, and tells those of other accounts. */
@Injectable()
export class EventReader {
  constructor(private readonly accounts: StripeAccounts) {}

  /**
   * @param isOfOtherAccount whether it came from an endpoint of another account
   * @returns the event, or why it is refused. An event of another account is never of the wrong mode: Connect sends test events to live
   * endpoints too.
   * @throws DomainError `database_unavailable`
   */
  async read(
    projectId: ProjectId,
    mode: StripeMode,
    bytes: Buffer,
    isOfOtherAccount = false,
  ): Promise<ReceivedEvent | Extract<RefusalReason, 'unreadable' | 'wrong_mode'>> {
    const event = parseEvent(projectId, mode, bytes);
    if (!event) return 'unreadable';
    if (isOfOtherAccount) return { ...event, ignoredBecause: OTHER_ENDPOINT_REASON };
    const isOfMode = event.livemode === (mode === 'live');
    try {
      for (const account of event.accountIds)
        if (!(await this.accounts.isOwn(projectId, mode, account)))
          return { ...event, ignoredBecause: OTHER_ACCOUNT_REASON };
    } catch (error) {
      if (!(error instanceof DomainError) || isDatabaseUnavailable(error)) throw error;
      // Only accounts that are connected to the project's send events of one mode to an endpoint of the other.
      return isOfMode
        ? { ...event, undecidedBecause: error }
        : { ...event, ignoredBecause: OTHER_ACCOUNT_REASON };
    }
    return isOfMode ? event : 'wrong_mode';
  }
}
