import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import { Secret } from '../../common/secret.js';
import { Settings } from '../../config/settings.js';
import { Keyring } from '../../vault/keyring.js';
import type { SealContext, SealedText } from '../../vault/seal.js';
import { sealedColumn } from '../../vault/sealed-column.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import type { ReceivedEvent } from './received-event.js';

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
  storing<T>(event: ReceivedEvent, write: (payload: SealedPayload | undefined) => Promise<T>): Promise<T> {
    return this.settings.webhookRetentionDays === 0 ? write(undefined) : this.keyring.storing(() => write(this.#seal(event)));
  }

  /** @throws SealBroken */
  async open(projectId: ProjectId, mode: StripeMode, id: string, sealed: SealedText): Promise<string> {
    return (await this.keyring.open(contextOf(projectId, mode, id), sealed)).reveal();
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
