import { Injectable } from '@nestjs/common';
import type { Observation, StoredVersion } from '../merge/observation.js';
import {
  decideSubscription,
  isEnded,
  isLaterStage,
  type OwnedSubscription,
  type SubscriptionFact,
} from '../merge/subscription.js';
import { type Reading, readObject } from '../read/read-object.js';
import { SubscriptionsTable } from '../store/ledger-tables.js';
import { type Enrichment, ObjectOwnership } from './object-ownership.js';
import { missingAtStripe, observedInResponse, StripeLookups } from './stripe-lookups.js';

/** Completes the subscription of an event: its current state at Stripe, and the name of its plan. */
@Injectable()
export class SubscriptionEnricher {
  constructor(
    private readonly subscriptions: SubscriptionsTable,
    private readonly lookups: StripeLookups,
    private readonly ownership: ObjectOwnership,
  ) {}

  async complete(
    tenant: Enrichment,
    reading: Reading,
    observed: Observation,
  ): Promise<Pick<Reading, 'party' | 'subscription'>> {
    const { subscription: fact, subscriptionToFetch } = reading;
    const id = fact?.subscriptionId ?? subscriptionToFetch;
    if (id === undefined) return reading;
    const stored = await this.subscriptions.find(tenant, id);
    const seenRevision = stored?.revision ?? 0;
    const needsFetch = needsRefetch(stored, fact, observed);
    const response = needsFetch
      ? await this.ownership.checked(tenant, this.lookups.subscription(tenant, id))
      : undefined;
    if (needsFetch && !response && stored) {
      if (!fact) throw missingAtStripe('subscription');
      return {
        party: reading.party,
        ...(isLaterStage(fact, stored) && { subscription: { ...fact, seenRevision } }),
      };
    }
    const { party, subscription } = response
      ? readObject(tenant.projectId, response.object, observedInResponse(response, observed, seenRevision))
      : reading;
    if (!subscription?.productId || decideSubscription(stored, subscription) === 'skip')
      return { party, subscription };
    const planName = await this.lookups.productName(tenant, subscription.productId);
    return { party, subscription: { ...subscription, planName } };
  }
}

/**
 * A subscription's event contains its whole state; two events of one second may conflict. An invoice's event
 * lacks that state.
 */
function needsRefetch(
  stored: (OwnedSubscription & StoredVersion) | undefined,
  fact: SubscriptionFact | undefined,
  { asOf }: Observation,
): boolean {
  if (fact) return decideSubscription(stored, fact) === 'refetch';
  return !stored || (stored.asOf <= asOf && !isEnded(stored.status));
}
