import { Injectable } from '@nestjs/common';
import type { WebhookSecret } from '../../stripe-config/stripe-config.service.js';
import { type Delivery, DeliveryObserver } from '../monitor/delivery-observer.js';
import { signatureProblem } from '../refusals/stripe-signature.js';
import type { RefusalReason } from '../refusals/webhook-receiver.errors.js';
import { EventReader, type ReceivedEvent } from './event-reader.js';
import { WebhookSecrets } from './webhook-secrets.js';

/**
 * Verifies signatures. No part of a body is parsed before its signature is verified, except to find out why
 * signatures fail.
 */
@Injectable()
export class DeliveryVerifier {
  constructor(
    private readonly secrets: WebhookSecrets,
    private readonly events: EventReader,
    private readonly observer: DeliveryObserver,
  ) {}

  /** @returns the event, or the reason to refuse it. @throws as `WebhookSecrets.find` */
  async verify(delivery: Delivery): Promise<ReceivedEvent | RefusalReason> {
    const { signature, bytes, at } = delivery;
    const secrets = await this.secrets.find(delivery);
    const problemWith = (some: readonly WebhookSecret[]) =>
      signatureProblem(
        signature,
        bytes,
        some.map(({ value }) => value),
        at,
      );
    const problem = problemWith(secrets);
    if (problem === 'wrong_signature') this.observer.refused(delivery);
    if (problem) return problem;
    const former = secrets.filter(({ validUntil }) => validUntil !== null);
    if (former.length > 0) {
      const isCurrent = former.length < secrets.length && !problemWith(secrets.slice(0, -former.length));
      const used = isCurrent ? undefined : former.find((secret) => !problemWith([secret]));
      this.observer.verified(delivery, used?.validUntil ?? null);
    }
    const own = secrets.filter(({ isOfOtherAccount }) => !isOfOtherAccount);
    const isOfOtherAccount = own.length < secrets.length && problemWith(own) !== undefined;
    return this.events.read(delivery, bytes, { isOfOtherAccount, isDelivered: true });
  }
}
