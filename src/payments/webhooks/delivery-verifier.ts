import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import type { WebhookSecret } from '../stripe-config/stripe-config.service.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import type { ReceivedEvent } from './received-event.js';
import { EventReader } from './event-reader.js';
import type { RefusalReason } from './refusals.js';
import { signatureProblem } from './stripe-signature.js';
import { WebhookSecrets } from './webhook-secrets.js';

/** What was posted to a webhook URL. */
export interface Delivery {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
  /** The `Stripe-Signature` header. */
  readonly signature: string | undefined;
  readonly bytes: Buffer;
  /** When it came, in milliseconds since 1970. */
  readonly at: number;
}

/** Tells Stripe's deliveries from those of strangers. Nothing of a body is read before its signature holds. */
@Injectable()
export class DeliveryVerifier {
  constructor(
    private readonly secrets: WebhookSecrets,
    private readonly events: EventReader,
  ) {}

  /** @returns the event, or why it is refused. @throws as `WebhookSecrets.find` */
  async verify({ projectId, mode, signature, bytes, at }: Delivery): Promise<ReceivedEvent | RefusalReason> {
    const secrets = await this.secrets.find(projectId, mode);
    const problemOf = (some: readonly WebhookSecret[]) =>
      signatureProblem(
        signature,
        bytes,
        some.map(({ value }) => value),
        at,
      );
    const problem = problemOf(secrets);
    if (problem) return problem;
    const own = secrets.filter(({ isOfOtherAccount }) => !isOfOtherAccount);
    return this.events.read(projectId, mode, bytes, own.length < secrets.length && problemOf(own) !== undefined);
  }
}
