import { Injectable } from '@nestjs/common';
import { Secret } from '../../../common/secret.js';
import { Settings } from '../../../config/settings.js';
import { Keyring } from '../../../vault/keys/keyring.js';
import type { SealContext, SealedText } from '../../../vault/seal/seal.js';
import { sealedColumn } from '../../../vault/seal/sealed-column.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import type { ReceivedEvent } from './event-reader.js';

export interface SealedPayload {
  readonly sealed: SealedText;
  readonly keyId: string;
}

/** Seals the payloads of events, which contain names, addresses and amounts of a tenant's customers. */
@Injectable()
export class EventPayloads {
  constructor(
    private readonly keyring: Keyring,
    private readonly settings: Settings,
  ) {}

  /** Runs `write`, which stores the event with its payload, or without one if the retention is 0 days. */
  withCurrentKey<T>(
    event: ReceivedEvent,
    write: (payload: SealedPayload | undefined) => Promise<T>,
  ): Promise<T> {
    return this.settings.webhookRetentionDays === 0
      ? write(undefined)
      : this.keyring.withCurrentKey(() => write(this.#seal(event)));
  }

  /** @throws SealBroken */
  async unseal({ projectId, mode }: ProjectMode, id: string, sealed: SealedText): Promise<string> {
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
