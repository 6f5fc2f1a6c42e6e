import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import { Secret } from '../../common/secret.js';
import { Settings } from '../../config/settings.js';
import { Keyring } from '../../vault/keyring.js';
import type { SealContext, SealedText } from '../../vault/seal.js';
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

  /** @returns `undefined` where payloads are not kept */
  seal({ projectId, mode, id, json }: ReceivedEvent): SealedPayload | undefined {
    if (this.settings.webhookRetentionDays === 0) return undefined;
    return this.keyring.seal(contextOf(projectId, mode, id), new Secret(json));
  }

  /** @throws SealBroken */
  async open(projectId: ProjectId, mode: StripeMode, id: string, sealed: SealedText): Promise<string> {
    return (await this.keyring.open(contextOf(projectId, mode, id), sealed)).reveal();
  }
}

function contextOf(projectId: ProjectId, mode: StripeMode, id: string): SealContext {
  return { purpose: 'webhook-event', tenant: projectId, field: `${mode} ${id}` };
}
